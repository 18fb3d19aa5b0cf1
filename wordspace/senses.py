"""Ambiguous words in their sentences: the course's own, labelled by sense, and pseudowords, which need no labels.

A pseudoword is two words made into one: wherever either stands, the reader sees the same mark, and only the context tells
which of the two it was (Gale, Church and Yarowsky, 1992; Schütze, 1992).
"""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wordspace import corpora
from wordspace.paths import root

LANGUAGES = ("en", "zh")
TRAIN, TEST = 30, 16  # sentences a word
LENGTH = range(8, 37)  # words in a sentence
LONGEST = 60  # characters of a Chinese sentence, so that a small model has it whole


@dataclass(frozen=True)
class Example:
    """A sentence as words, the place of the word in question, and which of the two it is or means: 0 or 1."""

    words: tuple[str, ...]
    place: int
    label: int


@dataclass(frozen=True)
class Pseudoword:
    """Two words, and sentences in which either stands; ``train`` and ``test`` share no paragraph."""

    pair: tuple[str, str]
    train: tuple[Example, ...]
    test: tuple[Example, ...]


@cache
def labelled(language: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the course's sentences with ambiguous words: word → sense → sentences; two senses a word.

    The word stands once in each sentence. Source: ``datasets/senses_en.toml`` and ``senses_zh.toml``.

    Raises:
        ValueError: the language is neither "en" nor "zh".
    """
    _known(language)
    fields = tomllib.loads((root() / "datasets" / f"senses_{language}.toml").read_text(encoding="utf-8"))
    del fields["card"]
    return {
        word: {sense: tuple(entry["sentences"]) for sense, entry in senses.items()} for word, senses in fields.items()
    }


@cache
def pseudowords(language: str, pairs: int = 50, seed: int = 0) -> tuple[Pseudoword, ...]:
    """Return pseudowords with sentences of news (English: and of Wikipedia) outside the training part (``corpora.part``).

    The words are of two Chinese characters, or of at least four Latin letters. Of those with enough sentences the half
    that keeps most to a topic (``residual_idf``) is taken, as words with two senses do. A pair is two neighbours in the
    order of frequency, drawn at random; sentences with both are left out, and of a paragraph at most one sentence is
    taken for a word. Each word has 30 sentences to learn from and 16 to be tested on.

    Args:
        language: "en" or "zh".
        pairs: how many pairs.
        seed: of the drawing.

    Raises:
        ValueError: another language, or there are not so many pairs.
    """
    _known(language)
    texts = corpora.chinese_news() if language == "zh" else corpora.english_news() + corpora.english_wikipedia()
    places = defaultdict(list)  # word → one (sentence, place) for each paragraph
    counts, paragraphs = Counter(), Counter()  # how often a word occurs, and in how many paragraphs
    for paragraph in texts:
        held_out = corpora.part(" ".join(word for sentence in paragraph.sentences for word in sentence)) != "train"
        taken = set()
        paragraphs.update({word for sentence in paragraph.sentences for word in sentence})
        for sentence in paragraph.sentences:
            short = language == "en" or sum(map(len, sentence)) <= LONGEST
            usable = held_out and short and len(sentence) in LENGTH
            for place, word in enumerate(sentence):
                counts[word] += 1
                once = usable and word not in taken and sentence.count(word) == 1
                if once and _fits(word, language):
                    taken.add(word)
                    places[word].append((sentence, place))
    enough = [word for word in places if len(places[word]) >= TRAIN + TEST + 3]  # a few may hold the other word too
    topical = sorted(enough, key=lambda word: (-residual_idf(counts[word], paragraphs[word], len(texts)), word))
    chosen = sorted(topical[: len(topical) // 2], key=lambda word: (-counts[word], word))
    rng = np.random.default_rng(seed)
    found = []
    for first in rng.permutation(len(chosen) // 2):
        made = _pseudoword((chosen[2 * first], chosen[2 * first + 1]), places, rng)
        found += [made] if made else []
        if len(found) == pairs:
            return tuple(found)
    raise ValueError(f"only {len(found)} pairs of words have {TRAIN + TEST} sentences each, not {pairs}")


def residual_idf(count: int, paragraphs: int, of: int) -> float:
    """Return how much rarer the paragraphs of a word are than they would be were it strewn at random, in bits.

    High for words that belong to a topic and come in clusters, near 0 for function words (Church and Gale, 1995).

    Args:
        count: how often the word occurs.
        paragraphs: in how many paragraphs.
        of: the number of all paragraphs.
    """
    return float(np.log2(1 - np.exp(-count / of)) - np.log2(paragraphs / of))


def _pseudoword(pair: tuple[str, str], places: dict, rng) -> Pseudoword | None:
    train, test = [], []
    for label, (word, other) in enumerate((pair, pair[::-1])):
        usable = [example for example in dict.fromkeys(places[word]) if other not in example[0]]
        if len(usable) < TRAIN + TEST:
            return None
        chosen = [usable[i] for i in rng.permutation(len(usable))[: TRAIN + TEST]]
        examples = [Example(sentence, place, label) for sentence, place in chosen]
        train += examples[:TRAIN]
        test += examples[TRAIN:]
    return Pseudoword(pair, tuple(train), tuple(test))


def told_apart(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> np.ndarray:
    """Learn to tell two words apart from their vectors in context, and say for each test sentence whether it was right.

    Logistic regression on standardised vectors, with strong regularisation (C = 0.01) fixed once for every model.

    Args:
        train, test: vectors, (n, d) and (m, d).
        train_labels, test_labels: 0 or 1, (n,) and (m,).

    Returns:
        Booleans, (m,).
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    return model.fit(train, train_labels).predict(test) == test_labels


def leave_one_out(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Say for each sentence how well the others tell its sense: is it nearer, by cosine, to the mean of its own sense?

    Args:
        vectors: of the word in each sentence, (n, d).
        labels: 0 or 1, (n,); each at least twice.

    Returns:
        1 where its own sense is nearer, 0 where the other is, ½ where both are as near, as for a static vector; (n,).
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    right = np.empty(len(labels))
    for i, label in enumerate(labels):
        others = np.arange(len(labels)) != i
        means = [unit[others & (labels == sense)].mean(axis=0) for sense in (label, 1 - label)]
        own, other = (unit[i] @ mean / max(np.linalg.norm(mean), 1e-12) for mean in means)
        right[i] = 0.5 if np.isclose(own, other, rtol=0, atol=1e-6) else float(own > other)
    return right


def split(sentence: str, word: str) -> Iterator[str]:
    """Yield what stands before a word, the word as it is written there, and what stands after it.

    Raises:
        ValueError: the word does not stand once in the sentence.
    """
    at, low = sentence.lower(), word.lower()
    if at.count(low) != 1:
        raise ValueError(f"“{word}” must stand once in “{sentence}”; it stands there {at.count(low)} times")
    start = at.index(low)
    yield from (sentence[:start], sentence[start : start + len(word)], sentence[start + len(word) :])


def _fits(word: str, language: str) -> bool:
    if language == "zh":
        return len(word) == 2 and all("\u4e00" <= c <= "\u9fff" for c in word)
    return len(word) >= 4 and word.isascii() and word.isalpha()


def _known(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"no senses in {language!r}; the languages are: {', '.join(LANGUAGES)}")
