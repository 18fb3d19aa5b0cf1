"""Claims, measured: who said what, what we found, and a cell that fails when the finding changes.

The wording of every claim stands in ``datasets/claims.toml``, in both languages; the notebook computes the figures and the
verdict. What is recorded travels in the cell's output, from which the book's scoreboard is made.
"""

import html
import json
import re
import tomllib
from dataclasses import asdict, dataclass
from functools import cache

from wordspace import glossary
from wordspace.paths import root

MIME = "application/vnd.wordspace.claims+json"
HOLDS, IN_PART, FAILS = VERDICTS = ("holds", "holds in part", "does not hold")


class FindingChanged(AssertionError):
    """A verdict is no longer the one that the chapter's prose tells."""


@dataclass(frozen=True)
class Record:
    """One settled claim, in the language of the edition."""

    id: str
    chapter: str
    said: str
    source: str
    key: str
    promised: str
    measured: str
    verdict: str
    reason: str


@cache
def register() -> dict[str, dict]:
    """Return the claims of ``datasets/claims.toml`` by id, in the file's order."""
    return tomllib.loads((root() / "datasets" / "claims.toml").read_text(encoding="utf-8"))["claims"]


class Board:
    """The claims of one chapter: ``settle`` each, then ``show`` the table.

    Args:
        chapter: the notebook's name, such as ``"01_one_hot"``.

    Raises:
        LookupError: the register has no claim of that chapter.
    """

    def __init__(self, chapter: str):
        self.due = {name: claim for name, claim in register().items() if claim["chapter"] == chapter}
        if not self.due:
            raise LookupError(f"datasets/claims.toml has no claim of chapter {chapter!r}")
        self.records: dict[str, Record] = {}

    def settle(self, claim: str, *, holds: bool, in_part: bool = False, **figures) -> None:
        """Record what was measured.

        Args:
            claim: its id in the register.
            holds: the claim holds as it was made.
            in_part: it does not, but part of it does.
            figures: the numbers that the register's ``measured`` sentence asks for.

        Raises:
            LookupError: the register has no such claim in this chapter, or its sentence asks for another figure.
        """
        if claim not in self.due:
            raise LookupError(
                f"{claim!r} is not a claim of this chapter; datasets/claims.toml has: {', '.join(self.due)}"
            )
        entry, edition = self.due[claim], glossary.edition()
        try:
            measured = entry["measured"][edition].format(**figures)
        except KeyError as missing:
            raise LookupError(
                f"claim {claim!r}: its sentence in datasets/claims.toml asks for the figure {missing}"
            ) from None
        self.records[claim] = Record(
            id=claim,
            chapter=entry["chapter"],
            said=entry["said"][edition],
            source=entry["source"][edition],
            key=entry["source"]["key"],
            promised=entry["promised"][edition],
            measured=measured,
            verdict=HOLDS if holds else IN_PART if in_part else FAILS,
            reason=entry.get("reason", {}).get(edition, ""),
        )

    def show(self) -> None:
        """Display the table and leave the record in the cell's output.

        Raises:
            FindingChanged: a verdict differs from the finding in the register, or a claim of the chapter was not settled.
        """
        from IPython.display import display

        records = list(self.records.values())
        display(
            {
                "text/plain": "\n".join(_line(record) for record in records),
                "text/html": _table(records),
                MIME: {"claims": [asdict(record) for record in records]},
            },
            raw=True,
        )
        wrong = [f"{name} was not settled" for name in self.due if name not in self.records]
        wrong += [
            f"{name}: the finding was “{self.due[name]['finding']}”, now “{record.verdict}” ({record.measured})"
            for name, record in self.records.items()
            if record.verdict != self.due[name]["finding"]
        ]
        if wrong:
            raise FindingChanged(
                "; ".join(wrong) + ". Mend the code, or tell the new finding in the prose and in datasets/claims.toml."
            )


def _mark(verdict: str) -> str:
    return {HOLDS: "✓", IN_PART: "◐", FAILS: "✗"}[verdict]


def _line(record: Record) -> str:
    return f"{_mark(record.verdict)} {glossary.say(record.verdict)} · {record.said} · {record.promised} → {record.measured}"


def _table(records: list[Record]) -> str:
    heads = "".join(f"<th>{glossary.say(head)}</th>" for head in ("claim", "promised", "measured", "verdict"))
    rows = "".join(
        "<tr>"
        f"<td>{_text(record.said)}<br><small>{_text(record.source)}</small></td>"
        f"<td>{_text(record.promised)}</td>"
        f"<td>{_text(record.measured)}</td>"
        f"<td>{_mark(record.verdict)}&nbsp;{glossary.say(record.verdict)}{_small(record.reason)}</td>"
        "</tr>"
        for record in records
    )
    return f'<table class="claims"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _small(reason: str) -> str:
    return f"<br><small>{_text(reason)}</small>" if reason else ""


def _text(plain: str) -> str:
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", html.escape(plain, quote=False))


def recorded(edition: str) -> list[Record]:
    """Return the claims recorded in the outputs of an edition's notebooks, chapter by chapter."""
    found = []
    for path in sorted((root() / "notebooks" / edition).glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                found += [Record(**claim) for claim in output.get("data", {}).get(MIME, {}).get("claims", [])]
    return found
