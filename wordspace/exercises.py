"""The cell that checks a reader's answer: it says what is off and never raises."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from wordspace.glossary import edition, say

MIME = "application/vnd.wordspace.exercise+json"


def check(answer: Callable, cases: Sequence[tuple[tuple, Any]]) -> None:
    """Run the reader's function on a few cases and say what is off.

    Args:
        answer: the reader's function.
        cases: pairs of (arguments, expected result); numbers and arrays may differ by rounding.
    """
    from IPython.display import display

    wrong = [problem for problem in (_problem(answer, arguments, expected) for arguments, expected in cases) if problem]
    score = _bracketed(f"{len(cases) - len(wrong)}/{len(cases)}")
    head = f"{_name(answer)}{_colon()}"
    text = f"✎ {head}{say('not yet')}{score}\n   {wrong[0]}" if wrong else f"✓ {head}{say('solved')}{score}"
    display({"text/plain": text, MIME: {"exercise": _name(answer), "solved": not wrong}}, raw=True)


def _problem(answer: Callable, arguments: tuple, expected: Any) -> str:
    call = f"{_name(answer)}({', '.join(_short(argument) for argument in arguments)})"
    try:
        got = answer(*copy.deepcopy(arguments))
    except Exception as error:  # the reader's code: whatever it raises is news for the reader
        return f"{call}{_colon().strip()}\n   {type(error).__name__}: {error}"
    if _same(got, expected):
        return ""
    if got is None:
        return f"{call}{_colon().strip()}\n   {say('no answer yet: the function returns None')}"
    return f"{call}{_colon().strip()}\n   {say('expected')} {_short(expected)}{_comma()}{say('got')} {_short(got)}"


def _colon() -> str:
    return "：" if edition() == "zh" else ": "


def _comma() -> str:
    return "，" if edition() == "zh" else ", "


def _bracketed(text: str) -> str:
    return f"（{text}）。" if edition() == "zh" else f" ({text})."


def _name(answer: Callable) -> str:
    return getattr(answer, "__name__", type(answer).__name__)


def _same(got: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return isinstance(got, dict) and got.keys() == expected.keys() and all(_same(got[k], expected[k]) for k in got)
    if isinstance(expected, list | tuple) and not _numeric(expected):
        got = got.tolist() if isinstance(got, np.ndarray) else got
        return isinstance(got, list | tuple) and len(got) == len(expected) and all(map(_same, got, expected))
    if isinstance(expected, str | set | bool | type(None)):
        return not isinstance(got, np.ndarray) and bool(got == expected)
    try:
        got, expected = np.asarray(got, float), np.asarray(expected, float)
    except (TypeError, ValueError):
        return False
    return got.shape == expected.shape and np.allclose(got, expected, rtol=1e-6, atol=1e-9)


def _numeric(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, int | float) for item in value)


def _short(value: Any) -> str:
    if sparse.issparse(value):
        value = (
            value.toarray() if value.shape[0] * value.shape[1] <= 24 else f"<{'×'.join(map(str, value.shape))} sparse>"
        )
    if isinstance(value, np.ndarray | np.generic):
        value = (value.round(4) if value.dtype.kind == "f" else value).tolist()
    text = f"{value:.4g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 90 else text[:87] + "…"
