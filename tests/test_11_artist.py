"""Chapter 11's lesson code for another artist's drawings: what it computes, on cases for the pencil and against plain loops."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from wordspace import lessons, pictures


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("11_clip")


@pytest.fixture
def model(lesson):
    return lesson.build({"en": {"dog": 1}}, 4, seed=0)


# --- asking -----------------------------------------------------------------------------------------------------------
def test_scores_of_towers_side_by_side_are_the_mean_of_their_cosines(lesson):
    torch.manual_seed(0)
    names = {t: F.normalize(torch.randn(7, 5), dim=1) for t in ("en", "zh", "sentence")}
    w = F.normalize(torch.randn(6, 5), dim=1)
    scores = lesson.drawing_scores(lesson.together(names), w)
    mean = sum(v @ w.T for v in names.values()) / 3
    assert torch.allclose(scores, mean, atol=1e-6)


def test_scores_refuse_widths_that_do_not_fit(lesson):
    with pytest.raises(ValueError, match="multiple"):
        lesson.drawing_scores(torch.ones(2, 5), torch.ones(2, 3))


def test_rank_on_the_diagonal_counts_the_better_ones(lesson):
    scores = torch.tensor([[0.1, 0.5, 0.3], [0.2, 0.9, 0.1], [0.4, 0.4, 0.4]])
    assert lesson.ranks_on_diagonal(scores).tolist() == [2, 0, 0]
    with pytest.raises(ValueError, match="name i and drawing i"):
        lesson.ranks_on_diagonal(torch.ones(2, 3))


# --- remedies ---------------------------------------------------------------------------------------------------------
def test_own_statistics_are_those_of_the_pictures_and_leave_the_model_alone(lesson, model):
    torch.manual_seed(0)
    x = torch.rand(40, 3, 36, 36) / 3
    before = {k: v.clone() for k, v in model.state_dict().items()}
    adapted = lesson.with_own_statistics(model, x)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert not adapted.training and not any(m.training for m in adapted.modules())
    with torch.no_grad():
        seen = adapted.pictures.blocks[0].first(F.gelu(adapted.pictures.stem(x - 0.5)))
    norm = next(m for m in adapted.pictures.modules() if isinstance(m, nn.BatchNorm2d))
    assert torch.allclose(norm.running_mean, seen.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(norm.running_var, seen.var((0, 2, 3)), rtol=1e-3)


def test_own_statistics_need_a_set(lesson, model):
    with pytest.raises(ValueError, match="whole set"):
        lesson.with_own_statistics(model, torch.rand(1, 3, 36, 36))


def test_seen_once_is_seen_as_it_is_and_often_has_length_one(lesson, model):
    torch.manual_seed(0)
    x = torch.rand(5, 3, 36, 36)
    assert torch.equal(lesson.seen_often(model, x, 1), lesson.picture_vectors_of(model, x))
    u = lesson.seen_often(model, x, 3)
    assert torch.allclose(u.norm(dim=1), torch.ones(5), atol=1e-5)
    assert torch.equal(u, lesson.seen_often(model, x, 3))  # chance is seeded


def test_less_crowded_orders_as_chapter_09s_csls(lesson):
    torch.manual_seed(0)
    a, b = (F.normalize(torch.randn(n, 6), dim=1) for n in (30, 30))
    theirs = lessons.load("09_alignment").csls(a.numpy(), b.numpy(), k=10)
    ours = lesson.less_crowded(a @ b.T, k=10).numpy()
    constant = ours - theirs  # the crowding around each name
    assert np.allclose(constant, constant[:, :1], atol=1e-5)


def test_less_crowded_refuses_a_k_without_sense(lesson):
    for k in (0, 4):
        with pytest.raises(ValueError, match="from 1 to 3"):
            lesson.less_crowded(torch.ones(3, 5), k)


# --- parts and drawings -----------------------------------------------------------------------------------------------
def test_a_quarter_is_a_quarter_and_always_the_same(lesson):
    some = lesson.quarter(1382)
    assert some.sum() == 1382 // 4 and (some == lesson.quarter(1382)).all()
    assert (some != lesson.quarter(1382, seed=1)).any()


def test_colourless_pictures(lesson):
    grey, red = torch.full((3, 8, 8), 0.4), torch.zeros(3, 8, 8)
    red[0] = 1
    assert lesson.colourless(torch.stack([grey, red])).tolist() == [True, False]


def test_nearest_other_is_the_loops(lesson):
    x = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3))
    apart, twin = lesson.nearest_other(x)
    for i in range(9):
        far = [np.inf if j == i else np.sqrt((((x[i] - x[j]) / 255) ** 2).mean()) for j in range(9)]
        assert twin[i] == np.argmin(far) and abs(apart[i] - min(far)) < 1e-4


@pytest.mark.slow
def test_the_artists_identical_drawings_are_found(lesson):
    drawn, drawings = pictures.outlines(36)
    apart, twin = lesson.nearest_other(drawings)
    name = [pictures.pictures()[n].names["en"] for n in drawn]
    i, j = name.index("princess"), name.index("prince")
    assert (drawings[i] == drawings[j]).all()
    assert max(apart[[i, j]]) < 1e-3


def test_a_film_draws_in_black_on_white(lesson):
    torch.manual_seed(0)
    x = torch.rand(6, 3, 36, 36)
    y = lesson.film_drawing(x)
    assert y.shape == x.shape and 0 <= y.min() and y.max() <= 1
    assert torch.equal(y[:, 0], y[:, 1]) and torch.equal(y[:, 0], y[:, 2])
    assert lesson.film_drawing(torch.ones(3, 3, 36, 36)).min() > 0.9  # white paper stays white
