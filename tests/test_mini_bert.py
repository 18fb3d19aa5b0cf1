"""The mini-BERT: small, and as its card says. Its script: whole words hidden, and a run taken up again gives the same model."""

import json
import sys

import model_scripts
import numpy as np
import pytest
import torch
from transformers import BertForMaskedLM, BertTokenizer

from wordspace import news_encoder, running_text, search_encoder
from wordspace.encoders import MissingModel
from wordspace.paths import root


@pytest.fixture(scope="module")
def script():
    return model_scripts.load("mini_bert")


FOLDER = root() / "models" / "mini-bert-zh"
NEWS = news_encoder.folder()


@pytest.mark.parametrize("folder", [FOLDER, NEWS], ids=lambda folder: folder.name)
def test_it_is_small_and_its_card_has_its_figures(folder):
    assert (folder / "model.safetensors").stat().st_size <= 12_000_000
    model, record = BertForMaskedLM.from_pretrained(folder), json.loads((folder / "training.json").read_text("utf-8"))
    assert next(model.parameters()).dtype == torch.float32
    assert sum(p.numel() for p in model.parameters()) == record["parameters"] <= 6_000_000
    assert model.config.vocab_size == len(BertTokenizer.from_pretrained(folder))
    card, last = (folder / "README.md").read_text("utf-8"), record["curve"][-1]
    for text in (
        "## Data",
        "## Training",
        "## Measured",
        "## Limits",
        "## Licence",
        f"{record['parameters']:,} parameters",
    ):
        assert text in card
    assert f"**{last['held out']['mean']:.2f}**" in card
    assert f'from_pretrained("models/{folder.name}")' in card


def test_the_news_reader_has_read_the_news_alone_and_knows_them_best():
    record = json.loads((NEWS / "training.json").read_text("utf-8"))
    assert record["sources"] == ["news"]
    held_out = record["curve"][-1]["held out"]
    assert held_out["news"] == min(held_out.values())
    same = [(folder / "tokenizer.json").read_bytes() for folder in (FOLDER, NEWS)]
    assert same[0] == same[1]  # so that what the two lose on a text can be compared


def test_a_missing_file_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(search_encoder, "root", lambda: tmp_path)
    with pytest.raises(MissingModel, match="mini-bert-zh-news lacks config.json: .*make mini-bert-news"):
        news_encoder.folder()


@torch.no_grad()
def test_it_fills_a_gap_of_a_whole_word():
    tokenizer, model = BertTokenizer.from_pretrained(FOLDER), BertForMaskedLM.from_pretrained(FOLDER).eval()
    inputs = tokenizer("酒店的[MASK][MASK]很好。", return_tensors="pt")
    gaps = inputs["input_ids"][0] == tokenizer.mask_token_id
    assert tokenizer.convert_ids_to_tokens(model(**inputs).logits[0][gaps].argmax(dim=-1)) == ["服", "务"]


@pytest.fixture(scope="module")
def tokenizer(script):
    words = script.vocabulary([[*paragraph] for paragraph in running_text.chinese_novel()] + [["今天天气很好ab12"]] * 9)
    return BertTokenizer(vocab={word: i for i, word in enumerate(words)}, do_lower_case=True)


def test_the_vocabulary_has_letters_and_digits_inside_words(script, tokenizer):
    assert tokenizer.convert_ids_to_tokens(range(5)) == script.SPECIAL
    assert tokenizer.tokenize("天气ab1好") == ["天", "气", "a", "##b", "##1", "好"]


def test_pieces_are_whole_sentences_within_the_limit(script, tokenizer):
    words = ["今天", "天气", "很", "好", "。"] * 30 + ["好"] * 100
    found = script.pieces(tokenizer, [words])
    assert tokenizer.decode([i for ids, _ in found for i in ids]).replace(" ", "") == "".join(words)
    assert max(len(ids) for ids, _ in found) <= script.masked_lm.LONGEST
    assert all(tokenizer.decode(int(ids[-1])) == "。" for ids, _ in found[:3])
    ids, word = found[0]
    assert word[:7].tolist() == [0, 0, 1, 1, 2, 3, 4]


def test_words_are_hidden_whole(script, tokenizer):
    piece = np.arange(10, 30, dtype=np.int16), np.repeat(np.arange(10), 2).astype(np.int32)
    inputs, labels = script.masked_lm.masked([piece] * 200, tokenizer, 5, np.random.default_rng(0))
    assert inputs.shape == labels.shape == (200, 24)
    hidden = labels[:, 1:21] != -100
    assert (hidden[:, ::2] == hidden[:, 1::2]).all()
    assert (labels[:, 1:21][hidden] == np.tile(piece[0], (200, 1))[hidden]).all()
    assert hidden.any(axis=1).all()
    assert 0.18 < hidden.mean() < 0.30
    of_hidden = inputs[:, 1:21][hidden]
    assert 0.7 < (of_hidden == tokenizer.mask_token_id).mean() < 0.9
    assert (inputs[:, 1:21][~hidden] == np.tile(piece[0], (200, 1))[~hidden]).all()


def test_stopped_and_taken_up_again_it_gives_the_same_model(script, tmp_path, monkeypatch):
    few = [[*"今天天气很好，我们去公园。"], [*"明天下雨，在家里看书。"], [*"他昨天买了三本新书。"]] * 40
    monkeypatch.setattr(script, "texts", lambda: {"news": few, "reviews": few})
    monkeypatch.setattr(script, "in_part", lambda source, words, wanted: True)
    monkeypatch.setattr(script, "build", lambda *parts: tmp_path / parts[-1])
    monkeypatch.setattr(script.masked_lm, "TOKENS", 512)

    def trained(folder, stop=None):
        options = (
            "--steps 6 --every 2 --layers 1 --width 64 --precision float32 --sources news reviews --folder".split()
        )
        monkeypatch.setattr(sys, "argv", ["mini_bert.py", *options, str(folder)])
        if stop:
            monkeypatch.setattr(script.masked_lm.os, "replace", stop)
        try:
            script.main()
        except KeyboardInterrupt:
            return None
        return BertForMaskedLM.from_pretrained(folder).state_dict()

    whole = trained(tmp_path / "a")
    card, record = (
        (tmp_path / "a" / "README.md").read_text("utf-8"),
        (tmp_path / "a" / "training.json").read_text("utf-8"),
    )
    last = json.loads(record)["curve"][-1]
    assert f"{json.loads(record)['parameters']:,} parameters" in card and f"**{last['held out']['mean']:.2f}**" in card
    assert next(BertForMaskedLM.from_pretrained(tmp_path / "a").parameters()).dtype == torch.float32
    (tmp_path / "a-news-reviews-0-6.pt").unlink()
    replace = script.masked_lm.os.replace

    def stop_after_the_first(source, target):
        replace(source, target)
        raise KeyboardInterrupt

    assert trained(tmp_path / "a", stop_after_the_first) is None
    monkeypatch.setattr(script.masked_lm.os, "replace", replace)
    again = trained(tmp_path / "a")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_the_novel_is_cut_in_pieces_that_say_the_same(script, tokenizer):
    text = running_text.chinese_novel()[1]
    ids = [i for piece, _ in script.pieces(tokenizer, [[*text]]) for i in piece]
    assert len(ids) == len(tokenizer(text, add_special_tokens=False)["input_ids"])
