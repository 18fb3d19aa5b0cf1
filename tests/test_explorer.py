"""Data of the explorer page: small, the same twice, whole or not at all, and close to the vectors they come from."""

import gzip
import hashlib
import json
import os

import numpy as np
import pytest
from sklearn.decomposition import PCA

from wordspace import cards, explorer, wordlists

WIRE = 1_500_000  # bytes of a language's two files, compressed
RECALL = 0.95  # of each word's 10 nearest; measured: English 0.972, Chinese 0.960
SMALL = 300


@pytest.fixture(scope="module", params=explorer.SOURCES)
def chosen(request):
    return request.param, *explorer.choose(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explorer") / "made"
    for language in explorer.SOURCES:
        explorer.write(language, folder, SMALL)
    return folder


def test_words_are_proper_and_the_sources_are_among_them(chosen):
    language, words, E = chosen
    assert len(words) == len(set(words)) == len(E) == 20_000
    np.testing.assert_allclose(np.linalg.norm(E, axis=1), 1)
    assert not [word for word in words if any(c.isdigit() for c in word) or not any(c.isalpha() for c in word)]
    latin = [word for word in words if any(c.isascii() for c in word)]
    assert len(latin) == {"en": 20_000, "zh": 0}[language]
    themes = wordlists.themes(language)
    known = set(words)
    assert set(themes["royalty"][:2] + themes["people"][:2]) | {themes["cities"][0], themes["countries"][0]} <= known


def test_turning_keeps_cosines_and_begins_with_the_pca_picture(chosen):
    _, _, E = chosen
    E = E[:2000]
    T = explorer.turned(E)
    np.testing.assert_allclose(T @ T[:5].T, E @ E[:5].T, atol=1e-12)
    picture = PCA(2).fit_transform(E)
    for mine, theirs in zip(T[:, :2].T, picture.T, strict=True):
        assert abs(np.corrcoef(mine, theirs)[0, 1]) == pytest.approx(1)


def test_quantised_vectors_keep_their_neighbours_and_are_small(chosen):
    language, _, E = chosen
    Q, scale = explorer.quantise(explorer.turned(E), explorer.SOURCES[language].step)
    assert Q.dtype == np.int8
    assert np.abs(Q.astype(int)).max() < 127  # nothing was cut
    np.testing.assert_allclose(Q * scale, explorer.turned(E), atol=scale / 2 * 1.001)
    kept = explorer.fidelity(E, Q)
    assert kept.recall >= RECALL
    assert kept.mean_error <= 0.006
    assert kept.largest_error <= 0.05
    assert len(gzip.compress(Q.tobytes(), 9)) <= WIRE - 170_000  # the rest is for words and map


def test_fidelity_by_hand():
    E = explorer.restore(np.array([[3, 4], [4, 3], [-1, 0], [0, -1]]))
    same = explorer.fidelity(E, np.array([[3, 4], [4, 3], [-1, 0], [0, -1]], np.int8), nearest=1)
    assert (same.recall, same.mean_error, same.largest_error) == (1, 0, 0)
    coarse = explorer.fidelity(E, np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.int8), nearest=1)
    assert coarse.recall == 0
    assert coarse.largest_error == pytest.approx(1.96)
    assert str(coarse).startswith("neighbours kept 0.000, cosine error ")


@pytest.mark.parametrize("language", explorer.SOURCES)
def test_what_is_written_is_read_back(folder, language):
    meaning, Q = explorer.read(language, folder)
    words, E = explorer.choose(language, SMALL)
    assert meaning["words"] == words
    assert Q.shape == (SMALL, meaning["dims"]) == E.shape
    np.testing.assert_allclose(Q * meaning["scale"], explorer.turned(E), atol=meaning["scale"])
    np.testing.assert_allclose(np.linalg.norm(explorer.restore(Q), axis=1), 1)
    for coordinates in (meaning["map"]["x"], meaning["map"]["y"]):
        assert len(coordinates) == SMALL
        assert 0 == min(coordinates) <= max(coordinates) < explorer.MAP
    card = cards.load(explorer.SOURCES[language].card)
    assert meaning["source"]["licence"] == card.licence
    assert meaning["source"]["credit"] == card.credit
    assert meaning["language"] == language


@pytest.mark.parametrize("language", explorer.SOURCES)
def test_two_runs_write_the_same_bytes(folder, tmp_path, language):
    explorer.write(language, tmp_path, SMALL)
    for name in (f"{language}.bin", f"{language}.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_words_that_are_no_landmarks_lie_among_those_like_them():
    words, E = explorer.choose("en", 600)
    places = explorer.lay_out(E, landmarks=400)
    assert places.shape == (600, 2)
    assert places.min() >= 0 and places.max() == explorer.MAP - 1
    near = np.argsort(-(E[400:] @ E[:400].T), axis=1)[:, :3]
    inside = (places[400:] >= places[near].min(axis=1) - 1) & (places[400:] <= places[near].max(axis=1) + 1)
    assert inside.all()


def test_the_command_says_sizes(tmp_path, capsys):
    assert explorer.main(["--words", "100", "--folder", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "en.bin" in said and "compressed" in said and "zh: neighbours kept" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["en.bin", "en.json", "zh.bin", "zh.json"]
    assert (tmp_path / "en.bin").stat().st_size == 100 * 50
    assert (tmp_path / "zh.bin").stat().st_size == 100 * 100


def test_a_stopped_run_leaves_the_old_files_and_nothing_half_written(tmp_path, monkeypatch):
    explorer.write("en", tmp_path, 50)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def stop(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        explorer.write("en", tmp_path, 60)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_files_of_two_runs_do_not_go_together(folder, tmp_path):
    meaning = json.loads((folder / "en.json").read_text("utf-8"))
    (tmp_path / "en.json").write_text(json.dumps(meaning), "utf-8")
    (tmp_path / "en.bin").write_bytes(bytes(SMALL * 50))
    assert hashlib.sha256((folder / "en.bin").read_bytes()).hexdigest() == meaning["sha256"]
    with pytest.raises(ValueError, match="en.bin and en.json are not of one run: make explorer"):
        explorer.read("en", tmp_path)


def test_bad_input_is_named(tmp_path, capsys):
    unit = explorer.restore(np.eye(3))
    with pytest.raises(ValueError, match="no vectors for 'fr'; the languages are: en, zh"):
        explorer.choose("fr")
    with pytest.raises(ValueError, match=r"glove-6b-50d has [\d,]+ proper words, so 1,000,000 cannot be chosen"):
        explorer.choose("en", 1_000_000)
    with pytest.raises(ValueError, match="divide each by its length"):
        explorer.quantise(2 * unit, 0.1)
    with pytest.raises(ValueError, match="the step must be above 0, not 0"):
        explorer.quantise(unit, 0)
    with pytest.raises(ValueError, match="row 1 is all zeros"):
        explorer.restore(np.array([[1, 0], [0, 0]], np.int8))
    with pytest.raises(ValueError, match="3 vectors cannot be compared with 2 rows"):
        explorer.fidelity(unit, np.eye(3, dtype=np.int8)[:2])
    with pytest.raises(ValueError, match="3 words have no 3 neighbours"):
        explorer.fidelity(unit, np.eye(3, dtype=np.int8), nearest=3)
    assert explorer.main(["--words", "1", "--folder", str(tmp_path / "none")]) == 1
    assert "explorer: glove-6b-50d has" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
