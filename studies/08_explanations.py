"""Chapter 08: explanation → word. BM25, static vectors, the mini-BERT as it came and trained by contrast, and their mixture.

All choose among the 33,828 headwords of the dictionary. What has a choice makes it on the validation part; the test part
gives the figures, by kind of word, and apart for queries that share no character with a right word. nDCG@10 with one or
several right words, ties by the order of the dictionary. Shorter trainings (two seeds, and one from random weights) show the
spread, and what the pretraining brings. The chapter's brief training is run four times. An hour on one thread.
"""

import sys
from functools import cache
from itertools import product

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from transformers import BertModel, BertTokenizer

from wordspace import encoders, evaluation, lessons, retrieval, search_encoder, vectors
from wordspace.paths import build, root
from wordspace.studies import Study

sys.path.append(str(root() / "models"))
import mini_bert_search as script  # noqa: E402

STUDY = Study(
    "08_explanations",
    chapters=["08_semantic_search"],
    data=["jionlp", "synonyms", "assistant_zh"],
    packages=["numpy", "scipy", "scikit-learn", "torch", "transformers", "jieba"],
    modules=["corpora", "evaluation", "retrieval", "running_text", "encoders"],
    files=[
        "models/mini_bert_search.py",
        "models/mini-bert-zh/model.safetensors",
        "models/mini-bert-zh-search/model.safetensors",
    ],
)
K1, B, GRAMS = (0.3, 0.5, 0.9, 1.2), (0.4, 0.75, 1.0), (1, 2)
SIF = (1e-2, 1e-3, 1e-4)
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)  # of the other systems in the mixture; the encoder has 1
SHORT, LIVE = 60, 4  # steps of a shorter training; runs of the chapter's
lesson = lessons.load("08_semantic_search")


# --- Collections ------------------------------------------------------------------------------------------------------
class Task:
    """A collection with its queries of one part: texts, the rows of the right documents with their grades, and kinds."""

    def __init__(self, collection: retrieval.Collection, part: str):
        ids = collection.part(part)
        place = {document: row for row, document in enumerate(collection.documents)}
        self.documents = list(collection.documents.values())
        self.queries = [collection.queries[query] for query in ids]
        self.grades = [{place[d]: grade for d, grade in collection.relevant[query].items()} for query in ids]
        self.kinds = np.array([collection.kinds[query] for query in ids])
        right = ["".join(self.documents[row] for row in grades) for grades in self.grades]
        self.shares = np.array([bool(set(q) & set(d)) for q, d in zip(self.queries, right, strict=True)])

    def judge(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """Return each measure for each query from scores, (queries, documents); equal scores stand in the documents' order."""
        found = {"nDCG@10": [], "MRR": [], "recall@1": [], "recall@10": []}
        gains = 1 / np.log2(np.arange(2, 12))
        for row, grades in zip(scores, self.grades, strict=True):
            row = row.round(6)  # a processor's way of rounding decides no rank
            answers = np.array(list(grades))
            above = (row[None, :] > row[answers, None]).sum(axis=1)
            ranks = above + [(row[:a] == row[a]).sum() for a in answers]  # from 0
            ideal = np.sort(list(grades.values()))[::-1][:10] @ gains[: len(grades)]
            value = np.array(list(grades.values()))
            inside = ranks < 10
            found["nDCG@10"].append((value[inside] * gains[ranks[inside]]).sum() / ideal)
            found["MRR"].append(1 / (1 + ranks.min()))
            found["recall@1"].append((ranks < 1).mean())
            found["recall@10"].append(inside.mean())
        return {name: np.array(values) for name, values in found.items()}


@cache
def task(part: str) -> Task:
    """Return the explanations of a part, or the eighty passages ("assistant")."""
    return Task(retrieval.assistant(), "test") if part == "assistant" else Task(retrieval.explanations(), part)


# --- Systems: scores of some queries for all documents, (queries, documents) ------------------------------------------
@cache
def counts(part: str, grams: int):
    """Return a counter of characters (2: and of pairs) and the documents' counts."""
    counter = CountVectorizer(analyzer="char", ngram_range=(1, grams))
    return counter, counter.fit_transform(task(part).documents).tocoo()


def bm25(part: str, k1: float, b: float, grams: int):
    """Return the scorer: Robertson's BM25, Lucene's idf, a query's characters counted once each."""
    counter, C = counts(part, grams)
    n, long = C.shape[0], np.asarray(C.sum(axis=1)).ravel()
    df = np.bincount(C.col, minlength=C.shape[1])
    idf = np.log1p((n - df + 0.5) / (df + 0.5))
    of = idf[C.col] * C.data * (k1 + 1) / (C.data + k1 * (1 - b + b * long[C.row] / long.mean()))
    W = sparse.csr_matrix((of, (C.row, C.col)), C.shape).T.tocsr()
    return lambda queries: ((counter.transform(queries) > 0).astype(float) @ W).toarray()


def tfidf(part: str):
    """Return the scorer: cosine of TF-IDF vectors of characters."""
    weigher = TfidfVectorizer(analyzer="char", sublinear_tf=True)
    D = weigher.fit_transform(task(part).documents).T.tocsr()
    return lambda queries: (weigher.transform(queries) @ D).toarray()


@cache
def cutter():
    """Return jieba's cut."""
    import jieba

    jieba.setLogLevel(60)
    return jieba.Tokenizer().lcut


@cache
def parts_of(text: str) -> tuple[str, ...]:
    """Return a text's words that have a static vector: itself if it has one, else jieba's words, else its characters."""
    static = vectors.chinese()
    if text in static:
        return (text,)
    return tuple(w for w in cutter()(text) if w in static) or tuple(c for c in text if c in static)


def averaged(part: str, a: float | None):
    """Return the scorer: cosine of the means of static vectors; with ``a``, SIF's weights and the documents' mean taken off."""
    static = vectors.chinese()
    share = 1 / (np.arange(len(static)) + 10.0)  # by Zipf: the vectors stand in the order of frequency
    share /= share.sum()

    def mean(texts):
        X = np.zeros((len(texts), static.vector_size))
        for row, text in enumerate(texts):
            words = parts_of(text)
            if words:
                of = [a / (a + share[static.get_index(w)]) if a else 1.0 for w in words]
                X[row] = np.average(static[list(words)], axis=0, weights=of)
        return X

    D = mean(task(part).documents)
    centre = D.mean(axis=0) if a else 0

    def unit(X):
        X = X - centre
        return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-9)

    D = unit(D).T
    return lambda queries: unit(mean(queries)) @ D


def encoder(part: str, model, tokenizer):
    """Return the scorer: cosine of the lesson's vectors."""
    D = lesson.vectors_of(model, tokenizer, task(part).documents).T
    return lambda queries: lesson.vectors_of(model, tokenizer, queries) @ D


def loaded(folder):
    """Return a model out of a folder, with its tokenizer."""
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    return model, BertTokenizer.from_pretrained(folder)


@cache
def trained(seed: int, scratch: bool):
    """Return a model after a shorter training, with its tokenizer."""
    words = ["--steps", str(SHORT), "--every", str(SHORT), "--seed", str(seed), *(["--scratch"] if scratch else [])]
    given = script.options().parse_args(words)
    model, tokenizer, _, _ = script.train(given, build("mini-bert-search", f"study-{script.name(given)}.pt"))
    return model.eval(), tokenizer


# --- Choices on validation --------------------------------------------------------------------------------------------
def on_validation(scorer) -> float:
    """Return mean nDCG@10 on the validation part."""
    return float(judged(scorer, "validation")["nDCG@10"].mean())


def judged(scorer, part: str) -> dict[str, np.ndarray]:
    """Return each measure for each query of a part."""
    of = task(part)
    found = []
    for some in np.array_split(np.arange(len(of.queries)), len(of.queries) // 512 + 1):
        few = Task.__new__(Task)
        few.grades = [of.grades[i] for i in some]
        found.append(few.judge(scorer([of.queries[i] for i in some])))
    return {name: np.concatenate([values[name] for values in found]) for name in found[0]}


@cache
def chosen_bm25() -> tuple[float, float, int]:
    """Return k1, b and the longest run of characters that are best on validation."""
    return max(product(K1, B, GRAMS), key=lambda given: on_validation(bm25("validation", *given)))


@cache
def chosen_sif() -> float:
    """Return SIF's a that is best on validation."""
    return max(SIF, key=lambda a: on_validation(averaged("validation", a)))


SYSTEMS = {
    "BM25": lambda part: bm25(part, *chosen_bm25()),
    "TF-IDF": tfidf,
    "static mean": lambda part: averaged(part, None),
    "SIF": lambda part: averaged(part, chosen_sif()),
    "mini-BERT": lambda part: encoder(part, *loaded(encoders.mini_bert())),
    "encoder": lambda part: encoder(part, *loaded(search_encoder.folder())),
}


@cache
def scorer(system: str, part: str):
    """Return the scorer of a system on a collection."""
    return SYSTEMS[system](part)


def standard(scores: np.ndarray) -> np.ndarray:
    """Return each query's scores, (queries, documents), less their mean, over their standard deviation."""
    scores = scores - scores.mean(axis=1, keepdims=True)
    return scores / np.maximum(scores.std(axis=1, keepdims=True), 1e-9)


def mixture(part: str, weights: tuple[float, float]):
    """Return the scorer: the encoder's, SIF's and BM25's standard scores, with weights 1 and these two."""
    parts = [(1.0, scorer("encoder", part)), (weights[0], scorer("SIF", part)), (weights[1], scorer("BM25", part))]
    return lambda queries: sum(weight * standard(of(queries)) for weight, of in parts if weight)


@cache
def mixtures() -> dict[tuple[float, float], float]:
    """Return nDCG@10 on validation for every pair of weights."""
    of = task("validation")
    found = {weights: [] for weights in product(WEIGHTS, WEIGHTS)}
    for some in np.array_split(np.arange(len(of.queries)), len(of.queries) // 512 + 1):
        queries = [of.queries[i] for i in some]
        one, two, three = (
            standard(scorer(name, "validation")(queries)).astype(np.float32) for name in ("encoder", "SIF", "BM25")
        )
        for a, b in found:
            S = one + a * two + b * three
            near = np.sort(np.argpartition(-S, 10, axis=1)[:, :10], axis=1)
            near = np.take_along_axis(near, np.argsort(-np.take_along_axis(S, near, 1), axis=1, kind="stable"), 1)
            found[a, b] += script.ndcg(near, [list(of.grades[i]) for i in some]).tolist()
    return {weights: float(np.mean(values)) for weights, values in found.items()}


@cache
def result(system: str) -> dict[str, np.ndarray]:
    """Return each measure for each query of the test part."""
    if system == "mixture":
        return judged(mixture("test", max(mixtures(), key=mixtures().get)), "test")
    return judged(scorer(system, "test"), "test")


def summary(values: dict[str, np.ndarray], part: str = "test") -> dict[str, float]:
    """Return means with their intervals; nDCG@10 also by kind, and by whether a right word shares a character."""
    of, found = task(part), {"n": len(values["MRR"])}
    for name, each in values.items():
        score = evaluation.bootstrap(np.mean, each)
        found |= {name: score.value, f"{name}, low": score.low, f"{name}, high": score.high}
    groups = {kind: of.kinds == kind for kind in np.unique(of.kinds)}
    if part == "test":
        groups |= {"shares a character": of.shares, "shares none": ~of.shares}
    for name, rows in groups.items():
        score = evaluation.bootstrap(np.mean, values["nDCG@10"][rows])
        found |= {f"{name}: n": rows.sum(), f"{name}: nDCG@10": score.value}
        found |= {f"{name}: nDCG@10, low": score.low, f"{name}: nDCG@10, high": score.high}
    return found


def compared(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Return the difference a − b of two systems with its p-value, and the ratio of their means with its interval."""
    difference, p = evaluation.paired_test(a, b)
    ratio = evaluation.bootstrap(lambda x, y: x.mean() / y.mean(), a, b)
    return {"difference": difference, "p": p, "ratio": ratio.value, "ratio, low": ratio.low, "ratio, high": ratio.high}


def live(seed: int) -> dict[str, float]:
    """Run the chapter's brief training; return what it prints."""
    model, tokenizer = loaded(encoders.mini_bert())
    collection = retrieval.explanations()
    few = lesson.small_test(collection, queries=300, documents=4000)
    before = lesson.mean_ndcg(model, tokenizer, collection, *few)
    loss = lesson.brief_training(model, tokenizer, collection, seed)
    after = lesson.mean_ndcg(model, tokenizer, collection, *few)
    return {"loss, first": np.mean(loss[:10]), "loss, last": np.mean(loss[-10:]), "before": before, "after": after}


def one(test: str, system: str, seed: int = 0) -> dict[str, float]:
    """Run one test of one system."""
    if test == "live":
        return live(seed)
    if test == "shorter":
        of = encoder("test", *trained(seed, system == "random weights"))
        return {"validation": on_validation(of)} | summary(judged(of, "test"))
    if test == "against":
        first, second = system.split(" : ")
        return compared(result(first)["nDCG@10"], result(second)["nDCG@10"])
    if test == "assistant":
        return summary(judged(scorer(system, "assistant"), "assistant"), "assistant")
    figures = summary(result(system))
    if system == "mixture":
        weights = max(mixtures(), key=mixtures().get)
        return figures | {"validation": mixtures()[weights], "weight of SIF": weights[0], "weight of BM25": weights[1]}
    figures["validation"] = on_validation(scorer(system, "validation"))
    if system == "BM25":
        figures |= dict(zip(("k1", "b", "longest run"), chosen_bm25(), strict=True))
    if system == "SIF":
        figures["a"] = chosen_sif()
    return figures


if __name__ == "__main__":
    settings = [{"test": "test", "system": system} for system in (*SYSTEMS, "mixture")]
    pairs = (
        "mixture : BM25",
        "mixture : TF-IDF",
        "mixture : encoder",
        "encoder : BM25",
        "encoder : TF-IDF",
        "TF-IDF : BM25",
    )
    settings += [{"test": "against", "system": pair} for pair in pairs]
    settings += [{"test": "assistant", "system": system} for system in SYSTEMS if system != "TF-IDF"]
    settings += [{"test": "live", "system": "encoder", "seed": seed} for seed in range(LIVE)]
    settings += [{"test": "shorter", "system": "mini-BERT", "seed": seed} for seed in range(2)]
    settings += [{"test": "shorter", "system": "random weights", "seed": 0}]
    STUDY.run(one, settings)
