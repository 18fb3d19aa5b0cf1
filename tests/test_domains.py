"""Two domains: the parts are apart, nothing is twice, and what the general model has read is the training part alone."""

import pytest

from wordspace import corpora, domains


def test_parts_are_apart_and_as_large_as_promised():
    found = {part: domains.medical(part) for part in domains.PARTS}
    texts = [term.definition for terms in found.values() for term in terms]
    assert len(set(texts)) == len(texts)
    shares = [len(terms) / len(texts) for terms in found.values()]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.02)
    assert all(corpora.part(term.definition) == part for part, terms in found.items() for term in terms)


def test_general_sentences_are_of_their_paragraphs_part():
    train, test = (set(domains.general(part)) for part in ("train", "test"))
    assert len(train) > 2 * len(test) > 5000
    paragraph = next(
        p for p in corpora.english_news() if corpora.part(" ".join(p.words)) == "test" and len(p.sentences[0]) > 9
    )
    assert " ".join(paragraph.sentences[0]) in test
    assert len(train & test) / len(test) < 0.02  # some set phrases stand in many articles


def test_another_part_is_named():
    with pytest.raises(ValueError, match="'tests'; there are: train, validation, test"):
        domains.medical("tests")
    with pytest.raises(ValueError, match="there are"):
        domains.general("dev")
