"""The Human Phenotype Ontology, read out of its file: terms, synonyms, branches, definitions without copies."""

from collections import Counter

import pytest

from wordspace import phenotypes


def test_terms_are_read_whole():
    terms = phenotypes.terms()
    assert len(terms) > 19_000
    assert sum(bool(term.definition) for term in terms.values()) > 16_000
    kidney = terms["HP:0000003"]
    assert kidney.name == "Multicystic kidney dysplasia"
    assert kidney.definition.startswith("Multicystic dysplasia of the kidney is characterized")
    assert kidney.definition.endswith("is nonfunctional.")
    assert kidney.parents == ("HP:0000107",)
    assert phenotypes.Synonym("Multicystic kidneys", "EXACT", False) in kidney.synonyms


def test_laypersons_synonyms_are_marked():
    height = phenotypes.terms()["HP:0000002"]
    assert [s.text for s in height.synonyms if s.layperson] == ["Abnormality of body height"]
    assert sum(s.layperson for term in phenotypes.terms().values() for s in term.synonyms) > 5_000


def test_every_parent_is_there():
    terms = phenotypes.terms()
    assert all(parent in terms for term in terms.values() for parent in term.parents)


def test_branches_follow_the_tree():
    assert phenotypes.branches("HP:0000003") == {"genitourinary system"}
    assert phenotypes.branches("HP:0000118") == frozenset()
    assert phenotypes.branches("HP:0000006") == frozenset()  # a mode of inheritance is no sign of illness
    assert any(len(phenotypes.branches(name)) > 1 for name in phenotypes.terms())
    with pytest.raises(KeyError):
        phenotypes.branches("HP:9")


def test_definitions_are_without_copies_and_no_branch_is_tiny():
    pairs = phenotypes.definitions()
    texts = ["".join(c for c in text.lower() if c.isalnum()) for text, _ in pairs]
    assert all(texts) and len(set(texts)) == len(texts)
    sizes = Counter(name for _, name in pairs)
    assert 10_000 < len(pairs) < 10_600
    assert len(sizes) == 19
    assert min(sizes.values()) >= 50
    assert sizes.most_common(1)[0][0] == "nervous system"


def test_escapes_are_undone():
    assert phenotypes._quoted(r'"a \"b\" \: c\n" [x]') == 'a "b" : c'
    assert phenotypes._synonym(r'"a [b]" RELATED layperson [HPO:x]') == phenotypes.Synonym("a [b]", "RELATED", True)
