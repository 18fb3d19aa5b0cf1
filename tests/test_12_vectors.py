"""Chapter 12's lesson code for short vectors: PCA, int8, bits and nested maps, held to libraries, to loops and to a pencil."""

import importlib.util
import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import ndcg_score

from wordspace import lessons, phenotypes, retrieval
from wordspace.paths import root


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("12_distillation")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def unit(X):
    return (X / np.linalg.norm(X, axis=1, keepdims=True)).astype("f4")


# --- What may be learnt from ----------------------------------------------------------------------------------------------
def test_nothing_that_is_asked_for_may_be_learnt_from(lesson):
    lay, terms = retrieval.layperson(), phenotypes.terms()
    free = lesson.not_asked(lay)
    pairs = lesson.heard_pairs(lay, terms, free)
    asked = {d for right in lay.relevant.values() for d in right}
    assert not asked & set(free)
    assert not {lesson.letters(lay.documents[d]) for d in asked} & {lesson.letters(lay.documents[d]) for d in free}
    assert not {lesson.letters(t) for t in lay.queries.values()} & {lesson.letters(t) for t, _ in pairs}
    assert {d for _, d in pairs} <= set(free)
    for text, d in pairs[:500]:
        assert text == terms[d].name or text in [s.text for s in terms[d].synonyms if not s.layperson]
    words = lesson.first_words(pairs)
    assert words[pairs[0][1]] == pairs[0][0] and set(words) == {d for _, d in pairs}


def test_a_part_has_what_its_queries_ask_for_and_is_drawn_anew_by_seed(lesson):
    lay = retrieval.layperson()
    free = lesson.not_asked(lay)
    asked, right, others = lesson.part_drawn(lay, free, documents=200, queries=50, seed=3)
    assert len(asked) == 50 and len(right + others) == 200 == len(set(right + others))
    assert {lay.parts[q] for q in asked} == {"test"} and set(others) <= set(free)
    columns = lesson.columns_of(lay, asked, right + others)
    for query, some in zip(asked, columns, strict=True):
        assert {(right + others)[i] for i in some} == set(lay.relevant[query])
    assert asked == lesson.part_drawn(lay, free, 200, 50, 3)[0] != lesson.part_drawn(lay, free, 200, 50, 4)[0]
    with pytest.raises(ValueError, match="10 documents: choose from"):
        lesson.part_drawn(lay, free, documents=10, queries=50)


# --- The ruler ------------------------------------------------------------------------------------------------------------
def test_quality_is_scikit_learns_ndcg_where_nothing_ties(lesson, rng):
    S = rng.normal(size=(30, 40))
    right = [sorted(rng.choice(40, n, replace=False).tolist()) for n in rng.integers(1, 4, 30)]
    found = lesson.search_quality(lambda Q: S[Q[:, 0].astype(int)], np.arange(30)[:, None], right, size=7)
    for row, columns, value in zip(S, right, found, strict=True):
        truth = np.zeros(40)
        truth[columns] = 1
        assert math.isclose(value, ndcg_score([truth], [row], k=10), abs_tol=1e-9)


def test_equals_share_their_places(lesson):
    row = np.array([3.0, 1, 1, 1, 0])
    assert lesson.places(row, [0, 1, 3, 4]).tolist() == [1, 3, 3, 5]
    assert lesson.places(row + [0, 0, 1e-8, 0, 0], [1]).tolist() == [3]  # rounding is no reason


def test_scores_that_are_none_are_refused(lesson):
    with pytest.raises(ValueError, match="not finite"):
        lesson.search_quality(lambda Q: np.full((1, 3), np.nan), np.zeros((1, 2)), [[0]])
    with pytest.raises(ValueError, match="right documents for 2"):
        lesson.search_quality(lambda Q: Q, np.zeros((1, 2)), [[0], [1]])


# --- Fewer numbers --------------------------------------------------------------------------------------------------------
def test_axes_are_scikit_learns_up_to_signs(lesson, rng):
    X = rng.normal(size=(80, 6)) * np.arange(6, 0, -1) + 3
    theirs = PCA(6).fit(X)
    mean, U = lesson.principal_axes(X)
    assert np.allclose(mean, theirs.mean_)
    assert np.allclose(np.abs((X - mean) @ U), np.abs(theirs.transform(X)), atol=1e-8)


def test_mapped_is_of_length_one_and_short(lesson, rng):
    X = rng.normal(size=(20, 6))
    way = lesson.principal_axes(X)
    for d in (1, 3, 6):
        assert np.allclose(np.linalg.norm(lesson.mapped(X, way, d), axis=1), 1)
    maps = lesson.plain_maps(unit(X))
    assert np.allclose(lesson.mapped(X, maps["the first numbers"], 6), unit(X), atol=1e-6)
    assert np.allclose(lesson.mapped(way[0][None], way, 3), 0)  # the mean itself has no direction
    for d in (0, 7):
        with pytest.raises(ValueError, match="choose from 1 to 6"):
            lesson.mapped(X, way, d)


# --- Fewer bits -----------------------------------------------------------------------------------------------------------
def test_bytes_are_within_half_a_step_and_clipped_beyond_what_was_known(lesson, rng):
    known, X = rng.normal(size=(200, 12)).astype("f4"), rng.normal(size=(50, 12)).astype("f4")
    known[:, 3] = X[:, 3] = 0  # a number that is always 0 does no harm
    step = np.where(np.abs(known).max(0) > 0, np.abs(known).max(0) / 127, 1)
    size, score = lesson.as_bytes(X, known)
    assert size == 12
    clipped = np.clip(X, -127 * step, 127 * step)
    found = np.concatenate([score(np.eye(12, dtype="f4")[[j]]) for j in range(12)]).T / 127 * step
    assert (np.abs(found - clipped) <= step / 2 + 1e-6).all()


def test_products_of_bytes_are_exact_and_near_those_of_floats(lesson, rng):
    D, Q = unit(rng.normal(size=(60, 384))), unit(rng.normal(size=(5, 384)))
    X8, s, _ = lesson.quantised(D, axis=1)
    Q8, _, _ = lesson.quantised(Q * s, axis=0)
    assert (lesson.byte_products(Q * s, X8) == Q8.astype(int) @ X8.T.astype(int)).all()
    S = lesson.as_bytes(D, D)[1](Q)
    assert min(np.corrcoef(a, b)[0, 1] for a, b in zip(S, Q @ D.T, strict=True)) > 0.999
    full = np.full((1, 384), 127, np.int8)
    assert lesson.byte_products(np.ones((1, 384)), full)[0, 0] == 384 * 127**2 < 2**24


@pytest.mark.parametrize("d", [8, 20, 64, 100, 384])
def test_hamming_is_a_count_of_unequal_signs(lesson, rng, d):
    A, B = rng.normal(size=(7, d)), rng.normal(size=(9, d))
    a, b = lesson.packed_bits(A), lesson.packed_bits(B)
    assert a.shape == (7, -(-d // 8)) and a.dtype == np.uint8
    by_loop = [[sum((x > 0) != (y > 0) for x, y in zip(p, q, strict=True)) for q in B] for p in A]
    assert (lesson.hamming(a, b) == by_loop).all()
    size, score = lesson.as_bits(B, None)
    assert size == -(-d // 8)
    assert (d + 2 * score(A) == np.sign(A) @ np.sign(B).T).all()
    size, score = lesson.as_signs(B.astype("f4"), None)
    assert np.allclose(score(A.astype("f4")), A @ np.sign(B).T, atol=1e-4)


def test_codes_of_other_lengths_are_refused(lesson):
    with pytest.raises(ValueError, match="6 and 8 bytes"):
        lesson.hamming(np.zeros((1, 6), np.uint8), np.zeros((1, 8), np.uint8))


def test_candidates_come_first_and_in_the_new_order(lesson, rng):
    quick, slow = rng.normal(size=(4, 30)), rng.normal(size=(4, 30))
    found = lesson.reordered(quick, slow, k=6)
    for q, s, f in zip(quick, slow, found, strict=True):
        top = np.argsort(-q)[:6]
        assert np.argsort(-f)[:6].tolist() == top[np.argsort(-s[top])].tolist()
    assert (lesson.reordered(quick, slow, k=99) == slow).all()
    assert (lesson.reordered(np.zeros((1, 5)), slow[:1, :5], k=2) == slow[:1, :5]).all()  # equals stay


def test_two_steps_cost_what_they_keep(lesson, rng):
    X = unit(rng.normal(size=(300, 64)))
    assert [f(X, X)[0] for f in (lesson.as_floats, lesson.as_bytes, lesson.as_bits)] == [256, 64, 8]
    assert lesson.as_rescored(X, X)[0] == 8 and lesson.as_bits_and_bytes(X, X)[0] == 72
    for form in (lesson.as_rescored, lesson.as_bits_and_bytes):
        assert (form(X, X)[1](X[:20]).argmax(1) == np.arange(20)).all()


# --- Nested maps ----------------------------------------------------------------------------------------------------------
def test_nested_loss_is_that_of_a_loop(lesson, rng):
    Q, D = rng.normal(size=(2, 5, 12))
    total = []
    for d in (3, 7, 12):
        q, x = (V[:, :d] / np.linalg.norm(V[:, :d], axis=1, keepdims=True) for V in (Q, D))
        S = np.exp(q @ x.T / 0.2)
        total += [-math.log(S[i, i] / S[i].sum()) / 10 - math.log(S[i, i] / S[:, i].sum()) / 10 for i in range(5)]
    given = torch.tensor(Q), torch.tensor(D)
    assert math.isclose(lesson.nested_loss(*given, (3, 7, 12), 0.2).item(), sum(total) / 3, rel_tol=1e-9)


def test_nested_loss_slopes_are_finite_differences(lesson, rng):
    Q, D = (torch.tensor(V, requires_grad=True) for V in rng.normal(size=(2, 4, 6)))
    assert torch.autograd.gradcheck(lambda q, x: lesson.nested_loss(q, x, (2, 4, 6), 0.3), (Q, D))


def test_another_name_of_the_same_sign_is_no_rival(lesson, rng):
    Q, D = torch.tensor(rng.normal(size=(2, 3, 4)))
    Q, D = torch.cat([Q, Q[:1]]), torch.cat([D, D[:1]])
    same = torch.tensor([0, 1, 2, 0])
    alike = (same[:, None] == same) & ~torch.eye(4).bool()
    S = torch.nn.functional.normalize(Q, dim=1) @ torch.nn.functional.normalize(D, dim=1).T / 0.5
    rows = [[0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3]]  # whom each competes with
    by_hand = [S[i, r].logsumexp(0) / 2 + S[r, i].logsumexp(0) / 2 - S[i, i] for i, r in enumerate(rows)]
    found = lesson.nested_loss(Q, D, (4,), 0.5, alike)
    assert torch.isclose(found, torch.stack(by_hand).mean())


def test_rows_that_are_no_pairs_are_refused(lesson):
    with pytest.raises(ValueError, match="must be pairs"):
        lesson.nested_loss(torch.zeros(3, 4), torch.zeros(2, 4))


def test_teaching_lowers_the_loss_and_leaves_what_it_was_given(lesson, rng):
    hidden = rng.normal(size=(300, 5))
    mix, noise = rng.normal(size=(5, 16)), rng.normal(size=(2, 300, 16)) * 3
    noise[..., 8:] = 0.1  # half of the numbers say nothing
    Q, D = (hidden @ mix * np.r_[np.full(8, 0.2), np.ones(8)] + noise).astype("f4")
    way = lesson.principal_axes(D)
    before = way[1].copy()
    given = Q, D, np.arange(300), way
    taught = lesson.nested_map(*given, sizes=(4, 16), passes=20, rate=1e-2)

    def loss(way, d):
        mean, W = (torch.tensor(np.array(part)).float() for part in way)
        return lesson.nested_loss((torch.tensor(Q) - mean) @ W, (torch.tensor(D) - mean) @ W, (d,)).item()

    assert loss(taught, 4) < 0.8 * loss(way, 4) and loss(taught, 16) < loss(way, 16)
    assert (way[1] == before).all()
    again = lesson.nested_map(*given, sizes=(4, 16), passes=20, rate=1e-2)
    assert (again[1] == taught[1]).all()


def test_taught_maps_have_a_rival_that_only_turns(lesson, rng):
    D = unit(rng.normal(size=(60, 384)))
    names = unit(D + 0.03 * rng.normal(size=D.shape))
    maps = lesson.taught_maps(D, names, [(i, i) for i in range(60)], passes=2)
    flat, turned = (lesson.mapped(D, maps[n], 384) for n in ("taught at 384", "taught at 384, then PCA"))
    assert np.allclose(flat @ flat.T, turned @ turned.T, atol=1e-4)  # at full length they are one
    assert not np.allclose(maps["nested"][1], maps["taught at 384"][1])


def test_every_way_is_measured(lesson, rng):
    D = unit(rng.normal(size=(200, 384)))
    Q = unit(D[:20] + 0.03 * rng.normal(size=(20, 384)))
    maps = lesson.plain_maps(D)
    maps |= dict.fromkeys(("taught at 384", "taught at 384, then PCA", "nested"), maps["principal components"])
    for way, (_, d, form) in lesson.KEPT.items():
        size, found = lesson.kept_quality(way, maps, Q, D, D, [[i] for i in range(20)])
        assert size == form(D[:, :d], D[:, :d])[0] and found.mean() > 0.7, way


@pytest.mark.slow
def test_vectors_are_chapter_8s(lesson):
    from transformers import BertModel, BertTokenizer

    from wordspace import encoders

    eight = lessons.load("08_semantic_search")
    texts = ["bad breath", "Noticeably unpleasant odors exhaled in breathing.", "a"]
    tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
    model = BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False).eval()
    theirs = eight.means(eight.states(model, tokenizer, texts))
    assert np.allclose(lesson.text_vectors(lesson.MeanVectors(), tokenizer, texts), theirs, atol=1e-3)


@pytest.mark.slow
def test_the_study_runs_small():
    spec = importlib.util.spec_from_file_location("vectors_study", root() / "studies" / "12_vectors.py")
    study = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(study)
    study.SMALL = 40
    found = study.one(what="live", seed=0)
    assert set(found) == {f"nDCG@10: {way}" for way in study.L.KEPT}
