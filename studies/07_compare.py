"""Chapter 07: all classifiers side by side, on the same split, three seeds: Chinese reviews and English definitions.

Figures: accuracy on the validation and on the test part; macro F1 on the test part; against the characters on the test part, the
difference and the p-value of a paired permutation test, and how many texts only one of the two got right; of the chapter's
pairs of opposite opinions, the share told right (a tie counts half). A seed draws word vectors, networks and the order of
training; what is solved exactly is the same for every seed. "readers": how many fine-tuned encoders speak together, those of
seeds 0, 1 and 2 where there are three. Half an hour on one core.
"""

from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import f1_score
from transformers import BertModel, BertTokenizer

from wordspace import encoders, evaluation, lessons, opposites, phenotypes, running_text, vectors
from wordspace.studies import Study

STUDY = Study(
    "07_compare",
    chapters=["07_classification"],
    data=["reviews", "phenotypes", "synonyms", "glove", "minilm", "opposites_zh"],
    packages=["numpy", "scikit-learn", "gensim", "torch", "transformers", "jieba"],
    modules=["corpora", "encoders", "evaluation", "opposites", "phenotypes", "running_text", "vectors"],
    files=["models/mini-bert-zh/model.safetensors"],
)
L = lessons.load("07_classification")
PARTS = ("train", "validation", "test")


@cache
def data(task: str):
    """Return texts, words and labels of each part; for the reviews, the opposite opinions are a part of their own."""
    pairs = running_text.chinese_reviews() if task == "reviews" else phenotypes.definitions()
    texts, labels = ({k: part[n] for k, part in L.split(pairs).items()} for n in (0, 1))
    cut = L.chinese_words if task == "reviews" else L.english_words
    if task == "reviews":
        texts["pairs"] = [t for kind in opposites.chinese().values() for pair in kind for t in pair]
    return texts, {k: [cut(t) for t in part] for k, part in texts.items()}, labels


@cache
def exact(task: str) -> dict[str, dict[str, np.ndarray]]:
    """Return what has no seed: each system's probabilities for every part."""
    texts, words, y = data(task)
    shares = np.bincount(y["train"]) / len(y["train"])
    found = {"majority": {k: np.tile(shares, (len(part), 1)) for k, part in texts.items()}}
    B = L.vectorised(CountVectorizer(analyzer=list, binary=True), words)
    bayes = L.naive_bayes(B["train"], y["train"])
    found["naive Bayes"] = {k: L.bayes_probabilities(b, *bayes) for k, b in B.items()}
    for kind, source in (("words", words), ("bigrams", words), ("characters", texts)):
        X = L.vectorised(L.features(kind), source)
        found[f"TF-IDF, {kind}"] = guesses(L.linear(X, y), X)
    if task == "reviews":  # two classes; X is that of the characters
        r = L.ratios(X["train"] > 0, y["train"])
        X = {k: x.multiply(r).tocsr() for k, x in X.items()}
        found["NBSVM"] = guesses(L.linear(X, y), X)
    space = vectors.chinese() if task == "reviews" else vectors.english()
    found["ready-made vectors, mean"] = logistic({k: L.mean_vectors(w, space) for k, w in words.items()}, y)
    folder = encoders.mini_bert() if task == "reviews" else encoders.minilm()
    tokenizer, model = BertTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder, add_pooling_layer=False)
    found["encoder, pooled"] = logistic({k: L.pooled(model, L.pieces(tokenizer, t)) for k, t in texts.items()}, y)
    return found


def guesses(model, X):
    """Return a fitted model's probabilities for every part."""
    return {k: model.predict_proba(x) for k, x in X.items()}


def logistic(X, y):
    """Return the probabilities of a logistic regression on standardised vectors, its strength chosen on validation."""
    X = L.standardised(X)
    return guesses(L.linear(X, y, strengths=(0.001, 0.01, 0.1, 1)), X)


def neural(X, y, seed):
    """Return the probabilities of the fully connected network, stopped early."""
    X = L.standardised(X)
    torch.manual_seed(seed)
    model = L.network(X["train"].shape[1], int(y["train"].max()) + 1)
    L.fit(model, X, y)
    return {k: L.probabilities(model, x) for k, x in X.items()}


@cache
def seeded(task: str, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Return the systems that draw lots."""
    _, words, y = data(task)
    space = L.own_vectors(words["train"], seed=seed)
    found = {"own vectors, mean": neural({k: L.mean_vectors(w, space) for k, w in words.items()}, y, seed)}
    found["own vectors, SIF"] = neural(L.sif_vectors(words, space), y, seed)
    rows = {k: [L.hashed(w) for w in part] for k, part in words.items()}
    torch.manual_seed(seed)
    model = L.FastText(int(y["train"].max()) + 1)
    L.train_fast_text(model, rows["train"], y["train"])
    found["fastText"] = {k: L.probabilities(model, r) for k, r in rows.items()}
    return found | ({"fine-tuned": fine_tuned(seed)} if task == "reviews" else {})


@cache
def fine_tuned(seed: int):
    """Return the probabilities of the mini-BERT, trained on all reviews, in bfloat16."""
    texts, _, labels = data("reviews")
    folder = encoders.mini_bert()
    tokenizer = BertTokenizer.from_pretrained(folder)
    rows = {k: L.pieces(tokenizer, part) for k, part in texts.items()}
    torch.manual_seed(seed)
    model = L.Reader(BertModel.from_pretrained(folder, add_pooling_layer=False), classes=2)
    L.fine_tune(model, rows["train"], labels["train"], seed=seed, bfloat16=True)
    return {k: L.read(model, rows[k]) for k in ("validation", "test", "pairs")}


def one(task: str, seed: int, readers: int = 1) -> dict[str, float]:
    """Measure every system, and their mixtures; "fine-tuned" is one reader, or three that speak together."""
    labels = data(task)[2]
    systems = exact(task) | seeded(task, seed)
    if readers > 1:
        systems["fine-tuned"] = {k: L.mixed([fine_tuned(s)[k] for s in range(readers)]) for k in fine_tuned(0)}
    systems = {name: {k: v for k, v in p.items() if k != "train"} for name, p in systems.items()}
    figures = {}
    for name in [name for name in systems if name != "majority"]:  # each speaks as surely as it may
        figures[f"temperature: {name}"] = T = L.temperature(systems[name]["validation"], labels["validation"])
        systems[name] = {k: L.cooled(p, T) for k, p in systems[name].items()}
    members = {name: p["validation"] for name, p in systems.items() if name != "majority"}
    picked = L.choose(members, labels["validation"])
    for name, chosen in (("mixture of all", list(members)), ("chosen mixture", picked)):
        systems[name] = {k: L.mixed([systems[m][k] for m in chosen]) for k in systems["majority"]}
    figures |= {f"chosen: {name}": picked.count(name) for name in members}
    y, right = labels["test"], {}
    for name, p in systems.items():
        right[name] = (p["test"].argmax(axis=1) == y).astype(float)
        figures[f"validation: {name}"] = L.accuracy(p["validation"], labels["validation"])
        figures[f"test: {name}"] = right[name].mean()
        figures[f"F1: {name}"] = f1_score(y, p["test"].argmax(axis=1), average="macro", zero_division=0)
        if task == "reviews":
            for kind, some in (("order", slice(0, 40)), ("negation", slice(40, 80))):
                figures[f"{kind}: {name}"] = L.told_right(p["pairs"][some, 1])
    for name in systems:
        gain, p = evaluation.paired_test(right[name], right["TF-IDF, characters"])
        figures |= {f"gain: {name}": gain, f"p: {name}": p}
        figures[f"only this: {name}"] = (right[name] > right["TF-IDF, characters"]).sum()
        figures[f"only characters: {name}"] = (right[name] < right["TF-IDF, characters"]).sum()
    return figures


if __name__ == "__main__":
    torch.set_num_threads(1)
    RUNS = [{"task": "reviews", "seed": seed, "readers": n} for n in (1, 3) for seed in range(3)]
    STUDY.run(one, RUNS + [{"task": "branches", "seed": seed, "readers": 1} for seed in range(3)])
