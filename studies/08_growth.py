"""Chapter 08: how the work of HNSW grows with the number of vectors. Random parts of GloVe, three for each size.

Words held out of every index are the queries. For each part the least ``efSearch`` whose recall@10 on the validation
queries is at least 0.95 is looked for; figures, on the test queries: that ``ef``, its ``recall`` and ``work`` (dot products
a query), and the same for ``efSearch`` 64, ``recall_64`` and ``work_64``. Counts, so the machine's speed does not matter.
One thread, so that the graph comes out the same each time: some minutes on an idle machine.
"""

from functools import cache

import faiss
import numpy as np

from wordspace import corpora, vectors
from wordspace.studies import Study

STUDY = Study(
    "08_growth",
    data=["glove"],
    packages=["numpy", "faiss-cpu"],
    modules=["corpora", "vectors"],
)
SIZES = (6_250, 12_500, 25_000, 50_000, 100_000)
K, M, EF_BUILD, BAR = 10, 16, 100, 0.95


@cache
def prepared() -> dict[str, np.ndarray]:
    """Return GloVe's vectors at length 1 in three parts, by the hash of the word."""
    faiss.omp_set_num_threads(1)
    space = vectors.english()
    U = space.vectors / np.linalg.norm(space.vectors, axis=1, keepdims=True)
    part = np.array([corpora.part(word, validation=1 / 400, test=1 / 400) for word in space.index_to_key])
    return {name: np.ascontiguousarray(U[part == name]) for name in ("train", "validation", "test")}


def searched(index, Q: np.ndarray, true: np.ndarray, ef: int) -> tuple[float, float]:
    """Return recall@10 and dot products a query."""
    index.hnsw.efSearch = ef
    faiss.cvar.hnsw_stats.reset()
    found = index.search(Q, K)[1]
    recall = np.mean([np.isin(t, f).mean() for t, f in zip(true, found, strict=True)])
    return float(recall), faiss.cvar.hnsw_stats.ndis / len(Q)


def one(n: int, seed: int) -> dict[str, float]:
    """Build one graph of ``n`` random vectors and search it."""
    parts = prepared()
    X = parts["train"][np.random.default_rng(seed).permutation(len(parts["train"]))[:n]]
    flat, index = faiss.IndexFlatIP(X.shape[1]), faiss.IndexHNSWFlat(X.shape[1], M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_BUILD
    flat.add(X)
    index.add(X)
    true = {name: flat.search(parts[name], K)[1] for name in ("validation", "test")}
    low, high = K - 1, 1024  # recall at low is below the bar (or not allowed), at high above it
    while high - low > 1:
        middle = (low + high) // 2
        good = searched(index, parts["validation"], true["validation"], middle)[0] >= BAR
        low, high = (low, middle) if good else (middle, high)
    recall, work = searched(index, parts["test"], true["test"], high)
    recall_64, work_64 = searched(index, parts["test"], true["test"], 64)
    return {"ef": high, "recall": recall, "work": work, "recall_64": recall_64, "work_64": work_64}


if __name__ == "__main__":
    STUDY.run(one, [{"n": n, "seed": seed} for n in SIZES for seed in range(3)])
