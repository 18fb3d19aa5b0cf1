"""Chapter 11's lesson code for neighbours across kinds, the gap, wrong answers and classes by their names."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from wordspace import lessons, pictures, plots


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("11_clip")


@pytest.fixture
def clouds():
    torch.manual_seed(0)
    return F.normalize(torch.randn(30, 8), dim=1), F.normalize(torch.randn(30, 8), dim=1)


def picture(code, concept="c"):
    return SimpleNamespace(code=code, concept=concept)


# --- who is nearest to whom -------------------------------------------------------------------------------------------
def test_place_is_the_place_in_a_sorted_list(lesson, clouds):
    u, v = clouds
    order = (v @ u[3]).argsort(descending=True).tolist()
    for n in range(30):
        rank, cosine = lesson.place_in(u[3], v, n)
        assert rank == order.index(n) + 1 and cosine == pytest.approx(float(u[3] @ v[n]), abs=1e-6)
    with pytest.raises(ValueError, match="choose one of the 30"):
        lesson.place_in(u[3], v, 30)


def test_mutual_neighbours_by_plain_loops(lesson, clouds):
    u, v = clouds
    s = (u @ v.T).numpy()
    plain = [s[n].argmax() == n and s[:, n].argmax() == n for n in range(30)]
    assert lesson.mutual(u, v).tolist() == plain
    assert lesson.mutual(u, u).all()
    with pytest.raises(ValueError, match="the same things in both"):
        lesson.mutual(u, v[:5])


def test_all_three_is_no_more_than_any_pair(lesson, clouds):
    shares = lesson.mutual_shares(clouds[0], clouds[0], clouds[1])
    assert shares["picture, English"] == 1
    assert shares["all three"] <= min(shares.values()) + 1e-9


def test_free_words_are_refused_by_a_tower_that_is_not_there(lesson):
    with pytest.raises(ValueError, match="no tower 'fr'"):
        lesson.words_into(lesson.build({"en": {"dog": 1}}, 4), ["chien"], "fr", {})


def test_pieces_known_are_counted(lesson):
    known = {"zh": {"狗": 1}}
    assert lesson.pieces_known("狗", "zh", known) == "1 / 1"
    assert lesson.pieces_known("小狗", "zh", known) == "1 / 3"


# --- the gap ----------------------------------------------------------------------------------------------------------
def test_the_gap_by_plain_loops(lesson, clouds):
    u, v = clouds
    apart, pairs, others, among_u, among_v = lesson.gap(u, v)
    c = (u @ v.T).numpy()
    assert apart == pytest.approx(float(np.linalg.norm(u.numpy().mean(0) - v.numpy().mean(0))), abs=1e-5)
    assert pairs == pytest.approx(np.diag(c).mean(), abs=1e-5)
    assert others == pytest.approx(np.mean([c[i, j] for i in range(30) for j in range(30) if i != j]), abs=1e-5)
    assert among_u == pytest.approx(
        np.mean([float(u[i] @ u[j]) for i in range(30) for j in range(30) if i != j]), abs=1e-5
    )
    assert lesson.gap(u, u)[0] == pytest.approx(0, abs=1e-6)


def test_a_probe_tells_two_cones_apart_and_not_two_draws_of_one(lesson):
    torch.manual_seed(0)
    cone = F.normalize(torch.randn(200, 8) + torch.eye(8)[0] * 5, dim=1)
    other = F.normalize(torch.randn(200, 8) + torch.eye(8)[1] * 5, dim=1)
    learn, test = np.arange(100), np.arange(100, 200)
    assert lesson.told_apart(cone, other, learn, test) > 0.95
    assert 0.35 < lesson.told_apart(cone, cone[torch.randperm(200)], learn, test) < 0.65


def test_taking_off_the_mean_closes_the_gap(lesson, clouds):
    u, v = (F.normalize(w + torch.eye(8)[n] * 3, dim=1) for n, w in enumerate(clouds))
    rows = np.arange(30)
    closed = lesson.gap(lesson.without_mean(u, rows), lesson.without_mean(v, rows))[0]
    assert closed < lesson.gap(u, v)[0] / 3


def test_a_low_temperature_leaves_the_cones_apart(lesson):
    low, high = (lesson.gap(*lesson.free_points(tau, n=16, steps=300))[0] for tau in (0.02, 0.5))
    assert low > 5 * high
    with pytest.raises(ValueError, match="above 0"):
        lesson.free_points(0)


# --- wrong answers ----------------------------------------------------------------------------------------------------
def test_what_differs(lesson):
    man, woman = picture("1f468-1f3fb"), picture("1f469-1f3fb")
    assert lesson.differs(man, man) == []
    assert lesson.differs(man, woman) == ["sex"]
    assert lesson.differs(man, picture("1f469-1f3ff")) == ["skin tone", "sex"]
    assert lesson.differs(man, picture("1f468-1f3fb-200d-27a1-fe0f")) == ["direction"]
    assert lesson.differs(man, picture("1f468-1f3fb", "d")) == ["concept"]
    hands = picture("1f9d1-1f3fb-200d-1f91d-200d-1f9d1-1f3ff"), picture("1f9d1-1f3ff-200d-1f91d-200d-1f9d1-1f3fb")
    assert lesson.differs(*hands) == ["order of skin tones"]
    assert lesson.differs(picture("1f468-1f469"), picture("1f469-1f468")) == ["order of sexes"]


def test_no_two_pictures_of_one_concept_are_without_a_difference(lesson):
    emoji = pictures.pictures()
    traits = [lesson.traits(p) for p in emoji]
    same = [p.names["en"] for p, t in zip(emoji, traits, strict=True) if traits.count(t) > 1]
    families = [name for name in same if "family" in name]
    assert len(same) - len(families) <= 0.03 * len(emoji), same[:20]


def test_twins_exchange_their_tones(lesson):
    a, b = picture("1f9d1-1f3fb-200d-1f9d1-1f3ff"), picture("1f9d1-1f3ff-200d-1f9d1-1f3fb")
    assert lesson.twins([a, b, picture("1f9d1-1f3fb-200d-1f9d1-1f3fb")]) == [(0, 1), (1, 0)]
    assert lesson.twins([a]) == []


# --- classes by their names -------------------------------------------------------------------------------------------
def test_class_vectors_are_means_of_prompts(lesson):
    places = {"a": torch.tensor([1.0, 0]), "b": torch.tensor([0, 1.0]), "c": torch.tensor([-1.0, 0])}

    def embed(words):
        return torch.stack([places[w] for w in words])

    found = lesson.class_vectors(embed, {"one": ["a", "b"], "two": ["c"]})
    assert torch.allclose(found, torch.tensor([[math.sqrt(0.5), math.sqrt(0.5)], [-1, 0]]))
    assert lesson.nearest_class(torch.tensor([[0.1, 0.9], [-0.9, 0.1]]), found).tolist() == [0, 1]
    with pytest.raises(ValueError, match="class 'two' has no prompt"):
        lesson.class_vectors(embed, {"one": ["a"], "two": []})


def test_a_common_step_is_taken_off(lesson, clouds):
    u, step = clouds[0], torch.eye(8)[0] * 2
    plain = lesson.zero_shot(u - u.mean(0), u[:5] - u.mean(0))
    assert (lesson.zero_shot(u, u[:5] + step, u, u + step) == plain).all()


def test_both_languages_have_prompts_for_the_same_classes(lesson):
    assert list(lesson.EN_PROMPTS) == list(lesson.ZH_PROMPTS)
    categories = {p.category for p in pictures.pictures()}
    assert set(lesson.EN_PROMPTS) == categories - {"Component"}
    lines = [*lesson.EN_PROMPTS.values(), *lesson.ZH_PROMPTS.values()]
    assert {len(line.split("|")) for line in lines} == {5}


def test_labels_are_learnt_and_the_strength_is_chosen(lesson):
    X = np.random.default_rng(0).normal(size=(90, 3)).astype("f4")
    truth = X.argmax(1)
    answers = lesson.with_labels(X, truth, np.arange(60), np.arange(60, 75))
    assert (answers == truth)[75:].mean() >= 0.7


# --- the figure -------------------------------------------------------------------------------------------------------
def test_stars_want_a_name_for_each_picture():
    with pytest.raises(ValueError, match="in each language"):
        plots.stars({"new concepts": (np.zeros((3, 2, 2)), [np.zeros((4, 4, 3))] * 2, [["a", "b"], ["c"]])})
