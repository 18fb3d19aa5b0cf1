"""Chapter 09's self-learning, held to plain loops and to spaces whose right answers are known."""

import numpy as np
import pytest

from wordspace import bilingual, lessons


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("09_alignment")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def two_spaces(lesson, rng, n=600, d=8, wider=4, noise=0.02):
    """Return a space, and the same space turned into a wider one, with noise: row i translates row i."""
    X = lesson.normalised(rng.normal(size=(n, d)) * np.linspace(1, 3, d)).astype("f4")
    W = np.linalg.qr(rng.normal(size=(d + wider, d)))[0].T
    Z = X @ W + noise * rng.normal(size=(n, d + wider))
    return X, lesson.unit(Z).astype("f4"), np.arange(n)


def test_shared_strings_by_hand(lesson):
    pairs = lesson.shared_strings(["a", "km", "dog"], ["狗", "km", "b", "a"])
    assert pairs.tolist() == [[1, 1], [0, 3]]
    assert lesson.shared_strings(["a"], ["b"]).shape == (0, 2)


def test_no_pairs_are_refused(lesson, rng):
    X, Z, _ = two_spaces(lesson, rng)
    with pytest.raises(ValueError, match="no pairs"):
        lesson.self_learned(X, Z, np.empty((0, 2), int))


def test_turning_the_wide_side_equals_turning_the_narrow_one(lesson, rng):
    X, Z, line = two_spaces(lesson, rng)
    pairs = np.c_[line, line][:50]
    A, B = lesson.turned(X, Z, pairs)
    W = lesson.procrustes(X[:50], Z[:50])
    cosines = (X @ W) @ Z.T / np.linalg.norm(Z @ W.T, axis=1)
    np.testing.assert_allclose(A @ B.T, cosines, atol=1e-5)


@pytest.mark.parametrize("corrected", [False, True])
def test_choices_are_those_of_a_plain_loop(lesson, rng, corrected):
    A, B = (lesson.unit(rng.normal(size=(n, 5))).astype("f4") for n in (40, 60))
    near = [np.sort(A @ b)[-10:].mean() if corrected else 0 for b in B]
    expected = [int(np.argmax([a @ b - r / 2 for b, r in zip(B, near, strict=True)])) for a in A]
    assert lesson.choices(A, B, corrected=corrected).tolist() == expected


def test_only_those_present_are_chosen(lesson, rng):
    A, B = (lesson.unit(rng.normal(size=(200, 5))).astype("f4") for _ in "AB")
    chosen = lesson.choices(A, B, keep=0.1, rng=np.random.default_rng(3))
    present = np.flatnonzero(np.random.default_rng(3).random(200) < 0.1)
    assert set(chosen) <= set(present)


def test_mutual_choices_choose_each_other(lesson, rng):
    A, B = (lesson.unit(rng.normal(size=(80, 5))).astype("f4") for _ in "AB")
    there, back = lesson.choices(A, B), lesson.choices(B, A)
    expected = [[i, int(there[i])] for i in range(80) if back[there[i]] == i]
    assert lesson.mutual(A, B).tolist() == expected


def test_whitened_directions_vary_alike(lesson, rng):
    X = rng.normal(size=(300, 6)) * np.arange(1, 7)
    Y = X @ lesson.whitening(X)
    np.testing.assert_allclose(Y.T @ Y, np.eye(6), atol=1e-8)


def test_sure_is_one_for_equal_spaces(lesson, rng):
    X, _, _ = two_spaces(lesson, rng)
    assert lesson.mean_best(X, X) == pytest.approx(1, abs=1e-5)


def test_a_few_pairs_are_enough_for_like_spaces(lesson, rng):
    X, Z, line = two_spaces(lesson, rng)
    A, B = lesson.self_learned(X, Z, np.c_[line, line][:12], cut=600, rounds=3)
    assert ((A @ B.T).argmax(axis=1) == line).mean() > 0.95


def test_the_same_seed_gives_the_same_pairs(lesson, rng):
    X, Z, line = two_spaces(lesson, rng)
    runs = [lesson.learnt_pairs(X, Z, np.c_[line, line][:9], rounds=2, cut=300, seed=s) for s in (0, 0, 1)]
    assert (runs[0] == runs[1]).all()
    assert len(runs[2]) == 600


def test_fingerprints_do_not_change_when_a_space_is_turned(lesson, rng):
    X, _, line = two_spaces(lesson, rng)
    R = np.linalg.qr(rng.normal(size=(8, 8)))[0].astype("f4")
    np.testing.assert_allclose(lesson.fingerprints(X, 300), lesson.fingerprints(X @ R, 300), atol=1e-3)
    found = lesson.blind_pairs(X, X @ R, 300)
    assert (found[:, 0] == found[:, 1]).mean() > 0.95


def test_the_two_vocabularies_share_112_strings(lesson):
    lexicon = bilingual.lexicon()
    pairs = lesson.shared_strings(lexicon.english, lexicon.chinese)
    assert len(pairs) == 112
    assert all(lexicon.english[a] == lexicon.chinese[b] for a, b in pairs)


@pytest.mark.slow
def test_english_and_chinese_without_a_dictionary(lesson):
    lexicon = bilingual.lexicon()
    X, Z = lesson.normalised(lexicon.X), lesson.normalised(lexicon.Z)
    A, B = lesson.self_learned(X, Z, lesson.shared_strings(lexicon.english, lexicon.chinese), seed=7)
    questions = lexicon.questions["en-zh"]["test"]
    assert lesson.precision(A[list(questions)] @ B.T, questions) >= 0.29
