"""What every chapter has: its bones, short cells, its place in the tables of contents, and in both READMEs."""

import statistics

import pytest
import yaml

from book import picture
from wordspace import claims, glossary, notebooks
from wordspace.paths import root

CHAPTERS = [path.stem for path in notebooks.chapters("en")]


@pytest.fixture(params=CHAPTERS)
def chapter(request):
    return notebooks.read(root() / "notebooks" / "en" / f"{request.param}.ipynb")


def test_bones(chapter):
    heads = [line for cell in chapter.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    heads = [line.lstrip("# ") for line in heads if line.startswith("#")]
    for head in ("The idea in one picture", "Claims, measured", "Exercises", "Summary", "References"):
        assert head in heads
    tags = [tag for cell in chapter.cells for tag in notebooks.tags(cell)]
    assert tags.count("setup") == 1
    assert "lesson" in tags
    assert tags.count("exercise") == tags.count("solution") >= 4
    assert "setup" in notebooks.tags(notebooks.code(chapter)[0])


def test_cells_are_short(chapter):
    lengths = sorted(cell.source.count("\n") + 1 for cell in notebooks.code(chapter))
    assert statistics.median(lengths) <= 6
    assert lengths[int(0.9 * len(lengths))] <= 20


def test_every_claim_of_the_chapter_is_recorded():
    recorded = {(record.chapter, record.id) for record in claims.recorded("en")}
    assert recorded == {(claim["chapter"], name) for name, claim in claims.register().items()}


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_chapters_are_in_the_contents_and_in_the_readme(edition):
    toc = yaml.safe_load((root() / {"en": "_toc.yml", "zh": "_toc.zh.yml"}[edition]).read_text("utf-8"))
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert [file for file in files if file.startswith("notebooks/")] == [f"notebooks/{edition}/{n}" for n in CHAPTERS]
    readme = (root() / {"en": "README.md", "zh": "README.zh.md"}[edition]).read_text("utf-8")
    for name in CHAPTERS:
        title = notebooks.read(root() / "notebooks" / edition / f"{name}.ipynb").cells[0].source.splitlines()[0]
        assert f"[{title.partition(' · ')[2]}](notebooks/{edition}/{name}.ipynb)" in readme


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_the_start_page_shows_the_chapters_own_figure(edition):
    assert picture.place(edition).read_bytes() == picture.figure(edition), "run: python book/picture.py"


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_every_term_is_linked_in_the_chapter_that_introduces_it(edition):
    for term in glossary.terms().values():
        (path,) = (root() / "notebooks" / edition).glob(f"{term.chapter}_*.ipynb")
        prose = "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "markdown")
        assert f"glossary.md#{term.id})" in prose, f"{path.name} does not link {term.id!r}"


def test_no_label_is_left_over():
    code = "".join(path.read_text("utf-8") for path in (root() / "wordspace").glob("*.py"))
    for path in notebooks.chapters("en") + [root() / "tests/fixtures/course/notebooks/en/99_sample.ipynb"]:
        code += "\n".join(cell.source for cell in notebooks.code(notebooks.read(path)))
    code += "".join(path.read_text("utf-8") for path in (root() / "datasets").glob("*.toml") if path.stem != "claims")
    assert [label for label in glossary.labels() if label not in code] == []
