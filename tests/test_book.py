"""The built site, read as files: whole links, the same pages in both editions, nothing from elsewhere, light."""

import doctest
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from bs4 import BeautifulSoup
from built_book import HOME, TITLE, all_pages, colab, other, pages, site

from wordspace.paths import root

pytestmark = pytest.mark.slow

FRAME = 380_000  # bytes that every page loads around its text: styles, scripts, fonts, navigation
SEARCH = 450_000  # bytes of the search page's index, which grows with every chapter
TEXT = 600_000  # bytes of a page's own HTML, formulas and tables in it, but without the pictures
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
REFERENCE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
soups: dict[str, BeautifulSoup] = {}


def soup(address: str) -> BeautifulSoup:
    if address not in soups:
        soups[address] = BeautifulSoup((site() / address).read_text(encoding="utf-8"), "html.parser")
    return soups[address]


def loads(address: str) -> set[str]:
    """Return what a page loads by itself: addresses as they stand in it and in its style sheets."""
    page = soup(address)
    found = {tag[name] for kind, name in LOADING.items() for tag in page.find_all(kind) if tag.get(name)}
    kinds = {"stylesheet", "icon", "preload", "modulepreload"}
    found |= {tag["href"] for tag in page.find_all("link") if kinds & set(tag.get("rel", []))}
    here = site() / address
    for sheet in [file for file in found if file.split("?")[0].endswith(".css") and "//" not in file]:
        folder = (here.parent / sheet.split("?")[0]).resolve()
        for match in REFERENCE.finditer(folder.read_text(encoding="utf-8")):
            target = match[1] or match[2]
            local = not target.startswith(("data:", "http:", "https:", "//", "#"))
            found.add(str((folder.parent / target.split("?")[0]).resolve()) if local else target)
    return {target for target in found if not target.startswith(("data:", "#"))}


def without_words(page: BeautifulSoup) -> list[str]:
    """Return the pictures of a page that have no alternative text."""
    return [image.get("src", "?")[:80] for image in page.find_all("img") if not (image.get("alt") or "").strip()]


@pytest.mark.parametrize("address", all_pages())
def test_a_page_is_whole(address):
    """Right language, title, no foreign thing loaded, alternative texts, the switch there and back."""
    page, here = soup(address), site() / address
    edition = "zh" if address.startswith("zh/") else "en"
    assert page.html["lang"] == {"en": "en", "zh": "zh-CN"}[edition]
    assert TITLE[edition] in page.title.text
    assert [target for target in loads(address) if re.match(r"(https?:)?//", target)] == []
    assert not re.search(r"unpkg|jsdelivr|cdnjs|googleapis|googletagmanager", str(page))
    assert without_words(page) == []
    (switch,) = page.select("a.language-switch")
    assert (here.parent / switch["href"]).resolve() == (site() / other(address)).resolve()
    assert (site() / other(address)).is_file()


def test_no_page_but_those_of_the_contents():
    """Both editions have the same pages, each with text, and nothing slips in or is left out."""
    assert [page.replace("/en/", "/zh/") for page in pages("en")] == pages("zh")
    starts = ["index.html", "zh/index.html"]
    assert sorted(str(path.relative_to(site())) for path in site().rglob("*.html")) == sorted(all_pages() + starts)
    for address in all_pages():
        assert len(soup(address).select_one("main").text) > 30, address
    for edition, start in zip(HOME, starts, strict=True):
        assert f"url={pages(edition)[0]}.html" in (site() / start).read_text(encoding="utf-8")


def test_links_lead_somewhere():
    """Every link inside the site finds its page and its place on the page."""
    lost = []
    for address in all_pages():
        for link in soup(address).find_all("a", href=True):
            path, fragment = urldefrag(link["href"])
            if re.match(r"[a-z]+:", path):
                continue
            target = (site() / address).parent / unquote(path) if path else site() / address
            if not target.is_file():
                lost.append(f"{address}: {link['href']}")
            elif fragment and target.suffix == ".html":
                found = soup(str(target.resolve().relative_to(site())))
                if fragment not in ("", "top") and not found.find(id=unquote(fragment)):
                    lost.append(f"{address}: {link['href']}")
    assert lost == []


@pytest.mark.parametrize("address", all_pages())
def test_a_page_is_light(address):
    """A page's frame and its own text stay within their budgets; the text's own pictures come on top."""
    parts = [(site() / address).parent / part.split("?")[0] for part in loads(address)]
    weights = {str(part): part.resolve().stat().st_size for part in parts if "_images" not in str(part)}
    index = sum(weights.pop(part) for part in list(weights) if part.endswith("searchindex.js"))
    assert index <= SEARCH
    assert sum(weights.values()) <= FRAME, sorted(weights.items(), key=lambda item: -item[1])[:6]
    assert (site() / address).stat().st_size <= TEXT


def test_the_chinese_index_holds_words_and_no_bare_numbers():
    script = (site() / "zh" / "searchindex.js").read_text(encoding="utf-8")
    terms = json.loads(script[script.index("{") : script.rindex("}") + 1])["terms"]
    assert {"猫", "词向量", "word2vec"} <= terms.keys()
    assert [term for term in terms if not any(character.isalpha() for character in term)] == []


def test_chinese_pages_speak_chinese():
    """No label or hint of the theme is left in English."""
    labels = set()
    for address in all_pages():
        if address.startswith("zh/"):
            tags = soup(address).find_all(lambda tag: tag.get("title") or tag.get("aria-label"))
            labels |= {tag.get(name) for tag in tags for name in ("title", "aria-label") if tag.name != "link"}
    assert [label for label in labels if label and not re.search(r"[\u4e00-\u9fff]", label)] == []


@pytest.mark.parametrize("edition", HOME)
def test_launch_and_formulas(edition):
    """Notebook pages, and they alone, launch the right notebook; their formulas are MathML."""
    for page in pages(edition):
        address = f"{HOME[edition]}{page}.html"
        launches = [link["href"] for link in soup(address).select('a[href*="colab.research"].dropdown-item')]
        assert launches == ([colab(address)] if page.startswith("notebooks/") else []), address
        if page.startswith("notebooks/"):
            assert soup(address).find("math"), address


def test_a_picture_without_words_is_found():
    """The check of alternative texts catches what it is for."""
    assert without_words(BeautifulSoup('<img src="a.png" alt=" "><img src="b.png" alt="b">', "html.parser")) == [
        "a.png"
    ]


BROKEN = {
    r"A formula: $\nosuchcommand{x}$": "formula not understood",
    "A term: [x](glossary.md#no-such-term)": "no-such-term",
    "A paper: [x](references.md#nobody2099)": "nobody2099",
}


def test_what_is_broken_stops_the_build(tmp_path: Path):
    """An unknown term, an unknown publication and a formula that cannot be read are errors."""
    pages_folder = tmp_path / "book" / "en"
    pages_folder.mkdir(parents=True)
    for name in ("theme", "references.bib"):
        (tmp_path / "book" / name).symlink_to(root() / "book" / name)
    for name in ("glossary.md", "references.md"):
        (pages_folder / name).symlink_to(root() / "book" / "en" / name)
    (tmp_path / "_config.yml").symlink_to(root() / "_config.yml")
    (pages_folder / "index.md").write_text("# Broken\n\n" + "\n\n".join(BROKEN), encoding="utf-8")
    files = ["book/en/glossary", "book/en/references"]
    chapters = "\n".join(f"  - file: {file}" for file in files)
    (tmp_path / "_toc.yml").write_text(
        f"format: jb-book\nroot: book/en/index\nchapters:\n{chapters}\n", encoding="utf-8"
    )
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", ".", "-W", "-n"]
    places = {**os.environ, "PYTHONPATH": str(root()), "WORDSPACE_ROOT": str(root())}
    done = subprocess.run([*command, "--keep-going"], cwd=tmp_path, env=places, capture_output=True, text=True)
    assert done.returncode != 0
    assert [says for says in BROKEN.values() if says not in done.stderr] == [], done.stderr


@pytest.mark.parametrize("name", ["frame", "lighter"])
def test_examples_in_docstrings(name, monkeypatch):
    monkeypatch.syspath_prepend(root() / "book" / "theme")
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted > 0
    assert done.failed == 0
