"""The collections to search: ids, parts, kinds, and queries that are no mere copies of what they should find."""

import re

import pytest

from wordspace import corpora, phenotypes, retrieval, running_text

COLLECTIONS = {
    "layperson": retrieval.layperson,
    "explanations": retrieval.explanations,
    "assistant": retrieval.assistant,
}
PARTS = {"train", "validation", "test"}
BY_HAND = """
[documents]
d1 = "甲"
[queries]
q1 = { text = "乙", relevant = { d1 = 2 }, kind = "same words" }
"""


@pytest.fixture(params=COLLECTIONS)
def collection(request):
    return COLLECTIONS[request.param]()


def plain(text):
    return " ".join(re.findall(r"\w+", text.lower()))


# --- All of them ------------------------------------------------------------------------------------------------------
def test_every_query_has_right_documents_that_are_there(collection):
    assert collection.relevant.keys() == collection.queries.keys()
    for right in collection.relevant.values():
        assert right
        assert right.keys() <= collection.documents.keys()
        assert set(right.values()) <= {1, 2}


def test_every_query_answers_at_least_one_whole_grade(collection):
    assert all(2 in right.values() for right in collection.relevant.values())


def test_no_text_is_empty(collection):
    assert all(text.strip() for text in collection.documents.values())
    assert all(text.strip() for text in collection.queries.values())


def test_parts_divide_the_queries(collection):
    assert collection.parts.keys() == collection.queries.keys()
    assert set(collection.parts.values()) <= PARTS
    found = [query for name in PARTS for query in collection.part(name)]
    assert len(found) == len(set(found)) == len(collection.queries)


def test_a_part_keeps_the_order_of_the_queries(collection):
    order = {query: place for place, query in enumerate(collection.queries)}
    places = [order[query] for query in collection.part("test")]
    assert places == sorted(places)


def test_a_part_that_is_none_is_empty(collection):
    assert collection.part("trial") == []


def test_kinds_are_of_all_queries_or_of_none(collection):
    assert not collection.kinds or collection.kinds.keys() == collection.queries.keys()


# --- What laypeople say -----------------------------------------------------------------------------------------------
def test_documents_are_definitions_without_their_names():
    lay, terms = retrieval.layperson(), phenotypes.terms()
    assert all(text == terms[identifier].definition for identifier, text in lay.documents.items())


def test_no_layperson_query_stands_in_its_definition():
    lay = retrieval.layperson()
    for query, right in lay.relevant.items():
        assert query == plain(lay.queries[query])
        assert not any(f" {query} " in f" {plain(lay.documents[document])} " for document in right)


def test_layperson_queries_are_laypeoples_words_for_the_right_term():
    lay, terms = retrieval.layperson(), phenotypes.terms()
    for query, right in list(lay.relevant.items())[::50]:
        for identifier in right:
            assert query in {plain(s.text) for s in terms[identifier].synonyms if s.layperson}


def test_layperson_parts_follow_the_id_of_a_right_term():
    lay = retrieval.layperson()
    assert lay.part("train") == []
    for query, right in lay.relevant.items():
        part = corpora.part(next(iter(right)), validation=1 / 3, test=2 / 3)
        assert lay.parts[query] == part
    assert 0.28 < len(lay.part("validation")) / len(lay.queries) < 0.39


def test_a_term_is_never_asked_for_in_two_parts():
    lay = retrieval.layperson()
    asked = {name: {d for q in lay.part(name) for d in lay.relevant[q]} for name in ("validation", "test")}
    assert not asked["validation"] & asked["test"]


# --- Explanations -----------------------------------------------------------------------------------------------------
def test_an_explanation_never_holds_its_headword():
    words = retrieval.explanations()
    for query, text in words.queries.items():
        assert len(text) >= retrieval.LEAST
        assert not any(headword in text for headword in words.relevant[query])
        assert "～" not in text


def test_explanations_are_of_entries_and_in_the_part_of_their_headword():
    words, entries = retrieval.explanations(), running_text.chinese_words()
    assert words.documents.keys() == entries.keys()
    for query in list(words.queries)[::500]:
        assert words.queries[query] in entries[query]
        assert words.parts[query] == corpora.part(query)
        assert query in words.relevant[query]


@pytest.mark.parametrize("text", ["同“甲乙”。", "见“甲乙丙”", "亦作甲乙。"])
def test_a_mere_reference_is_no_explanation(text):
    assert retrieval.REFERENCE.match(text)


@pytest.mark.parametrize("text", ["同时发生的两件事", "见到别人就笑的人，不分场合"])
def test_an_explanation_that_only_begins_like_a_reference_is_kept(text):
    assert not retrieval.REFERENCE.match(text) or len(text) <= 12


def test_the_first_sense_is_asked_for():
    assert next(sense for sense in retrieval.SENSE.split("1.甲乙丙。2.丁。") if sense) == "甲乙丙。"
    assert retrieval.SENSE.split("长3.5米") == ["长3.5米"]


def test_kinds_of_explanations_count_characters():
    words = retrieval.explanations()
    for query, kind in list(words.kinds.items())[::500]:
        assert kind == (f"{len(query)} characters" if len(query) in (2, 3, 4) else "other")


# --- The assistant ----------------------------------------------------------------------------------------------------
def bigrams(text):
    return {run[i : i + 2] for run in re.findall(r"\w+", text) for i in range(len(run) - 1)}


def overlap(query, document):
    found = bigrams(query)
    return len(found & bigrams(document)) / len(found)


def test_eighty_passages_and_twenty_queries_of_each_kind():
    helper = retrieval.assistant()
    assert len(helper.documents) == 80
    kinds = list(helper.kinds.values())
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(
        ("same words", "other words", "misleading words"), 20
    )
    assert set(helper.parts.values()) == {"test"}
    assert helper.queries["q01"] == "智能语音助手"


def test_each_kind_is_what_its_name_says():
    helper = retrieval.assistant()
    for query, kind in helper.kinds.items():
        text, right = helper.queries[query], helper.relevant[query]
        shares = {name: overlap(text, document) for name, document in helper.documents.items()}
        best = max(shares[name] for name, grade in right.items() if grade == 2)
        wrong = max(share for name, share in shares.items() if name not in right)
        if kind == "same words":
            assert best >= 0.4, query
            assert best > wrong, query
        elif kind == "other words":
            assert best <= 0.2, query
        else:
            assert wrong > max(shares[name] for name in right), query


def test_the_assistant_is_read_from_its_file(tmp_path, monkeypatch):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "assistant_zh.toml").write_text(BY_HAND, encoding="utf-8")
    monkeypatch.setattr(retrieval, "root", lambda: tmp_path)
    found = retrieval.assistant.__wrapped__()
    assert found.documents == {"d1": "甲"}
    assert found.queries == {"q1": "乙"}
    assert found.relevant == {"q1": {"d1": 2}}
    assert found.kinds == {"q1": "same words"}
    assert found.part("test") == ["q1"]


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(retrieval, "root", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match="assistant_zh"):
        retrieval.assistant.__wrapped__()
