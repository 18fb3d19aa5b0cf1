"""Chapter 11's loss, held to torch, to plain loops and to finite differences; and the small towers that it trains."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from wordspace import lessons


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("11_clip")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pairs(rng, n=6, d=4):
    U, V = rng.normal(size=(2, n, d))
    return [X / np.linalg.norm(X, axis=1, keepdims=True) for X in (U, V)]


def slope(f, x, step=1e-5):
    found = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        D = np.zeros_like(x)
        D[i] = step
        found[i] = (f(x + D) - f(x - D)) / (2 * step)
    return found


def by_torch(U, V, tau):
    U, V, tau = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (U, V, tau))
    S, right = U @ V.T / tau, torch.arange(len(U))
    loss = (F.cross_entropy(S, right) + F.cross_entropy(S.T, right)) / 2
    loss.backward()
    return loss.item(), [x.grad.numpy() for x in (U, V, tau)]


# --- The loss ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tau", [0.01, 0.07, 1.0, 20.0])
@pytest.mark.parametrize("n", [1, 2, 9])
def test_loss_and_gradient_are_torchs(lesson, rng, n, tau):
    U, V = pairs(rng, n)
    loss, gradient = by_torch(U, V, tau)
    assert lesson.info_nce(U, V, tau) == pytest.approx(loss, rel=1e-12, abs=1e-12)
    for ours, theirs in zip(lesson.info_nce_gradient(U, V, tau), gradient, strict=True):
        scale = max(1.0, float(np.max(np.abs(theirs))))
        assert np.max(np.abs(ours - theirs)) <= 1e-12 * scale


def test_gradient_is_the_slope(lesson, rng):
    U, V = pairs(rng)
    dU, dV, dtau = lesson.info_nce_gradient(U, V, 0.1)
    for ours, moved in (
        (dU, slope(lambda X: lesson.info_nce(X, V, 0.1), U)),
        (dV, slope(lambda X: lesson.info_nce(U, X, 0.1), V)),
        (dtau, slope(lambda t: lesson.info_nce(U, V, t[0]), np.array([0.1]))),
    ):
        assert np.max(np.abs(ours - moved)) <= 1e-6 * np.max(np.abs(moved))


def test_loss_is_a_plain_loop(lesson, rng):
    U, V = pairs(rng)
    S, total = np.exp(U @ V.T / 0.5), 0.0
    for i in range(len(U)):
        total -= np.log(S[i, i] / sum(S[i, j] for j in range(len(U))))
        total -= np.log(S[i, i] / sum(S[j, i] for j in range(len(U))))
    assert lesson.info_nce(U, V, 0.5) == pytest.approx(total / (2 * len(U)))


def test_landmarks(lesson, rng):
    same = np.ones((16, 3))
    assert lesson.info_nce(same, same, 0.07) == pytest.approx(np.log(16))
    U, V = pairs(rng, 1)
    assert lesson.info_nce(U, V, 0.01) == 0
    assert all(np.all(slope == 0) for slope in lesson.info_nce_gradient(U, V, 0.01))
    perfect = np.log(1 + 15 * np.exp(-1 / 0.3))
    assert lesson.info_nce(np.eye(16), np.eye(16), 0.3) == pytest.approx(perfect)


def test_pull_equals_push(lesson, rng):
    U, V = pairs(rng)
    dU, _, _ = lesson.info_nce_gradient(U, V + 3.0, 0.2)  # what all names share moves no picture by the first question
    S = U @ V.T / 0.2
    P = np.exp(lesson.log_softmax_rows(S)) - np.eye(len(S))
    assert np.allclose(P.sum(axis=1), 0)
    assert np.isfinite(dU).all()


@pytest.mark.parametrize("tau", [1e-3, 1e-8, 1e-300])
def test_no_temperature_is_too_low(lesson, rng, tau):
    U, V = pairs(rng)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss = lesson.info_nce(U, V, tau)
    assert np.isfinite(loss)
    assert loss > 0


def test_which_side_comes_first_does_not_matter(lesson, rng):
    U, V = pairs(rng)
    order = rng.permutation(len(U))
    assert lesson.info_nce(U, V, 0.1) == pytest.approx(lesson.info_nce(V, U, 0.1))
    assert lesson.info_nce(U, V, 0.1) == pytest.approx(lesson.info_nce(U[order], V[order], 0.1))


@pytest.mark.parametrize("wrong", [(6, 5), (6, 0)])
def test_pairs_that_do_not_fit_are_refused(lesson, rng, wrong):
    U, V = pairs(rng)
    with pytest.raises(ValueError, match="row i of U and of V"):
        lesson.info_nce(U, V[: wrong[1]], 0.1)
    with pytest.raises(ValueError, match="row i of U and of V"):
        lesson.info_nce_gradient(U[:0], V[:0], 0.1)


@pytest.mark.parametrize("tau", [0, -0.1, float("nan")])
def test_a_temperature_is_above_zero(lesson, rng, tau):
    with pytest.raises(ValueError, match="a temperature is above 0"):
        lesson.info_nce(*pairs(rng), tau)


# --- The small towers ---------------------------------------------------------------------------------------------------
def test_tower_slopes_are_slopes(lesson, rng):
    x, y, A, B = (rng.normal(size=shape) for shape in ((6, 5), (6, 7), (5, 3), (7, 3)))

    def loss(A, B, tau=0.3):  # two groups of three
        U, V = lesson.on_sphere(x @ A), lesson.on_sphere(y @ B)
        return (lesson.info_nce(U[:3], V[:3], tau) + lesson.info_nce(U[3:], V[3:], tau)) / 2

    dA, dB, dtau = lesson.tower_slopes(x, y, A, B, 0.3, 3)
    assert np.allclose(dA, slope(lambda M: loss(M, B), A), atol=1e-7)
    assert np.allclose(dB, slope(lambda M: loss(A, M), B), atol=1e-7)
    assert np.allclose(dtau, slope(lambda t: loss(A, B, t[0]), np.array([0.3]))[0], atol=1e-7)


def test_towers_learn_what_can_be_learnt(lesson, rng):
    X = rng.normal(size=(256, 6))
    Y = X @ rng.normal(size=(6, 8))
    how = {"batch": 64, "group": 64, "rate": 0.03, "seed": 0, "epochs": 20, "d": 6}
    A, B, tau = lesson.fit_towers(X, Y, 0.07, True, **how)
    hits = lesson.found_first(A, B, X, Y, np.arange(256))
    assert hits.shape == (2, 256)
    assert hits.mean() > 0.9
    assert 0.01 <= tau < 0.07
    assert lesson.fit_towers(X, Y, 0.2, False, **how)[2] == pytest.approx(0.2)


def test_a_learnt_temperature_is_clipped(lesson):
    X, how = np.eye(16), {"batch": 16, "group": 16, "rate": 1e-6, "seed": 0, "epochs": 3, "d": 4}
    assert lesson.fit_towers(X, X, 0.001, True, **how)[2] == pytest.approx(0.01, rel=1e-4)
    assert lesson.fit_towers(X, X, 0.001, False, **how)[2] == pytest.approx(0.001)


def test_a_tie_counts_as_wrong(lesson):
    X = Y = np.array([[1.0, 0], [1, 0], [0, 1]])
    assert lesson.found_first(np.eye(2), np.eye(2), X, Y, np.arange(3)).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_bags_hold_words_of_two_training_names(lesson):
    names = ["Red apple", "red car", "blue car car", "blue"]
    bags = lesson.word_bags(names, np.array([True, True, True, False]))
    assert bags.tolist() == [[0, 1], [1, 1], [1, 0], [0, 0]]  # car, red


def test_components_are_white_in_training_and_point_one_way(lesson, rng):
    M, training = rng.normal(size=(50, 6)), np.arange(50) < 40
    X = lesson.main_components(M, training, 3)
    assert np.allclose(X[training].T @ X[training] / 40, np.eye(3))
    assert np.allclose(X, lesson.main_components(M.copy(order="F"), training, 3))


def test_coarse_pixels_are_means_of_nine(lesson, rng):
    pixels = rng.integers(0, 256, (2, 36, 36, 3))
    assert np.allclose(lesson.coarse(pixels)[1, :3], pixels[1, :3, :3].mean(axis=(0, 1)) / 255)
    assert lesson.coarse(pixels).shape == (2, 432)
