"""Chapter 12: how few bytes a document's vector may have. Chapter 08's search, all definitions, all laypeople's queries.

"choice": the matrix taught with dolls, by passes, rate and temperature, on the validation queries; "bits": with the mean or
without, on the same. "curve": nDCG@10 on the test queries by how many numbers are kept, for each map; what is taught, with
three seeds. "ways": the chapter's ways of keeping a document: bytes, nDCG@10 with its 95 % bootstrap interval over the
queries (low, high), as a share of float32's, and p of a paired permutation test against float32; where a map is taught, each
query's mean over the three seeds. "live": as in the chapter, on four parts. Learnt from the definitions that no query asks
for, the names of their signs and doctors' synonyms. MiniLM reads all texts once, five minutes on one thread, kept in build/;
then five more.
"""

import hashlib
import json
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from transformers import BertTokenizer

from wordspace import cards, encoders, evaluation, lessons, phenotypes, retrieval
from wordspace.paths import build
from wordspace.studies import Study

CHAPTER = "12_distillation"
STUDY = Study(
    "12_vectors",
    chapters=[CHAPTER],
    data=["minilm", "phenotypes"],
    packages=["numpy", "scipy", "torch", "transformers"],
    modules=["corpora", "encoders", "evaluation", "phenotypes", "retrieval"],
)
L = lessons.load(CHAPTER)
LENGTHS = (8, 16, 27, 32, 64, 128, 256, 384)  # 27: a fourteenth
SEEDS = (0, 1, 2)
TAUGHT = ("taught at 384", "taught at 384, then PCA", "nested")
LIVE = {"passes": 20, "rate": 1e-3}  # the chapter's own
SMALL = 0  # for a trial: how many queries, documents and pairs; 0: all


@cache
def known() -> tuple[list[str], list[tuple[str, str]]]:
    """Return the ids of the definitions that may be learnt from, and the pairs of a word and an id."""
    lay = retrieval.layperson()
    free = L.not_asked(lay)[: SMALL or None]
    return free, L.heard_pairs(lay, phenotypes.terms(), free)


@cache
def texts(kind: str) -> dict[str, str]:
    """Return ids and texts: "documents", "queries", or the "words" of the pairs, each its own id."""
    lay, (free, pairs) = retrieval.layperson(), known()
    queries = {q: lay.queries[q] for part in ("validation", "test") for q in lay.part(part)[: SMALL or None]}
    right = {d for q in queries for d in lay.relevant[q]} | set(free)
    documents = {d: text for d, text in lay.documents.items() if not SMALL or d in right}
    return {"queries": queries, "documents": documents, "words": {text: text for text, _ in pairs}}[kind]


@cache
def vectors(kind: str) -> np.ndarray:
    """Return MiniLM's vectors, (n, 384), of length 1; read from build/ where they were kept."""
    from tqdm import tqdm

    read = list(texts(kind).values())
    weights = cards.sha256(encoders.minilm() / "model.safetensors")
    mark = hashlib.sha256(json.dumps([weights, read, torch.__version__]).encode()).hexdigest()[:12]
    path = build("studies", f"12_vectors-{kind}-{mark}.npy")
    if not path.exists():
        model, tokenizer = L.MeanVectors(), BertTokenizer.from_pretrained(encoders.minilm())
        order = np.argsort([len(text) for text in read], kind="stable")
        found = np.empty((len(read), 384), np.float32)
        for some in tqdm(np.array_split(order, -(-len(order) // 512)), desc=kind):
            found[some] = L.text_vectors(model, tokenizer, [read[i] for i in some])
        np.save(path, found)
    return np.load(path)


@cache
def place(kind: str) -> dict[str, int]:
    """Return the row of each id."""
    return {name: row for row, name in enumerate(texts(kind))}


def rows(kind: str, ids) -> np.ndarray:
    """Return the vectors of these ids."""
    return vectors(kind)[[place(kind)[name] for name in ids]]


@cache
def asked(part: str) -> tuple[np.ndarray, list[list[int]]]:
    """Return the queries' vectors of a part, and for each the rows of its right documents."""
    lay = retrieval.layperson()
    ids = [q for q in texts("queries") if lay.parts[q] == part]
    return rows("queries", ids), L.columns_of(lay, ids, texts("documents"))


@cache
def pairs() -> list[tuple[int, int]]:
    """Return the pairs as (row among the words, row among the free definitions)."""
    free, heard = known()
    order = {d: i for i, d in enumerate(free)}
    return [(place("words")[text], order[d]) for text, d in heard]


@cache
def free_vectors() -> np.ndarray:
    """Return the vectors of the free definitions."""
    return rows("documents", known()[0])


@cache
def maps(seed: int = 0) -> dict:
    """Return all maps, those that are taught with this seed."""
    return L.plain_maps(free_vectors()) | L.taught_maps(free_vectors(), vectors("words"), pairs(), seed)


def quality(part: str, way, d: int, form=L.as_floats) -> np.ndarray:
    """Return nDCG@10 for each query of a part."""
    Q, right = asked(part)
    _, score = form(L.mapped(vectors("documents"), way, d), L.mapped(free_vectors(), way, d))
    return L.search_quality(score, L.mapped(Q, way, d), right)


def choice(passes: int, rate: float, tau: float) -> dict[str, float]:
    """Teach with dolls; measure on validation."""
    which, known_rows = map(np.array, zip(*pairs(), strict=True))
    free = free_vectors()
    given = vectors("words")[which], free[known_rows], known_rows, L.principal_axes(free)
    way = L.nested_map(*given, passes=passes, rate=rate, tau=tau)
    found = [quality("validation", way, d).mean() for d in L.SIZES]
    return {"mean of all lengths": np.mean(found), "nDCG@10, 384": found[-1]}


def ways() -> dict[str, float]:
    """Measure every way of keeping a document on the test queries."""
    Q, right = asked("test")
    found, base = {}, None
    for way, (name, _, _) in L.KEPT.items():
        several = []
        for seed in SEEDS if name in TAUGHT else SEEDS[:1]:
            size, scores = L.kept_quality(way, maps(seed), Q, vectors("documents"), free_vectors(), right)
            several.append(scores)
        scores = np.mean(several, axis=0)
        base = scores if base is None else base  # the first way is float32
        score = evaluation.bootstrap(np.mean, scores)
        found |= {f"bytes: {way}": size, f"nDCG@10: {way}": score.value, f"low: {way}": score.low}
        found |= {f"high: {way}": score.high, f"share: {way}": score.value / base.mean()}
        found[f"p: {way}"] = evaluation.paired_test(scores, base)[1]
    return found | {"queries": len(Q)}


def live(seed: int) -> dict[str, float]:
    """Do as the chapter does, on a part."""
    lay = replace(retrieval.layperson(), queries=texts("queries"))
    words = L.first_words(known()[1])
    size = {"documents": 60, "queries": 30} if SMALL else {}
    ids, right, others = L.part_drawn(lay, list(words), seed=seed, **size)
    Q, D, names = rows("queries", ids), rows("documents", right + others), rows("words", [words[d] for d in others])
    free, columns = D[len(right) :], L.columns_of(lay, ids, right + others)
    same = [(i, i) for i in range(len(others))]
    taught = L.plain_maps(free) | L.taught_maps(free, names, same, seed, **LIVE)
    return {f"nDCG@10: {way}": L.kept_quality(way, taught, Q, D, free, columns)[1].mean() for way in L.KEPT}


def one(what: str, map: str = "", seed: int = 0, **how) -> dict[str, float]:
    """Compute what a setting asks for."""
    if what == "choice":
        return choice(**how)
    if what == "bits":
        forms = {"Hamming": L.as_bits, "with float query": L.as_signs, "re-scored": L.as_rescored}
        return {name: quality("validation", maps()[map], 384, form).mean() for name, form in forms.items()}
    if what == "curve":
        return {f"nDCG@10, {d}": quality("test", maps(seed)[map], d).mean() for d in LENGTHS}
    return ways() if what == "ways" else live(seed)


CHOICES = [(6, 2e-3, 0.1), (6, 2e-3, 0.05), (6, 2e-3, 0.2), (6, 1e-3, 0.1), (6, 4e-3, 0.1), (12, 2e-3, 0.1)]
RUNS = [{"what": "choice", "passes": n, "rate": rate, "tau": tau} for n, rate, tau in CHOICES]
RUNS += [{"what": "bits", "map": name} for name in ("the first numbers", "centred")]
RUNS += [{"what": "curve", "map": name} for name in ("the first numbers", "principal components")]
RUNS += [{"what": "curve", "map": name, "seed": seed} for seed in SEEDS for name in TAUGHT]
RUNS += [{"what": "ways"}] + [{"what": "live", "seed": seed} for seed in (0, 1, 2, 3)]

if __name__ == "__main__":
    torch.set_num_threads(1)
    STUDY.run(one, RUNS)
