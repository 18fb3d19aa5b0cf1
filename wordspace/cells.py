"""The course's sentences with one word of two domains: English *cell* in five senses, Chinese 细胞 in three."""

import tomllib
from functools import cache

from wordspace.paths import root

WORDS = ("cell", "细胞")


@cache
def sentences(word: str) -> dict[str, tuple[str, ...]]:
    """Return the sentences of a word: sense → sentences; the word stands once in each. Source: ``datasets/cells.toml``.

    Raises:
        ValueError: the word is neither "cell" nor "细胞".
    """
    if word not in WORDS:
        raise ValueError(f"no sentences with “{word}”; there are some with: {', '.join(WORDS)}")
    fields = tomllib.loads((root() / "datasets" / "cells.toml").read_text(encoding="utf-8"))[word]
    return {sense: tuple(entry["sentences"]) for sense, entry in fields.items()}
