"""Tables of results: heads and row names follow the edition, numbers are written alike everywhere."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from wordspace.glossary import say


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]], digits: int = 3) -> None:
    """Display a table.

    Args:
        heads: column heads (English, in the glossary).
        rows: a sequence of cells each; floats are rounded to ``digits``, integers get thousands separators,
            and None, where there is nothing, is a dash.
        digits: decimals of floats.

    Raises:
        UnknownTerm: a head is not in the glossary.
        ValueError: a row has more or fewer cells than there are heads.
    """
    from IPython.display import display

    rows = [[cell.item() if isinstance(cell, np.generic) else cell for cell in row] for row in rows]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"a row has {len(row)} cells, the table {len(heads)} heads: {row!r}")
    texts = [[say(head) for head in heads], *([_text(cell, digits) for cell in row] for row in rows)]
    plain = "\n".join(" | ".join(row) for row in texts)
    number = [bool(rows) and all(isinstance(row[n], int | float | None) for row in rows) for n in range(len(heads))]
    lines = [_row("th", texts[0], number), "</thead><tbody>", *(_row("td", row, number) for row in texts[1:])]
    display({"text/plain": plain, "text/html": f"<table><thead>{''.join(lines)}</tbody></table>"}, raw=True)


def _text(cell: Any, digits: int) -> str:
    if isinstance(cell, bool):
        return say("yes" if cell else "no")
    if isinstance(cell, int):
        return f"{cell:,}"
    if cell is None:
        return "–"
    return f"{cell:,.{digits}f}" if isinstance(cell, float) else str(cell)


def _row(tag: str, cells: Sequence[str], number: Sequence[bool]) -> str:
    style = [' style="text-align:right"' if right else ' style="text-align:left"' for right in number]
    return (
        "<tr>"
        + "".join(f"<{tag}{s}>{html.escape(c, quote=False)}</{tag}>" for c, s in zip(cells, style, strict=True))
        + "</tr>"
    )
