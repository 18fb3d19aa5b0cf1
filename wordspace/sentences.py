"""Sentences that the course wrote itself, to ask sentence vectors which of them mean the same."""

import tomllib
from functools import cache

from wordspace.paths import root


@cache
def graded(language: str) -> tuple[tuple[str, str, str, str], ...]:
    """Return sentences as (sentence, paraphrase, one of the same topic that says something else, one of another topic).

    The second in a row shares few of its words with the first, the third more. Source: ``datasets/sentence_pairs.toml``.

    Args:
        language: "en" or "zh".

    Raises:
        ValueError: another language.
    """
    fields = tomllib.loads((root() / "datasets" / "sentence_pairs.toml").read_text(encoding="utf-8"))
    if language not in fields["sentences"]:
        raise ValueError(f"no sentences in {language!r}; the languages are: {', '.join(fields['sentences'])}")
    return tuple(tuple(row) for row in fields["sentences"][language])
