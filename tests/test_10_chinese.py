"""Chapter 10's lesson code for Chinese: words hidden whole, losses as transformers has them, what reading on does."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertTokenizer

from wordspace import encoders, lessons, studies


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("10_domain_adaptation")


@pytest.fixture(scope="module")
def tokenizer():
    return BertTokenizer.from_pretrained(encoders.mini_bert())


@pytest.fixture
def model(tokenizer):
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    return BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **size)).eval()


TEXTS = [["房间", "很", "干净", "，", "早餐", "也", "不错", "。"], ["这", "本书", "不", "好看", "！"]]


def test_pieces_keep_every_word_in_order(lesson):
    rng = np.random.default_rng(0)
    for _ in range(50):
        words = [str(w) for w in rng.choice(["房间", "很", "。", "干净", "大"], 60)]
        pieces = lesson.zh_pieces(words, longest=20)
        assert all(sum(map(len, piece)) <= 20 for piece in pieces)
        kept = [w for piece in pieces for w in piece]
        assert (
            kept == words[: len(kept)] and len(words) - len(kept) < 3
        )  # of the last one or two words may be left over


def test_pieces_end_with_a_sentence_where_they_can(lesson):
    words = ["房间", "大", "而", "安静", "。", "早餐", "冷", "了", "！"]
    assert [p[-1] for p in lesson.zh_pieces(words, longest=10)] == ["。", "！"]


def test_pieces_of_a_word_without_end_and_of_nothing(lesson):
    assert lesson.zh_pieces([]) == []
    assert all(sum(map(len, p)) <= 62 for p in lesson.zh_pieces(["a" * 100] * 9))


def test_rows_number_the_words(lesson, tokenizer):
    ids, words = lesson.zh_rows(tokenizer, TEXTS)
    assert words[0] == [0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 0]
    assert tokenizer.convert_ids_to_tokens(ids[0][1:-1]) == list("".join(TEXTS[0]))


def test_words_are_hidden_whole_and_never_what_is_no_character(lesson, tokenizer):
    rows = lesson.zh_rows(tokenizer, TEXTS)
    ids, mask, words = lesson.zh_batch(rows, [0, 1])
    rng, shares = np.random.default_rng(0), []
    for _ in range(300):
        hidden = lesson.zh_hide(ids, words, rng)
        assert not hidden[words == 0].any() and not hidden[~mask].any()
        for row in range(2):
            for word in range(1, int(words[row].max()) + 1):
                assert len(set(hidden[row][words[row] == word].tolist())) == 1
        shares.append(hidden[words > 0].float().mean())
    assert np.mean(shares) == pytest.approx(0.2, abs=0.02)


def test_unknown_characters_are_not_asked_for(lesson, tokenizer):
    rows = lesson.zh_rows(tokenizer, [["𠮷", "很", "好", "。"]])
    ids, _, words = lesson.zh_batch(rows, [0])
    hidden = lesson.zh_hide(ids, words, np.random.default_rng(0), share=1.0)
    assert (ids[hidden] >= lesson.SPECIAL).all() and hidden.sum() == 3


def test_four_fifths_become_mask_and_a_tenth_stays(lesson):
    ids = torch.full((400, 50), 100)
    words = torch.arange(1, 51).repeat(400, 1)
    hidden = torch.ones_like(ids, dtype=torch.bool)
    inputs = lesson.zh_corrupt(ids, words, hidden, np.random.default_rng(0), 6000)
    assert float((inputs == lesson.MASK).float().mean()) == pytest.approx(0.8, abs=0.01)
    assert float((inputs == 100).float().mean()) == pytest.approx(0.1, abs=0.01)
    untouched = lesson.zh_corrupt(ids, words, ~hidden, np.random.default_rng(0), 6000)
    assert (untouched == ids).all()


def test_losses_are_those_of_transformers(lesson, tokenizer, model):
    rows = lesson.zh_rows(tokenizer, TEXTS[:1])
    truth, losses = lesson.zh_losses(model, rows, seed=3)
    ids, mask, words = lesson.zh_batch(rows, [0])
    hidden = lesson.zh_hide(ids, words, np.random.default_rng(3))
    labels = ids.masked_fill(~hidden, -100)
    with torch.no_grad():
        theirs = model(ids.masked_fill(hidden, lesson.MASK), attention_mask=mask.long(), labels=labels).loss
    assert losses.mean() == pytest.approx(float(theirs), abs=1e-5)
    assert truth.tolist() == ids[hidden].tolist()


def test_perplexity_by_hand(lesson):
    assert lesson.zh_perplexity(-np.log([0.5, 0.125])) == pytest.approx(4)


def test_reading_on_learns_and_repeats(lesson, tokenizer, model):
    rows = lesson.zh_rows(tokenizer, TEXTS)
    start = {k: v.clone() for k, v in model.state_dict().items()}
    before = lesson.zh_losses(model, rows)[1].mean()
    lesson.zh_adapt(model, rows, steps=60, rate=1e-2)
    after = lesson.zh_losses(model, rows)[1].mean()
    assert after < before - 2
    torch.manual_seed(0)
    model.load_state_dict(start)


def test_no_gap_is_said(lesson, tokenizer, model):
    with pytest.raises(ValueError, match=r"no gap .*write \[MASK\]"):
        lesson.zh_fill(model, tokenizer, "房间很好。")
    assert [len(best) for best in lesson.zh_fill(model, tokenizer, "[MASK]间很[MASK]。", k=1)] != []


def test_parts_and_domains(lesson):
    texts = lesson.zh_texts("test", most=5)
    assert list(texts) == ["news", "reviews", "novel"] and all(len(found) == 5 for found in texts.values())
    assert not set(map(tuple, texts["reviews"])) & set(map(tuple, lesson.zh_texts("train", most=500)["reviews"]))


def test_the_record_says_what_the_chapter_tells():
    record = studies.load("10_chinese")
    adapted, before = (record.values("perplexity: reviews", what="adapted", to=to) for to in ("reviews", "nothing"))
    assert adapted.max() < 0.8 * before.min()


@pytest.mark.slow
def test_adaptation_lowers_the_perplexity_of_unseen_reviews(lesson, tokenizer):
    from wordspace import news_encoder

    model = BertForMaskedLM.from_pretrained(news_encoder.folder())
    train = lesson.zh_rows(tokenizer, lesson.zh_texts("train", 400)["reviews"])
    test = lesson.zh_rows(tokenizer, lesson.zh_texts("test", 60)["reviews"])
    before = lesson.zh_losses(model, test)[1].mean()
    lesson.zh_adapt(model, train, steps=20)
    assert lesson.zh_losses(model, test)[1].mean() < before - 0.1
