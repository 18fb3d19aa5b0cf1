"""Evaluation sets: what they hold."""

from wordspace import benchmarks


def test_judged_pairs():
    assert len(benchmarks.wordsim353()) == 353
    assert ("tiger", "cat", 7.35) in benchmarks.wordsim353()
    assert len(benchmarks.simlex999()) == 999
    assert ("old", "new", 1.58) in benchmarks.simlex999()
    assert all(0 <= judged <= 10 for _, _, judged in benchmarks.wordsim353() + benchmarks.simlex999())


def test_google_analogies():
    relations = benchmarks.google_analogies()
    assert len(relations) == 14
    assert sum(map(len, relations.values())) == 19_544
    assert ("athens", "greece", "paris", "france") in relations["capital-common-countries"]
    assert all(len(question) == 4 for questions in relations.values() for question in questions)
