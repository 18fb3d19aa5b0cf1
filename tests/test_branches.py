"""The branches of signs of illness: parts and kinds are apart, no text is twice; the teacher is loaded or refused by name."""

from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from transformers import BertTokenizer

from wordspace import branches, corpora, encoders, phenotypes
from wordspace.paths import root

KEPT = root() / "models" / "minilm-branches"
needs_teacher = pytest.mark.skipif(not KEPT.is_dir(), reason="make minilm-branches")


def key(text):
    return "".join(c for c in text.lower() if c.isalnum())


# --- Texts ------------------------------------------------------------------------------------------------------------
def test_no_text_is_twice_and_none_has_two_branches():
    keys = [key(example.text) for example in branches.all_examples()]
    assert all(keys) and len(set(keys)) == len(keys) > 30_000
    said = defaultdict(set)  # by every term of the ontology that lies in one branch
    for term in phenotypes.terms().values():
        if len(phenotypes.branches(term.id)) == 1 and phenotypes.branches(term.id) <= set(branches.names()):
            for text in (term.definition, term.name, *(s.text for s in term.synonyms)):
                said[key(text)] |= phenotypes.branches(term.id)
    assert all(said[key(example.text)] == {example.branch} for example in branches.all_examples())


def test_a_term_is_in_one_part_that_of_its_definition():
    parts, terms = defaultdict(set), phenotypes.terms()
    for example in branches.all_examples():
        parts[example.term].add(example.part)
        term = terms[example.term]
        assert example.part == corpora.part(term.definition or term.name)
    assert all(len(some) == 1 for some in parts.values())
    shares = Counter(part for some in parts.values() for part in some)
    found = [shares[part] / sum(shares.values()) for part in branches.PARTS]
    assert found == pytest.approx([0.7, 0.1, 0.2], abs=0.02)


def test_kinds_are_what_the_ontology_says():
    terms = phenotypes.terms()
    for example in branches.all_examples():
        term = terms[example.term]
        lay = {s.text for s in term.synonyms if s.layperson}
        there = {"definition": {term.definition}, "name": {term.name}, "layperson": lay}
        assert example.text in there.get(example.kind, {s.text for s in term.synonyms} - lay)


def test_texts_come_with_their_labels():
    texts, labels = branches.examples("test", "layperson")
    assert len(texts) == len(labels) > 800
    by_text = {example.text: example.branch for example in branches.all_examples()}
    assert [branches.names()[label] for label in labels] == [by_text[text] for text in texts]
    sizes = [len(branches.examples("validation", kind)[0]) for kind in branches.KINDS]
    assert sum(sizes) == len(branches.examples("validation")[0])
    assert len(branches.names()) == 19 and set(np.unique(branches.examples("train")[1])) == set(range(19))


def test_unlabelled_texts_are_new():
    known = {key(example.text) for example in branches.all_examples()}
    found = [key(text) for text in branches.unlabelled()]
    assert len(set(found)) == len(found) > 20_000
    assert not known & set(found)
    kinds = [branches.unlabelled((kind,)) for kind in branches.KINDS]
    assert sum(map(len, kinds)) == len(found)
    assert "Loss of bladder control" in branches.unlabelled("layperson")


@pytest.mark.parametrize("ask", [lambda: branches.examples("train", ["names"]), lambda: branches.unlabelled("names")])
def test_another_kind_is_named(ask):
    with pytest.raises(ValueError, match="no kind 'names'; there are: definition, name, synonym, layperson"):
        ask()


def test_another_part_is_named():
    with pytest.raises(ValueError, match="no part 'dev'; there are: train, validation, test"):
        branches.examples("dev")


# --- The teacher ------------------------------------------------------------------------------------------------------
@needs_teacher
@torch.no_grad()
def test_the_teacher_knows_and_padding_changes_nothing():
    tokenizer, model = BertTokenizer.from_pretrained(encoders.minilm()), branches.teacher()
    texts = ["my heart beats too fast", "blurred vision", "she can no longer hear me at all on the left side"]
    scores = model(**tokenizer(texts, padding=True, return_tensors="pt"))
    assert [branches.names()[label] for label in scores.argmax(dim=1)] == ["cardiovascular system", "eye", "ear"]
    alone = model(**tokenizer(texts[:1], return_tensors="pt"))
    assert torch.allclose(scores[:1], alone, atol=1e-4)
    assert scores.dtype == torch.float32 and not any(p.requires_grad for p in model.parameters())
    states = model.encoder(**tokenizer(texts, padding=True, return_tensors="pt"), output_attentions=True)
    assert len(states.attentions) == 6


def test_a_missing_teacher_is_named_with_its_remedy(tmp_path):
    with pytest.raises(encoders.MissingModel, match="minilm-branches lacks adapter_config.json: git checkout"):
        branches.teacher(tmp_path / "minilm-branches")


@needs_teacher
@pytest.mark.parametrize("name", branches.FILES)
@pytest.mark.parametrize("damage", ["cut", "foreign"])
def test_a_damaged_or_foreign_teacher_is_refused(tmp_path, name, damage):
    other = root() / "models" / "minilm-mlm"
    for file in branches.FILES:
        (tmp_path / file).write_bytes((KEPT / file).read_bytes())
    new = (other / name).read_bytes() if damage == "foreign" else (KEPT / name).read_bytes()[:-100]
    if damage == "foreign" and name == "adapter_config.json":
        new = b"{}"
    (tmp_path / name).write_bytes(new)
    with pytest.raises(ValueError, match="is damaged, or of another model: git checkout"):
        branches.teacher(tmp_path)
