"""What a record depends on: the lesson code that its study uses, not how it is written down."""

import pytest

from wordspace import lessons

CODE = """
import math

def used(x):  # a comment
    return helper(x) + 1

def helper(x):
    return math.sqrt(x)

LIMIT = 3

def other(x):
    return x * LIMIT
"""


@pytest.fixture
def fingerprint(monkeypatch):
    def of(code, reader="L.used(2)"):
        monkeypatch.setattr(lessons, "source", lambda chapter: code)
        return lessons.fingerprint("any", [reader])

    return of


def test_how_code_is_set_out_makes_no_difference(fingerprint):
    laid_out = CODE.replace("  # a comment", "").replace("helper(x) + 1", "(\n        helper(x)\n        + 1\n    )")
    assert fingerprint(laid_out) == fingerprint(CODE)


@pytest.mark.parametrize(
    "change", [("+ 1", "+ 2"), ("math.sqrt(x)", "math.cbrt(x)"), ("    return helper", "    return -helper")]
)
def test_what_is_used_counts_even_at_second_hand(fingerprint, change):
    assert fingerprint(CODE.replace(*change)) != fingerprint(CODE)


@pytest.mark.parametrize("change", [("x * LIMIT", "x"), ("LIMIT = 3", "LIMIT = 4")])
def test_what_is_not_used_does_not_count(fingerprint, change):
    assert fingerprint(CODE.replace(*change)) == fingerprint(CODE)
    assert fingerprint(CODE.replace(*change), "L.other(2)") != fingerprint(CODE, "L.other(2)")


def test_a_name_in_a_string_is_a_use(fingerprint):
    assert fingerprint(CODE.replace("x * LIMIT", "x"), 'getattr(L, "other")') != fingerprint(
        CODE, 'getattr(L, "other")'
    )
