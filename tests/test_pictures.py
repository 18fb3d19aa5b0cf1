"""Pictures and names: what is the same thing, what is held out, and that nothing held out is seen in training."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from wordspace import pictures


@pytest.fixture(scope="module")
def by_name():
    return {picture.names["en"]: picture for picture in pictures.pictures()}


def test_every_picture_has_its_names_and_its_place(by_name):
    found = pictures.pictures()
    assert len(found) == len(by_name) == len({p.names["zh"] for p in found}) == 3874
    assert by_name["dog face"].names["zh"] == "狗脸"
    assert by_name["dog face"].characters == "🐶"
    assert (by_name["dog face"].category, by_name["dog face"].subcategory) == ("Animals & Nature", "animal-mammal")
    assert {p.part for p in found} == set(pictures.PARTS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("man detective dark skin tone", "detective"),
        ("woman detective", "detective"),
        ("kiss woman man light skin tone dark skin tone", "kiss"),
        ("couple with heart woman woman", "couple with heart"),
        ("woman and man holding hands", "people holding hands"),
        ("men wrestling light skin tone dark skin tone", "people wrestling"),
        ("Mrs. Claus", "Santa Claus"),
        ("princess", "person with crown"),
        ("woman walking facing right", "person walking"),
        ("women with bunny ears", "people with bunny ears"),
    ],
)
def test_skin_sex_and_direction_do_not_make_another_thing(by_name, one, other):
    assert by_name[one].concept == by_name[other].concept
    assert by_name[other].plain
    assert not by_name[one].plain


def test_different_things_stay_apart(by_name):
    assert by_name["dog face"].concept != by_name["dog"].concept
    assert by_name["child"].concept != by_name["person"].concept
    assert by_name["light skin tone"].concept != by_name["dark skin tone"].concept
    assert by_name["keycap 1"].concept != by_name["keycap 2"].concept


def test_a_concept_that_is_held_out_is_held_out_whole():
    parts = defaultdict(set)
    for picture in pictures.pictures():
        parts[picture.concept].add(picture.part)
    for found in parts.values():
        assert len({part for part in found if part.endswith("concept")}) in (0, 1)
        assert not (any(part.endswith("concept") for part in found) and len(found) > 1)


def test_of_each_concept_in_training_the_plain_version_is_there():
    for picture in pictures.pictures():
        if picture.part.endswith("combination"):
            assert not picture.plain
    counts = Counter(p.part for p in pictures.pictures())
    assert counts["test combination"] == 381
    assert sum(p.plain for p in pictures.pictures() if p.part == "test concept") == 164


def test_no_two_pictures_look_alike():
    large = pictures.pixels(72)
    assert len({image.tobytes() for image in large}) == len(large)


def test_pixels_are_on_white():
    small = pictures.pixels(36)
    assert small.shape == (3874, 36, 36, 3)
    assert small.dtype == np.uint8
    assert np.mean([np.all(image[0, 0] == 255) for image in small]) > 0.8


def test_the_other_artist_draws_in_black_on_white(by_name):
    drawn, drawings = pictures.outlines(36)
    assert len(drawn) == len(drawings) == 1382
    assert np.all(np.diff(drawn) > 0)
    assert np.all(drawings == drawings[..., :1])  # no colour
    assert np.all(drawings.reshape(len(drawings), -1).min(1) < 100)
    names = [p.names["en"] for p in pictures.pictures()]
    assert names.index("dog face") in drawn
    assert names.index("woman detective") not in drawn


@pytest.mark.parametrize("size", [7, 73])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(ValueError, match="choose 8 to 72"):
        pictures.pixels(size)
    with pytest.raises(ValueError, match="choose 8 to 72"):
        pictures.outlines(size)
