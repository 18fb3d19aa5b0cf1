"""Data of the book's explorer page: the most frequent words of the borrowed vectors, small enough to send to a browser.

    python -m wordspace.explorer [--words N] [--folder FOLDER]

For each language two files, by default in ``build/explorer``:

- ``en.bin``, ``zh.bin``: the vectors, int8, word after word, most frequent word first;
- ``en.json``, ``zh.json``: what the numbers mean (``words``, ``dims``, ``scale``), the two coordinates of every word on a map
  (``map``), whose vectors they are (``source``), and the SHA-256 of the other file (``sha256``).

A vector of length 1 is about ``scale`` times its int8 numbers; for a cosine, divide by the lengths and forget the scale. The
vectors are turned to their principal axes, which changes no cosine: the first two or three numbers of each are the PCA picture.
All dimensions are kept, for fewer of them cost more neighbours than coarser numbers of the same size do (``fidelity``).
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wordspace import cards, vectors
from wordspace.paths import build

WORDS = 20_000
LANDMARKS = 2_500  # words that t-SNE places itself
MAP = 1000  # a map's coordinates are whole numbers from 0 to MAP - 1


@dataclass(frozen=True)
class Source:
    """Where a language's words come from.

    Args:
        card: name of the data card.
        vectors: opens them.
        word: what a proper word looks like.
        step: of ``quantise``; twice as many dimensions need coarser numbers to be no larger on the wire.
    """

    card: str
    vectors: Callable[[], vectors.Vectors]
    word: re.Pattern
    step: float


SOURCES = {
    "en": Source("glove", vectors.english, re.compile(r"[ai]|[a-z][a-z'-]*[a-z]"), 0.06),
    "zh": Source("synonyms", vectors.chinese, re.compile(r"[\u3400-\u9fff]+"), 0.15),
}


@dataclass(frozen=True)
class Fidelity:
    """What quantisation left.

    Args:
        recall: share of each word's nearest neighbours that are still among as many nearest, in [0, 1].
        mean_error, largest_error: of the cosines between the words asked and all words.
    """

    recall: float
    mean_error: float
    largest_error: float

    def __str__(self) -> str:
        return (
            f"neighbours kept {self.recall:.3f}, cosine error {self.mean_error:.4f} (largest {self.largest_error:.3f})"
        )


def choose(language: str, count: int = WORDS) -> tuple[list[str], np.ndarray]:
    """Return a language's most frequent proper words and their vectors, each scaled to length 1.

    Left out: punctuation, whatever holds a digit, single English letters but "a" and "i", Chinese words with anything but
    Chinese characters.

    Args:
        language: "en" or "zh".
        count: number of words.

    Returns:
        The words, most frequent first, and an array (count, d), float64.

    Raises:
        ValueError: another language, or a count that is not within the vocabulary.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    source = _source(language)
    space = source.vectors()
    words = [word for word in space.index_to_key if source.word.fullmatch(word)]
    if not 2 <= count <= len(words):
        raise ValueError(f"{space.name} has {len(words):,} proper words, so {count:,} cannot be chosen")
    return words[:count], unit(space[words[:count]])


def turned(E: np.ndarray) -> np.ndarray:
    """Return vectors (n, d) turned to their principal axes, widest first: a rotation, so all cosines stay as they are."""
    axes = np.linalg.eigh(np.cov(E.T))[1][:, ::-1]
    strongest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    return E @ (axes * np.sign(strongest))  # eigh leaves the sign open


def quantise(E: np.ndarray, step: float) -> tuple[np.ndarray, float]:
    """Round unit vectors to int8, all with one scale.

    One scale for all loses fewest neighbours at a given size after compression; the rare coordinate beyond 127 steps is cut.

    Args:
        E: unit vectors (n, d).
        step: between two numbers, in units of a unit vector's typical coordinate, 1/√d.

    Returns:
        An array (n, d) of int8, and the scale: E ≈ scale · int8.

    Raises:
        ValueError: E is not a matrix of unit vectors, or the step is not above 0.
    """
    if E.ndim != 2 or not np.allclose(np.linalg.norm(E, axis=1), 1, atol=1e-3):
        raise ValueError("quantise needs a matrix of vectors of length 1, one a row: divide each by its length")
    if not step > 0:
        raise ValueError(f"the step must be above 0, not {step}")
    scale = step / E.shape[1] ** 0.5
    return np.clip(np.rint(E / scale), -127, 127).astype(np.int8), scale


def restore(Q: np.ndarray) -> np.ndarray:
    """Return unit vectors (n, d), float64, from int8 numbers (n, d); lengths are exact, so the scale is not needed.

    Raises:
        ValueError: a row is all zeros.
    """
    return unit(Q)


def fidelity(E: np.ndarray, Q: np.ndarray, words: int = 1000, nearest: int = 10, seed: int = 0) -> Fidelity:
    """Measure what is left of vectors (n, d) in int8 numbers (n, any), by words drawn at random.

    Args:
        E: unit vectors; they may be turned otherwise than Q.
        Q: int8 numbers of the same n words.
        words: how many words to ask (all where there are fewer).
        nearest: how many neighbours of each.
        seed: of the draw.

    Raises:
        ValueError: E and Q are not of the same words, or ``nearest`` are not to be had.
    """
    if len(E) != len(Q):
        raise ValueError(f"{len(E)} vectors cannot be compared with {len(Q)} rows of numbers")
    if not 1 <= nearest < len(E):
        raise ValueError(f"{len(E)} words have no {nearest} neighbours")
    asked = np.random.default_rng(seed).choice(len(E), min(words, len(E)), replace=False)
    before, after = (X[asked] @ X.T for X in (E, restore(Q)))
    error = np.abs(before - after)
    both = [
        np.intersect1d(a, b).size for a, b in zip(*(_nearest(s, asked, nearest) for s in (before, after)), strict=True)
    ]
    return Fidelity(float(np.mean(both)) / nearest, float(error.mean()), float(error.max()))


def _nearest(cosines: np.ndarray, own: np.ndarray, count: int) -> np.ndarray:
    others = cosines.copy()
    others[np.arange(len(own)), own] = -np.inf
    return np.argpartition(-others, count - 1, axis=1)[:, :count]


def lay_out(E: np.ndarray, landmarks: int = LANDMARKS, seed: int = 0) -> np.ndarray:
    """Return a map of unit vectors (n, d): whole numbers (n, 2) from 0 to 999.

    t-SNE places the first words, the landmarks; every other word lies between the three landmarks most like it. One thread,
    so that the same machine draws the same map.
    """
    from sklearn.manifold import TSNE

    first, rest = E[:landmarks], E[landmarks:]
    perplexity = min(30, (len(first) - 1) / 3)
    tsne = TSNE(init="pca", perplexity=perplexity, max_iter=500, random_state=seed)
    places = tsne.fit_transform(first.astype(np.float32)).astype(float)
    if len(rest):
        cosines = rest @ first.T
        near = np.argpartition(-cosines, 2, axis=1)[:, :3]
        weights = np.exp(10 * np.take_along_axis(cosines, near, axis=1))[:, :, None]
        places = np.vstack([places, (places[near] * weights).sum(axis=1) / weights.sum(axis=1)])
    low, high = places.min(axis=0), places.max(axis=0)
    return np.rint((places - low) / (high - low).max() * (MAP - 1)).astype(int)


def write(language: str, folder: Path, count: int = WORDS, done: Callable[[str], None] = lambda step: None) -> Fidelity:
    """Make a language's two files in ``folder``; each appears only when it is whole.

    Args:
        language: "en" or "zh".
        folder: is made where it is missing.
        count: number of words.
        done: is told each step that is done.

    Raises:
        ValueError: see ``choose``.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    from threadpoolctl import threadpool_limits

    source = _source(language)
    with threadpool_limits(1):  # sums over several threads need not come out the same twice
        words, E = choose(language, count)
        done("words")
        Q, scale = quantise(turned(E), source.step)
        nearest = min(10, count - 1)
        kept = fidelity(E, Q, nearest=nearest)
        done("numbers")
        places = lay_out(E)
        done("map")
    card = cards.load(source.card)
    meaning = {
        "language": language,
        "words": words,
        "dims": Q.shape[1],
        "scale": scale,
        "map": {"x": places[:, 0].tolist(), "y": places[:, 1].tolist(), "landmarks": min(LANDMARKS, count)},
        "fidelity": {"nearest": nearest, "recall": round(kept.recall, 3), "cosine_error": round(kept.mean_error, 5)},
        "source": credit(card),
    }
    write_pair(folder, language, meaning, Q)
    done("files")
    return kept


def read(language: str, folder: Path) -> tuple[dict, np.ndarray]:
    """Return a language's JSON and its numbers, int8 (words, dims), as ``write`` left them.

    Raises:
        ValueError: another language, or the two files do not belong together.
        FileNotFoundError: there are none.
    """
    _source(language)
    return read_pair(folder, language)


def write_pair(folder: Path, name: str, meaning: dict, Q: np.ndarray) -> None:
    """Write int8 numbers (n, d) as NAME.bin and what they mean, with their SHA-256, as NAME.json, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = Q.tobytes()
    text = json.dumps(
        meaning | {"sha256": hashlib.sha256(numbers).hexdigest()}, ensure_ascii=False, separators=(",", ":")
    )
    _write_whole(folder / f"{name}.bin", numbers)
    _write_whole(folder / f"{name}.json", text.encode())


def read_pair(folder: Path, name: str) -> tuple[dict, np.ndarray]:
    """Return what NAME.json says and the numbers of NAME.bin, int8 (n, d).

    Raises:
        ValueError: the two files do not belong together.
        FileNotFoundError: there are none.
    """
    meaning = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    numbers = (folder / f"{name}.bin").read_bytes()
    if hashlib.sha256(numbers).hexdigest() != meaning["sha256"]:
        raise ValueError(f"{name}.bin and {name}.json are not of one run: make explorer")
    return meaning, np.frombuffer(numbers, np.int8).reshape(-1, meaning["dims"])


def credit(card: cards.Card) -> dict:
    """Return what the page says of a source."""
    return {
        field: getattr(card, field)
        for field in ("name", "package", "version", "licence", "origin", "credit", "contents")
    }


def size(file: Path) -> str:
    """Return a line that says how large a file is, as it is and compressed."""
    content = file.read_bytes()
    packed = len(gzip.compress(content, 9))
    return f"  {file.name:11} {len(content) / 1e6:.2f} MB, {packed / 1e6:.2f} MB compressed"


def _source(language: str) -> Source:
    if language not in SOURCES:
        raise ValueError(f"no vectors for {language!r}; the languages are: {', '.join(SOURCES)}")
    return SOURCES[language]


def unit(E: np.ndarray) -> np.ndarray:
    """Return rows (n, d) scaled to length 1, float64.

    Raises:
        ValueError: a row is all zeros.
    """
    E = np.asarray(E, np.float64)
    lengths = np.linalg.norm(E, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError(f"row {int(np.flatnonzero(lengths == 0)[0])} is all zeros and so has no direction")
    return E / lengths


def _write_whole(path: Path, content: bytes) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def main(arguments: list[str] | None = None) -> int:
    """Make the files of both languages and say how large they are."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(prog="python -m wordspace.explorer", description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=WORDS, help=f"words of each language (default: {WORDS})")
    parser.add_argument("--folder", type=Path, default=build("explorer", "en.bin").parent, help="where to write")
    given = parser.parse_args(arguments)
    lines = []
    with tqdm(total=4 * len(SOURCES), desc="explorer") as bar:
        for language in SOURCES:

            def done(step: str, language: str = language) -> None:
                bar.set_postfix_str(f"{language} {step}")
                bar.update()

            try:
                kept = write(language, given.folder, given.words, done)
            except (ValueError, cards.MissingData) as error:
                bar.close()
                print(f"explorer: {error}", file=sys.stderr)
                return 1
            for file in (given.folder / f"{language}.bin", given.folder / f"{language}.json"):
                lines.append(size(file))
            lines.append(f"  {language}: {kept}")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
