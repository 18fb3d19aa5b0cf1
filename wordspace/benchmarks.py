"""Evaluation sets: word pairs that people judged, analogy questions, and what the course wrote itself.

The course's own sets are in English and in Chinese; a language is named by its code ("en", "zh") or by its English name.
"""

import tomllib
from functools import cache
from itertools import permutations
from typing import Any

from wordspace.cards import open_file
from wordspace.paths import root

FOLDER = "gensim/test/test_data/"
CODES = {"en": "en", "English": "en", "zh": "zh", "Chinese": "zh"}

Pairs = tuple[tuple[str, str], ...]


@cache
def wordsim353() -> tuple[tuple[str, str, float], ...]:
    """Return WordSim-353: 353 English pairs, lower case, with the mean judgement of how related they are, from 0 to 10.

    Source: Finkelstein et al. (2002), in gensim's test data.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    return _judged("wordsim353.tsv")


@cache
def simlex999() -> tuple[tuple[str, str, float], ...]:
    """Return SimLex-999: 999 English pairs with the mean judgement of how similar (not related) they are, from 0 to 10.

    Source: Hill, Reichart and Korhonen (2015), in gensim's test data.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    return _judged("simlex999.txt")


def _judged(file: str) -> tuple[tuple[str, str, float], ...]:
    lines = open_file("benchmarks", FOLDER + file).read_text(encoding="utf-8").splitlines()
    rows = [line.lower().split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return tuple((a, b, float(judgement)) for a, b, judgement in rows)


@cache
def google_analogies() -> dict[str, tuple[tuple[str, str, str, str], ...]]:
    """Return Google's analogy questions, lower case: relation → (a, b, c, answer), "a is to b as c is to answer".

    Source: Mikolov et al. (2013), in gensim's test data.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    relations: dict[str, list] = {}
    for line in open_file("benchmarks", FOLDER + "questions-words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(":"):
            questions = relations.setdefault(line[1:].strip(), [])
        elif line.strip():
            questions.append(tuple(line.lower().split()))
    return {relation: tuple(questions) for relation, questions in relations.items()}


@cache
def chinese_analogies() -> dict[str, tuple[tuple[str, str, str, str], ...]]:
    """Return the course's Chinese analogy questions: relation → (a, b, c, answer), "a is to b as c is to answer".

    Each relation is a list of pairs; its questions are all ordered pairs of two different ones.
    Source: ``datasets/analogies_zh.toml``, written for the course.
    """
    return {
        relation: tuple((*first, *second) for first, second in permutations(pairs, 2))
        for relation, pairs in _own("analogies_zh")["relations"].items()
    }


@cache
def word_pairs(language: str) -> dict[str, tuple[tuple[str, str, str], ...]]:
    """Return the course's synonyms and antonyms of a language.

    Every word has a synonym and an antonym, so both kinds of pairs have the same words and the same parts of speech, and
    the two can be compared word by word. Source: ``datasets/word_pairs.toml``, written for the course.

    Returns:
        "synonyms" → (word, synonym, part of speech), "antonyms" → (word, antonym, part of speech), and
        "triples" → (word, synonym, antonym); the three in the same order. Parts of speech: adjective, noun, verb.

    Raises:
        ValueError: the language is neither English nor Chinese.
    """
    parts = _own("word_pairs")[_code(language)]
    rows = [(part, *row) for part, listed in parts.items() for row in listed]
    return {
        "synonyms": tuple((word, synonym, part) for part, word, synonym, _ in rows),
        "antonyms": tuple((word, antonym, part) for part, word, _, antonym in rows),
        "triples": tuple((word, synonym, antonym) for _, word, synonym, antonym in rows),
    }


@cache
def axes(language: str) -> dict[str, Pairs]:
    """Return pairs of words that differ in one thing: "gender" → (male, female), "capital and country" → (city, country).

    The capitals and countries are the same in both languages. Source: ``datasets/axes.toml``, written for the course.

    Raises:
        ValueError: the language is neither English nor Chinese.
    """
    code, listed = _code(language), _own("axes")
    places = slice(0, 2) if code == "en" else slice(2, 4)
    return {
        "gender": _tuples(listed["gender"][code]),
        "capital and country": tuple(tuple(row[places]) for row in listed["capitals"]["pairs"]),
    }


@cache
def themes(language: str) -> dict[str, tuple[str, ...]]:
    """Return everyday words by theme: theme (in English) → words; both languages have the same words in the same order.

    Source: ``datasets/axes.toml``, written for the course; the source document's six words are among the Chinese.

    Raises:
        ValueError: the language is neither English nor Chinese.
    """
    place = ("en", "zh").index(_code(language))
    return {theme: tuple(pair[place] for pair in pairs) for theme, pairs in _own("axes")["themes"].items()}


@cache
def associations(language: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return word sets of association tests (WEAT): test → {"X", "Y", "A", "B"} → words.

    A test asks how much nearer the words of X are to A than to B, compared with those of Y. X and Y are of one size,
    and so are A and B. Source: English as published by Caliskan, Bryson and Narayanan (2017), tests 1, 6, 7 and 8, in
    lower case; Chinese written for the course after the same plan; ``datasets/associations.toml``.

    Raises:
        ValueError: the language is neither English nor Chinese.
    """
    tests = _own("associations")[_code(language)]
    return {test: {name: tuple(words) for name, words in sets.items()} for test, sets in tests.items()}


def _code(language: str) -> str:
    if language not in CODES:
        raise ValueError(f"no words in {language!r}; the languages are: {', '.join(CODES)}")
    return CODES[language]


@cache
def _own(name: str) -> dict[str, Any]:
    return tomllib.loads((root() / "datasets" / f"{name}.toml").read_text(encoding="utf-8"))


def _tuples(rows: list[list[str]]) -> Pairs:
    return tuple(tuple(row) for row in rows)
