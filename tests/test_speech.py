"""Speech by eSpeak NG: the same samples every time, different ones for different words, and errors that name the remedy."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from wordspace import cards, speech


def test_the_same_call_gives_the_same_samples_whatever_was_said_between():
    calls = [
        ("dog", "en", "Ann"),
        ("狗脸", "zh", "Ed"),
        ("face with hissing snakes", "en", "Hal"),
        ("旗：中国", "zh", "Dai"),
    ]
    first = [speech.say(*call) for call in calls]
    for n in (2, 0, 3, 1, 1):
        assert np.array_equal(speech.say(*calls[n]), first[n])


@pytest.mark.parametrize("voice", speech.VOICES)
def test_every_voice_says_a_word_twice_alike_and_unlike_the_others(voice):
    word = speech.say("fish", "en", voice)
    speech.say("鱼", "zh", "Ann" if voice != "Ann" else "Ed")
    assert np.array_equal(speech.say("fish", "en", voice), word)
    others = [speech.say("fish", "en", other) for other in speech.VOICES if other != voice]
    assert not any(len(word) == len(other) and np.array_equal(word, other) for other in others)


def test_samples_are_sound():
    for text, edition in (("dog", "en"), ("狗", "zh")):
        x = speech.say(text, edition)
        assert x.dtype == np.float32
        assert x.ndim == 1
        assert 0.15 < len(x) / speech.RATE < 1
        assert 0.1 < abs(x).max() <= 1


def test_different_characters_sound_different():
    spoken = [speech.say(character, "zh") for character in "狗猫妈马鱼花"]  # 妈 and 马 differ in tone only
    for n, x in enumerate(spoken):
        assert not any(len(x) == len(y) and np.array_equal(x, y) for y in spoken[:n])
    assert len(speech.say("一二三四五六", "zh")) > 2 * len(speech.say("一二", "zh"))


def test_homophones_sound_alike():
    assert np.array_equal(speech.say("knight", "en"), speech.say("night", "en"))


def test_the_speed_and_the_pitch_are_heard():
    slow, fast = (speech.say("hedgehog", "en", speed=speed) for speed in (120, 300))
    assert len(slow) > 1.5 * len(fast)

    def pitch(x):  # the lag at which a stretch of vowel is most like itself, as a frequency
        y = x[len(x) // 3 :][:2048]
        likeness = np.correlate(y, y, "full")[len(y) :]
        lags = np.arange(speech.RATE // 220, speech.RATE // 50)
        return speech.RATE / lags[likeness[lags].argmax()]

    low, high = (pitch(speech.say("aaah", "en", "Ed", pitch=pitch_)) for pitch_ in (10, 90))
    assert high > 1.15 * low


def test_threads_take_turns():
    words = ["dog", "cat", "horse", "whale"] * 3
    alone = [speech.say(word, "en") for word in words]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda word: speech.say(word, "en"), words))
    assert all(np.array_equal(x, y) for x, y in zip(alone, together, strict=True))


@pytest.mark.parametrize("text", ["", "   ", "?!", "🐕", "dog\0cat"])
def test_nothing_to_say(text):
    with pytest.raises(speech.NoSpeech, match="nothing to say in .*: give it at least one letter"):
        speech.say(text, "en")


def test_unknown_voice_language_speed_pitch():
    with pytest.raises(speech.UnknownVoice, match="no voice 'Zoe'; choose one of: Ann, Bea"):
        speech.say("dog", "en", "Zoe")
    with pytest.raises(ValueError, match="no language 'fr' to speak in; choose one of: en, zh"):
        speech.say("chien", "fr")
    with pytest.raises(ValueError, match="a speed of 1000: choose 80 to 450"):
        speech.say("dog", "en", speed=1000)
    with pytest.raises(ValueError, match="a pitch of -1: choose 0 to 99"):
        speech.say("dog", "en", pitch=-1)


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    missing = dataclasses.replace(cards.load("espeak"), package="no-such-package")
    monkeypatch.setattr(cards, "load", lambda name: missing)
    cards.open_file.cache_clear()
    with pytest.raises(cards.MissingData, match='pip install "no-such-package==0.2.4"'):
        speech._library.__wrapped__()


def test_data_that_somebody_damaged_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "build", lambda *parts: tmp_path.joinpath(*parts))
    folder = speech._data()
    (folder / "en_dict").write_bytes(b"nonsense")
    speech._data()
    assert cards.sha256(folder / "en_dict") == next(
        file.sha256 for file in cards.load("espeak").files if file.path.endswith("en_dict")
    )
    assert not list(folder.rglob(".*"))
