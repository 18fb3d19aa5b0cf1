"""The mini-BERT: whole, as its card says, loadable in one line; its script goes on where it was stopped and gives the same."""

import importlib.util
import json
import sys

import numpy as np
import pytest
import torch
from transformers import BertForMaskedLM, BertTokenizer

from wordspace import running_text
from wordspace.paths import root

FOLDER = root() / "models" / "mini-bert-zh"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("mini_bert", root() / "models" / "mini_bert.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_small_and_loads_in_one_line():
    assert (FOLDER / "model.safetensors").stat().st_size <= 12_000_000
    model = BertForMaskedLM.from_pretrained(FOLDER)
    assert next(model.parameters()).dtype == torch.float32
    record = json.loads((FOLDER / "training.json").read_text("utf-8"))
    assert sum(p.numel() for p in model.parameters()) == record["parameters"] <= 6_000_000
    assert model.config.vocab_size == len(BertTokenizer.from_pretrained(FOLDER))


def test_its_card_says_what_a_card_must():
    card = (FOLDER / "README.md").read_text("utf-8")
    for head in ("Data", "Training", "Measured", "Limits", "Licence"):
        assert f"## {head}" in card
    record = json.loads((FOLDER / "training.json").read_text("utf-8"))
    last = record["curve"][-1]
    for number in (f"{record['parameters']:,}", f"{last['step']:,}", f"{last['held out']['mean']:.2f}"):
        assert number in card, number


@torch.no_grad()
def test_it_fills_a_gap_in_the_source_documents_language():
    tokenizer, model = BertTokenizer.from_pretrained(FOLDER), BertForMaskedLM.from_pretrained(FOLDER).eval()
    inputs = tokenizer("北[MASK]是中国的首都。", return_tensors="pt")
    place = inputs["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    assert tokenizer.decode(model(**inputs).logits[0, place].argmax()) == "京"


def test_pieces_are_whole_sentences_within_the_limit(script):
    tokenizer = BertTokenizer.from_pretrained(FOLDER)
    words = ["今天", "天气", "很", "好", "。"] * 30 + ["好"] * 100
    found = script.pieces(tokenizer, [words])
    assert tokenizer.decode([i for ids, _ in found for i in ids]).replace(" ", "") == "".join(words)
    assert max(len(ids) for ids, _ in found) <= script.LONGEST
    assert all(tokenizer.decode(int(ids[-1])) == "。" for ids, _ in found[:3])
    ids, word = found[0]
    assert word[:7].tolist() == [0, 0, 1, 1, 2, 3, 4]


def test_words_are_hidden_whole(script):
    piece = np.arange(10, 30, dtype=np.int16), np.repeat(np.arange(10), 2).astype(np.int32)
    inputs, labels = script.masked([piece] * 200, 100, np.random.default_rng(0))
    assert inputs.shape == labels.shape == (200, 24)
    hidden = labels[:, 1:21] != -100
    assert (hidden[:, ::2] == hidden[:, 1::2]).all()
    assert (labels[:, 1:21][hidden] == np.tile(piece[0], (200, 1))[hidden]).all()
    assert hidden.any(axis=1).all()
    assert 0.18 < hidden.mean() < 0.30
    of_hidden = inputs[:, 1:21][hidden]
    assert 0.7 < (of_hidden == script.MASK).mean() < 0.9
    assert (inputs[:, 1:21][~hidden] == np.tile(piece[0], (200, 1))[~hidden]).all()


def test_stopped_and_taken_up_again_it_gives_the_same_model(script, tmp_path, monkeypatch):
    few = [[*"今天天气很好，我们去公园。"], [*"明天下雨，在家里看书。"], [*"他昨天买了三本新书。"]] * 40
    monkeypatch.setattr(script, "texts", lambda: {"news": few, "reviews": few})
    monkeypatch.setattr(script, "in_part", lambda source, words, wanted: True)
    monkeypatch.setattr(script, "build", lambda *parts: tmp_path / parts[-1])
    monkeypatch.setattr(script, "TOKENS", 512)

    def trained(folder, stop=None):
        options = "--steps 6 --every 2 --layers 1 --width 64 --precision float32 --folder".split()
        monkeypatch.setattr(sys, "argv", ["mini_bert.py", *options, str(folder)])
        if stop:
            monkeypatch.setattr(script.os, "replace", stop)
        try:
            script.main()
        except KeyboardInterrupt:
            return None
        return BertForMaskedLM.from_pretrained(folder).state_dict()

    whole = trained(tmp_path / "a")
    (tmp_path / "a-0-6.pt").unlink()
    replace = script.os.replace

    def stop_after_the_first(source, target):
        replace(source, target)
        raise KeyboardInterrupt

    assert trained(tmp_path / "a", stop_after_the_first) is None
    monkeypatch.setattr(script.os, "replace", replace)
    again = trained(tmp_path / "a")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_the_novel_is_cut_in_pieces_that_say_the_same(script):
    text = running_text.chinese_novel()[1]
    tokenizer = BertTokenizer.from_pretrained(FOLDER)
    ids = [i for piece, _ in script.pieces(tokenizer, [[*text]]) for i in piece]
    assert len(ids) == len(tokenizer(text, add_special_tokens=False)["input_ids"])
