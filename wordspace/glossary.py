"""The course's words: terms with definitions, and the labels of figures and tables, each in both languages.

Chapters write English; what is shown follows the edition. A word that is not in ``glossary.toml`` is an error, so the
terms of text, figures and tables agree.
"""

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

EDITIONS = ("en", "zh")
_current = "en"


class UnknownTerm(LookupError):
    """A label that the glossary does not have."""


@dataclass(frozen=True)
class Term:
    """One idea of the course, its name and meaning in both languages; ``chapter`` is where it is introduced ("01")."""

    id: str
    en: str
    zh: str
    means_en: str
    means_zh: str
    chapter: str = ""


@cache
def _file() -> dict:
    return tomllib.loads(files("wordspace").joinpath("glossary.toml").read_text(encoding="utf-8"))


@cache
def terms() -> dict[str, Term]:
    """Return all terms with a definition, by id, in the file's order (that of the chapters)."""
    return {name: Term(id=name, **fields) for name, fields in _file()["terms"].items()}


def labels() -> list[str]:
    """Return the English labels that are no terms."""
    return list(_file()["labels"])


@cache
def _chinese() -> dict[str, str]:
    named = {term.en: term.zh for term in terms().values()}
    return {**_file()["labels"], **named}


def edition() -> str:
    """Return the edition in force, ``"en"`` or ``"zh"``."""
    return _current


def set_edition(name: str) -> None:
    """Choose the edition that everything shown follows.

    Raises:
        ValueError: ``name`` is neither ``"en"`` nor ``"zh"``.
    """
    global _current
    if name not in EDITIONS:
        raise ValueError(f'edition {name!r} is not one of {", ".join(EDITIONS)}: write edition = "en" or "zh"')
    _current = name


def lookup(english: str, edition: str) -> str:
    """Return ``english`` (a term or a label of the glossary) in the language of ``edition``.

    Raises:
        UnknownTerm: the glossary lacks it, whatever the edition, so that a gap shows in English too.
    """
    if english not in _chinese():
        near = difflib.get_close_matches(english, _chinese(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise UnknownTerm(
            f"{english!r} is not in wordspace/glossary.toml{hint} Add it under [labels] or [terms] with its Chinese."
        )
    return english if edition == "en" else _chinese()[english]


def say(english: str) -> str:
    """Return ``english`` in the language of the edition in force (see ``lookup``)."""
    return lookup(english, _current)
