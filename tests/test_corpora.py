"""Corpora: what they hold, how they are cut, and that a text always falls into the same part."""

import collections

import pytest

from wordspace import corpora


def test_chinese_news_is_the_whole_of_it():
    news = corpora.chinese_news()
    assert len(news) == 19_484
    assert sum(len(s) for p in news for s in p.sentences) == 1_121_447
    assert all(len(s) == len(t) for p in news for s, t in zip(p.sentences, p.tags, strict=True))
    assert news[3].sentences[0][0] == "12月"  # full-width digits are made ordinary
    assert "，" in news[3].sentences[0]  # full-width punctuation is not


def test_english_wikipedia_is_clean_running_text():
    articles = corpora.english_wikipedia()
    words = collections.Counter(word for p in articles for word in p.words)
    assert len({p.article for p in articles}) == 102
    assert words.total() > 390_000
    marks = [t for p in articles for s in p.sentences for t in s if t in "{}|[]=" or t.startswith("http")]
    assert len(marks) / words.total() < 5e-4
    assert all(word == word.lower() for word in words)


def test_words_leave_punctuation_out():
    paragraph = corpora.Paragraph("", (("你好", "，", "3", "!"), ("ok",)))
    assert paragraph.words == ["你好", "3", "ok"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It rains. We stay.", ["It rains.", "We stay."]),
        ("Dr. Smith left. He is a U.S. citizen.", ["Dr. Smith left.", "He is a U.S. citizen."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("Only one", ["Only one"]),
        ("", []),
    ],
)
def test_sentences_are_split_where_they_end(text, sentences):
    assert corpora.split_sentences(text) == sentences


def test_english_tokens():
    assert corpora.tokenise_english("Don't pay $1,000.50!") == ["don't", "pay", "$", "1,000.50", "!"]


def test_duplicates_fall_into_one_part():
    assert corpora.part("Hello, World") == corpora.part("hello  world!!") == corpora.part("ＨＥＬＬＯ world")


def test_parts_have_about_the_shares_asked_for():
    parts = collections.Counter(corpora.part(f"text {n}", validation=0.1, test=0.2) for n in range(5000))
    assert abs(parts["test"] / 5000 - 0.2) < 0.02
    assert abs(parts["validation"] / 5000 - 0.1) < 0.02


def test_categories_are_six_of_six_in_both_languages():
    kinds = corpora.categories()
    assert [len(words) for words in kinds.values()] == [6] * 6
    assert all(english.isascii() and not chinese.isascii() for words in kinds.values() for english, chinese in words)


def test_english_news_has_no_copies_and_its_apostrophes_back():
    news = corpora.english_news()
    assert len(news) == 3_781
    words = collections.Counter(word for p in news for word in p.words)
    assert 1_950_000 < words.total() < 2_150_000
    assert words["it's"] > 1_000
    assert not any("\ufffd" in word or '"' in word for word in words)
