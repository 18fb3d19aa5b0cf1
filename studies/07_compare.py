"""Chapter 07: all classifiers side by side, on the same split, three seeds: Chinese reviews and English definitions.

Figures: accuracy on the validation and on the test part; macro F1 on the test part; against the characters on the test part
(for the definitions the better kind of them, by validation), the difference and the p-value of a paired permutation test, and
how many texts only one of the two got right; of the chapter's pairs of opposite opinions, the share told right (a tie counts
half); of the chosen mixture, the difference from the best of its candidates alone ("best alone", by validation) and its p.
On all dense vectors stands the same network, or where the name says so a logistic regression. "own vectors, fewer words" are
the means over the words that the ready-made vectors know. "SIF: 0.01" and "fastText: 8" are accuracies on validation with
this a, these passes: seed 0 chooses for all three. A seed draws word vectors, networks and the order of training; what is
solved exactly is the same for every seed. "readers": how many fine-tuned encoders speak together, those of seeds 0, 1 and 2
where there are three; fine-tuned, they are kept in build/ for the next recording.
"""

import hashlib
import inspect
import json
from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import f1_score
from transformers import BertModel, BertTokenizer

from wordspace import cards, encoders, evaluation, lessons, opposites, phenotypes, running_text, vectors
from wordspace.paths import build
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
ORDER = 2 * len(opposites.chinese()["order"])  # the first so many opinions; the others differ by a negation


@cache
def data(task: str):
    """Return texts, words and labels of each part; for the reviews, the opposite opinions are a part of their own."""
    pairs = running_text.chinese_reviews() if task == "reviews" else phenotypes.definitions()
    texts, labels = ({k: part[n] for k, part in L.split(pairs).items()} for n in (0, 1))
    cut = L.chinese_words if task == "reviews" else L.english_words
    if task == "reviews":
        texts["pairs"] = [t for kind in opposites.chinese().values() for pair in kind for t in pair]
    return texts, {k: [cut(t) for t in part] for k, part in texts.items()}, labels


def kinds(task: str) -> list[str]:
    """Return what is counted; English words are longer than Chinese ones, so longer strings are a rival there."""
    return ["words", "bigrams", "characters"] + (["characters 3-5"] if task == "branches" else [])


@cache
def exact(task: str) -> dict[str, dict[str, np.ndarray]]:
    """Return what has no seed: each system's probabilities for every part."""
    texts, words, y = data(task)
    shares = np.bincount(y["train"]) / len(y["train"])
    found = {"majority": {k: np.tile(shares, (len(part), 1)) for k, part in texts.items()}}
    found["naive Bayes"] = bayes(L.vectorised(CountVectorizer(analyzer=list, binary=True), words), y)
    for kind in kinds(task):
        X = L.vectorised(L.features(kind), texts if kind.startswith("characters") else words)
        found[f"TF-IDF, {kind}"] = guesses(L.linear(X, y), X)
        if kind == "characters":
            B = {k: (x > 0).astype(float) for k, x in X.items()}
            found["naive Bayes, characters"] = bayes(B, y)
            if task == "reviews":  # two classes
                r = L.ratios(X["train"] > 0, y["train"])
                X = {k: x.multiply(r).tocsr() for k, x in X.items()}
                found["NBSVM"] = guesses(L.linear(X, y), X)
    found["encoder, pooled, logistic"] = logistic(averages(task)["encoder, pooled"], y)
    return found


@cache
def averages(task: str) -> dict[str, dict[str, np.ndarray]]:
    """Return the vectors that were ready-made, averaged, by kind and part: standardised."""
    texts, words, _ = data(task)
    space = vectors.chinese() if task == "reviews" else vectors.english()
    found = {"ready-made vectors, mean": {k: L.mean_vectors(w, space) for k, w in words.items()}}
    folder = encoders.mini_bert() if task == "reviews" else encoders.minilm()
    tokenizer, model = BertTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder, add_pooling_layer=False)
    found["encoder, pooled"] = {k: L.pooled(model, L.pieces(tokenizer, t)) for k, t in texts.items()}
    return {name: L.standardised(X) for name, X in found.items()}


def bayes(B, y):
    """Return naive Bayes' probabilities for every part."""
    model = L.naive_bayes(B["train"], y["train"])
    return {k: L.bayes_probabilities(b, *model) for k, b in B.items()}


def guesses(model, X):
    """Return a fitted model's probabilities for every part."""
    return {k: model.predict_proba(x) for k, x in X.items()}


def logistic(X, y):
    """Return the probabilities of a logistic regression on standardised vectors, its strength chosen on validation."""
    return guesses(L.linear(X, y, strengths=(0.001, 0.01, 0.1, 1)), X)


def neural(X, y, seed):
    """Return the probabilities of the fully connected network on standardised vectors, stopped early."""
    torch.manual_seed(seed)
    model = L.network(X["train"].shape[1], int(y["train"].max()) + 1)
    L.fit(model, X, y)
    return {k: L.probabilities(model, x) for k, x in X.items()}


@cache
def seeded(task: str, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Return the systems that draw lots."""
    _, words, y = data(task)
    space = L.own_vectors(words["train"], seed=seed)
    own = L.standardised({k: L.mean_vectors(w, space) for k, w in words.items()})
    found = {name: neural(X, y, seed) for name, X in {"own vectors, mean": own, **averages(task)}.items()}
    found["own vectors, mean, logistic"] = logistic(own, y)
    if task == "reviews":  # the words that the ready-made vectors know, and no others
        known = {k: [[w for w in s if w in vectors.chinese()] for s in part] for k, part in words.items()}
        X = L.standardised({k: L.mean_vectors(w, space) for k, w in known.items()})
        found["own vectors, fewer words"] = neural(X, y, seed)
    sif = {a: neural(L.standardised(L.sif_vectors(words, space, a)), y, seed) for a in settled(task, "a", seed)}
    fast = {n: fast_text(task, n, seed) for n in settled(task, "passes", seed)}
    for name, tried in (("own vectors, SIF", sif), ("fastText", fast)):
        scores = {value: L.accuracy(p["validation"], y["validation"]) for value, p in tried.items()}
        best = max(scores, key=scores.get)
        found[name] = tried[best]
        CHOSEN[task, name] = CHOSEN.get((task, name), best)
        TRIED[task, name] = TRIED.get((task, name), scores)
    return found | ({"fine-tuned": fine_tuned(seed)} if task == "reviews" else {})


CHOSEN, TRIED = {}, {}  # seed 0 tries all values of a setting, the others take the one that was best on validation


def settled(task: str, what: str, seed: int) -> tuple:
    """Return the values to try: for seed 0 all of them, for another the one that seed 0 chose."""
    name, values = {"a": ("own vectors, SIF", (0.01, 0.001)), "passes": ("fastText", (8, 20, 40))}[what]
    if seed and (task, name) not in CHOSEN:
        seeded(task, 0)
    return (CHOSEN[task, name],) if seed else values


def fast_text(task: str, passes: int, seed: int):
    """Return the probabilities of a bag of words and bigrams, trained for the labels."""
    _, words, y = data(task)
    rows = {k: [L.hashed(w) for w in part] for k, part in words.items()}
    torch.manual_seed(seed)
    model = L.FastText(int(y["train"].max()) + 1)
    L.train_fast_text(model, rows["train"], y["train"], passes=passes)
    return {k: L.probabilities(model, r) for k, r in rows.items()}


@cache
def fine_tuned(seed: int):
    """Return the probabilities of the mini-BERT, trained on all reviews, in bfloat16."""
    texts, _, labels = data("reviews")
    folder = encoders.mini_bert()
    tokenizer = BertTokenizer.from_pretrained(folder)
    rows = {k: L.pieces(tokenizer, part) for k, part in texts.items()}
    model = L.Reader(BertModel.from_pretrained(folder, add_pooling_layer=False), classes=2)
    kept = reader_file(folder, rows["train"], labels["train"], seed)
    if kept.exists():
        model.load_state_dict(torch.load(kept, weights_only=True))
    else:
        torch.manual_seed(seed)
        model = L.Reader(BertModel.from_pretrained(folder, add_pooling_layer=False), classes=2)
        L.fine_tune(model, rows["train"], labels["train"], seed=seed, bfloat16=True)
        torch.save(model.state_dict(), kept)
    return {k: L.read(model, rows[k]) for k in ("validation", "test", "pairs")}


def reader_file(folder, rows, labels, seed: int):
    """Return where a fine-tuned encoder is kept from one recording to the next: named by all that it depends on."""
    code = [inspect.getsource(f) for f in (L.padded, L.batches, L.pool, L.Reader, L.fine_tune)]
    weights = cards.sha256(folder / "model.safetensors")
    mark = json.dumps([code, weights, rows, labels.tolist(), seed, torch.__version__])
    return build("studies", f"07_reader-{hashlib.sha256(mark.encode()).hexdigest()[:12]}.pt")


def one(task: str, seed: int, readers: int = 1) -> dict[str, float]:
    """Measure every system, and their mixtures; "fine-tuned" is one reader, or three that speak together."""
    labels = data(task)[2]
    systems = exact(task) | seeded(task, seed)
    if readers > 1:
        systems["fine-tuned"] = {k: L.mixed([fine_tuned(s)[k] for s in range(readers)]) for k in fine_tuned(0)}
    systems = {name: {k: v for k, v in p.items() if k != "train"} for name, p in systems.items()}
    figures = {}
    for name in ("own vectors, SIF", "fastText"):
        figures |= {f"{name}: {value:g}": score for value, score in TRIED[task, name].items()}
    for name in [name for name in systems if name != "majority"]:  # each speaks as surely as it may
        figures[f"temperature: {name}"] = T = L.temperature(systems[name]["validation"], labels["validation"])
        systems[name] = {k: L.cooled(p, T) for k, p in systems[name].items()}
    beside = ("majority", "encoder, pooled, logistic", "own vectors, mean, logistic", "own vectors, fewer words")
    members = {name: p["validation"] for name, p in systems.items() if name not in beside}
    scores = {name: L.accuracy(p, labels["validation"]) for name, p in members.items()}
    best = max(scores, key=scores.get)  # the best of those that speak alone, by validation
    characters = max([name for name in members if name.startswith("TF-IDF, characters")], key=scores.get)
    picked = L.choose(members, labels["validation"])
    for name, chosen in (("mixture of all", list(members)), ("chosen mixture", picked)):
        systems[name] = {k: L.mixed([systems[m][k] for m in chosen]) for k in systems["majority"]}
    for name in members:
        figures |= {f"chosen: {name}": picked.count(name), f"best alone: {name}": name == best}
        if name.startswith("TF-IDF, characters"):
            figures[f"best characters: {name}"] = name == characters
    y, right = labels["test"], {}
    for name, p in systems.items():
        right[name] = (p["test"].argmax(axis=1) == y).astype(float)
        figures[f"validation: {name}"] = L.accuracy(p["validation"], labels["validation"])
        figures[f"test: {name}"] = right[name].mean()
        figures[f"F1: {name}"] = f1_score(y, p["test"].argmax(axis=1), average="macro", zero_division=0)
        if task == "reviews":
            for kind, some in (("order", slice(0, ORDER)), ("negation", slice(ORDER, None))):
                figures[f"{kind}: {name}"] = L.told_right(p["pairs"][some, 1])
    for name in systems:
        gain, p = evaluation.paired_test(right[name], right[characters])
        figures |= {f"gain: {name}": gain, f"p: {name}": p}
        figures[f"only this: {name}"] = (right[name] > right[characters]).sum()
        figures[f"only characters: {name}"] = (right[name] < right[characters]).sum()
    gain, p = evaluation.paired_test(right["chosen mixture"], right[best])
    return figures | {"over the best alone": gain, "p, over the best alone": p}


if __name__ == "__main__":
    torch.set_num_threads(1)
    RUNS = [{"task": "reviews", "seed": seed, "readers": n} for n in (1, 3) for seed in range(3)]
    STUDY.run(one, RUNS + [{"task": "branches", "seed": seed, "readers": 1} for seed in range(3)])
