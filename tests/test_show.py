"""What chapters show: glossary, figures, tables and exercise checkers, in the edition's language."""

import io
import re

import numpy as np
import pytest

from wordspace import exercises, glossary, plots, tables
from wordspace.evaluation import Score


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, caught."""
    caught = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw=False: caught.append(data))
    return caught


@pytest.fixture(autouse=True)
def style():
    plots.use_style()
    plots.plt.close("all")  # what other tests left open
    yield
    glossary.set_edition("en")


# --- glossary -----------------------------------------------------------------------------------------------------------
def test_labels_follow_the_edition():
    assert glossary.lookup("vocabulary size", "en") == "vocabulary size"
    assert glossary.lookup("vocabulary size", "zh") == "词表大小"
    assert glossary.lookup("vocabulary", "zh") == glossary.terms()["vocabulary"].zh


@pytest.mark.parametrize("edition", glossary.EDITIONS)
def test_an_unknown_label_is_an_error_in_both_editions(edition):
    with pytest.raises(glossary.UnknownTerm, match="did you mean 'vocabulary size'"):
        glossary.lookup("vocabulary sizes", edition)


def test_an_unknown_edition_is_named():
    with pytest.raises(ValueError, match="edition 'fr' is not one of en, zh"):
        glossary.set_edition("fr")


def test_terms_are_whole_and_chinese_has_no_typed_spaces():
    for term in glossary.terms().values():
        assert all((term.en, term.zh, term.means_en, term.means_zh)), term.id
        assert re.fullmatch(r"[a-z0-9-]+", term.id)
        assert not re.search(r"[\u4e00-\u9fff] [A-Za-z0-9]|[A-Za-z0-9] [\u4e00-\u9fff]", term.zh + term.means_zh), (
            term.id
        )


# --- plots --------------------------------------------------------------------------------------------------------------
def picture(shown):
    (image,) = shown
    return plots.plt.imread(io.BytesIO(image.data)) * 255


@pytest.mark.parametrize("edition", glossary.EDITIONS)
def test_figures_are_drawn(shown, edition):
    glossary.set_edition(edition)
    plots.lines({"English": ([1, 10], [1, 5])}, x="words", y="words", log="xy", power_laws={"English": (0.7, 0.0)})
    assert picture(shown).std() > 5
    shown.clear()
    plots.bars({"English": {"counts": Score(0.5, 0.4, 0.6, 10)}, "Chinese": {"counts": 0.3}}, x="MRR, test")
    assert picture(shown).std() > 5
    shown.clear()
    plots.heatmaps({"one-hot": 1 - np.eye(4)}, groups={"animals": 2, "fruit": 2}, label="Euclidean distance")
    assert picture(shown).std() > 5
    shown.clear()
    plots.gallery(
        [np.zeros((4, 4, 3)), np.ones((4, 4, 3))], ["dog face with a long name", "狗脸，名字很长很长"], columns=8
    )
    assert picture(shown).std() > 5
    shown.clear()
    plots.gallery(np.zeros((3, 4, 4, 3), np.uint8), columns=2)
    assert picture(shown).std() > 5
    shown.clear()
    plots.grids({"English": (np.eye(2), ["a", "b"], ["c", "d"])}, label="mean answer")
    assert picture(shown).std() > 5
    shown.clear()
    some = np.array([0.1, 0.2, 0.5])
    plots.points(some, some, "mean answer", "mean answer", marks={"猫": (0.2, 0.2)}, diagonal=True, log="xy")
    assert picture(shown).std() > 5
    shown.clear()
    plots.ratios({"法院 : 医院": {"的": 1.1, "治疗": 0.0, "判决": np.inf}}, x="ratio of the probabilities")
    assert picture(shown).std() > 5


def test_figures_of_the_two_editions_differ_in_their_labels_only(shown):
    plots.lines({"English": ([1, 2], [1, 2])}, x="words", y="words")
    glossary.set_edition("zh")
    plots.lines({"English": ([1, 2], [1, 2])}, x="words", y="words")
    assert shown[0].data != shown[1].data


def test_few_colours_keep_the_rare_ones(shown):
    """A colour bar has many colours of few pixels each; every one is near enough to what was drawn."""
    figure, ax = plots.plt.subplots()
    ax.imshow(np.linspace(0, 1, 300)[None], aspect="auto", extent=(0, 1, 0, 0.02))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=plots.DPI, bbox_inches="tight", metadata={"Software": None})
    drawn.seek(0)
    plots.show(figure)
    rgb = (plots.plt.imread(drawn) * 255)[..., :3]
    assert len(np.unique(rgb.reshape(-1, 3), axis=0)) > plots.FEW
    assert np.abs(picture(shown)[..., :3] - rgb).max() < 12


def test_pictures_without_their_titles_are_refused():
    with pytest.raises(ValueError, match="2 pictures and 1 titles: give as many, or none"):
        plots.gallery(np.zeros((2, 4, 4, 3)), ["one"])


def test_the_same_figure_is_the_same_file(shown):
    for _ in range(2):
        plots.lines({"English": ([1, 2], [1, 2])}, x="words", y="words")
    assert shown[0].data == shown[1].data


def test_chinese_has_glyphs_and_a_missing_one_is_an_error(shown):
    figure = plots.plt.figure()
    figure.text(0.1, 0.5, "词嵌入 猫 犬")
    plots.show(figure)
    figure = plots.plt.figure()
    figure.text(0.1, 0.5, "\U00012000")
    with pytest.raises(plots.MissingGlyph, match="the figures' fonts lack it"):
        plots.show(figure)
    assert not plots.plt.get_fignums()  # closed all the same


def test_chinese_inside_a_formula_is_an_error(shown):
    figure = plots.plt.figure()
    figure.text(0.1, 0.5, "$猫$")
    with pytest.raises(plots.MissingGlyph, match="outside"):
        plots.show(figure)


def test_groups_must_fit_the_matrix():
    with pytest.raises(ValueError, match="groups of 3 rows do not fit"):
        plots.heatmaps({"one-hot": np.eye(4)}, groups={"animals": 3})


def test_words_must_fit_the_grid():
    with pytest.raises(ValueError, match="“English”: 1 × 2 words do not fit a matrix of"):
        plots.grids({"English": (np.eye(2), ["a"], ["c", "d"])}, label="mean answer")


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_first_colours_stand_out_from_white():
    for colour in plots.COLOURS[:4]:
        assert 1.05 / (luminance(colour) + 0.05) >= 3, colour  # WCAG 2, graphics


# --- tables -------------------------------------------------------------------------------------------------------------
def test_tables_follow_the_edition_and_escape(shown):
    glossary.set_edition("zh")
    tables.table(["pair", "words", "measured"], [["<b>", 1234, 0.5], ["猫", 2, True]], digits=2)
    assert shown[0]["text/plain"].splitlines() == ["词对 | 词数 | 实测", "<b> | 1,234 | 0.50", "猫 | 2 | 是"]
    assert "&lt;b&gt;" in shown[0]["text/html"]
    tables.table(["pair", "words", "measured"], [[np.True_, np.int64(1234), np.float32(1 / 3)]])
    assert shown[1]["text/plain"].splitlines()[1] == "是 | 1,234 | 0.333"
    tables.table(["words", "measured"], [[1, 0.5], [2, None]])  # nothing there: a dash, to the right
    assert shown[2]["text/plain"].splitlines()[2] == "2 | –"
    assert "text-align:left" not in shown[2]["text/html"]


def test_a_row_of_another_length_is_named():
    with pytest.raises(ValueError, match="a row has 1 cells, the table 2 heads"):
        tables.table(["pair", "words"], [["a"]])


# --- exercises ----------------------------------------------------------------------------------------------------------
def double(x):
    return 2 * x


def stub(x): ...


def raises(x):
    raise RuntimeError("oops")


@pytest.mark.parametrize(
    ("answer", "cases", "solved", "hint"),
    [
        (double, [((2,), 4)], True, "✓ double: solved (1/1)"),
        (double, [((2,), 4), ((2,), 5)], False, "double(2):\n   expected 5, got 4"),
        (stub, [((2,), 4)], False, "stub(2):\n   no answer yet: the function returns None"),
        (stub, [((2,), [])], False, "no answer yet"),
        (raises, [((2,), 4)], False, "raises(2):\n   RuntimeError: oops"),
        (double, [((np.ones(2),), np.array([2.0, 2.0]))], True, "solved"),
        (double, [((np.ones(3),), np.array([2.0, 2.0]))], False, "expected [2.0, 2.0], got [2.0, 2.0, 2.0]"),
        (double, [((0.1,), 0.2 + 1e-12)], True, "solved"),
        (double, [(("a",), "aa")], True, "solved"),
        (double, [(([1],), (1, 1))], True, "solved"),
        (lambda: np.array(["a", "b"]), [((), ["a", "b"])], True, "solved"),
        (lambda: np.array(["a", "c"]), [((), ["a", "b"])], False, "got ['a', 'c']"),
        (lambda: [[1, 2], [3]], [((), np.eye(2))], False, "expected [[1.0, 0.0], [0.0, 1.0]], got [[1, 2], [3]]"),
        (lambda: {"a": 0.1 + 0.2}, [((), {"a": 0.3})], True, "solved"),
        (lambda: np.True_, [((), 0.5)], False, "expected 0.5, got True"),
        (lambda x: x.append(1) or 0, [(([],), 0), (([],), 0)], True, "solved"),
    ],
)
def test_the_checker_says_what_is_off_and_never_raises(shown, answer, cases, solved, hint):
    exercises.check(answer, cases)
    assert shown[0][exercises.MIME] == {"exercise": answer.__name__, "solved": solved}
    assert hint in shown[0]["text/plain"]


def test_hints_follow_the_edition(shown):
    glossary.set_edition("zh")
    exercises.check(stub, [((2,), 4)])
    assert "还不对" in shown[0]["text/plain"]
    assert "stub：还不对（0/1）。" in shown[0]["text/plain"]
    assert "stub(2)：\n   还没有作答" in shown[0]["text/plain"]
