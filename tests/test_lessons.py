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


@pytest.mark.parametrize("reader", ['getattr(L, "other")', 'names = ["other"]; getattr(L, names[0])'])
def test_getattr_is_a_use(fingerprint, reader):
    assert fingerprint(CODE.replace("x * LIMIT", "x"), reader) != fingerprint(CODE, reader)


def test_a_parameter_of_the_same_name_is_no_use(fingerprint):
    code = CODE.replace("def used(x)", "def used(x, other=1)").replace("helper(x) + 1", "helper(x) + other")
    assert fingerprint(code.replace("x * LIMIT", "x")) == fingerprint(code)


def test_other_names_imported_beside_those_in_use_make_no_difference(fingerprint):
    assert fingerprint(CODE.replace("import math", "import math, os\nimport math")) == fingerprint(CODE)
    assert fingerprint(CODE.replace("import math", "import cmath as math")) != fingerprint(CODE)
