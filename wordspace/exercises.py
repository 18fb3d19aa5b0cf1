"""The cell that checks a reader's answer: it says what is off and never raises."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from wordspace.glossary import say

MIME = "application/vnd.wordspace.exercise+json"


def check(answer: Callable, cases: Sequence[tuple[tuple, Any]]) -> None:
    """Run the reader's function on a few cases and say what is off.

    Args:
        answer: the reader's function.
        cases: pairs of (arguments, expected result); numbers and arrays may differ by rounding.
    """
    from IPython.display import display

    wrong = [problem for problem in (_problem(answer, arguments, expected) for arguments, expected in cases) if problem]
    if wrong:
        text = f"✎ {answer.__name__}: {say('not yet')} ({len(cases) - len(wrong)}/{len(cases)}).\n   {wrong[0]}"
    else:
        text = f"✓ {answer.__name__}: {say('solved')} ({len(cases)}/{len(cases)})."
    display({"text/plain": text, MIME: {"exercise": answer.__name__, "solved": not wrong}}, raw=True)


def _problem(answer: Callable, arguments: tuple, expected: Any) -> str:
    call = f"{answer.__name__}({', '.join(_short(argument) for argument in arguments)})"
    try:
        got = answer(*arguments)
    except Exception as error:  # the reader's code: whatever it raises is news for the reader
        return f"{call}: {type(error).__name__}: {error}"
    if _same(got, expected):
        return ""
    return f"{call}: {say('expected')} {_short(expected)}, {say('got')} {_short(got)}"


def _same(got: Any, expected: Any) -> bool:
    if isinstance(expected, str | list | tuple | dict | set | bool | type(None)) and not _numeric(expected):
        return got == expected
    try:
        got, expected = np.asarray(got, float), np.asarray(expected, float)
    except (TypeError, ValueError):
        return False
    return got.shape == expected.shape and np.allclose(got, expected, rtol=1e-6, atol=1e-9)


def _numeric(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, int | float) for item in value)


def _short(value: Any) -> str:
    if sparse.issparse(value):
        return f"<{'×'.join(map(str, value.shape))} sparse>"
    if isinstance(value, np.ndarray):
        value = value.tolist()
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 70 else text[:67] + "…"
