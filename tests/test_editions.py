"""The checks of chapters catch what they are for: each break of a healthy chapter is noticed, and named."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wordspace import editions, notebooks
from wordspace.paths import root

HERE = Path(__file__).parent
NAME = "99_sample"


@pytest.fixture
def course(tmp_path):
    """A copy of the course of one healthy chapter, with the card of the figures' font."""
    copy = tmp_path / "course"
    shutil.copytree(HERE / "fixtures" / "course", copy)
    shutil.copy(root() / "datasets" / "noto.toml", copy / "datasets")
    return copy


def change(course, edition, cell_id, edit):
    """Apply ``edit`` to one cell of a notebook of the copied course."""
    path = course / "notebooks" / edition / f"{NAME}.ipynb"
    notebook = notebooks.read(path)
    edit(next(cell for cell in notebook.cells if cell.id == cell_id))
    notebooks.write(path, notebook)


def replace(course, cell_id, old, new, both=("en", "zh")):
    """Replace text in a cell's source."""
    for edition in both:

        def edit(cell):
            assert old in cell.source
            cell.source = cell.source.replace(old, new)

        change(course, edition, cell_id, edit)


def run(course, *command):
    """Run a command on the copied course; return its exit status and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=course,
        env={**os.environ, "WORDSPACE_ROOT": str(course), "PYTHONPATH": str(root())},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def check(course):
    return run(course, "wordspace.editions", "check")


def nbval(course, edition="en"):
    return run(course, "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", f"notebooks/{edition}")


def test_a_healthy_chapter_passes(course):
    status, said = check(course)
    assert status == 0, said
    assert "both editions agree" in said


# --- What reading the notebooks shows -----------------------------------------------------------------------------------
def stale_chinese(course):
    replace(course, "title", "The sum is", "The whole sum is", both=["en"])


def code_on_one_side(course):
    replace(course, "lesson", "sum(numbers)", "sum(list(numbers))", both=["zh"])


def other_number(course):
    def edit(cell):
        text = json.dumps(cell.outputs, ensure_ascii=False)
        cell.outputs = [notebooks.nbformat.from_dict(output) for output in json.loads(text.replace("2.50", "2.51"))]

    change(course, "zh", "value", edit)


def stub_that_passes(course):
    for edition in ("en", "zh"):
        path = course / "notebooks" / edition / f"{NAME}.ipynb"
        cells = {cell.id: cell for cell in notebooks.read(path).cells}
        change(course, edition, "exercise", lambda cell, c=cells: cell.update(outputs=c["solution"].outputs))


def missing_alt(course):
    change(course, "en", "figure", lambda cell: cell.metadata.pop("mystnb"))


def missing_chinese_alt(course):
    change(course, "zh", "figure", lambda cell: cell.metadata.pop("mystnb"))


def stripped(course):
    path = course / "notebooks" / "en" / f"{NAME}.ipynb"
    notebook = notebooks.read(path)
    for cell in notebooks.code(notebook):
        cell.outputs, cell.execution_count = [], None
    notebooks.write(path, notebook)


def machine_path(course):
    output = notebooks.nbformat.v4.new_output("stream", name="stdout", text="read /home/reader/data.txt\n")
    for edition in ("en", "zh"):
        change(course, edition, "lesson", lambda cell: cell.update(outputs=[output]))


def warning(course):
    output = notebooks.nbformat.v4.new_output("stream", name="stderr", text="DeprecationWarning: old\n")
    change(course, "en", "lesson", lambda cell: cell.update(outputs=[output]))


def traceback(course):
    output = notebooks.nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["no"])
    change(course, "en", "lesson", lambda cell: cell.update(outputs=[output]))


def out_of_order(course):
    change(course, "en", "lesson", lambda cell: cell.update(execution_count=9))


def unprinted_number(course):
    replace(course, "title", "2.50", "2.75")


def missing_cell(course):
    path = course / "notebooks" / "zh" / f"{NAME}.ipynb"
    notebook = notebooks.read(path)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "value"]
    notebooks.write(path, notebook)


def missing_edition(course):
    (course / "notebooks" / "zh" / f"{NAME}.ipynb").unlink()


def not_chinese(course):
    replace(course, "title", "样例", "Sample", both=["zh"])
    replace(course, "title", "和是", "Sum: ", both=["zh"])


def other_tags(course):
    change(course, "zh", "lesson", lambda cell: cell.metadata.update(tags=[]))


def other_metadata(course):
    change(course, "en", "figure", lambda cell: cell.metadata["mystnb"]["image"].update(classes="photo"))


def english_set_to_chinese(course):
    replace(course, "setup", 'edition = "en"', 'edition = "zh"', both=["en"])


def words_for_nothing(course):
    replace(course, "title", "# Sample\n\nThe sum is 2.50.", "", both=["en"])


def other_sign(course):
    def edit(cell):
        text = json.dumps(cell.outputs, ensure_ascii=False)
        cell.outputs = [notebooks.nbformat.from_dict(output) for output in json.loads(text.replace("2.50", "-2.50"))]

    change(course, "zh", "value", edit)


def path_after_a_line(course):
    output = notebooks.nbformat.v4.new_output("stream", name="stdout", text="read:\n/home/reader/data.txt\n")
    change(course, "en", "lesson", lambda cell: cell.update(outputs=[output]))


def unprinted_integer(course):
    replace(course, "title", "2.50", "454")


def bold_full_width(course):
    replace(course, "title", "和是2.50。", "**和是2.50。**", both=["zh"])


def broken_line(course):
    replace(course, "title", "和是", "和\n是", both=["zh"])


def typed_space(course):
    replace(course, "title", "和是", "和 sum 是", both=["zh"])


BREAKS = [
    (stale_chinese, f"notebooks/zh/{NAME}.ipynb [title]: the English was changed after the Chinese was written"),
    (code_on_one_side, f"notebooks/zh/{NAME}.ipynb [lesson]: its code is not that of the English edition"),
    (other_number, f"notebooks/zh/{NAME}.ipynb [value]: shows other numbers than the English edition: 2.50, 2.51"),
    (stub_that_passes, f"notebooks/en/{NAME}.ipynb [exercise]: an exercise whose unsolved cell does not answer"),
    (missing_alt, f"notebooks/en/{NAME}.ipynb [figure]: a figure without alternative text"),
    (missing_chinese_alt, f"notebooks/zh/{NAME}.ipynb [figure]: a figure without alternative text"),
    (stripped, f"notebooks/en/{NAME}.ipynb [setup]: the outputs are stripped; run: make run"),
    (machine_path, f"notebooks/en/{NAME}.ipynb [lesson]: shows a path of this machine"),
    (warning, f"notebooks/en/{NAME}.ipynb [lesson]: writes to stderr"),
    (traceback, f"notebooks/en/{NAME}.ipynb [lesson]: ends in an error"),
    (out_of_order, f"notebooks/en/{NAME}.ipynb [lesson]: not executed from top to bottom"),
    (unprinted_number, f"notebooks/en/{NAME}.ipynb [title]: the number 2.75 is in the prose, but no cell prints it"),
    (missing_cell, f"notebooks/zh/{NAME}.ipynb [value]: cells differ from the English edition"),
    (missing_edition, f"notebooks/zh/{NAME}.ipynb [-]: missing; run"),
    (not_chinese, f"notebooks/zh/{NAME}.ipynb [title]: holds no Chinese"),
    (
        other_tags,
        f"notebooks/zh/{NAME}.ipynb [lesson]: its tags or other metadata are not those of the English edition",
    ),
    (other_metadata, f"notebooks/zh/{NAME}.ipynb [figure]: its tags or other metadata are not those"),
    (english_set_to_chinese, f'notebooks/zh/{NAME}.ipynb [setup]: the English edition says edition = "zh"'),
    (words_for_nothing, f"notebooks/zh/{NAME}.ipynb [title]: says something where the English edition says nothing"),
    (other_sign, f"notebooks/zh/{NAME}.ipynb [value]: shows other numbers than the English edition: -2.50, 2.50"),
    (path_after_a_line, f"notebooks/en/{NAME}.ipynb [lesson]: shows a path of this machine"),
    (unprinted_integer, f"notebooks/en/{NAME}.ipynb [title]: the number 454 is in the prose, but no cell prints it"),
    (bold_full_width, f"notebooks/zh/{NAME}.ipynb [title]: full-width punctuation inside bold"),
    (broken_line, f"notebooks/zh/{NAME}.ipynb [title]: a line break inside a Chinese paragraph"),
    (typed_space, f"notebooks/zh/{NAME}.ipynb [title]: a typed space between Chinese and Latin"),
]


@pytest.mark.parametrize(("breaks", "expected"), BREAKS, ids=[breaks.__name__ for breaks, _ in BREAKS])
def test_check_catches(course, monkeypatch, breaks, expected):
    breaks(course)
    monkeypatch.setattr(editions, "root", lambda: course)
    monkeypatch.setattr(notebooks, "root", lambda: course)
    said = [str(problem) for problem in editions.check(NAME)]
    assert any(line.startswith(expected) for line in said), said


# --- What only running them shows ---------------------------------------------------------------------------------------
def changed_output(course):
    replace(course, "value", "[1.0, 1.5]", "[1.0, 1.6]")


def unknown_label(course):
    replace(course, "figure", 'x="words"', 'x="wrods"')


def missing_glyph(course):
    replace(course, "figure", "plots.lines(", "plots.plt.figtext(0, 0, '\\U00012000')\nplots.lines(")
    replace(course, "figure", "plots.lines({", "plots.show(plots.plt.gcf()); plots.lines({")


def missed_bar(course):
    replace(course, "claims", "total([1, 1]) == 2", "total([1, 1]) == 3")


RUNS = [
    (changed_output, "2.60"),
    (unknown_label, "'wrods' is not in wordspace/glossary.toml"),
    (missing_glyph, "MissingGlyph"),
    (missed_bar, "two: the finding was “holds”, now “does not hold”"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("breaks", "expected"), RUNS, ids=[breaks.__name__ for breaks, _ in RUNS])
def test_nbval_catches(course, breaks, expected):
    breaks(course)
    status, said = nbval(course)
    assert status != 0, said
    assert expected in said


@pytest.mark.slow
def test_nbval_passes_a_healthy_chapter_and_refuses_a_stripped_one(course):
    shutil.copy(root() / "notebooks" / "conftest.py", course / "notebooks")
    status, said = nbval(course)
    assert status == 0, said
    assert f"notebooks/en/{NAME}.ipynb: " in said  # time and memory are reported
    stripped(course)
    status, said = nbval(course)
    assert status != 0
    assert "the outputs are stripped" in said


@pytest.mark.slow
def test_run_and_sync_carry_code_and_keep_the_chinese_text(course):
    replace(course, "value", "1.5", "3.5", both=["en"])
    status, said = run(course, "wordspace.editions", "run", NAME)
    assert "[title]: the number 2.50 is in the prose, but no cell prints it" in said
    replace(course, "title", "2.50", "4.50")
    status, said = check(course)
    assert status == 1
    assert "[title]: the English was changed" in said
    status, said = run(course, "wordspace.editions", "accept", NAME, "title")
    assert status == 0, said
    status, said = check(course)
    assert status == 0, said
    chinese = {cell.id: cell for cell in notebooks.read(course / "notebooks/zh" / f"{NAME}.ipynb").cells}
    assert "3.5" in chinese["value"].source
    assert 'edition = "zh"' in chinese["setup"].source
    assert "和是4.50" in chinese["title"].source


@pytest.mark.slow
def test_sync_writes_the_chinese_edition_where_there_is_none_and_says_what_to_write(course):
    missing_edition(course)
    status, said = run(course, "wordspace.editions", "sync")
    assert status == 1
    assert f"notebooks/zh/{NAME}.ipynb [title]: not written in Chinese yet" in said
    assert f"notebooks/zh/{NAME}.ipynb [figure]: a figure without alternative text" in said


@pytest.mark.slow
def test_a_chapter_that_fails_is_left_as_it_was(course):
    missed_bar(course)
    path = course / "notebooks" / "en" / f"{NAME}.ipynb"
    chinese = course / "notebooks" / "zh" / f"{NAME}.ipynb"
    for command in ("run", "sync"):
        replace(course, "claims", "board.show()", "board.show()  # changed", both=["en"])
        before = path.read_bytes(), chinese.read_bytes()
        status, said = run(course, "wordspace.editions", command)
        assert status != 0
        assert f"{NAME}.ipynb [claims]: FindingChanged" in said
        assert "Traceback" not in said
        assert (path.read_bytes(), chinese.read_bytes()) == before
    assert not list(path.parent.glob("*.new"))


def test_accept_names_an_unknown_cell(course, monkeypatch):
    monkeypatch.setattr(editions, "root", lambda: course)
    with pytest.raises(SystemExit, match="no cell 'nothing' in both editions"):
        editions.accept(NAME, ["nothing"])


def test_an_unknown_chapter_is_named():
    with pytest.raises(SystemExit, match="no chapter '77'; there are: 01_one_hot"):
        editions.names("77")


def test_numbers_are_read_alike_in_both_languages():
    assert notebooks.numbers("1,034 of 2.50 %, skip-gram2 v1.2.3") == ["1034", "2.50"]
    assert notebooks.numbers("共1,034个，2.50%") == ["1034", "2.50"]


def test_chinese_text_is_not_dropped_without_a_word(course, monkeypatch, capsys):
    path = course / "notebooks" / "zh" / f"{NAME}.ipynb"
    notebook = notebooks.read(path)
    notebook.cells.append(notebooks.nbformat.v4.new_markdown_cell("只有中文版有的一段。", id="only-chinese"))
    notebooks.write(path, notebook)
    monkeypatch.setattr(editions, "root", lambda: course)
    monkeypatch.setattr(notebooks, "root", lambda: course)
    editions.sync(NAME)
    assert (
        "dropped, since the English edition has no such cell (git diff shows it): only-chinese"
        in capsys.readouterr().out
    )


def test_a_chapter_in_chinese_only_is_named(course, monkeypatch):
    (course / "notebooks" / "en" / f"{NAME}.ipynb").unlink()
    monkeypatch.setattr(editions, "root", lambda: course)
    for command in (editions.sync, editions.run, lambda name: editions.accept(name, [])):
        with pytest.raises(SystemExit, match=f"write notebooks/en/{NAME}.ipynb first"):
            command(NAME)


def test_a_progress_bar_is_kept_as_it_stands_at_the_end():
    stream = notebooks.nbformat.v4.new_output("stream", name="stdout", text="  0%|\r 50%|\r100%|\ndone\n")
    assert notebooks._joined([stream])[0].text == "100%|\ndone\n"
