"""Chapter 08: recall@10 against queries per second on GloVe's 400,000 vectors. One thread; five runs, all settings in turn.

Words held out of the index are the queries: some to choose the settings by, the others for the figures. Every setting is
timed right after exact search, in the same two ways: one query at a time, and many at once. Exact search is the quickest of
three: NumPy's product with ``argpartition`` (the lesson's), PyTorch's product with ``topk``, and faiss's flat index.

Figures: ``recall`` and ``validation`` (recall@10); ``one`` and ``many`` (queries per second, one at a time and all at once);
``exact_one`` and ``exact_many``; their ratios ``times_one`` and ``times_many``; ``work`` (dot products a query); ``seconds`` (to
build the index) and ``bytes`` (a vector, in the index as faiss writes it). Of exact search also ``numpy_one``, ``torch_many``
and so on. The indexes are kept in build/studies, with the seconds that they took. A quarter of an hour, most of it to
build the graphs; leave the machine idle meanwhile.
"""

import json
import time
from collections.abc import Callable
from functools import cache

import faiss
import numpy as np
import torch
from threadpoolctl import threadpool_limits

from wordspace import corpora, lessons, vectors
from wordspace.paths import build
from wordspace.studies import Study

STUDY = Study(
    "08_approximate",
    chapters=["08_semantic_search"],
    data=["glove"],
    packages=["numpy", "faiss-cpu", "torch"],
    speed=True,
    modules=["corpora", "vectors"],
)
K, EF_BUILD, LISTS = 10, 100, 630
SINGLE, MANY = 50, 128  # queries of exact search timed one by one; at once
VALUES = {  # efSearch of graphs with M = 16 and 32; lists looked at
    "HNSW, M = 16": (16, 32, 64, 96, 112, 128, 192),
    "HNSW, M = 32": (16, 32, 64, 72, 96, 128),
    "IVF": (1, 2, 4, 8, 16, 32, 40, 48, 64),
}


@cache
def words() -> dict[str, np.ndarray]:
    """Return GloVe's vectors at length 1 in three parts, by the hash of the word; and set everything to one thread."""
    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    threadpool_limits(1)
    space = vectors.english()
    U = space.vectors / np.linalg.norm(space.vectors, axis=1, keepdims=True)
    part = np.array([corpora.part(word, validation=1 / 400, test=1 / 400) for word in space.index_to_key])
    return {name: np.ascontiguousarray(U[part == name]) for name in ("train", "validation", "test")}


@cache
def flat() -> faiss.Index:
    """Return faiss's index without any tricks."""
    index = faiss.IndexFlatIP(words()["train"].shape[1])
    index.add(words()["train"])
    return index


@cache
def true(part: str) -> np.ndarray:
    """Return the rows of the nearest vectors of each query of a part, (m, K)."""
    return flat().search(words()[part], K)[1]


@cache
def built(method: str) -> tuple[faiss.Index, float, float]:
    """Return an index, the seconds it took and its bytes a vector."""
    X = words()["train"]
    path = build("studies", f"08-{method.replace(' ', '')}-{EF_BUILD}-{len(X)}.faiss")
    note = path.with_suffix(".json")
    if not note.exists():
        start = time.perf_counter()
        if method == "IVF":
            index = faiss.IndexIVFFlat(faiss.IndexFlatL2(X.shape[1]), X.shape[1], LISTS, faiss.METRIC_INNER_PRODUCT)
            index.train(X[np.random.default_rng(0).permutation(len(X))[: 64 * LISTS]])
        else:
            index = faiss.IndexHNSWFlat(X.shape[1], int(method.split()[-1]), faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = EF_BUILD
        index.add(X)
        seconds = time.perf_counter() - start
        faiss.write_index(index, str(path))
        note.write_text(json.dumps({"seconds": seconds}))
    size = path.stat().st_size / len(X)
    return faiss.read_index(str(path)), json.loads(note.read_text())["seconds"], size


def by_torch(X: torch.Tensor, Q: np.ndarray) -> np.ndarray:
    """Return the K largest by PyTorch."""
    return torch.topk(torch.from_numpy(Q) @ X.T, K, dim=1).indices.numpy()


def per_second(search: Callable[[np.ndarray], object], size: int, total: int) -> float:
    """Return test queries a second, ``size`` of them at a time."""
    Q = words()["test"][:total]
    start = time.perf_counter()
    for i in range(0, total, size):
        search(Q[i : i + size])
    return total / (time.perf_counter() - start)


def exact_speeds() -> dict[str, float]:
    """Return queries per second of exact search, by each of three libraries and of the quickest."""
    lesson, X = lessons.load("08_semantic_search"), words()["train"]
    T = torch.from_numpy(X)
    ways = {
        "numpy": lambda Q: lesson.exact_nearest(X, Q, K),
        "torch": lambda Q: by_torch(T, Q),
        "faiss": lambda Q: flat().search(Q, K),
    }
    figures = {}
    for name, search in ways.items():
        figures[f"{name}_one"] = per_second(search, 1, SINGLE)
        figures[f"{name}_many"] = per_second(search, MANY // 2, MANY)
    best = {f"exact_{kind}": max(figures[f"{name}_{kind}"] for name in ways) for kind in ("one", "many")}
    return figures | best


def recall(index: faiss.Index, part: str) -> float:
    """Return recall@10 on the queries of a part."""
    return float(lessons.load("08_semantic_search").share_found(index.search(words()[part], K)[1], true(part)))


def one(method: str, value: int, run: int) -> dict[str, float]:
    """Time exact search, then one setting of one index, and count."""
    index, seconds, size = built(method)
    if method == "IVF":
        index.nprobe = value
    else:
        index.hnsw.efSearch = value
    counts = faiss.cvar.indexIVF_stats if method == "IVF" else faiss.cvar.hnsw_stats
    counts.reset()
    figures = {"recall": recall(index, "test")}
    figures["work"] = counts.ndis / len(words()["test"]) + (LISTS if method == "IVF" else 0)
    figures |= {"validation": recall(index, "validation"), "seconds": seconds, "bytes": size}
    figures |= exact_speeds()
    figures["one"] = per_second(lambda Q: index.search(Q, K), 1, len(words()["test"]))
    figures["many"] = per_second(lambda Q: index.search(Q, K), len(words()["test"]), len(words()["test"]))
    return figures | {f"times_{kind}": figures[kind] / figures[f"exact_{kind}"] for kind in ("one", "many")}


if __name__ == "__main__":
    settings = [(method, value) for method, values in VALUES.items() for value in values]
    STUDY.run(one, [{"method": m, "value": v, "run": run} for run in range(5) for m, v in settings])
