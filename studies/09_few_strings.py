"""Chapter 09: from how many shared strings does self-learning start? Five drawings each, with and without dropping.

``n`` of the strings that the English and the Chinese vocabulary share are drawn; the loop learns among 2,000 words a side.
Figures: ``turned``, P@1 on the test questions after the loop, by cosine, all 30,000 words as candidates; ``sure``, the mean
best similarity, known without labels. About 3 minutes on one core.
"""

from functools import cache

import numpy as np
import torch

from wordspace import bilingual, lessons
from wordspace.studies import Study

CHAPTER = "09_alignment"
STUDY = Study(
    "09_few_strings",
    chapters=[CHAPTER],
    data=["glove", "synonyms", "cedict"],
    packages=["numpy", "torch", "gensim"],
    modules=["bilingual", "vectors"],
)
L = lessons.load(CHAPTER)


@cache
def spaces():
    """Return the lexicon, both spaces, normalised, and the strings that they share."""
    lexicon = bilingual.lexicon()
    pairs = L.shared_strings(lexicon.english, lexicon.chinese)
    return lexicon, L.normalised(lexicon.X), L.normalised(lexicon.Z), pairs


def one(n: int, seed: int, dropping: bool) -> dict[str, float]:
    """Learn once from n drawn strings."""
    lexicon, X, Z, pairs = spaces()
    pairs = np.random.default_rng(seed).permutation(pairs)[:n]
    how = {} if dropping else {"keeps": (1, 1, 1, 1, 1)}
    A, B = L.turned(X, Z, L.learnt_pairs(X, Z, pairs, seed=seed, **how))
    questions = lexicon.questions["en-zh"]["test"]
    right = L.precision(A[list(questions)] @ B.T, questions)
    return {"turned": right, "sure": L.mean_best(A[:2000], B[:2000])}


if __name__ == "__main__":
    torch.set_num_threads(1)
    STUDY.run(one, [{"n": n, "seed": s, "dropping": d} for n in (50, 80, 65) for s in range(5) for d in (True, False)])
