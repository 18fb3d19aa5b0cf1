"""The course's own pairs of short opinions, a good one and a bad one that differ in the order of their words or in a negation."""

import tomllib
from functools import cache

from wordspace.paths import root

KINDS = ("order", "negation")


@cache
def chinese() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return, for ``"order"`` and ``"negation"``, pairs of Chinese opinions (good, bad).

    The two of a pair of ``"order"`` have the same characters, and the same words by jieba's cut.
    """
    fields = tomllib.loads((root() / "datasets" / "opposites_zh.toml").read_text(encoding="utf-8"))
    return {kind: tuple((good, bad) for good, bad in fields[kind]) for kind in KINDS}
