"""Chapter 09: maps between English and Chinese learnt without a dictionary, by self-learning, and what can be left out.

Each run learns from a start: "identical", the strings that both vocabularies share; "lower case", the same with capitals
folded; "drawn", ``n`` of the identical ones; "blind", fingerprints of similarities only. ``without``: a part of the loop
that is left out. Figures: P@1 on the test questions, all 30,000 words as candidates, by cosine: ``alone``, by Procrustes of
the start; ``turned``, after the loop (2,000 words a side); after the widening ``not re-weighted``, ``test`` and ``back``
(from Chinese to English); ``sure``, the mean best similarity after the loop, known without labels. "dictionary": ``n`` drawn
pairs of CC-CEDICT instead (0: all), without self-learning. No choice is made here. About 3 minutes on one core.
"""

from functools import cache

import numpy as np
import torch

from wordspace import bilingual, lessons
from wordspace.studies import Study

CHAPTER = "09_alignment"
STUDY = Study(
    "09_self_learning",
    chapters=[CHAPTER],
    data=["cedict", "glove", "synonyms"],
    packages=["numpy", "torch", "gensim"],
    modules=["bilingual", "vectors"],
)
L = lessons.load(CHAPTER)
DROPPING, CSLS = "without dropping", "without CSLS"
NO_DROPPING = (1, 1, 1, 1, 1)


@cache
def spaces():
    """Return the lexicon and both spaces, normalised."""
    lexicon = bilingual.lexicon()
    return lexicon, L.normalised(lexicon.X), L.normalised(lexicon.Z)


def p1(A, B, direction="en-zh"):
    """Return P@1 on the test questions of a direction, by cosine."""
    questions = spaces()[0].questions[direction]["test"]
    return L.precision(A[list(questions)] @ B.T, questions)


def started(start: str, n: int, seed: int) -> np.ndarray:
    """Return the pairs to begin with."""
    lexicon, X, Z = spaces()
    chinese = [word.lower() for word in lexicon.chinese] if start == "lower case" else lexicon.chinese
    if start == "blind":
        return L.blind_pairs(X, Z)
    pairs = lexicon.pairs if start == "dictionary" else L.shared_strings(lexicon.english, chinese)
    return np.random.default_rng(seed).permutation(pairs)[: n or len(pairs)]


def one(start: str, seed: int, n: int = 0, without: str = "") -> dict[str, float]:
    """Learn once."""
    _, X, Z = spaces()
    pairs = started(start, n, seed)
    found = {"pairs": len(pairs), "alone": p1(*L.turned(X, Z, pairs))}
    if start == "dictionary":
        if len(pairs) > Z.shape[1]:
            found["test"] = p1(*L.reweighted(X, Z, pairs))
        return found
    how = {DROPPING: {"keeps": NO_DROPPING}, CSLS: {"corrected": False}}.get(without, {})
    pairs = L.learnt_pairs(X, Z, pairs, seed=seed, **how)
    A, B = L.turned(X, Z, pairs)
    found |= {"turned": p1(A, B), "sure": L.mean_best(A[:2000], B[:2000])}
    if start not in ("identical", "lower case") or without:
        return found
    pairs = L.widened(X, Z, pairs)
    found["not re-weighted"] = p1(*L.turned(X, Z, pairs))
    A, B = L.reweighted(X, Z, pairs)
    return found | {"test": p1(A, B), "back": p1(B, A, "zh-en")}


if __name__ == "__main__":
    torch.set_num_threads(1)
    RUNS = [{"start": "identical", "seed": seed} for seed in range(5)]
    RUNS += [
        {"start": "drawn", "seed": s, "n": n, "without": w}
        for n in (20, 10, 5)
        for w in ("", DROPPING)
        for s in range(3)
    ]
    RUNS += [
        {"start": "drawn", "seed": s, "n": n, "without": w}
        for n in (50, 80, 65)  # the edge
        for w in ("", DROPPING)
        for s in range(5)
    ]
    RUNS += [{"start": "dictionary", "seed": s, "n": n} for n in (100, 200, 500, 1000, 2000, 5000) for s in range(2)]
    RUNS += [{"start": "dictionary", "seed": 0, "n": 0}, {"start": "lower case", "seed": 0}]
    RUNS += [{"start": "identical", "seed": 0, "without": DROPPING}]
    RUNS += [{"start": "identical", "seed": seed, "without": CSLS} for seed in range(3)]
    RUNS += [{"start": "blind", "seed": seed} for seed in range(3)]
    STUDY.run(one, RUNS)
