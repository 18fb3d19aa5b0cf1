"""Words that the course wrote down itself, to ask vectors questions: synonyms, antonyms, analogies, axes, themes, associations.

They are in English and in Chinese; a language is named by its code ("en", "zh") or by its English name.
"""

import tomllib
from functools import cache
from itertools import permutations
from typing import Any

from wordspace.paths import root

CODES = {"en": "en", "English": "en", "zh": "zh", "Chinese": "zh"}

Pairs = tuple[tuple[str, str], ...]


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
