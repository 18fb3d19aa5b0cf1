"""Chapter 07: learning curves. Three drawings of 50, 200, 1,000 and 5,000 training texts, and all of them, in both tasks.

Figures: accuracy on the test part. Word vectors of our own are trained once, on all training texts without their labels; so is
everything that was ready-made. The strength of each logistic regression is chosen on 500 validation texts, the same for
all. "fine-tuned" (the reviews, 50 and 200) learns in bfloat16. "…, 1000 texts": on a thousand test texts, drawn once, as the
chapter does live. A quarter of an hour on one core.
"""

from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from transformers import BertModel, BertTokenizer

from wordspace import encoders, lessons, phenotypes, running_text, vectors
from wordspace.studies import Study

STUDY = Study(
    "07_curves",
    chapters=["07_classification"],
    data=["reviews", "phenotypes", "synonyms", "glove", "minilm"],
    packages=["numpy", "scikit-learn", "gensim", "torch", "transformers", "jieba"],
    modules=["corpora", "encoders", "phenotypes", "running_text", "vectors"],
    files=["models/mini-bert-zh/model.safetensors"],
)
L = lessons.load("07_classification")
SIZES, TUNED, CHOICE = (50, 200, 1000, 5000, 0), (50, 200), 500  # 0: all


@cache
def data(task: str):
    """Return texts, words and labels of each part."""
    pairs = running_text.chinese_reviews() if task == "reviews" else phenotypes.definitions()
    texts, labels = ({k: part[n] for k, part in L.split(pairs).items()} for n in (0, 1))
    cut = L.chinese_words if task == "reviews" else L.english_words
    return texts, {k: [cut(t) for t in part] for k, part in texts.items()}, labels


@cache
def rows(task: str):
    """Return the encoder's folder and the texts as its numbers, by part."""
    folder = encoders.mini_bert() if task == "reviews" else encoders.minilm()
    tokenizer = BertTokenizer.from_pretrained(folder)
    return folder, {k: L.pieces(tokenizer, part) for k, part in data(task)[0].items()}


@cache
def dense(task: str):
    """Return the dense vectors of all texts, by kind and part."""
    _, words, _ = data(task)
    spaces = {"own vectors, mean": L.own_vectors(words["train"])}
    spaces["ready-made vectors, mean"] = vectors.chinese() if task == "reviews" else vectors.english()
    found = {name: {k: L.mean_vectors(w, space) for k, w in words.items()} for name, space in spaces.items()}
    folder, numbers = rows(task)
    model = BertModel.from_pretrained(folder, add_pooling_layer=False)
    return found | {"encoder, pooled": {k: L.pooled(model, r) for k, r in numbers.items()}}


def drawn(task: str, n: int, seed: int):
    """Return the numbers of the n training texts drawn."""
    y = data(task)[2]["train"]
    order = np.random.default_rng(seed).permutation(len(y))
    return np.sort(order[: n or len(y)])


def lot(task: str, part: str, n: int):
    """Return the numbers of n texts of a part, always the same: the parts are sorted by their classes, so not the first."""
    return np.random.default_rng(0).permutation(len(data(task)[2][part]))[:n]


def one(task: str, n: int, seed: int, tuned: bool = False) -> dict[str, float]:
    """Learn from n drawn texts."""
    texts, words, labels = data(task)
    some = drawn(task, n, seed)
    classes, y_some = np.unique(labels["train"][some], return_inverse=True)  # a drawing may lack a class
    y, found = labels | {"train": y_some}, {}

    def scored(name, p):
        right = classes[p.argmax(axis=1)] == y["test"]
        found.update({name: right.mean(), f"{name}, 1000 texts": right[lot(task, "test", 1000)].mean()})

    if tuned:
        folder, numbers = rows(task)
        torch.manual_seed(seed)
        model = L.Reader(BertModel.from_pretrained(folder, add_pooling_layer=False), len(classes))
        L.fine_tune(model, [numbers["train"][i] for i in some], y_some, passes=8, size=1024, seed=seed, bfloat16=True)
        scored("fine-tuned", L.read(model, numbers["test"]))
        return found
    known = np.array([i for i in lot(task, "validation", CHOICE) if y["validation"][i] in classes])
    small = {"train": y_some, "validation": np.searchsorted(classes, y["validation"][known])}

    def logistic(name, X, strengths):
        X["validation"] = X["validation"][known]
        scored(name, L.linear(X, small, strengths).predict_proba(X["test"]))

    for name, X in dense(task).items():
        logistic(name, L.standardised(X | {"train": X["train"][some]}), (0.001, 0.01, 0.1, 1))
    for kind, source in (("bigrams", words), ("characters", texts)):
        few = source | {"train": [source["train"][i] for i in some]}
        logistic(f"TF-IDF, {kind}", L.vectorised(L.features(kind), few), (1, 3, 10, 30))
    B = L.vectorised(CountVectorizer(analyzer=list, binary=True), words | {"train": [words["train"][i] for i in some]})
    scored("naive Bayes", L.bayes_probabilities(B["test"], *L.naive_bayes(B["train"], y_some)))
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    DRAWINGS = [{"n": n, "seed": seed} for n in SIZES for seed in range(3 if n else 1)]  # all texts: nothing to draw
    RUNS = [{"task": "reviews", **drawing} for drawing in DRAWINGS]
    RUNS += [{"task": "reviews", "n": n, "seed": seed, "tuned": True} for n in TUNED for seed in range(3)]
    STUDY.run(one, RUNS + [{"task": "branches", **drawing} for drawing in DRAWINGS])
