"""Chapter 09's lesson code for maps learnt from a dictionary, held to scipy, to plain loops and to finite differences."""

import numpy as np
import pytest
from scipy import linalg

from wordspace import bilingual, lessons


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("09_alignment")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def clouds(lesson, rng):
    return lesson.unit(rng.normal(size=(40, 5)).astype("f4")), lesson.unit(rng.normal(size=(50, 5)).astype("f4"))


# --- Procrustes -------------------------------------------------------------------------------------------------------
def test_procrustes_is_scipys(lesson, rng):
    for _ in range(10):
        X, Y = rng.normal(size=(30, 6)), rng.normal(size=(30, 6))
        assert abs(lesson.procrustes(X, Y) - linalg.orthogonal_procrustes(X, Y)[0]).max() < 1e-6


def test_procrustes_into_more_dimensions_is_padding_with_zeros(lesson, rng):
    X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 7))
    W = lesson.procrustes(X, Y)
    padded = linalg.orthogonal_procrustes(np.hstack([X, np.zeros((30, 3))]), Y)[0]
    assert abs(W - padded[:4]).max() < 1e-6
    assert np.allclose(W @ W.T, np.eye(4))


def test_procrustes_finds_a_rotation_and_no_other_is_better(lesson, rng):
    X, R = rng.normal(size=(30, 4)), linalg.qr(rng.normal(size=(4, 4)))[0]
    assert np.allclose(lesson.procrustes(X, X @ R), R)
    Y = rng.normal(size=(30, 4))
    best = np.linalg.norm(X @ lesson.procrustes(X, Y) - Y)
    others = [np.linalg.norm(X @ linalg.qr(rng.normal(size=(4, 4)))[0] - Y) for _ in range(200)]
    assert best <= min(others)


def test_procrustes_refuses_what_does_not_fit(lesson):
    with pytest.raises(ValueError, match="swap them"):
        lesson.procrustes(np.ones((3, 5)), np.ones((3, 4)))
    with pytest.raises(ValueError, match="pairs of rows"):
        lesson.procrustes(np.ones((3, 4)), np.ones((2, 4)))


def test_normalised_rows_have_length_one_and_zeros_stay(lesson, rng):
    assert np.allclose(np.linalg.norm(lesson.normalised(rng.normal(size=(20, 4))), axis=1), 1)
    assert (lesson.unit(np.zeros((2, 3))) == 0).all()


# --- Neighbours, CSLS, P@k ---------------------------------------------------------------------------------------------
def test_csls_is_a_double_loop(lesson, clouds):
    A, B = clouds
    k, S = 3, clouds[0] @ clouds[1].T
    naive = np.empty_like(S)
    for i in range(len(A)):
        for j in range(len(B)):
            around_i, around_j = np.sort(S[i])[-k:].mean(), np.sort(S[:, j])[-k:].mean()
            naive[i, j] = 2 * S[i, j] - around_i - around_j
    assert np.allclose(lesson.csls(A, B, k), naive, atol=1e-5)
    assert np.allclose(lesson.csls(A, B, k, rows=[4, 2]), naive[[4, 2]], atol=1e-5)


def test_csls_refuses_too_many_neighbours(lesson, clouds):
    with pytest.raises(ValueError, match="choose from 1 to 40"):
        lesson.csls(*clouds, k=41)


def test_nearest_in_blocks_is_nearest_at_once(lesson, clouds):
    A, B = clouds
    values, columns = lesson.nearest(A, B, 4, block=7)
    S = A @ B.T
    assert (columns == np.argsort(-S, axis=1)[:, :4]).all()
    assert np.allclose(values, -np.sort(-S, axis=1)[:, :4], atol=1e-6)
    assert (lesson.nearest(A, B, 1, less=S.max(axis=0) * 0 + np.eye(50)[3] * 9)[1] != 3).all()


def test_hits_count_any_right_answer(lesson):
    scores = np.array([[0.9, 0.8, 0.1], [0.2, 0.7, 0.4]])
    right = {7: {1, 2}, 9: frozenset({1})}
    assert lesson.hits(scores, right).tolist() == [0, 1]
    assert lesson.precision(scores, right, 2) == 1
    with pytest.raises(ValueError, match="2 rows of scores for 1 questions"):
        lesson.hits(scores, {7: {1}})


# --- Several steps ------------------------------------------------------------------------------------------------------
def test_whitened_and_turned_is_cca(lesson, rng):
    X, Z = rng.normal(size=(200, 4)), rng.normal(size=(200, 6))
    Z[:, :4] += X
    pairs = np.stack([np.arange(200)] * 2, axis=1)
    A, B = lesson.multi_step(X, Z, pairs, s=0, prior=0)
    qx, qz = linalg.qr(X, mode="economic")[0], linalg.qr(Z, mode="economic")[0]
    correlations = linalg.svdvals(qx.T @ qz)  # without centring, as in the lesson
    assert np.allclose(A.T @ A / 200, np.eye(4), atol=1e-4)
    assert np.allclose(A.T @ B / 200, np.diag(correlations), atol=1e-4)


def test_a_rotated_space_is_found_again(lesson, rng):
    X, R = rng.normal(size=(300, 5)), linalg.qr(rng.normal(size=(5, 5)))[0]
    pairs = np.stack([np.arange(100)] * 2, axis=1)
    for dewhiten in (False, True):
        A, B = (lesson.unit(M) for M in lesson.multi_step(X, X @ R, pairs, dewhiten=dewhiten))
        assert (lesson.nearest(A, B, 1)[1][:, 0] == np.arange(300)).all()


def test_fair_votes_by_hand(lesson):
    assert lesson.fair([[0, 0], [0, 1], [2, 1]]).tolist() == [1 / 2, 1 / 4, 1 / 2]


def test_rank_is_one_more_column(lesson, rng):
    X = lesson.with_rank(rng.normal(size=(30, 4)))
    assert X.shape == (30, 5)
    assert (np.diff(X[:, 4]) > 0).all()


def test_power_of_a_matrix(lesson, rng):
    M = rng.normal(size=(9, 4))
    C = M.T @ M
    assert np.allclose(lesson.power(C, 0.5) @ lesson.power(C, 0.5), C)
    assert np.allclose(lesson.power(C, -1), np.linalg.inv(C))


# --- RCSLS --------------------------------------------------------------------------------------------------------------
def test_rcsls_gradient_is_the_slope_of_its_loss(lesson, rng):
    X, Z = lesson.unit(rng.normal(size=(30, 3))), lesson.unit(rng.normal(size=(25, 4)))
    W, pairs, k = rng.normal(size=(3, 4)), rng.integers(0, 25, (12, 2)), 3
    x, z = X[pairs[:, 0]], Z[pairs[:, 1]]

    def loss(W):
        S, T = x @ W @ Z.T, z @ (X @ W).T
        around = np.sort(S)[:, -k:].mean(axis=1) + np.sort(T)[:, -k:].mean(axis=1)
        return (around - 2 * (x @ W * z).sum(axis=1)).mean()

    G, numeric = lesson.rcsls_gradient(W, x, z, X, Z, k), np.zeros_like(W)
    for i in np.ndindex(*W.shape):
        D = np.zeros_like(W)
        D[i] = 1e-6
        numeric[i] = (loss(W + D) - loss(W - D)) / 2e-6
    assert np.allclose(G, numeric, atol=1e-6)


# --- The bar --------------------------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_the_best_map_reaches_the_bar(lesson):
    lex = bilingual.lexicon()
    A, B = lesson.best_map(lex.X, lex.Z, lex.pairs)
    questions = lex.questions["en-zh"]["test"]
    assert len(questions) == 1000
    assert lesson.precision(A[list(questions)] @ B.T, questions) >= 0.36
