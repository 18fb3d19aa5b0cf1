"""Data of the shared space: two languages in one, whole or not at all, the same twice, and not made twice."""

import json
import os

import numpy as np
import pytest

from wordspace import cards, shared_space

SMALL = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared") / "made"
    shared_space.write(folder, SMALL)
    return folder


def test_what_is_written_is_read_back(folder):
    meaning, Q = shared_space.read(folder)
    words, E = shared_space.choose(SMALL)
    assert meaning["words"] == words
    assert Q.dtype == np.int8 and Q.shape == (2 * SMALL, meaning["dims"])
    cosines = shared_space.explorer.restore(Q)
    np.testing.assert_allclose(cosines @ cosines[:20].T, E @ E[:20].T, atol=0.06)
    for coordinates in (meaning["map"]["x"], meaning["map"]["y"]):
        assert len(coordinates) == 2 * SMALL
        assert 0 == min(coordinates) <= max(coordinates) < shared_space.explorer.MAP
    assert [source["name"] for source in meaning["sources"]] == list(shared_space.CARDS)
    for source in meaning["sources"]:
        assert source["credit"] == cards.load(source["name"]).credit
        assert all(len(digest) == 64 for digest in source["sha256"])


def test_words_are_proper_and_of_either_language(folder):
    words = shared_space.read(folder)[0]["words"]
    assert {language: len(some) for language, some in words.items()} == {"en": SMALL, "zh": SMALL}
    assert all(word.isascii() and not any(c.isdigit() for c in word) for word in words["en"])
    assert not any(c.isascii() for word in words["zh"] for c in word)


def test_two_runs_write_the_same_bytes(folder, tmp_path):
    shared_space.write(tmp_path, SMALL)
    for name in ("shared.bin", "shared.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_nothing_is_made_again_unless_something_changed(folder, monkeypatch, capsys):
    def never(*arguments):
        raise AssertionError("made again")

    assert shared_space.current(folder, SMALL)
    assert not shared_space.current(folder, SMALL + 1)
    monkeypatch.setattr(shared_space, "write", never)
    assert shared_space.main(["--words", str(SMALL), "--folder", str(folder)]) == 0
    assert "nothing to do" in capsys.readouterr().out
    monkeypatch.setattr(shared_space.lessons, "fingerprint", lambda *arguments: "other code")
    assert not shared_space.current(folder, SMALL)


def test_damaged_or_missing_files_are_not_current(folder, tmp_path):
    assert not shared_space.current(tmp_path, SMALL)
    for name in ("shared.bin", "shared.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert shared_space.current(tmp_path, SMALL)
    (tmp_path / "shared.bin").write_bytes(bytes(10))
    assert not shared_space.current(tmp_path, SMALL)
    with pytest.raises(ValueError, match="are not of one run: make explorer"):
        shared_space.read(tmp_path)
    (tmp_path / "shared.json").write_text("{", "utf-8")
    assert not shared_space.current(tmp_path, SMALL)


def test_a_stopped_run_leaves_the_old_files_and_nothing_half_written(folder, tmp_path, monkeypatch):
    for name in ("shared.bin", "shared.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def stop(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        shared_space.write(tmp_path, 50)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_command_says_sizes(tmp_path, capsys):
    assert shared_space.main(["--words", "60", "--folder", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "shared.bin" in said and "compressed" in said and "nearest across kept" in said
    meaning = json.loads((tmp_path / "shared.json").read_text("utf-8"))
    assert (tmp_path / "shared.bin").stat().st_size == 120 * meaning["dims"]


def test_fidelity_by_hand():
    E = shared_space.explorer.restore(np.array([[1, 0], [0, 1], [3, 1], [1, 3]]))  # two words, two words
    same = shared_space.fidelity(E, np.array([[9, 0], [0, 9], [9, 3], [3, 9]], np.int8), nearest=1)
    assert (same.en_zh, same.zh_en) == (1, 1)
    crossed = shared_space.fidelity(E, np.array([[0, 9], [9, 0], [9, 3], [3, 9]], np.int8), nearest=1)
    assert (crossed.en_zh, crossed.zh_en) == (0, 0)
    with pytest.raises(ValueError, match="need the same words"):
        shared_space.fidelity(E, np.eye(2, dtype=np.int8))
    with pytest.raises(ValueError, match="2 words of a language have no 3 neighbours"):
        shared_space.fidelity(E, np.eye(4, dtype=np.int8), nearest=3)


def test_bad_input_is_named(tmp_path, capsys):
    with pytest.raises(ValueError, match=r"en has [\d,]+ proper words to choose from, not 1,000,000"):
        shared_space.choose(1_000_000)
    assert shared_space.main(["--words", "1", "--folder", str(tmp_path / "none")]) == 1
    assert "shared space: en has" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_the_whole_keeps_its_neighbours_and_is_small(tmp_path):
    kept = shared_space.write(tmp_path)
    assert min(kept.en_zh, kept.zh_en) >= 0.93
    assert (tmp_path / "shared.bin").stat().st_size <= 2_000_000
    meaning, _ = shared_space.read(tmp_path)
    assert "dog" in meaning["words"]["en"] and "犬" in meaning["words"]["zh"]
