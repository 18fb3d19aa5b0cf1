"""Data of the book's explorer page: frequent English and Chinese words in one space, by chapter 09's own map.

    python -m wordspace.shared_space [--words N] [--folder FOLDER]

Two files, by default in ``build/explorer``:

- ``shared.bin``: the vectors, int8, word after word: N English words, most frequent first, then N Chinese words;
- ``shared.json``: what the numbers mean (``words`` by language, ``dims``, ``scale``), the two coordinates of every word, in
  the same order, on one map of both languages (``map``), what rounding left of each word's neighbours in the other language
  (``fidelity``), where all this comes from (``sources``, ``made_from``), and the SHA-256 of the other file (``sha256``).

The vectors are turned to their principal axes, as in ``wordspace.explorer``. Nothing is made again while the vectors, the
dictionary and the code, that of the chapter included, are the ones it was made from.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from wordspace import bilingual, cards, explorer, lessons, vectors
from wordspace.paths import build

CHAPTER = "09_alignment"  # of its lesson code only best_map is used
CARDS = ("glove", "synonyms", "cedict")
WORDS = 10_000  # of each language
STEP = 0.06  # between two of the int8 numbers, see explorer.quantise
NAME = "shared"
BIN, JSON = f"{NAME}.bin", f"{NAME}.json"


@dataclass(frozen=True)
class Fidelity:
    """What rounding left of each word's ``nearest`` words in the *other* language: the share that is still among them."""

    en_zh: float
    zh_en: float
    nearest: int

    def __str__(self) -> str:
        return f"of the {self.nearest} nearest across kept: en→zh {self.en_zh:.3f}, zh→en {self.zh_en:.3f}"


def choose(count: int = WORDS) -> tuple[dict[str, list[str]], np.ndarray]:
    """Return the most frequent proper words of either language, and their places in one space.

    Args:
        count: words of each language.

    Returns:
        The words by language, most frequent first, and an array (2 · count, d) of unit rows, English words first.

    Raises:
        ValueError: a vocabulary has fewer proper words than ``count``, or ``count`` is below 2.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    lexicon = bilingual.lexicon()
    words, rows = {}, {}
    for language, all_words in (("en", lexicon.english), ("zh", lexicon.chinese)):
        proper = explorer.SOURCES[language].word
        rows[language] = [row for row, word in enumerate(all_words) if proper.fullmatch(word)]
        if not 2 <= count <= len(rows[language]):
            raise ValueError(f"{language} has {len(rows[language]):,} proper words to choose from, not {count:,}")
        rows[language] = rows[language][:count]
        words[language] = [all_words[row] for row in rows[language]]
    E, C = lessons.load(CHAPTER).best_map(lexicon.X, lexicon.Z, lexicon.pairs)
    return words, explorer.unit(np.vstack([E[rows["en"]], C[rows["zh"]]]))


def fidelity(E: np.ndarray, Q: np.ndarray, asked: int = 1000, nearest: int = 10, seed: int = 0) -> Fidelity:
    """Measure what is left of the neighbours across languages, by words drawn at random.

    Args:
        E: unit rows (2n, d), n English words, then n Chinese ones.
        Q: int8 numbers of the same words, (2n, any).
        asked: how many words of each language to ask (all where there are fewer).
        nearest: how many neighbours of each.
        seed: of the draw.

    Raises:
        ValueError: E and Q are not of the same words, or a language has fewer than ``nearest`` words.
    """
    if len(E) != len(Q) or len(E) % 2:
        raise ValueError(
            f"{len(E)} vectors and {len(Q)} rows of numbers: need the same words, as many of each language"
        )
    n = len(E) // 2
    if not 1 <= nearest <= n:
        raise ValueError(f"{n} words of a language have no {nearest} neighbours in the other")
    R = explorer.restore(Q)
    some = np.random.default_rng(seed).choice(n, min(asked, n), replace=False)
    kept = []
    for ours, theirs in ((some, slice(n, None)), (n + some, slice(n))):
        before, after = (np.argsort(-(X[ours] @ X[theirs].T), axis=1)[:, :nearest] for X in (E, R))
        kept.append(np.mean([np.intersect1d(a, b).size for a, b in zip(before, after, strict=True)]) / nearest)
    return Fidelity(float(kept[0]), float(kept[1]), nearest)


def lay_out(E: np.ndarray) -> np.ndarray:
    """Return one map of both languages: whole numbers (2n, 2) from 0 to 999; the landmarks are of both, in equal parts."""
    n = len(E) // 2
    turns = np.stack([np.arange(n), n + np.arange(n)], axis=1).ravel()  # English, Chinese, English, …
    places = np.empty((2 * n, 2), int)
    places[turns] = explorer.lay_out(E[turns])
    return places


def made_from(count: int) -> str:
    """Return a hash of what the files depend on: vectors, dictionary, the chapter's code and ours, versions, how many words."""
    files = [file.sha256 for name in CARDS for file in cards.load(name).files]
    code = [
        Path(module.__file__).read_text(encoding="utf-8")
        for module in (bilingual, explorer, vectors, sys.modules[__name__])
    ]
    lesson = lessons.fingerprint(CHAPTER, code[-1:])
    versions = [metadata.version(package) for package in ("numpy", "scikit-learn")]
    return hashlib.sha256(json.dumps([count, files, code, lesson, versions]).encode()).hexdigest()


def current(folder: Path, count: int = WORDS) -> bool:
    """Say whether ``folder`` has both files, whole, and made from what there is now."""
    try:
        meaning, _ = read(folder)
    except (FileNotFoundError, ValueError, KeyError):
        return False
    return meaning.get("made_from") == made_from(count)


def write(folder: Path, count: int = WORDS, done: Callable[[str], None] = lambda step: None) -> Fidelity:
    """Make the two files in ``folder``; each appears only when it is whole.

    Args:
        folder: is made where it is missing.
        count: words of each language.
        done: is told each step that is done.

    Raises:
        ValueError: see ``choose``.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    from threadpoolctl import threadpool_limits

    mark = made_from(count)
    with threadpool_limits(1):  # sums over several threads need not come out the same twice
        words, E = choose(count)
        done("words")
        E = explorer.turned(E)
        Q, scale = explorer.quantise(E, STEP)
        kept = fidelity(E, Q, nearest=min(10, count))
        done("numbers")
        places = lay_out(E)
        done("map")
    meaning = {
        "words": words,
        "dims": Q.shape[1],
        "scale": scale,
        "map": {
            "x": places[:, 0].tolist(),
            "y": places[:, 1].tolist(),
            "landmarks": min(explorer.LANDMARKS, 2 * count),
        },
        "fidelity": {"nearest": kept.nearest, "en-zh": round(kept.en_zh, 3), "zh-en": round(kept.zh_en, 3)},
        "sources": [_source(name) for name in CARDS],
        "made_from": mark,
    }
    explorer.write_pair(folder, NAME, meaning, Q)
    done("files")
    return kept


def read(folder: Path) -> tuple[dict, np.ndarray]:
    """Return the JSON and the numbers, int8 (2 · words, dims), as ``write`` left them.

    Raises:
        ValueError: the two files do not belong together.
        FileNotFoundError: there are none.
    """
    return explorer.read_pair(folder, NAME)


def _source(name: str) -> dict:
    card = cards.load(name)
    return explorer.credit(card) | {"sha256": [file.sha256 for file in card.files]}


def main(arguments: list[str] | None = None) -> int:
    """Make the files, unless they are there and current, and say how large they are."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(prog="python -m wordspace.shared_space", description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=WORDS, help=f"words of each language (default: {WORDS})")
    parser.add_argument("--folder", type=Path, default=build("explorer", BIN).parent, help="where to write")
    given = parser.parse_args(arguments)
    try:
        if current(given.folder, given.words):
            print(f"  {BIN} and {JSON} are current: nothing to do")
            return 0
        with tqdm(total=4, desc="shared space") as bar:

            def done(step: str) -> None:
                bar.set_postfix_str(step)
                bar.update()

            kept = write(given.folder, given.words, done)
    except (ValueError, cards.MissingData) as error:
        print(f"shared space: {error}", file=sys.stderr)
        return 1
    for file in (given.folder / BIN, given.folder / JSON):
        print(explorer.size(file))
    print(f"  {kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
