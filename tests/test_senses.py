"""Ambiguous words: the course's sentences are as their cards say, pseudowords are drawn fairly, and the two scores are right."""

from collections import Counter

import numpy as np
import pytest

from wordspace import corpora, senses


@pytest.mark.parametrize("language", senses.LANGUAGES)
def test_every_word_has_two_senses_in_as_many_sentences(language):
    found = senses.labelled(language)
    assert len(found) >= 10
    for word, by_sense in found.items():
        assert len(by_sense) == 2, word
        assert {len(sentences) for sentences in by_sense.values()} == {16}, word
        for sentence in [sentence for sentences in by_sense.values() for sentence in sentences]:
            before, middle, after = senses.split(sentence, word)
            assert before + middle + after == sentence
            assert middle.lower() == word
    every = [s for by_sense in found.values() for sentences in by_sense.values() for s in sentences]
    assert len(set(every)) == len(every)


def test_the_source_documents_own_examples_are_there():
    assert any("bank of the river" in s for s in senses.labelled("en")["bank"]["river"])
    assert any("bank account" in s for s in senses.labelled("en")["bank"]["money"])
    assert any("吃苹果" in s for s in senses.labelled("zh")["苹果"]["fruit"])
    assert any("苹果手机" in s for s in senses.labelled("zh")["苹果"]["company"])


@pytest.mark.parametrize("language", senses.LANGUAGES)
def test_no_single_english_word_gives_a_sense_away(language):
    if language == "zh":
        units = [(w, s, Counter(sentences)) for w, by in senses.labelled("zh").items() for s, sentences in by.items()]
        assert all(max(count.values()) == 1 for *_, count in units)
        return
    for word, by_sense in senses.labelled("en").items():
        for sentences in by_sense.values():
            counts = Counter(t for s in sentences for t in set(corpora.tokenise_english(s)) if len(t) > 5 and t != word)
            assert max(counts.values()) <= 4, (word, counts.most_common(2))


@pytest.mark.parametrize("language", senses.LANGUAGES)
def test_pseudowords_are_held_out_balanced_and_apart(language):
    found = senses.pseudowords(language)
    assert len(found) == 50
    words = [word for pseudoword in found for word in pseudoword.pair]
    assert len(set(words)) == 100
    for pseudoword in found:
        for part, size in ((pseudoword.train, senses.TRAIN), (pseudoword.test, senses.TEST)):
            assert Counter(example.label for example in part) == {0: size, 1: size}
            for example in part:
                own, other = pseudoword.pair[example.label], pseudoword.pair[1 - example.label]
                assert example.words[example.place] == own
                assert other not in example.words
        assert not {example.words for example in pseudoword.train} & {example.words for example in pseudoword.test}
    held_out = set()
    texts = corpora.chinese_news() if language == "zh" else corpora.english_news() + corpora.english_wikipedia()
    for paragraph in texts:
        if corpora.part(" ".join(word for s in paragraph.sentences for word in s)) != "train":
            held_out |= set(paragraph.sentences)
    assert all(example.words in held_out for p in found for example in p.train + p.test)


def test_pseudowords_are_the_same_every_time():
    first = senses.pseudowords("zh", pairs=3, seed=5)
    senses.pseudowords.cache_clear()
    assert senses.pseudowords("zh", pairs=3, seed=5) == first
    assert senses.pseudowords("zh", pairs=3, seed=6) != first


def test_what_cannot_be_had_is_said():
    with pytest.raises(ValueError, match="no senses in 'fr'; the languages are: en, zh"):
        senses.labelled("fr")
    with pytest.raises(ValueError, match="no senses in 'fr'"):
        senses.pseudowords("fr")
    with pytest.raises(ValueError, match=r"only \d+ pairs of words have 46 sentences each, not 5000"):
        senses.pseudowords("zh", pairs=5000)
    with pytest.raises(ValueError, match="“bank” must stand once in “bank to bank”; it stands there 2 times"):
        list(senses.split("bank to bank", "bank"))


def test_told_apart_on_two_clouds_and_on_one_point():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    clouds = rng.normal(size=(100, 8)) + 4 * labels[:, None]
    assert senses.told_apart(clouds, labels, clouds + rng.normal(size=(100, 8)), labels).mean() > 0.95
    assert senses.told_apart(np.ones((100, 8)), labels, np.ones((100, 8)), labels).mean() == 0.5


def test_leave_one_out_by_hand():
    vectors, labels = np.array([[1.0, 0], [0.9, 0.1], [0, 1], [0.8, 0.3]]), np.array([0, 0, 1, 1])
    assert senses.leave_one_out(vectors, labels).tolist() == [1, 1, 1, 0]
    assert senses.leave_one_out(np.ones((6, 3)), np.array([0, 0, 0, 1, 1, 1])).tolist() == [0.5] * 6
