"""Chapter 01: how much longer does a product with one-hot vectors take than a lookup? Thirty paired timings in one run.

Figures: time of the product with a dense and with a sparse one-hot matrix as a multiple of the lookup's, for 256 words of
a vocabulary of 50 000 and 100 dimensions. The three take turns, so that a slow moment of the machine hits them alike.
"""

from time import perf_counter

import numpy as np
from scipy import sparse

from wordspace import lessons
from wordspace.studies import Study

STUDY = Study("01_lookup_speed", chapters=["01_one_hot"], packages=["numpy", "scipy"], speed=True, modules=[])
WORDS, VOCABULARY, DIMENSIONS = 256, 50_000, 100


def seconds(run, times: int) -> float:
    """Return the mean time of ``times`` calls."""
    begun = perf_counter()
    for _ in range(times):
        run()
    return (perf_counter() - begun) / times


def one(seed: int) -> dict[str, float]:
    """Time the three ways once, in turn, and return the two ratios."""
    lesson = lessons.load("01_one_hot")
    rng = np.random.default_rng(seed)
    E = rng.normal(size=(VOCABULARY, DIMENSIONS)).astype(np.float32)
    ids = rng.integers(0, VOCABULARY, size=WORDS)
    H = lesson.one_hot_matrix(ids, VOCABULARY)
    S = sparse.csr_array(H)
    H @ E, S @ E, lesson.lookup(E, ids)  # warm up
    looked_up = seconds(lambda: lesson.lookup(E, ids), 200)
    return {"dense": seconds(lambda: H @ E, 3) / looked_up, "sparse": seconds(lambda: S @ E, 200) / looked_up}


if __name__ == "__main__":
    STUDY.run(one, [{"seed": seed} for seed in range(30)])
