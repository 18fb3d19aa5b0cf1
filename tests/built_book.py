"""The built site, for the tests that read it: built first where it is missing or older than what it is made from."""

import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import yaml

from wordspace.paths import root

SOURCES = (
    *("_config*.yml", "_toc*.yml", "book/**/*", "notebooks/**/*.ipynb"),
    *("datasets/*.toml", "models/student/*", "wordspace/*"),
)
HOME = {"en": "", "zh": "zh/"}  # where in the site an edition stands
TITLE = {"en": "Word Embeddings in Depth", "zh": "深入理解词嵌入"}


@cache
def site() -> Path:
    """Return the folder of the site."""
    folder = root() / "build" / "site"
    stamp = folder / ".nojekyll"
    newest = max(path.stat().st_mtime for pattern in SOURCES for path in root().glob(pattern) if path.is_file())
    if not stamp.exists() or stamp.stat().st_mtime < newest:
        done = subprocess.run([sys.executable, "book/build.py"], cwd=root(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder


@cache
def pages(edition: str) -> list[str]:
    """Return the pages that an edition's table of contents names, such as ``book/en/index``."""
    toc = yaml.safe_load((root() / {"en": "_toc.yml", "zh": "_toc.zh.yml"}[edition]).read_text(encoding="utf-8"))
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def all_pages() -> list[str]:
    """Return the addresses of every page of both editions, search included, such as ``zh/book/zh/index.html``."""
    return [f"{HOME[edition]}{page}.html" for edition in HOME for page in [*pages(edition), "search"]]


def other(address: str) -> str:
    """Return the address of the same page in the other edition."""
    if address.startswith("zh/"):
        return address.removeprefix("zh/").replace("/zh/", "/en/")
    return "zh/" + address.replace("/en/", "/zh/")


def colab(address: str) -> str:
    """Return where the launch button of a notebook's page has to lead."""
    project = tomllib.loads((root() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository = project["urls"]["Repository"].removeprefix("https://github.com/")
    notebook = address.removeprefix("zh/").removesuffix(".html")
    return f"https://colab.research.google.com/github/{repository}/blob/main/{notebook}.ipynb"
