"""Chapter 08: from a layperson's wording to the definition. The whole collection, and parts of it as the chapter's own.

A setting draws a part: so many documents, and of the queries 250 to choose by and 500 to judge by; the whole takes all of
both. Figures: nDCG@10 on the validation and on the test queries; on the test queries also the bounds of its interval (low,
high), MRR@10 and recall@10; for pairs of systems the mean difference in nDCG@10 and the p-value of a paired permutation
test. All choices (cutting, k1, b, the weight and k of the rank fusion, the weight of the sum) are made on the validation
queries, and the re-ranker learns from them; its own score there is found by halves: each half is ranked by what was learnt
from the other. "chosen" figures tell the choices, "weight" the re-ranker's. "adapted": the query's and the text's vectors
each times a matrix, learnt from names and other synonyms of terms that no query asks for, neither for choosing nor for
judging. What MiniLM makes of the texts is kept in build/ for the next recording. An hour on one thread.
"""

import hashlib
import inspect
import json
import sys
from functools import cache

import numpy as np
import torch
from torch.nn import functional as F
from transformers import BertModel, BertTokenizer

from wordspace import cards, encoders, evaluation, lessons, phenotypes, retrieval, vectors
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
PAIRS += [("re-ranked", "sum of scores"), ("re-ranked", "BM25"), ("MiniLM, adapted", "MiniLM")]
PAIRS += [("re-ranked, adapted", "re-ranked"), ("re-ranked, adapted", "BM25")]
BLOCK = 256  # queries at a time: their scores of all documents stand in memory together


@cache
def everything() -> dict[str, tuple[list[str], list[str]]]:
    """Return ids and texts of the documents, of the queries, and of the wordings that an adapter may learn from."""
    lay = retrieval.layperson()
    asked_for = {document for right in lay.relevant.values() for document in right}
    names, texts = [], []
    for term in phenotypes.terms().values():
        if term.definition and term.id not in asked_for:
            for text in (term.name, *(synonym.text for synonym in term.synonyms))[:2]:
                if " ".join(L.words(text)) not in lay.queries:
                    names.append(term.id)
                    texts.append(text)
    return {
        "documents": (list(lay.documents), list(lay.documents.values())),
        "queries": (list(lay.queries), list(lay.queries.values())),
        "wordings": (names, texts),
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


@cache
def adapter(seed: int = 0, steps: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices for queries and for texts, (384, 384) each, learnt by contrast (InfoNCE)."""
    torch.manual_seed(seed)
    place = {name: i for i, name in enumerate(everything()["documents"][0])}
    P, D = torch.tensor(pooled("wordings")), torch.tensor(pooled("documents"))
    y = torch.tensor([place[name] for name in everything()["wordings"][0]])
    A, B = (torch.eye(P.shape[1], requires_grad=True) for _ in range(2))
    optimizer = torch.optim.Adam([A, B], lr=1e-3)
    for step in range(steps):
        rows, others = torch.randint(len(P), (512,)), torch.randint(len(D), (2048,))
        chosen = torch.cat([y[rows], others])
        scores = 20 * F.normalize(P[rows] @ A, dim=1) @ F.normalize(D[chosen] @ B, dim=1).T
        again = chosen[None] == y[rows][:, None]  # the right text, drawn once more as a wrong one
        again[torch.arange(512), torch.arange(512)] = False
        loss = F.cross_entropy(scores.masked_fill(again, -1e9), torch.arange(512))
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = 1e-3 * (1 - step / steps)
        optimizer.step()
    return A.detach().numpy(), B.detach().numpy()


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
    for way, cut in WAYS.items():
        X, like = L.counted(part.texts, cut)
        Y = like.transform(part.questions)
        for k1, b in BM25:
            W = L.bm25(X, k1, b).T.tocsr()
            tried[way, k1, b] = (part.on_validation(product(Y, W)), product(Y, W))
    best = max(tried, key=lambda key: tried[key][0])
    figures |= {"chosen: way": list(WAYS).index(best[0]), "chosen: k1": best[1], "chosen: b": best[2]}
    part.lists["BM25, untuned"] = part.found(tried["words", *BM25[0]][1])
    part.lists["BM25"] = part.found(tried[best][1])
    X, like = L.counted(part.texts, WAYS[best[0]])
    from sklearn.feature_extraction.text import TfidfTransformer

    tfidf = TfidfTransformer(sublinear_tf=True).fit(X)
    A, B = (tfidf.transform(like.transform(some)) for some in (part.questions, part.texts))
    part.lists["TF-IDF"] = part.found(product(A, B.T.tocsr()))
    return tried[best][1]


def product(Y, W):
    """Return a function from the numbers of queries to their scores."""
    return lambda some: (Y[some] @ W).toarray()


def dense(part: Part):
    """Add the systems that compare one vector a text, and return MiniLM's scores, and those of the adapted vectors."""
    cut = {"train": [L.words(text) for text in part.texts], "queries": [L.words(text) for text in part.questions]}
    space = vectors.english()
    plain = {k: L7.mean_vectors(some, space) for k, some in cut.items()}
    for name, X in {"GloVe, mean": plain, "GloVe, SIF": L7.sif_vectors(cut, space, a=1e-3)}.items():
        part.lists[name] = part.found(lambda some, X=X: L.cosines(X["queries"][some], X["train"]))
    Q, D = pooled("queries")[part.q], pooled("documents")[part.d]
    A, B = adapter()
    QA, DB = L.unit(Q @ A), L.unit(D @ B)
    scores = [lambda some: Q[some] @ D.T, lambda some: QA[some] @ DB.T]
    part.lists |= {name: part.found(f) for name, f in zip(("MiniLM", "MiniLM, adapted"), scores, strict=True)}
    return scores


def fusion(part: Part, words, meaning, figures: dict, name: str = "sum of scores"):
    """Add the two fusions, each with the weights that are best on validation; return the sum's scores."""
    if name == "sum of scores":
        both = list(zip(part.lists["BM25"], part.lists["MiniLM"], strict=True))
        tried = {(w, k): [L.rrf(pair, [1 - w, w], k) for pair in both[: part.cut]] for w, k in RRF}
        w, k = max(tried, key=lambda key: part.values(tried[key]).mean())
        part.lists["RRF"] = [L.rrf(pair) for pair in both]
        part.lists["RRF, weighted"] = [L.rrf(pair, [1 - w, w], k) for pair in both]
        figures |= {"chosen: RRF weight": w, "chosen: RRF k": k}
    tried = {a: part.on_validation(lambda some, a=a: meaning(some) + a * words(some)) for a in SUM}
    a = max(tried, key=tried.get)
    figures[f"chosen: {name}"] = a
    part.lists[name] = part.found(lambda some: meaning(some) + a * words(some))
    return lambda some: meaning(some) + a * words(some)


def rerank(part: Part, words, meaning, total, figures: dict, suffix: str = "") -> dict[str, np.ndarray]:
    """Add late interaction and the learnt order of the hundred candidates; return its scores on validation."""
    rows, seen = [], []
    for some, S in part.blocks(total):
        for n, order, w, m in zip(some, S, words(some), meaning(some), strict=True):
            top = np.argsort(-order.round(6), kind="stable")[:100]
            Q = bare("queries")[part.q[n]].astype("f4")
            D = {i: bare("documents")[part.d[i]].astype("f4") for i in top}
            rows.append(top)
            seen.append(L.looks(top, w, m, Q, D))
    X, rows = np.stack(seen), np.stack(rows)
    right = np.array(
        [[part.ids[i] in part.lay.relevant[q] for i in top] for q, top in zip(part.asked, rows, strict=True)]
    )

    def ordered(values):
        order = np.argsort(-values.round(6), axis=1, kind="stable")
        return [[part.ids[i] for i in top] for top in np.take_along_axis(rows, order, axis=1)]

    v = L.learn(X[: part.cut], right[: part.cut])
    figures |= {f"weight {n}{suffix}": value for n, value in enumerate(v)}
    if not suffix:
        part.lists["late interaction"] = ordered(X[..., 2])
    part.lists["re-ranked" + suffix] = ordered(X @ v)
    half = np.arange(part.cut) % 2 == 0
    fair = np.zeros(X.shape[:2])
    for some in (half, ~half):
        other = np.flatnonzero(~some)
        fair[np.flatnonzero(some)] = X[np.flatnonzero(some)] @ L.learn(X[other], right[other])
    return {"re-ranked" + suffix: part.values(ordered(fair)[: part.cut])}


def one(documents: int, validation: int, test: int, seed: int) -> dict[str, float]:
    """Measure every system on one part, or on the whole."""
    figures: dict[str, float] = {}
    part = Part(documents, validation, test, seed)
    words = lexical(part, figures)
    meaning, adapted = dense(part)
    fair = rerank(part, words, meaning, fusion(part, words, meaning, figures), figures)
    name = "sum of scores, adapted"
    fair |= rerank(part, words, adapted, fusion(part, words, adapted, figures, name), figures, ", adapted")
    on_test = {}
    for system, lists in part.lists.items():
        by_query = part.values(lists)
        on_validation = fair.get(system, by_query[: part.cut])
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
        for KIND in ("queries", "documents", "wordings"):
            tokens(KIND)
        sys.exit()
    LAY = retrieval.layperson()
    WHOLE = {"documents": len(LAY.documents), "seed": 0}
    WHOLE |= {name: len(LAY.part(name)) for name in ("validation", "test")}
    PARTS = [{"documents": 3000, "validation": 250, "test": 500, "seed": seed} for seed in range(12)]
    STUDY.run(one, [*PARTS, WHOLE])
