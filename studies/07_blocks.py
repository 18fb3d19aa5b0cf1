"""Chapter 07: the reviews split by blocks of fifty neighbouring lines, which keep the pieces of one review together.

The source's reviews were cut into lines: a line that begins with "2." mostly follows one that begins with "1.". A split by the
single line puts pieces of one review into training and test. Here whole blocks fall into the parts, by lot, in the same
shares; beside it single lines by lot, in three drawings each. "neighbours" are facts of the lines in their order: how many begin
with a number from 2 to 9, how many of those follow a line with the number before; mean cosine (TF-IDF, 2 and 3 characters)
of lines a number of places apart, under the same label. Figures: accuracy on the test part. Ten minutes on one core.
"""

import re
from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from wordspace import lessons, running_text
from wordspace.studies import Study

STUDY = Study(
    "07_blocks",
    chapters=["07_classification"],
    data=["reviews"],
    packages=["numpy", "scikit-learn", "gensim", "torch", "jieba"],
    modules=["corpora", "running_text"],
)
L = lessons.load("07_classification")
BLOCK, GAPS = 50, (1, 2, 5, 10, 100, 1000)


@cache
def reviews():
    """Return the reviews' texts, their words and their labels (1: good), in the order of the source, without copies."""
    texts, names = zip(*running_text.chinese_reviews(), strict=True)
    return (
        texts,
        [L.chinese_words(text) for text in texts],
        np.array([name == "positive" for name in names]).astype(int),
    )


def neighbours() -> dict[str, float]:
    """Count what shows that neighbouring lines belong together."""
    texts, _, y = reviews()
    numbers = [int(found[1]) if (found := re.match(r"\s*([1-9])[.、,，:：)）]", text)) else 0 for text in texts]
    later = [i for i, n in enumerate(numbers) if n > 1]
    follow = sum(numbers[i - 1] == numbers[i] - 1 for i in later)
    figures = {"numbered 2 to 9": len(later), "after the number before": follow}
    X = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True).fit_transform(texts)
    for gap in GAPS:
        one, other = X[:-gap], X[gap:]
        figures[f"cosine, {gap} apart"] = (
            np.asarray(one.multiply(other).sum(axis=1)).ravel()[y[:-gap] == y[gap:]].mean()
        )
    return figures


def one(split: str, seed: int) -> dict[str, float]:
    """Deal the reviews out, learn and test."""
    if split == "neighbours":
        return neighbours()
    texts, words, labels = reviews()
    block = np.arange(len(texts)) // (BLOCK if split == "blocks" else 1)
    place = np.random.default_rng(seed).random(block.max() + 1)[block]
    parts = {"train": place >= 0.3, "validation": (place >= 0.2) & (place < 0.3), "test": place < 0.2}
    some = {k: np.flatnonzero(inside) for k, inside in parts.items()}
    texts, words = ({k: [source[i] for i in rows] for k, rows in some.items()} for source in (texts, words))
    y, found = {k: labels[rows] for k, rows in some.items()}, {}
    for kind in ("words", "characters"):
        X = L.vectorised(L.features(kind), texts if kind == "characters" else words)
        found[f"TF-IDF, {kind}"] = L.linear(X, y, strengths=(10,)).score(X["test"], y["test"])
    space = L.own_vectors(words["train"], seed=seed)
    X = L.standardised({k: L.mean_vectors(w, space) for k, w in words.items()})
    torch.manual_seed(seed)
    model = L.network(100, 2)
    L.fit(model, X, y)
    return found | {"own vectors, mean": L.accuracy(L.probabilities(model, X["test"]), y["test"])}


if __name__ == "__main__":
    torch.set_num_threads(1)
    DRAWINGS = [{"split": split, "seed": seed} for split in ("lines", "blocks") for seed in range(3)]
    STUDY.run(one, [{"split": "neighbours", "seed": 0}, *DRAWINGS])
