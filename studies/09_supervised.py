"""Chapter 09, with a dictionary: P@1 against the size of the dictionary, and rival maps on the whole of it.

``pairs`` n, ``seed``: n random training pairs (all: 19,217). ``variant``: a map learnt from all pairs. Figures are P@1 on the
test questions of either direction, "en-zh" and "zh-en", by plain nearest neighbours unless CSLS is said; those that end in
"validation" are on the validation questions. A few minutes on two idle cores.
"""

from functools import cache

import numpy as np

from wordspace import bilingual, lessons
from wordspace.studies import Study

CHAPTER = "09_alignment"
STUDY = Study(
    "09_supervised",
    chapters=[CHAPTER],
    data=["glove", "synonyms", "cedict"],
    packages=["numpy", "torch"],
    modules=["bilingual", "vectors"],
)
L = lessons.load(CHAPTER)
SIZES, SEEDS = (10, 30, 100, 300, 1000, 3000, 19217), (0, 1, 2)
VARIANTS = ("RCSLS", "best and CSLS", "best, self-training")


@cache
def data():
    """Return the lexicon and both spaces, normalised."""
    lex = bilingual.lexicon()
    return lex, L.normalised(lex.X), L.normalised(lex.Z)


def asked(A, B, less=(0, 0), ending="") -> dict[str, float]:
    """Return P@1 in both directions on the test questions."""
    lex, found = data()[0], {}
    A, B = L.unit(A).astype("f4"), L.unit(B).astype("f4")
    for way, (Q, D), minus in zip(bilingual.DIRECTIONS, ((A, B), (B, A)), less, strict=True):
        questions = lex.questions[way]["test"]
        found[way + ending] = L.precision(Q[list(questions)] @ D.T - minus, questions)
    return found


def crowded(A, B):
    """Return what CSLS takes off the cosines, halved: of the Chinese words, of the English words."""
    A, B = L.unit(A).astype("f4"), L.unit(B).astype("f4")
    return L.crowding(B, A) / 2, L.crowding(A, B) / 2


def more_pairs(A, B, pairs):
    """Return the pairs and those words that are each other's nearest neighbours and have no pair yet."""
    to_B, to_A = (L.nearest(*two, k=1)[1][:, 0] for two in ((A, B), (B, A)))
    mutual = np.flatnonzero(to_A[to_B] == np.arange(len(A)))
    known = set(pairs[:, 0].tolist())
    new = np.array([(i, to_B[i]) for i in mutual.tolist() if i not in known])
    return np.vstack([pairs, new])


def one(pairs: int = 0, seed: int = 0, variant: str = "") -> dict[str, float]:
    """Learn from some pairs by Procrustes and by the chapter's best, or a variant from all."""
    lex, E, C = data()
    if not variant:
        rows = np.sort(np.random.default_rng(seed).permutation(len(lex.pairs))[:pairs])
        a, b = lex.pairs[rows].T
        found = asked(E @ L.procrustes(E[a], C[b]), C, ending=", Procrustes")
        return found | asked(*L.best_map(lex.X, lex.Z, lex.pairs[rows]), ending=", best")
    if variant == "RCSLS":
        return asked(E @ L.rcsls(E, C, lex.pairs, seed=seed), C)
    A, B = L.best_map(lex.X, lex.Z, lex.pairs)
    if variant == "best and CSLS":
        return asked(A, B, crowded(A, B))
    return asked(*L.best_map(lex.X, lex.Z, more_pairs(A, B, lex.pairs)))


if __name__ == "__main__":
    settings = [{"pairs": n, "seed": seed} for n in SIZES for seed in SEEDS if n < SIZES[-1] or not seed]
    STUDY.run(one, settings + [{"variant": name} for name in VARIANTS])
