"""Speech without a network: eSpeak NG says a text in English or Mandarin and hands back the samples.

The library and its data come out of the package ``espeakng-loader``, which is not imported; see its card. eSpeak NG makes
speech by rule from formants (resonances of the mouth), not from recordings, so a voice is a handful of numbers. The course
brings its own voices: the package's own let the pitch flutter with a clock that no call resets, and so never say a word
twice alike.
"""

import ctypes
import os
import platform
import threading
from functools import cache
from pathlib import Path

import numpy as np

from wordspace import cards
from wordspace.paths import build

RATE = 22050  # samples a second
LANGUAGES = {"en": "en-us", "zh": "cmn"}
SPEEDS, PITCHES = (80, 450), (0, 99)
# Name → lowest and highest pitch in Hz, the formants' place and width in % (a shorter throat has higher ones), and how
# strong the upper ones are, in %.
VOICES = {
    "Ann": (150, 230, 112, 100, 110),
    "Bea": (175, 270, 118, 90, 80),
    "Cai": (140, 205, 106, 130, 140),
    "Dai": (200, 310, 125, 100, 100),
    "Ed": (85, 125, 98, 100, 100),
    "Fan": (70, 105, 92, 120, 130),
    "Gus": (100, 160, 103, 85, 70),
    "Hal": (60, 100, 87, 100, 90),
}
BUFFER_MS, SYNCHRONOUS, DONT_EXIT = 200, 2, 0x8000  # of espeak_Initialize
SPEED, PITCH = 1, 3  # of espeak_SetParameter
BY_CHARACTER, UTF8 = 1, 1  # of espeak_Synth
SEED = 1
LOCK = threading.Lock()  # the library speaks one text at a time
_callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_spoken: list[np.ndarray] = []


class UnknownVoice(ValueError):
    """A voice that the course does not have."""


class NoSpeech(ValueError):
    """A text of which nothing can be spoken."""


@_callback
def _take(samples, count, events):  # called by the library whenever some samples are ready
    if samples and count > 0:
        _spoken.append(np.ctypeslib.as_array(samples, (count,)).copy())
    return 0  # go on


def _data() -> Path:
    """Return a folder with the data of the card and the course's voices, made where it is not there yet."""
    files = [file.path for file in cards.load("espeak").files]
    wanted = {path.split("espeak-ng-data/")[1]: cards.open_file("espeak", path).read_bytes() for path in files}
    wanted |= {f"voices/!v/{name}": _written(*numbers).encode() for name, numbers in VOICES.items()}
    for name, content in wanted.items():
        place = build("espeak", name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_file() or place.read_bytes() != content:
            fresh = place.with_name(f".{place.name}.{os.getpid()}")  # whole at once, for processes side by side
            fresh.write_bytes(content)
            os.replace(fresh, place)
    return build("espeak", "phontab").parent


def _written(low: int, high: int, place: int, width: int, upper: int) -> str:
    """Return a voice in eSpeak NG's own words; without flutter, roughness and echo, whose state outlives a call."""
    formants = [f"formant {n} {place} {100 if n < 3 else upper} {width}" for n in range(9)]
    return "\n".join(["language variant", f"pitch {low} {high}", "flutter 0", "roughness 0", "echo 0 0", *formants, ""])


@cache
def _library() -> ctypes.CDLL:
    card, folder = cards.load("espeak"), _data()
    name = {"Windows": "espeak-ng.dll", "Darwin": "libespeak-ng.dylib"}.get(platform.system(), "libespeak-ng.so")
    path = cards.open_file("espeak", card.files[0].path).parents[1] / name
    if not path.is_file():
        raise cards.MissingData(
            f"{card.package} {card.version} lacks {name}: {card.remedy} --force-reinstall --no-deps"
        )
    library = ctypes.CDLL(str(path))
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_SetParameter.argtypes = [ctypes.c_int] * 3
    library.espeak_SetSynthCallback.argtypes = [_callback]
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    text = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint]
    library.espeak_Synth.argtypes = [*text, ctypes.c_void_p, ctypes.c_void_p]
    rate = library.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, os.fsencode(folder), DONT_EXIT)
    if rate != RATE:
        raise RuntimeError(
            f"eSpeak NG did not start with the data in {folder} (it answered {rate}, expected {RATE}): it reads paths"
            " of at most 140 characters; move the course to a shorter one"
        )
    library.espeak_SetSynthCallback(_take)
    return library


def say(text: str, edition: str, voice: str = "Ann", speed: int = 175, pitch: int = 50) -> np.ndarray:
    """Speak a text and return the waveform, mono, 22,050 samples a second (``RATE``), from −1 to 1, float32, (samples,).

    The same call returns the same samples: the noise in the hissing sounds starts from a fixed seed.

    Args:
        text: words, at least one letter, digit or Chinese character among them.
        edition: the language: "en" (American English) or "zh" (Mandarin).
        voice: one of ``VOICES``, the same for both languages.
        speed: in words a minute, 80 to 450.
        pitch: from 0, low, to 99, high; 50 is the voice's own.

    Raises:
        ValueError: an unknown language, or a speed or pitch out of range.
        NoSpeech: the text is empty, or eSpeak NG has nothing to say for it.
        UnknownVoice: there is no such voice.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    if edition not in LANGUAGES:
        raise ValueError(f"no language {edition!r} to speak in; choose one of: {', '.join(LANGUAGES)}")
    if voice not in VOICES:
        raise UnknownVoice(f"no voice {voice!r}; choose one of: {', '.join(VOICES)}")
    for name, value, (low, high) in (("speed", speed, SPEEDS), ("pitch", pitch, PITCHES)):
        if not low <= value <= high:
            raise ValueError(f"a {name} of {value}: choose {low} to {high}")
    if not any(character.isalnum() for character in text) or "\0" in text:
        raise NoSpeech(f"nothing to say in {text!r}: give it at least one letter, digit or Chinese character")
    raw = text.encode("utf-8") + b"\0"
    with LOCK:
        library = _library()
        name = f"{LANGUAGES[edition]}+{voice}"
        if library.espeak_SetVoiceByName(name.encode()):
            raise UnknownVoice(f"eSpeak NG could not load the voice {name!r}")
        library.espeak_SetParameter(SPEED, int(speed), 0)
        library.espeak_SetParameter(PITCH, int(pitch), 0)
        library.espeak_ng_SetRandSeed(SEED)
        _spoken.clear()
        failed = library.espeak_Synth(raw, len(raw), 0, BY_CHARACTER, 0, UTF8, None, None)
        pieces = list(_spoken)
    if failed or not pieces:
        raise NoSpeech(f"eSpeak NG could not speak {text!r}")
    return np.concatenate(pieces).astype(np.float32) / 32768
