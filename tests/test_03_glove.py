"""Chapter 03's lesson code, held to brute force, finite differences, torch, numpy and scipy."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from scipy import sparse

from wordspace import lessons
from wordspace.paths import root

V, D = 30, 7


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("03_glove")


@pytest.fixture(params=range(3))
def sentences(request):
    """Sixty random sentences of 0 to 25 word numbers."""
    rng = np.random.default_rng(request.param)
    return [rng.zipf(1.4, rng.integers(0, 26)).clip(1, V).tolist() for _ in range(60)] + [[], [1]]


@pytest.fixture
def X(lesson, sentences):
    return lesson.cooccurrences(minus_one(sentences), V, window=4)


def minus_one(sentences):
    return [[word - 1 for word in sentence] for sentence in sentences]


def parameters(seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return [scale * rng.normal(size=shape) for shape in ((V, D), (V, D), V, V)]


# --- Counting ---------------------------------------------------------------------------------------------------------
def test_words_are_numbered_by_count_then_spelling(lesson):
    counts = lesson.count_words([list("ccbbaad"), ["b", "d"]], min_count=2)
    assert list(counts.items()) == [("b", 3), ("a", 2), ("c", 2), ("d", 2)]
    assert list(lesson.numbered([["z", "c", "b"], ["z"]], counts)) == [[2, 0], []]


def test_reading_leaves_punctuation_out(lesson):
    class Paragraph:
        sentences = (("A", "b", "!"), ("。", "犬"))

    assert lesson.read([Paragraph()]) == [["A", "b"], ["犬"]]


def brute_force(sentences, window):
    """Count every ordered pair of places in one sentence, from the definition."""
    X = np.zeros((V, V))
    for ids in sentences:
        for s, i in enumerate(ids):
            for t, j in enumerate(ids):
                if s != t and abs(s - t) <= window:
                    X[i, j] += 1 / abs(s - t)
    return X


@pytest.mark.parametrize("window", [1, 3, 40])
@pytest.mark.parametrize("buffer", [1, 37, 10**6])
def test_streaming_counts_are_those_of_brute_force(lesson, sentences, window, buffer):
    ids = minus_one(sentences)
    expected = brute_force(ids, window)
    np.testing.assert_allclose(lesson.count_simply(ids, V, window), expected, rtol=1e-12)
    streamed = lesson.cooccurrences(iter(ids), V, window, buffer)
    np.testing.assert_allclose(streamed.toarray(), expected, rtol=1e-12)
    assert streamed.nnz == (expected > 0).sum()


def test_counting_ten_times_the_text_takes_no_more_memory(lesson):
    rng = np.random.default_rng(0)
    text = rng.integers(0, V, (2000, 20)).tolist()

    def peak(times):
        tracemalloc.start()
        lesson.cooccurrences((s for _ in range(times) for s in text), V, window=5, buffer=5000)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(1)
    assert peak(10) < 1.5 * peak(1)


def test_counting_says_what_is_wrong(lesson):
    with pytest.raises(ValueError, match="window must be at least 1"):
        lesson.cooccurrences([[0, 1]], V, window=0)
    with pytest.raises(ValueError, match="word numbers must lie in 0 to 29, got 3 to 30"):
        lesson.cooccurrences([[3, 30]], V)
    with pytest.raises(ValueError, match="is the corpus empty"):
        lesson.cooccurrences([], V)
    with pytest.raises(ValueError, match="is the corpus empty"):
        lesson.cooccurrences([[1], [2]], V)


# --- Objective --------------------------------------------------------------------------------------------------------
def test_the_weighting_by_hand(lesson):
    np.testing.assert_allclose(lesson.f(np.array([0, 5, 10, 1e6])), [0, 0.5**0.75, 1, 1])
    np.testing.assert_allclose(lesson.f(np.array([25.0]), x_max=100, alpha=0.5), [0.5])
    for bad in (0, -1, np.nan):
        with pytest.raises(ValueError, match="x_max must be above 0"):
            lesson.f(np.ones(2), x_max=bad)


def test_the_objective_is_the_sum_over_pairs(lesson, X):
    W, U, b, c = parameters()
    dense = X.toarray()
    expected = sum(
        lesson.f(dense[i, j]) * (W[i] @ U[j] + b[i] + c[j] - np.log(dense[i, j])) ** 2
        for i, j in zip(*dense.nonzero(), strict=True)
    )
    np.testing.assert_allclose(lesson.objective(W, U, b, c, dense), expected, rtol=1e-12)


def test_gradients_are_those_of_finite_differences(lesson, X):
    theta, dense, h = parameters(), X.toarray(), 1e-5
    ours = lesson.gradients(*theta, dense)
    for part, gradient in zip(theta, ours, strict=True):
        measured = np.empty_like(part)
        for place in np.ndindex(part.shape):
            was = part[place]
            part[place] = was + h
            up = lesson.objective(*theta, dense)
            part[place] = was - h
            down = lesson.objective(*theta, dense)
            part[place] = was
            measured[place] = (up - down) / (2 * h)
        assert np.linalg.norm(measured - gradient) <= 1e-6 * np.linalg.norm(gradient)


def test_gradients_are_torchs(lesson, X):
    theta, dense = parameters(), X.toarray()
    W, U, b, c = (torch.tensor(part, requires_grad=True) for part in theta)
    i, j = map(torch.from_numpy, dense.nonzero())
    x = torch.from_numpy(dense)[i, j]
    e = (W[i] * U[j]).sum(dim=1) + b[i] + c[j] - x.log()
    ((x / 10).pow(0.75).clamp(max=1) * e**2).sum().backward()
    for part, gradient in zip((W, U, b, c), lesson.gradients(*theta, dense), strict=True):
        assert np.linalg.norm(part.grad.numpy() - gradient) <= 1e-12 * np.linalg.norm(gradient)


# --- Training ---------------------------------------------------------------------------------------------------------
def test_adagrad_is_the_textbooks(lesson):
    """Rate 0.05 inside the square: theta -= 0.05 g / sqrt(G), G = 1 + the sum of earlier (0.05 g)²."""
    rng = np.random.default_rng(0)
    theta = ours = rng.normal(size=5)
    r, G = np.full(5, 0.05), np.ones(5)
    for gradient in rng.normal(scale=9, size=(50, 5)):
        theta = theta - 0.05 * gradient / np.sqrt(G)
        G = G + (0.05 * gradient) ** 2
        ours, r = lesson.adagrad(ours, r, gradient)
        np.testing.assert_allclose(ours, theta, rtol=1e-12)
        np.testing.assert_allclose(r, 0.05 / np.sqrt(G), rtol=1e-12)


def dense_training(lesson, rows, columns, counts, weights, epochs, seed):
    """Train entry by entry in float64 with the exact root, AdaGrad as the lesson defines it."""
    W, U, b, c = (p.astype(float) for p in lesson.initial(V, D, 0.05, seed))
    losses = []
    for _ in range(epochs):
        loss = 0
        for i, j, x, weight in zip(rows, columns, counts, weights, strict=True):
            w, u = W[i].copy(), U[j].copy()
            e = w[0] @ u[0] + b[i, 0] + c[j, 0] - np.log(x)
            g = weight * e
            loss += g * e / 2
            W[i] = lesson.adagrad(*w, g * u[0])
            U[j] = lesson.adagrad(*u, g * w[0])
            b[i], c[j] = lesson.adagrad(*b[i], g), lesson.adagrad(*c[j], g)
        losses.append(loss / len(rows))
    return [p[:, 0] for p in (W, U, b, c)], losses


def test_the_trainer_is_adagrad_step_by_step(lesson, X):
    data = lesson.entries(X, seed=1)
    weights = lesson.f(data[2])
    *ours, losses = lesson.train(*data, weights, V, D, epochs=20, seed=3)
    expected, theirs = dense_training(lesson, *data, weights, 20, 3)
    np.testing.assert_allclose(losses, theirs, rtol=2e-3)
    for mine, exact in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, exact, atol=2e-2 * abs(exact).max())


def test_the_first_step_goes_down_the_gradient(lesson):
    """One entry, one epoch: what moved is minus the learning rate times half the gradient of the objective."""
    one = np.array([0], np.int32), np.array([1], np.int32), np.array([4.0])
    W, U, b, c = lesson.initial(V, D, 0.05, 0)
    start = [p[:, 0].astype(float) for p in (W, U, b, c)]
    X = np.zeros((V, V))
    X[0, 1] = 4
    after = lesson.train(*one, lesson.f(one[2]), V, D, epochs=1, seed=0)
    for before, now, gradient, rate in zip(
        start, after[:4], lesson.gradients(*start, X), (0.05, 0.05, 1, 1), strict=True
    ):
        np.testing.assert_allclose(now - before, -rate * gradient / 2, atol=1e-6)


def test_one_thread_is_deterministic_and_two_come_close(lesson, X):
    runs = [lesson.glove(X, d=D, epochs=10, seed=seed) for seed in (5, 5, 6)]
    assert all((a == b).all() for a, b in zip(runs[0][:4], runs[1][:4], strict=True))
    assert (runs[0][0] != runs[2][0]).any()
    two = lesson.glove(X, d=D, epochs=10, seed=5, threads=2)
    assert abs(two[4][-1] / runs[0][4][-1] - 1) < 0.2


def test_the_loss_falls(lesson, X):
    losses = lesson.glove(X, d=D, epochs=60)[4]
    assert losses[-1] < 0.2 * losses[0]


def test_more_threads_than_entries_do_no_harm(lesson):
    one = np.array([0], np.int32), np.array([1], np.int32), np.array([4.0])
    assert np.isfinite(lesson.train(*one, np.ones(1), V, D, threads=4)[4]).all()


def test_training_says_what_is_wrong(lesson, X):
    rows, columns, counts = lesson.entries(X)
    weights = lesson.f(counts)
    for changed, message in [
        ((rows[:0], columns[:0], counts[:0], weights[:0], V), "at least one"),
        ((rows, columns, counts[1:], weights, V), "equally many"),
        ((rows, columns, counts, weights, V - 1), "from 0 to 28"),
        ((rows - 1, columns, counts, weights, V), "from 0 to 29"),
        ((rows, columns, 0 * counts, weights, V), "counts must be finite and above 0"),
        ((rows, columns, counts * np.nan, weights, V), "counts must be finite"),
        ((rows, columns, counts, weights - 2, V), "weights must be finite and not negative"),
        ((rows, columns, counts, weights * np.inf, V), "weights must be finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            lesson.train(*changed)
    with pytest.raises(ValueError, match="x_max must be above 0"):
        lesson.glove(X, x_max=0)
    with pytest.raises(ValueError, match="smaller rate"):
        lesson.train(rows, columns, counts, 1e30 * weights, V, D)


# --- Rivals -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("smoothing", [1, 0.75])
def test_ppmi_by_hand(lesson, X, smoothing):
    dense = X.toarray()
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = dense.sum(axis=1), dense.sum(axis=0) ** smoothing
        pmi = np.log(dense / dense.sum() / np.outer(p / p.sum(), q / q.sum()))
    expected = np.where((dense > 0) & (pmi > 0), pmi, 0)
    np.testing.assert_allclose(lesson.ppmi(X, smoothing).toarray(), expected, atol=1e-12)


def test_svd_vectors_are_the_best_low_rank_ones(lesson, X):
    M = lesson.ppmi(X)
    U, s, _ = np.linalg.svd(M.toarray())
    vectors = lesson.svd_vectors(M, d=5, p=0.5)
    np.testing.assert_allclose(vectors @ vectors.T, (U[:, :5] * s[:5]) @ U[:, :5].T, atol=1e-8)


def test_unseen_pairs_never_met(lesson, X):
    counts = {str(i): V - i for i in range(V)}
    i, j = lesson.unseen(X, counts, 500, seed=1)
    assert len(i) > 50 and len(set(zip(i, j, strict=True))) == len(i)
    assert (X.toarray()[i, j] == 0).all()


def test_training_with_unseen_pairs_pushes_their_predictions_down(lesson, X):
    counts = {str(i): V - i for i in range(V)}
    never = X.toarray() == 0

    def predicted(W, U, b, c, _):
        return (W @ U.T + b[:, None] + c)[never].mean()

    without = predicted(*lesson.glove(X, d=D, epochs=30))
    assert predicted(*lesson.glove_unseen(X, counts, d=D, epochs=30)) < without - 0.5


def test_keyed_vectors_keep_their_words(lesson):
    space = lesson.keyed({"a": 3, "犬": 2}, np.eye(2))
    assert space["犬"].tolist() == [0, 1]
    assert space.index_to_key == ["a", "犬"]


def test_counts_may_come_in_any_sparse_format(lesson, X):
    for form in (sparse.csr_array, sparse.csc_array, sparse.coo_array):
        rows, columns, counts = lesson.entries(form(X), seed=0)
        again = sparse.coo_array((counts, (rows, columns)), (V, V))
        assert abs(again - X).max() == 0


# --- Studies ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("checkout", [None, "/nowhere"])
def test_the_speed_study_says_that_it_needs_a_checkout(checkout):
    environment = {k: v for k, v in os.environ.items() if k != "GLOVE_CHECKOUT"}
    environment |= {} if checkout is None else {"GLOVE_CHECKOUT": checkout}
    run = subprocess.run(
        [sys.executable, root() / "studies" / "03_speed.py"],
        env=environment | {"PYTHONPATH": str(root())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "GLOVE_CHECKOUT must point to a checkout of https://github.com/stanfordnlp/GloVe" in run.stderr
    assert "GLOVE_CHECKOUT=/path make study NAME=03_speed" in run.stderr
