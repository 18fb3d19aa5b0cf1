"""Evaluation sets: word pairs that people judged, and analogy questions."""

from functools import cache

from wordspace.cards import open_file

FOLDER = "gensim/test/test_data/"


@cache
def wordsim353() -> tuple[tuple[str, str, float], ...]:
    """Return WordSim-353: 353 English pairs, lower case, with the mean judgement of how related they are, from 0 to 10.

    Source: Finkelstein et al. (2002), in gensim's test data.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    return _judged("wordsim353.tsv")


@cache
def simlex999() -> tuple[tuple[str, str, float], ...]:
    """Return SimLex-999: 999 English pairs with the mean judgement of how similar (not related) they are, from 0 to 10.

    Source: Hill, Reichart and Korhonen (2015), in gensim's test data.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    return _judged("simlex999.txt")


def _judged(file: str) -> tuple[tuple[str, str, float], ...]:
    lines = open_file("benchmarks", FOLDER + file).read_text(encoding="utf-8").splitlines()
    rows = [line.lower().split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return tuple((a, b, float(judgement)) for a, b, judgement in rows)


@cache
def google_analogies() -> dict[str, tuple[tuple[str, str, str, str], ...]]:
    """Return Google's analogy questions, lower case: relation → (a, b, c, answer), "a is to b as c is to answer".

    Source: Mikolov et al. (2013), in gensim's test data.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    relations: dict[str, list] = {}
    for line in open_file("benchmarks", FOLDER + "questions-words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(":"):
            questions = relations.setdefault(line[1:].strip(), [])
        elif line.strip():
            questions.append(tuple(line.lower().split()))
    return {relation: tuple(questions) for relation, questions in relations.items()}
