"""Claims: the table and the record follow the edition, and a changed finding fails."""

import pytest
from bs4 import BeautifulSoup

from wordspace import claims, glossary


@pytest.fixture
def shown(monkeypatch):
    """What the claims cell displays, caught."""
    caught = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: caught.append(data))
    return caught


@pytest.fixture(autouse=True)
def two_claims(monkeypatch):
    text = {"en": "Said *so* <b>.", "zh": "说的。"}
    entry = {"chapter": "x", "finding": "holds", "said": text, "source": {"key": "k", "en": "S", "zh": "源"}}
    entry |= {"promised": {"en": "1", "zh": "1"}, "measured": {"en": "{value:.1f}", "zh": "{value:.1f}"}}
    monkeypatch.setattr(claims, "register", lambda: {"a": entry, "b": entry | {"finding": "does not hold"}})
    yield
    glossary.set_edition("en")


@pytest.mark.parametrize(("edition", "verdict", "said"), [("en", "holds", "Said *so* <b>."), ("zh", "成立", "说的。")])
def test_table_and_record(shown, edition, verdict, said):
    glossary.set_edition(edition)
    board = claims.Board("x")
    board.settle("a", holds=True, value=1.25)
    board.settle("b", holds=False, value=2)
    board.show()
    records = shown[0][claims.MIME]["claims"]
    assert [record["verdict"] for record in records] == ["holds", "does not hold"]
    assert (records[0]["said"], records[0]["measured"]) == (said, "1.2")
    page = BeautifulSoup(shown[0]["text/html"], "html.parser")
    assert len(page.find_all("tr")) == 3
    assert verdict in page.get_text()
    assert page.find("b") is None  # what was said is text, not mark-up


def test_a_changed_finding_fails_after_the_table_is_shown(shown):
    board = claims.Board("x")
    board.settle("a", holds=False, in_part=True, value=1)
    board.settle("b", holds=False, value=1)
    with pytest.raises(claims.FindingChanged, match="a: the finding was “holds”, now “holds in part”"):
        board.show()
    assert shown


def test_a_claim_left_out_fails(shown):
    board = claims.Board("x")
    board.settle("a", holds=True, value=1)
    with pytest.raises(claims.FindingChanged, match="b was not settled"):
        board.show()


def test_bad_calls_are_named():
    board = claims.Board("x")
    with pytest.raises(LookupError, match="'c' is not a claim of this chapter; datasets/claims.toml has: a, b"):
        board.settle("c", holds=True)
    with pytest.raises(
        LookupError, match="claim 'a': its sentence in datasets/claims.toml asks for the figure 'value'"
    ):
        board.settle("a", holds=True)
    with pytest.raises(LookupError, match="no claim of chapter 'y'"):
        claims.Board("y")


def test_recorded_claims_are_those_of_the_register_in_both_languages(monkeypatch):
    monkeypatch.undo()
    english, chinese = claims.recorded("en"), claims.recorded("zh")
    assert [record.id for record in english] == [record.id for record in chinese] == list(claims.register())
    assert [record.verdict for record in english] == [record.verdict for record in chinese]
    assert all(record.verdict in claims.VERDICTS for record in english)
    assert english[0].said != chinese[0].said


def test_every_claim_of_the_register_is_whole(monkeypatch):
    monkeypatch.undo()
    for name, claim in claims.register().items():
        assert claim["finding"] in claims.VERDICTS, name
        for field in ("said", "source", "promised", "measured"):
            assert {"en", "zh"} <= set(claim[field]), (name, field)
        if claim["finding"] != claims.HOLDS:
            assert {"en", "zh"} <= set(claim["reason"]), name
