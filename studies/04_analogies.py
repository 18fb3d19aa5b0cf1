"""Chapter 04: how the score of the analogy questions depends on the words that may be the answer, and on the dimensions.

Figures: the share answered right by each method (the three query words excluded), the share of questions covered. Vectors of
fewer dimensions are the projections on their main directions (not centred, so that all dimensions are the vectors themselves).
About four minutes.
"""

import numpy as np

from wordspace import benchmarks, lessons, vectors, wordlists
from wordspace.studies import Study

STUDY = Study(
    "04_analogies",
    chapters=["04_geometry"],
    data=["benchmarks", "analogies_zh", "glove", "synonyms"],
    modules=["benchmarks", "vectors", "wordlists"],
)
SPACES = {"English": vectors.english, "Chinese": vectors.chinese}
QUESTIONS = {"English": benchmarks.google_analogies, "Chinese": wordlists.chinese_analogies}


def one(language: str, words: int, dimensions: int) -> dict[str, float]:
    """Answer the questions of a language among its most frequent words, in so many dimensions."""
    lesson = lessons.load("04_geometry")
    known, E = lesson.most_frequent(SPACES[language](), words)
    if dimensions < E.shape[1]:
        E = E @ np.linalg.eigh(E.T @ E)[1][:, -dimensions:]
    ids, relation = lesson.numbered(known, QUESTIONS[language]())
    U = lesson.unit_rows(E).astype(np.float32)
    found = {}
    for name in np.unique(relation):  # a relation at a time, for 400 000 words are many
        found[name] = lesson.solve(U, ids[relation == name])

    def share(method: str, names: list[str]) -> float:
        return np.concatenate([found[name][method][0] for name in names]).mean()

    figures = {method: share(method, list(found)) for method in lesson.METHODS}
    if language == "English":
        for kind, syntactic in (("semantic", False), ("syntactic", True)):
            figures[f"3CosAdd, {kind}"] = share("3CosAdd", [n for n in found if n.startswith("gram") == syntactic])
    return figures | {"covered": len(ids) / sum(map(len, QUESTIONS[language]().values()))}


if __name__ == "__main__":
    WHOLE = [("English", n, 50) for n in (10_000, 30_000, 400_000)] + [
        ("Chinese", n, 100) for n in (10_000, 30_000, 125_000)
    ]
    FEWER = [("English", 30_000, d) for d in (12, 25, 37)] + [("Chinese", 30_000, d) for d in (12, 25, 50, 75)]
    STUDY.run(one, [dict(zip(("language", "words", "dimensions"), s, strict=True)) for s in WHOLE + FEWER])
