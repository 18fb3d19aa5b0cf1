"""Chapter 08: from a layperson's wording to the definition. The whole collection, and parts of it as the chapter's own.

A setting draws a part: so many documents, and of the queries 250 to choose by and 500 to judge by; the whole takes all of
both. Figures: nDCG@10 on the validation and on the test queries; on the test queries also the bounds of its interval (low,
high), MRR@10 and recall@10; for pairs of systems the mean difference in nDCG@10 and the p-value of a paired permutation
test. All choices (cutting, k1, b, the weight and k of the rank fusion, the weight of the sum) are made on the validation
queries, and the re-ranker learns from them; its own score there is found by halves: each half is ranked by what was learnt
from the other. "chosen" figures tell the choices, "weight" the re-ranker's. What MiniLM makes of the
texts is kept in build/ for the next recording. A quarter of an hour on one thread.
"""

import hashlib
import inspect
import json
import sys
from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfTransformer
from transformers import BertModel, BertTokenizer

from wordspace import cards, encoders, evaluation, lessons, retrieval, vectors
from wordspace.paths import build
from wordspace.studies import Study

STUDY = Study(
    "08_compare",
    chapters=["08_semantic_search", "07_classification"],
    data=["phenotypes", "glove", "minilm"],
    packages=["numpy", "scipy", "scikit-learn", "gensim", "torch", "transformers"],
    modules=["corpora", "encoders", "evaluation", "phenotypes", "retrieval", "vectors"],
)
L, L7 = lessons.load("08_semantic_search"), lessons.load("07_classification")
BM25 = [(1.2, 0.75), (0.6, 0.75), (2, 0.75), (1.2, 0.5), (1.2, 0.9)]
RRF = [(w, k) for w in (0.5, 0.6, 0.7, 0.8, 0.9) for k in (5, 20, 60)]
SUM = (0, 0.01, 0.02, 0.03, 0.05, 0.1)
WAYS = {"words": L.words, "stems": L.stems, "stems, fewer": L.fewer_stems}
PAIRS = [("RRF", "BM25"), ("RRF", "MiniLM"), ("RRF, weighted", "BM25"), ("RRF, weighted", "MiniLM")]
PAIRS += [("sum of scores", "BM25"), ("sum of scores", "MiniLM"), ("MiniLM", "BM25"), ("late interaction", "MiniLM")]
PAIRS += [("re-ranked", "sum of scores"), ("re-ranked", "late interaction"), ("re-ranked", "BM25")]
BLOCK = 256  # queries at a time: their scores of all documents stand in memory together


@cache
def everything() -> dict[str, tuple[list[str], list[str]]]:
    """Return ids and texts of the documents and of the queries."""
    lay = retrieval.layperson()
    return {
        "documents": (list(lay.documents), list(lay.documents.values())),
        "queries": (list(lay.queries), list(lay.queries.values())),
    }


@cache
def tokens(kind: str) -> list[np.ndarray]:
    """Return MiniLM's vectors of every token of every text, (n, 384) each; read from build/ where they were kept."""
    texts = everything()[kind][1]
    folder = encoders.minilm()
    code = inspect.getsource(L.states)
    weights = cards.sha256(folder / "model.safetensors")
    mark = hashlib.sha256(json.dumps([code, weights, texts, torch.__version__]).encode()).hexdigest()[:12]
    path = build("studies", f"08_{kind}-{mark}.npz")
    if not path.exists():
        from tqdm import tqdm

        model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
        tokenizer = BertTokenizer.from_pretrained(folder)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found = [None] * len(texts)
        for start in tqdm(range(0, len(order), 512), desc=kind):
            some = order[start : start + 512]
            for i, H in zip(some, L.states(model, tokenizer, [texts[i] for i in some]), strict=True):
                found[i] = H
        np.savez(path, H=np.concatenate(found), ends=np.cumsum([len(H) for H in found]))
    kept = np.load(path)
    return np.split(kept["H"], kept["ends"][:-1])


@cache
def pooled(kind: str) -> np.ndarray:
    """Return a vector of length 1 for each text, (n, 384)."""
    return L.means(tokens(kind))


@cache
def bare(kind: str) -> list[np.ndarray]:
    """Return the vectors of the tokens at length 1, without those that mark the ends."""
    return [L.unit(H[1:-1].astype("f4")).astype("f2") for H in tokens(kind)]


class Part:
    """A part of the collection with its queries, and what each system finds in it."""

    def __init__(self, documents: int, validation: int, test: int, seed: int):
        lay = self.lay = retrieval.layperson()
        self.ids, queries = L.drawn(lay, documents, validation, test, seed)
        self.asked = queries["validation"] + queries["test"]
        self.cut = len(queries["validation"])
        rows = {kind: {name: i for i, name in enumerate(everything()[kind][0])} for kind in ("documents", "queries")}
        self.d = np.array([rows["documents"][name] for name in self.ids])
        self.q = np.array([rows["queries"][name] for name in self.asked])
        self.texts = [lay.documents[name] for name in self.ids]
        self.questions = [lay.queries[name] for name in self.asked]
        self.lists: dict[str, list[list[str]]] = {}

    def blocks(self, scores, some=None):
        """Yield the score matrices of a few queries at a time: ``scores`` takes their numbers."""
        some = np.arange(len(self.asked)) if some is None else some
        for start in range(0, len(some), BLOCK):
            chosen = some[start : start + BLOCK]
            yield chosen, scores(chosen)

    def found(self, scores, some=None) -> list[list[str]]:
        """Return each query's list of a hundred."""
        return [L.best(row, self.ids) for _, S in self.blocks(scores, some) for row in S]

    def values(self, lists, start=0, measure=None) -> np.ndarray:
        """Return a measure for each list; they are the lists of the queries from ``start`` on."""
        by_query = dict(zip(self.asked[start:], lists, strict=False))
        return L.measured(by_query, self.lay.relevant, measure or L.ndcg)

    def on_validation(self, scores) -> float:
        """Return the mean nDCG@10 on the validation queries."""
        return self.values(self.found(scores, np.arange(self.cut))).mean()


def lexical(part: Part, figures: dict):
    """Add the systems that count words, and return the scores of the tuned BM25."""
    tried = {}

    def attempt(way: str, k1: float, b: float):
        X, like = L.counted(part.texts, WAYS[way])
        scores = product(like.transform(part.questions), L.bm25(X, k1, b).T.tocsr())
        tried[way, k1, b] = (part.on_validation(scores), scores)

    for way in WAYS:
        attempt(way, *BM25[0])
    way = max(tried, key=lambda key: tried[key][0])[0]
    for k1, b in BM25[1:]:
        attempt(way, k1, b)
    best = max(tried, key=lambda key: tried[key][0])
    figures |= {"chosen: way": list(WAYS).index(best[0]), "chosen: k1": best[1], "chosen: b": best[2]}
    part.lists["BM25, untuned"] = part.found(tried["words", *BM25[0]][1])
    part.lists["BM25"] = part.found(tried[best][1])
    X, like = L.counted(part.texts, WAYS[best[0]])
    tfidf = TfidfTransformer(sublinear_tf=True).fit(X)
    A, B = (tfidf.transform(like.transform(some)) for some in (part.questions, part.texts))
    part.lists["TF-IDF"] = part.found(product(A, B.T.tocsr()))
    return tried[best][1]


def product(Y, W):
    """Return a function from the numbers of queries to their scores."""
    return lambda some: (Y[some] @ W).toarray()


def dense(part: Part):
    """Add the systems that compare one vector a text, and return MiniLM's scores."""
    cut = {"train": [L.words(text) for text in part.texts], "queries": [L.words(text) for text in part.questions]}
    space = vectors.english()
    plain = {k: L7.mean_vectors(some, space) for k, some in cut.items()}
    for name, X in {"GloVe, mean": plain, "GloVe, SIF": L7.sif_vectors(cut, space, a=1e-3)}.items():
        part.lists[name] = part.found(lambda some, X=X: L.cosines(X["queries"][some], X["train"]))
    Q, D = pooled("queries")[part.q], pooled("documents")[part.d]
    part.lists["MiniLM"] = part.found(lambda some: Q[some] @ D.T)
    return lambda some: Q[some] @ D.T


def fusion(part: Part, words, meaning, figures: dict):
    """Add the two fusions, each with the weights that are best on validation; return the sum's scores."""
    both = list(zip(part.lists["BM25"], part.lists["MiniLM"], strict=True))
    tried = {(w, k): [L.rrf(pair, [1 - w, w], k) for pair in both[: part.cut]] for w, k in RRF}
    w, k = max(tried, key=lambda key: part.values(tried[key]).mean())
    part.lists["RRF"] = [L.rrf(pair) for pair in both]
    part.lists["RRF, weighted"] = [L.rrf(pair, [1 - w, w], k) for pair in both]
    tried = {a: part.on_validation(lambda some, a=a: meaning(some) + a * words(some)) for a in SUM}
    a = max(tried, key=tried.get)
    figures |= {"chosen: RRF weight": w, "chosen: RRF k": k, "chosen: sum of scores": a}
    part.lists["sum of scores"] = part.found(lambda some: meaning(some) + a * words(some))
    return lambda some: meaning(some) + a * words(some)


def rerank(part: Part, words, meaning, total, figures: dict) -> np.ndarray:
    """Add late interaction and the learnt order of the hundred candidates; return its fair values on validation."""
    rows, seen = [], []
    for some, S in part.blocks(total):
        for n, order, w, m in zip(some, S, words(some), meaning(some), strict=True):
            top = np.array(L.best(order, range(len(order))))
            Q = bare("queries")[part.q[n]].astype("f4")
            D = {i: bare("documents")[part.d[i]].astype("f4") for i in top}
            rows.append(top)
            seen.append(L.looks(top, w, m, Q, D))
    X, rows = np.stack(seen), np.stack(rows)
    right = np.array(
        [[part.ids[i] in part.lay.relevant[q] for i in top] for q, top in zip(part.asked, rows, strict=True)]
    )

    def ordered(values):
        return [L.best(row, [part.ids[i] for i in top]) for row, top in zip(values, rows, strict=False)]

    v = L.learn(X[: part.cut], right[: part.cut])
    figures |= {f"weight {n}": value for n, value in enumerate(v)}
    part.lists |= {"late interaction": ordered(X[..., 2]), "re-ranked": ordered(X @ v)}
    half = np.arange(part.cut) % 2 == 0
    fair = np.zeros((part.cut, X.shape[1]))
    for some in (half, ~half):
        other = np.flatnonzero(~some)
        fair[np.flatnonzero(some)] = X[np.flatnonzero(some)] @ L.learn(X[other], right[other])
    return part.values(ordered(fair))


def one(documents: int, validation: int, test: int, seed: int) -> dict[str, float]:
    """Measure every system on one part, or on the whole."""
    figures: dict[str, float] = {}
    part = Part(documents, validation, test, seed)
    words = lexical(part, figures)
    meaning = dense(part)
    fair = rerank(part, words, meaning, fusion(part, words, meaning, figures), figures)
    on_test = {}
    for system, lists in part.lists.items():
        by_query = part.values(lists)
        on_validation = fair if system == "re-ranked" else by_query[: part.cut]
        score = evaluation.bootstrap(np.mean, by_query[part.cut :])
        on_test[system] = by_query[part.cut :]
        figures |= {f"validation: {system}": on_validation.mean(), f"test: {system}": score.value}
        figures |= {f"low: {system}": score.low, f"high: {system}": score.high}
        for name, measure in (("MRR", L.reciprocal_rank), ("recall", L.recall)):
            figures[f"{name}: {system}"] = part.values(lists[part.cut :], part.cut, measure).mean()
    for a, b in PAIRS:
        figures[f"gain: {a} - {b}"], figures[f"p: {a} - {b}"] = evaluation.paired_test(on_test[a], on_test[b])
    return figures


if __name__ == "__main__":
    torch.set_num_threads(1)
    if "--encode" in sys.argv:
        for KIND in ("queries", "documents"):
            tokens(KIND)
        sys.exit()
    LAY = retrieval.layperson()
    WHOLE = {"documents": len(LAY.documents), "seed": 0}
    WHOLE |= {name: len(LAY.part(name)) for name in ("validation", "test")}
    PARTS = [{"documents": 3000, "validation": 250, "test": 500, "seed": seed} for seed in range(8)]
    STUDY.run(one, [*PARTS, WHOLE])
