"""Evaluation sets: what they hold."""

from collections import Counter

import pytest

from wordspace import benchmarks, vectors, wordlists

SPACES = {"en": vectors.english, "zh": vectors.chinese}
OWN = [wordlists.word_pairs, wordlists.axes, wordlists.themes, wordlists.associations]


def coverage(words, language):
    space = SPACES[language]()
    return sum(word in space for word in words) / len(words)


def repeated(pairs):
    """Pairs that occur twice, in whatever order."""
    return [pair for pair, count in Counter(frozenset(pair) for pair in pairs).items() if count > 1 or len(pair) < 2]


def test_judged_pairs():
    assert len(benchmarks.wordsim353()) == 353
    assert ("tiger", "cat", 7.35) in benchmarks.wordsim353()
    assert len(benchmarks.simlex999()) == 999
    assert ("old", "new", 1.58) in benchmarks.simlex999()
    assert all(0 <= judged <= 10 for _, _, judged in benchmarks.wordsim353() + benchmarks.simlex999())


def test_google_analogies():
    relations = benchmarks.google_analogies()
    assert len(relations) == 14
    assert sum(map(len, relations.values())) == 19_544
    assert ("athens", "greece", "paris", "france") in relations["capital-common-countries"]
    assert all(len(question) == 4 for questions in relations.values() for question in questions)


@pytest.mark.parametrize("language", SPACES)
def test_synonyms_and_antonyms(language):
    sets = wordlists.word_pairs(language)
    assert min(len(pairs) for pairs in sets.values()) >= 120
    synonyms, antonyms = ([pair[:2] for pair in sets[kind]] for kind in ("synonyms", "antonyms"))
    assert not repeated(synonyms + antonyms)
    assert [(*pair, a) for pair, (_, a) in zip(synonyms, antonyms, strict=True)] == list(sets["triples"])
    assert Counter(pair[2] for pair in sets["synonyms"]) == Counter(pair[2] for pair in sets["antonyms"])
    assert {pair[2] for pair in sets["synonyms"]} == {"adjective", "noun", "verb"}
    assert len({word for word, _, _ in sets["triples"]}) == len(sets["triples"])
    assert coverage([word for triple in sets["triples"] for word in triple], language) >= 0.95


def test_the_words_of_the_source_are_among_them():
    assert ("快乐", "愉快", "悲伤") in wordlists.word_pairs("zh")["triples"]
    assert ("happy", "cheerful", "sad") in wordlists.word_pairs("en")["triples"]
    themes = wordlists.themes("zh")
    assert {"国王", "女王", "男人", "女人", "巴黎", "法国"} <= {word for words in themes.values() for word in words}
    assert ("男性", "国王", "女性", "女王") not in wordlists.chinese_analogies()["male and female"]
    assert ("男性", "女性", "国王", "女王") in wordlists.chinese_analogies()["male and female"]


def test_few_chinese_antonyms_share_a_character():
    shared = {
        kind: sum(bool(set(a) & set(b)) for a, b, _ in wordlists.word_pairs("zh")[kind])
        for kind in ("synonyms", "antonyms")
    }
    count = len(wordlists.word_pairs("zh")["triples"])
    assert shared["antonyms"] <= 0.05 * count
    assert shared["synonyms"] <= 0.25 * count


def test_chinese_analogies():
    relations = wordlists.chinese_analogies()
    assert len(relations) >= 8
    assert sum(map(len, relations.values())) >= 600
    for relation, questions in relations.items():
        pairs = {question[:2] for question in questions}
        assert len(questions) == len(set(questions)) == len(pairs) * (len(pairs) - 1)
        assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs), relation  # one answer each
        assert not {a for a, _ in pairs} & {b for _, b in pairs}
        assert coverage([word for pair in pairs for word in pair], "zh") >= 0.95
    assert ("巴黎", "法国", "柏林", "德国") in relations["capital and country"]


@pytest.mark.parametrize("language", SPACES)
def test_axes(language):
    axes = wordlists.axes(language)
    for pairs in axes.values():
        assert len(pairs) >= 40
        assert not repeated(pairs)
        words = [word for pair in pairs for word in pair]
        assert len(set(words)) == len(words)
        assert coverage(words, language) >= 0.95
    assert {"en": ("paris", "france"), "zh": ("巴黎", "法国")}[language] in axes["capital and country"]
    assert {"en": ("king", "queen"), "zh": ("国王", "女王")}[language] in axes["gender"]


@pytest.mark.parametrize("language", SPACES)
def test_themes(language):
    themes = wordlists.themes(language)
    words = [word for some in themes.values() for word in some]
    assert len(words) >= 100
    assert len(set(words)) == len(words)
    assert coverage(words, language) == 1
    assert {theme: len(some) for theme, some in themes.items()} == dict.fromkeys(themes, 10)


@pytest.mark.parametrize("language", SPACES)
def test_association_tests(language):
    tests = wordlists.associations(language)
    assert list(tests) == ["flowers and insects", "career and family", "maths and arts", "science and arts"]
    for sets in tests.values():
        assert list(sets) == ["X", "Y", "A", "B"]
        assert len(sets["X"]) == len(sets["Y"]) and len(sets["A"]) == len(sets["B"])
        words = [word for some in sets.values() for word in some]
        assert len(set(words)) == len(words)
        assert coverage(words, language) >= 0.95
    assert [len(some) for some in tests["flowers and insects"].values()] == [25] * 4
    assert {len(some) for test in list(tests)[1:] for some in tests[test].values()} == {8}


@pytest.mark.parametrize("load", OWN)
def test_a_language_is_named_by_code_or_name_and_another_is_an_error(load):
    assert load("en") == load("English") != load("zh") == load("Chinese")
    with pytest.raises(ValueError, match="no words in 'fr'; the languages are: en, English, zh, Chinese"):
        load("fr")
