"""Chapter 11's lesson code for new concepts and free text, and the list of wishes."""

import tomllib

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from wordspace import lessons, pictures
from wordspace.paths import root


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("11_clip")


@pytest.fixture(scope="module")
def wishes():
    return tomllib.loads((root() / "datasets" / "picture_queries.toml").read_text("utf-8"))["queries"]


def unit(*shape):
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), dim=1)


# --- towers side by side ----------------------------------------------------------------------------------------------
def test_pictures_beside_themselves_give_the_mean_similarity_of_the_towers(lesson):
    u, one, two = unit(5, 4), unit(3, 4), unit(6, 4)[3:]
    v = lesson.together({"one": one, "two": two})
    mean = (one @ u.T + two @ u.T) / 2
    assert torch.allclose(v @ lesson.beside(u, v).T, mean, atol=1e-6)
    assert torch.allclose(lesson.beside(u, v).norm(dim=1), torch.ones(5))
    assert torch.equal(lesson.beside(u, one), u)


def test_names_that_are_no_whole_towers_are_refused(lesson):
    with pytest.raises(ValueError, match="no whole towers of 4"):
        lesson.beside(unit(5, 4), unit(3, 6))


# --- fewer people -----------------------------------------------------------------------------------------------------
def test_few_versions_keeps_the_plain_one_and_at_most_so_many(lesson):
    concepts = ["cook"] * 10 + ["dog"] + ["judge"] * 3
    plain = [n in (7, 10, 12) for n in range(14)]
    kept = lesson.few_versions(concepts, plain, most=4, seed=1)
    assert list(kept) == sorted(set(kept))
    assert {7, 10, 12} <= set(kept)
    assert [sum(concepts[n] == c for n in kept) for c in ("cook", "dog", "judge")] == [4, 1, 3]
    assert list(kept) == list(lesson.few_versions(concepts, plain, most=4, seed=1))


# --- a tower that leans to the category -------------------------------------------------------------------------------
def test_category_tower_reads_the_name_alone_at_the_test(lesson):
    torch.manual_seed(0)
    tower, name = lesson.CategoryTower(d=8).eval(), unit(4, 384)
    other = torch.cat([name, unit(8, 384)[4:]], 1)
    assert torch.equal(tower(name), tower(other))
    assert torch.allclose(tower(name).norm(dim=1), torch.ones(4))


def test_category_tower_leans_in_a_third_of_the_cases(lesson):
    torch.manual_seed(0)
    tower, name = lesson.CategoryTower(d=8), unit(600, 384)
    tower.head = torch.nn.Identity()  # shows what comes in
    leaning = tower.train()(torch.cat([name, unit(600, 384).flip(0)], 1))
    moved = ((leaning - name).norm(dim=1) > 1e-3).float().mean()
    assert 0.25 < moved < 0.42


# --- free text --------------------------------------------------------------------------------------------------------
def test_first_right_counts_what_is_right_among_the_first(lesson):
    scores = np.array([[0.2, 0.9, 0.4], [0.0, 0.0, 0.7]])
    right = np.array([[True, False, True], [True, True, False]])
    assert lesson.first_right(scores, right, k=2).tolist() == [[False, True], [False, False]]  # zero: not found
    with pytest.raises(ValueError, match="choose from 1 to 3"):
        lesson.first_right(scores, right, k=4)


def test_every_right_picture_of_a_wish_is_a_plain_one(wishes):
    plain = {picture.names["en"] for picture in pictures.pictures() if picture.plain}
    for english, wish in wishes.items():
        assert wish["right"], english
        assert len(set(wish["right"])) == len(wish["right"]), english
        assert set(wish["right"]) <= plain, (english, set(wish["right"]) - plain)


def test_no_wish_is_a_name(wishes):
    names = {edition: {picture.names[edition].lower() for picture in pictures.pictures()} for edition in ("en", "zh")}
    assert not {english.lower() for english in wishes} & names["en"]
    assert not {wish["zh"] for wish in wishes.values()} & names["zh"]
    assert len({wish["zh"] for wish in wishes.values()}) == len(wishes) == 48
