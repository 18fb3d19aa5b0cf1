"""Scores with their uncertainty: similarity, analogies, retrieval, classification, and two systems side by side.

The statistics are scipy's and scikit-learn's; here they get one form, so that every chapter reports the same way.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn import metrics

from wordspace.vectors import cosine

SWAPS = 9999  # random swaps of a paired test


@dataclass(frozen=True)
class Score:
    """A score, the bounds of its 95 % confidence interval, and how many examples it rests on."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(statistic: Callable[..., float], *data: np.ndarray, samples: int = 1000, seed: int = 0) -> Score:
    """Return a statistic of paired data with its 95 % percentile bootstrap interval.

    Args:
        statistic: takes arrays of the form of ``data``, returns a number.
        data: arrays of equal length n; the same rows are drawn from each.
        samples: how many resamples.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two examples, or arrays of different lengths.
    """
    lengths = {len(column) for column in data}
    if len(lengths) != 1 or min(lengths) < 2:
        raise ValueError(f"a bootstrap needs columns of one length, at least 2; got lengths {sorted(lengths)}")
    data = tuple(np.asarray(column) for column in data)
    n = len(data[0])
    rng = np.random.default_rng(seed)
    draws = [statistic(*(column[rows] for column in data)) for rows in rng.integers(0, n, (samples, n))]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Score(float(statistic(*data)), float(low), float(high), n)


def similarity(vectors, pairs: Sequence[tuple[str, str, float]], seed: int = 0) -> tuple[Score, float]:
    """Compare cosines with human judgements of similarity.

    Args:
        vectors: gensim ``KeyedVectors``.
        pairs: (word, word, judgement); pairs with an unknown word are left out.
        seed: of the bootstrap.

    Returns:
        Spearman's rank correlation with its interval, and the share of pairs that were covered.

    Raises:
        ValueError: fewer than three pairs are covered.
    """
    known = [(a, b, judged) for a, b, judged in pairs if a in vectors and b in vectors]
    if len(known) < 3:
        raise ValueError(
            f"only {len(known)} of {len(pairs)} pairs are in the vocabulary: a rank correlation needs three"
        )
    cosines = np.array([cosine(vectors[a], vectors[b]) for a, b, _ in known])
    judged = np.array([judgement for _, _, judgement in known])
    score = bootstrap(_spearman, cosines, judged, seed=seed)
    return score, len(known) / len(pairs)


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    with warnings.catch_warnings():  # a resample of few pairs may be all the same: no correlation, left out
        warnings.simplefilter("ignore", stats.ConstantInputWarning)
        return stats.spearmanr(x, y).statistic


def bands(counts: Mapping[str, int], edges: Sequence[int] = (20, 100), size: int = 1000) -> dict[str, list[str]]:
    """Sort words into frequency bands: ``"rare"``, ``"middle"``, ``"frequent"``.

    Args:
        counts: how often each word occurs in the corpus that is being learnt from.
        edges: the least count of a middle and of a frequent word.
        size: at most so many words a band, evenly spaced in the order of their counts.

    Returns:
        For each band its words, rarer ones first.

    Raises:
        ValueError: a band has fewer than two words.
    """
    ordered = sorted(counts, key=lambda word: (counts[word], word))
    places = np.digitize([counts[word] for word in ordered], edges)
    chosen = {}
    for n, band in enumerate(("rare", "middle", "frequent")):
        words = [word for word, place in zip(ordered, places, strict=True) if place == n]
        if len(words) < 2:
            raise ValueError(f"the band “{band}” has {len(words)} words with the edges {tuple(edges)}: choose others")
        chosen[band] = [words[i] for i in np.linspace(0, len(words) - 1, min(size, len(words))).astype(int)]
    return chosen


def agreement(vectors, reference, words: Sequence[str], near: int = 10, within: int = 50, seed: int = 0) -> Score:
    """Measure how far the neighbours of words agree with those in vectors that were trained on far more text.

    A word's score is the share of its ``near`` nearest neighbours (by cosine) that are among its ``within`` nearest in the
    reference. In both spaces only words that both vocabularies have count as neighbours.

    Args:
        vectors, reference: gensim ``KeyedVectors``.
        words: whose neighbours are compared; those that one of the vocabularies lacks are left out.
        seed: of the bootstrap over the words.

    Returns:
        The mean over the words with its interval. Chance is about ``within`` / (number of shared words).

    Raises:
        ValueError: fewer than two words are in both vocabularies, or these share too few words to have such neighbours.
    """
    shared = [word for word in vectors.index_to_key if word in reference]
    place = {word: i for i, word in enumerate(shared)}
    rows = np.array([place[word] for word in words if word in place], int)
    if len(rows) < 2 or len(shared) <= max(near, within):
        raise ValueError(
            f"{len(rows)} of {len(words)} words are in both vocabularies, which share {len(shared)} words: too few"
        )
    mine, theirs = (_neighbours(space[shared], rows, n) for space, n in ((vectors, near), (reference, within)))
    shares = [len(np.intersect1d(a, b)) / near for a, b in zip(mine, theirs, strict=True)]
    return bootstrap(np.mean, np.array(shares), seed=seed)


def _neighbours(matrix: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """Return for each of these rows the n rows of highest cosine but itself, (len(rows), n), in no order."""
    unit = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    found = []
    for some in np.array_split(rows, len(rows) // 512 + 1):
        cosines = unit[some] @ unit.T
        cosines[np.arange(len(some)), some] = -np.inf
        found.append(np.argpartition(-cosines, n, axis=1)[:, :n])
    return np.concatenate(found)


def analogy(vectors, a: str, b: str, c: str, method: str = "add") -> list[tuple[str, float]]:
    """Answer "a is to b as c is to …" with the ten best words but the three given, and their scores.

    Args:
        vectors: gensim ``KeyedVectors``.
        a, b, c: the three given words.
        method: ``"add"``, cos(x, b − a + c) of unit vectors, or ``"mul"``, Levy and Goldberg's (2014) 3CosMul with cosines
            shifted into [0, 1].

    Raises:
        ValueError: an unknown method.
        KeyError: a word that the vocabulary lacks.
    """
    rows = [vectors.get_index(word) for word in (a, b, c)]
    scores = _analogy_scores(vectors.get_normed_vectors(), rows, method)
    best = np.argsort(-scores, kind="stable")[:10]
    return [(vectors.index_to_key[row], float(scores[row])) for row in best]


def analogies(vectors, questions: Sequence[tuple[str, str, str, str]], method: str = "add") -> tuple[Score, float]:
    """Score analogy questions (a, b, c, answer): the share answered right at rank 1, and the share covered.

    Raises:
        ValueError: fewer than two questions are in the vocabulary.
    """
    known = [question for question in questions if all(word in vectors for word in question)]
    unit, right = vectors.get_normed_vectors(), []
    for *given, answer in known:
        rows = [vectors.get_index(word) for word in given]
        scores = _analogy_scores(unit, rows, method)
        right.append(vectors.index_to_key[scores.argmax()] == answer)
    return bootstrap(np.mean, np.array(right, float)), len(known) / len(questions)


def _analogy_scores(unit: np.ndarray, rows: Sequence[int], method: str) -> np.ndarray:
    if method == "add":
        target = unit[rows[1]] - unit[rows[0]] + unit[rows[2]]
        scores = unit @ (target / np.linalg.norm(target))
    elif method == "mul":
        to_a, to_b, to_c = ((unit @ unit[row] + 1) / 2 for row in rows)
        scores = to_b * to_c / (to_a + 1e-6)
    else:
        raise ValueError(f"method {method!r} is not 'add' or 'mul'")
    scores[list(rows)] = -np.inf
    return scores


def ranks(scores: np.ndarray, relevant: Sequence[int]) -> np.ndarray:
    """Return the rank, from 1, of the one relevant document of each query; ties count against the system, half of them.

    Scores are compared to twelve decimals, so that a processor's way of rounding decides no rank.

    Args:
        scores: (queries, documents), higher is better.
        relevant: for each query the column of its document.

    Raises:
        ValueError: shapes do not fit, or a score is not finite.
    """
    scores = np.asarray(scores, float).round(12)
    if scores.ndim != 2 or len(scores) != len(relevant):
        raise ValueError(f"need scores of shape ({len(relevant)}, documents), got {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores hold values that are not finite")
    own = scores[np.arange(len(relevant)), list(relevant)][:, None]
    return 1 + (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2


def retrieval(rank: np.ndarray, k: int = 10) -> dict[str, Score]:
    """Return P@1, recall@k, MRR and nDCG@k, each with its interval, from the ranks of the one relevant document.

    With one relevant document a query, nDCG@k is 1/log₂(1 + rank) where rank ≤ k, else 0 (Järvelin and Kekäläinen 2002).
    """
    rank = np.asarray(rank, float)
    found = rank <= k
    columns = {
        "P@1": rank == 1,
        f"recall@{k}": found,
        "MRR": 1 / rank,
        f"nDCG@{k}": found / np.log2(1 + rank),
    }
    return {name: bootstrap(np.mean, np.asarray(column, float)) for name, column in columns.items()}


def classification(truth: Sequence, predicted: Sequence) -> dict[str, Score]:
    """Return accuracy and macro F1 with their intervals.

    Raises:
        ValueError: lengths differ or are below two.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    labels = np.union1d(truth, predicted)  # the same classes in every resample

    def macro_f1(t, p):
        return metrics.f1_score(t, p, labels=labels, average="macro", zero_division=0)

    return {
        "accuracy": bootstrap(metrics.accuracy_score, truth, predicted, samples=300),
        "macro F1": bootstrap(macro_f1, truth, predicted, samples=300),
    }


def paired_test(a: Sequence[float], b: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Compare two systems on the same examples.

    Args:
        a, b: a score for each example, in the same order.
        seed: of the permutations.

    Returns:
        The mean difference a − b, and the two-sided p-value of the paired permutation test (signs flipped at random;
        ``SWAPS`` times, or every way once where there are fewer ways).

    Raises:
        ValueError: lengths differ or are below two.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or a.size < 2:
        raise ValueError(f"a paired test needs two score lists of one length, at least 2; got {a.size} and {b.size}")
    if (a == b).all():
        return 0.0, 1.0
    result = stats.permutation_test(
        (a - b,),
        np.mean,
        permutation_type="samples",
        n_resamples=SWAPS,
        vectorized=True,
        batch=max(1, 2_000_000 // a.size),  # not all 9 999 × n numbers at once
        rng=np.random.default_rng(seed),
    )
    return float((a - b).mean()), float(result.pvalue)
