"""Running text: whole, without copies, and its dictionaries read as entries."""

from wordspace import running_text


def test_reviews_are_labelled_and_without_copies():
    reviews = running_text.chinese_reviews()
    labels = [label for _, label in reviews]
    assert 8_000 < labels.count("positive") < 8_500
    assert 8_500 < labels.count("negative") < 9_200
    keys = ["".join(c for c in text.lower() if c.isalnum()) for text, _ in reviews]
    assert len(set(keys)) == len(keys)
    assert all(keys)


def test_the_lines_of_the_reviews_have_copies():
    lines = running_text.chinese_review_lines()
    assert len(lines) > 33_000
    assert {label for _, label in lines} == {"positive", "negative"}
    assert set(running_text.chinese_reviews()) <= set(lines)


def test_the_novel_is_whole():
    paragraphs = running_text.chinese_novel()
    assert 550_000 < sum(map(len, paragraphs)) < 620_000
    assert any("桃园" in paragraph for paragraph in paragraphs)
    assert not any(c.isspace() for paragraph in paragraphs for c in paragraph)


def test_dictionaries_explain_their_headwords():
    words, characters = running_text.chinese_words(), running_text.chinese_characters()
    assert len(words) > 33_000
    assert len(characters) > 15_000
    assert words["晨光"] == "1.曙光;阳光。"
    assert "一路平安" in characters["一"]
    assert "~" not in characters["一"]


def test_clean_mends_letters_and_keeps_chinese_punctuation():
    assert running_text.clean(" １９９８年　１ 月，Ｗindows  98！ ") == "1998年1月，Windows 98！"


def test_sentences_end_after_their_marks():
    text = "“你来了？”他问。好;走吧"
    assert running_text.sentences(text) == ["“你来了？”", "他问。", "好;", "走吧"]
    assert "".join(running_text.sentences(text)) == text
    assert running_text.sentences("") == []
