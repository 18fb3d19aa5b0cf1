"""Chapter 09's adversarial game, held to cases by hand, plain NumPy and SciPy."""

import numpy as np
import pytest
import torch
from scipy.sparse import csgraph
from torch import nn

from wordspace import lessons


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("09_alignment")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# --- The players ------------------------------------------------------------------------------------------------------
def test_a_discriminator_gives_a_number_a_row(lesson):
    torch.manual_seed(0)
    D = lesson.Discriminator(7).eval()
    assert D(torch.randn(5, 7)).shape == (5,)
    assert D(torch.randn(1, 7)).shape == (1,)
    kinds = [type(layer) for layer in D if not isinstance(layer, nn.Flatten)]
    assert kinds == [nn.Dropout, nn.Linear, nn.LeakyReLU, nn.Linear, nn.LeakyReLU, nn.Linear]


@pytest.mark.parametrize("smooth", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_loss_is_the_smoothed_cross_entropy(lesson, rng, smooth, swapped):
    mapped, real = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    got = lesson.game_loss(lambda Z: Z.sum(dim=1), torch.tensor(mapped), torch.tensor(real), smooth, swapped)
    z, is_mapped = np.r_[mapped, real].sum(axis=1), np.r_[np.ones(6), np.zeros(4)]
    label = np.where(is_mapped == 1, 1 - smooth, smooth)
    label = 1 - label if swapped else label
    p = 1 / (1 + np.exp(-z))
    expected = -(label * np.log(p) + (1 - label) * np.log(1 - p)).mean()
    assert float(got) == pytest.approx(expected)


def test_the_two_players_want_opposite_things(lesson):
    mapped, real = torch.tensor([[2.0]]), torch.tensor([[-2.0]])
    right, wrong = (lesson.game_loss(lambda Z: Z[:, 0], mapped, real, swapped=s).item() for s in (False, True))
    assert right < np.log(2) < wrong
    assert wrong == pytest.approx(lesson.game_loss(lambda Z: Z[:, 0], real, mapped).item())


# --- Orthogonal -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("beta", [0.001, 0.01, 0.1, 0.5])
def test_the_step_moves_singular_values_alone(lesson, rng, beta):
    W = rng.normal(size=(6, 6)) / 3
    U, s, Vt = np.linalg.svd(W)
    expected = U @ np.diag((1 + beta) * s - beta * s**3) @ Vt
    np.testing.assert_allclose(lesson.towards_orthogonal(W, beta), expected, atol=1e-12)


def test_the_step_is_the_gradient_of_the_distance(lesson):
    W = torch.randn(5, 5, dtype=torch.float64, requires_grad=True, generator=torch.Generator().manual_seed(0))
    (0.25 * (W @ W.T - torch.eye(5)).square().sum()).backward()
    with torch.no_grad():
        torch.testing.assert_close(lesson.towards_orthogonal(W, 0.03), W - 0.03 * W.grad)


def test_a_turn_stays_and_others_become_one(lesson, rng):
    Q = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    np.testing.assert_allclose(lesson.towards_orthogonal(Q, 0.5), Q, atol=1e-12)
    W = Q @ np.diag(rng.uniform(0.3, 1.5, 8))
    for _ in range(12):
        W = lesson.towards_orthogonal(W, 0.5)
    np.testing.assert_allclose(W @ W.T, np.eye(8), atol=1e-9)


# --- Choosing and refining --------------------------------------------------------------------------------------------
def test_the_criterion_is_one_on_the_same_space_and_lower_elsewhere(lesson, rng):
    X = rng.normal(size=(300, 20))
    assert lesson.mean_csls_cosine(X, X, n=100) == pytest.approx(1)
    assert lesson.mean_csls_cosine(X, rng.normal(size=(300, 20)), n=100) < 0.9
    assert lesson.mean_csls_cosine(7 * X, X, n=100) == pytest.approx(1)  # lengths make no difference


def test_mutual_rows_choose_each_other(lesson, rng):
    A, B = (lesson.unit(rng.normal(size=(n, 5))) for n in (40, 30))
    i, j = lesson.mutual_rows(A, B)
    S = lesson.csls(A, B)
    assert 0 < len(i) == len(j) <= 30
    assert (S.argmax(axis=1)[i] == j).all()
    assert (S.argmax(axis=0)[j] == i).all()


def test_refinement_repairs_a_rough_map(lesson, rng):
    X = rng.normal(size=(400, 15)).astype("f4")
    Y, place = lesson.turned_copy(X, seed=1)
    own = {row: {int(place[row])} for row in range(400)}
    best = lesson.procrustes(X, Y[place])
    rough = best + 0.4 * rng.normal(size=best.shape).astype("f4")
    before, after = (lesson.share_found(X, Y, W, own) for W in (rough, lesson.refined_map(X, Y, rough)))
    assert before < 0.95 and after == 1
    np.testing.assert_allclose(lesson.refined_map(X, Y, rough), best, atol=1e-3)


# --- The test bed -----------------------------------------------------------------------------------------------------
def test_turned_keeps_shape_and_tells_where_each_row_went(lesson, rng):
    X = rng.normal(size=(50, 6))
    Y, place = lesson.turned_copy(X, seed=2)
    np.testing.assert_allclose(Y[place] @ Y[place].T, X @ X.T, atol=1e-4)
    assert sorted(place) == list(range(50))
    noisy, same = lesson.turned_copy(X, seed=2, noise=0.5)
    assert (same == place).all() and noisy.std() > Y.std()


def test_any_of_several_answers_is_right_and_only_some_are_asked(lesson):
    X = np.eye(4)
    assert lesson.share_found(np.tile(X, (4, 1)), np.tile(X, (4, 1)), X, {0: {0, 4, 8, 12}, 1: {2}}) == 0.5
    right = {row: {row % 4, row % 4 + 4, row % 4 + 8, row % 4 + 12} for row in range(16)}
    assert lesson.share_found(np.tile(X, (4, 1)), np.tile(X, (4, 1)), X, right, words=3) == 1


# --- The game ---------------------------------------------------------------------------------------------------------
def test_the_game_looks_keeps_the_best_and_repeats_itself(lesson, rng):
    X = rng.normal(size=(1200, 10)).astype("f4")
    Y, _ = lesson.turned_copy(X, seed=0)
    W, seen = lesson.adversarial(X, Y, seed=3, frequent=1000, rounds=24, looks=4)
    again, _ = lesson.adversarial(X, Y, seed=3, frequent=1000, rounds=24, looks=4)
    np.testing.assert_array_equal(W, again)
    assert [one[0] for one in seen] == [6, 12, 18, 24]
    assert any(W is one[3] for one in seen)
    assert lesson.mean_csls_cosine(X @ W, Y) == pytest.approx(max(one[2] for one in seen))
    np.testing.assert_allclose(W @ W.T, np.eye(10), atol=0.1)


def test_the_game_begins_where_it_is_told(lesson, rng):
    X = rng.normal(size=(1200, 10)).astype("f4")
    Y, place = lesson.turned_copy(X, seed=0)
    best = lesson.procrustes(X, Y[place])
    W, _ = lesson.adversarial(X, Y, seed=0, rounds=2, looks=2, W=best)
    assert np.abs(W - best).max() < 0.2


def test_unequal_dimensions_are_refused(lesson, rng):
    with pytest.raises(ValueError, match="as many dimensions"):
        lesson.adversarial(rng.normal(size=(20, 5)), rng.normal(size=(20, 6)), seed=0)


# --- Spectra ----------------------------------------------------------------------------------------------------------
def test_the_laplacian_is_scipys(lesson, rng):
    A = np.triu(rng.integers(0, 2, (20, 20)), 1)
    A = A + A.T
    expected = np.linalg.eigvalsh(csgraph.laplacian(A.astype(float)))[::-1]
    np.testing.assert_allclose(lesson.laplacian_spectrum(A), expected, atol=1e-9)


def test_a_neighbour_graph_is_symmetric_without_loops_and_blind_to_turning(lesson, rng):
    X = rng.normal(size=(60, 8))
    A = lesson.neighbour_graph(X, k=4)
    assert (A == A.T).all()
    assert not A.diagonal().any()
    assert A.sum(axis=1).min() >= 4
    Y, place = lesson.turned_copy(X.astype("f4"), seed=0)
    assert (lesson.neighbour_graph(Y, k=4)[np.ix_(place, place)] == A).all()


def test_spectra_of_one_shape_do_not_differ(lesson, rng):
    X = rng.normal(size=(80, 8))
    Y, _ = lesson.turned_copy(X, seed=0)
    a, b, c = (lesson.laplacian_spectrum(lesson.neighbour_graph(M)) for M in (X, Y, X**3))
    assert lesson.spectral_difference(a, b) == pytest.approx(0, abs=1e-6)
    assert lesson.spectral_difference(a, c) > 0.1


@pytest.mark.slow
def test_the_game_is_won_on_a_turned_space(lesson):
    from wordspace import vectors

    X = np.array(vectors.english().vectors[:3000])
    Y, place = lesson.turned_copy(X, seed=11)
    own = {row: {int(place[row])} for row in range(3000)}
    W, _ = lesson.adversarial(X, Y, seed=11)
    assert lesson.share_found(X, Y, lesson.refined_map(X, Y, W), own) >= 0.95
