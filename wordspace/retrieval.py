"""Collections to search, and queries whose right documents are known: definitions, Chinese headwords, Chinese passages."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache

from wordspace import corpora, phenotypes, running_text
from wordspace.paths import root

SENSE = re.compile(r"(?<!\d)\d{1,2}\.(?!\d)")  # "1.…。2.…。": a numbered sense of an entry
REFERENCE = re.compile(r"^(?:[同见即犹]|亦作|也作|参见|古同|通)\W?[\u3007\u4e00-\u9fff]{1,10}\W*$")
LEAST = 6  # characters of an explanation that can be searched for


@dataclass(frozen=True)
class Collection:
    """Documents by id, queries by id, and for each query its right documents by id with their grades.

    A grade of 2 answers the query, 1 a part of it. ``parts`` says which queries are for training, validation and test;
    ``kinds`` what sort of query each is (empty where there is but one).
    """

    documents: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]
    parts: dict[str, str]
    kinds: dict[str, str]

    def part(self, name: str) -> list[str]:
        """Return the ids of the queries of one part, "train", "validation" or "test", in their order."""
        return [query for query in self.queries if self.parts[query] == name]


@cache
def layperson() -> Collection:
    """Return the definitions of signs of illness, without their names; queries are what laypeople call them.

    A query that stands word for word in a definition it should find is left out. A wording of several signs has several
    right documents, and is in the part of the first one's id; its own id is its text, lower case. There is no training
    part: nothing is learnt from the queries but what is chosen on validation (a third of them).
    Source: the Human Phenotype Ontology, see ``wordspace.phenotypes``.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    documents, queries, relevant, parts = {}, {}, {}, {}
    given = set()
    for term in phenotypes.terms().values():
        if not term.definition:
            continue
        documents[term.id] = term.definition
        for text in (synonym.text for synonym in term.synonyms if synonym.layperson):
            key = _words(text)
            queries.setdefault(key, text)
            relevant.setdefault(key, {})[term.id] = 2
            parts.setdefault(key, corpora.part(term.id, validation=1 / 3, test=2 / 3))
            if f" {key} " in f" {_words(term.definition)} ":
                given.add(key)
    kept = [key for key in queries if key not in given]
    return Collection(
        documents,
        {key: queries[key] for key in kept},
        {key: relevant[key] for key in kept},
        {key: parts[key] for key in kept},
        {},
    )


@cache
def explanations() -> Collection:
    """Return the headwords of a Chinese dictionary as documents; queries are explanations, for which the word is sought.

    Of each entry the first sense is asked for, unless it holds the headword, only refers to another entry, or is shorter
    than six characters. Words explained alike are all right. A query's id is its first headword, whose part it is in (as in
    the training of the mini-BERT). ``kinds`` tells words of two, three, four and of other numbers of characters apart.
    Source: the ``jionlp`` package, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    entries = running_text.chinese_words()
    first, queries, relevant = {}, {}, {}
    for word, means in entries.items():
        text = next((sense for sense in SENSE.split(means) if sense), "")
        if len(text) < LEAST or "～" in text or word in text or REFERENCE.match(text):
            continue
        query = first.setdefault(text, word)
        queries.setdefault(query, text)
        relevant.setdefault(query, {})[word] = 2
    return Collection(
        {word: word for word in entries},
        queries,
        relevant,
        {query: corpora.part(query) for query in queries},
        {query: f"{len(query)} characters" if len(query) in (2, 3, 4) else "other" for query in queries},
    )


@cache
def assistant() -> Collection:
    """Return the course's own eighty Chinese passages on everyday matters, and sixty judged queries of three kinds.

    The kinds: "same words" as in a right passage, "other words", and "misleading words", more of which stand in a wrong
    passage than in a right one. All queries are for test. Source: ``datasets/assistant_zh.toml``.
    """
    fields = tomllib.loads((root() / "datasets" / "assistant_zh.toml").read_text(encoding="utf-8"))
    queries = fields["queries"]
    return Collection(
        fields["documents"],
        {key: query["text"] for key, query in queries.items()},
        {key: query["relevant"] for key, query in queries.items()},
        dict.fromkeys(queries, "test"),
        {key: query["kind"] for key, query in queries.items()},
    )


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
