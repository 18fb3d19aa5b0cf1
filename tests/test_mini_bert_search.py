"""The sentence encoder: small, and as its card says. Its script reads nothing held out; taken up again, a run is the same."""

import json
import sys

import model_scripts
import numpy as np
import pytest
import torch
from transformers import BertModel, BertTokenizer

from wordspace import corpora, retrieval, running_text, search_encoder
from wordspace.encoders import MissingModel
from wordspace.paths import root

FOLDER = root() / "models" / "mini-bert-zh-search"


@pytest.fixture(scope="module")
def script():
    return model_scripts.load("mini_bert_search")


def test_it_is_small_and_its_card_has_its_figures():
    assert (FOLDER / "model.safetensors").stat().st_size <= 12_000_000
    model = BertModel.from_pretrained(FOLDER, add_pooling_layer=False)
    record, card = json.loads((FOLDER / "training.json").read_text("utf-8")), (FOLDER / "README.md").read_text("utf-8")
    assert next(model.parameters()).dtype == torch.float32
    assert sum(p.numel() for p in model.parameters()) == record["parameters"] <= 6_000_000
    assert model.config.vocab_size == len(BertTokenizer.from_pretrained(FOLDER))
    for head in ("Data", "Training", "Measured", "Limits", "Licence"):
        assert f"## {head}" in card
    for text in (
        f"{record['parameters']:,} parameters",
        f"{record['senses']:,} pairs",
        f"{record['curve'][-1]['step']:,} steps",
        f"**{record['measured']['explanation to word']:.3f}**",
        f"**{record['measured']['sentence to the next']:.3f}**",
    ):
        assert text in card


def test_its_folder_is_found_and_what_is_missing_is_named(tmp_path, monkeypatch):
    assert search_encoder.folder() == FOLDER
    monkeypatch.setattr(search_encoder, "root", lambda: tmp_path)
    with pytest.raises(MissingModel, match="models/mini-bert-zh-search lacks config.json.*make mini-bert-search"):
        search_encoder.folder()
    there = tmp_path / "models" / "mini-bert-zh-search"
    there.mkdir(parents=True)
    for name in search_encoder.FILES[:-1]:
        (there / name).touch()
    with pytest.raises(MissingModel, match=f"lacks {search_encoder.FILES[-1]}"):
        search_encoder.folder()


# --- What it reads ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def pairs(script):
    return script.senses("[MASK]")


def test_only_senses_of_training_headwords_are_read_and_no_headword_stands_in_its_own(script, pairs):
    assert len(pairs) == len(set(pairs)) > 50_000
    assert {corpora.part(word) for _, word in pairs} == {"train"}
    assert not any(word in text or "～" in text for text, word in pairs)
    assert any("[MASK][MASK]" in text for text, word in pairs if len(word) == 2)


def test_nothing_that_is_asked_for_is_read(script, pairs):
    collection, read = retrieval.explanations(), {text for text, _ in pairs}
    asked = {collection.queries[q] for name in ("validation", "test") for q in collection.part(name)}
    assert len(asked) > 5_000 and not asked & read


def test_static_vectors_of_held_out_headwords_are_not_taught(script):
    words, X = script.taught()
    headwords = running_text.chinese_words()
    assert not any(word in headwords and corpora.part(word) != "train" for word in words)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, rtol=1e-5)


def test_neighbours_follow_one_another(script, monkeypatch):
    monkeypatch.setattr(
        script.running_text, "chinese_reviews", lambda: (("房间很干净也很安静。早餐的种类还算多。不错。", "positive"),)
    )
    monkeypatch.setattr(script.running_text, "chinese_novel", lambda: ())
    monkeypatch.setattr(script.corpora, "part", lambda text: "train")
    assert script.neighbours("train") == [("房间很干净也很安静。", "早餐的种类还算多。")]
    assert script.neighbours("validation") == []


# --- Training ---------------------------------------------------------------------------------------------------------
def test_a_pass_gives_each_item_once_and_the_next_in_another_order(script):
    first, second = ([script.batch(10, 3, 0, 1, step).tolist() for step in steps] for steps in (range(3), range(3, 6)))
    assert len({i for some in first for i in some}) == 9
    assert first != second and all(len(some) == 3 for some in first + second)


def test_the_same_explanation_or_word_is_no_rival(script):
    same = script.alike(["a", "b", "a", "c"], ["x", "y", "z", "y"])
    assert same.int().tolist() == [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]


def test_grouped_reading_keeps_the_order(script):
    model, tokenizer = (
        BertModel.from_pretrained(FOLDER, add_pooling_layer=False).eval(),
        BertTokenizer.from_pretrained(FOLDER),
    )
    given = script.options().parse_args(["--precision", "float32"])
    texts = ["今天天气很好", "花", "下雨的时候用来遮雨的东西", "山水"]
    with torch.no_grad():
        together, alone = (
            script.encode(model, tokenizer, texts, given, 3),
            script.lesson.encode_texts(model, tokenizer, texts),
        )
    assert torch.allclose(together, alone, atol=1e-5)


def test_ndcg_by_hand(script):
    D, Q = np.eye(12, dtype=np.float32), np.zeros((2, 12), np.float32)
    Q[0, :3], Q[1, 5] = (3, 2, 1), 1
    near = script.best(Q, D)
    assert near[0, :3].tolist() == [0, 1, 2] and near[1, 0] == 5
    expected = [(1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3)), 0]
    np.testing.assert_allclose(script.ndcg(near[:, :3], [[1, 2], [11]]), expected)


@pytest.mark.parametrize("extra", [[], ["--teacher", "0.5", "--neighbours", "0.5"], ["--scratch"]])
def test_stopped_and_taken_up_again_it_gives_the_same_model(script, tmp_path, monkeypatch, extra):
    words = ["公园", "雨伞", "书包", "花园", "早餐", "牛奶", "面包", "火车"]
    few = [(f"这是关于{word[::-1]}的一种说法", word) for word in words]
    static = np.eye(100, dtype=np.float32)[: len(words)]
    monkeypatch.setattr(script, "senses", lambda mask: few)
    monkeypatch.setattr(script, "neighbours", lambda part: few)
    monkeypatch.setattr(script, "taught", lambda: (words, static))
    monkeypatch.setattr(script, "measured", lambda *_: {"explanation to word": 0.25, "sentence to the next": 0.5})
    monkeypatch.setattr(script, "build", lambda *parts: tmp_path / parts[-1])

    def trained(stop=None):
        options = "--steps 4 --every 2 --batch 4 --precision float32 --folder".split()
        monkeypatch.setattr(sys, "argv", ["mini_bert_search.py", *options, str(tmp_path / "a"), *extra])
        monkeypatch.setattr(script.os, "replace", stop or replace)
        try:
            script.main()
        except KeyboardInterrupt:
            return None
        return BertModel.from_pretrained(tmp_path / "a", add_pooling_layer=False).state_dict()

    replace = script.os.replace

    def stop_after_the_first(source, target):
        replace(source, target)
        raise KeyboardInterrupt

    whole = trained()
    card = (tmp_path / "a" / "README.md").read_text("utf-8")
    assert "**0.250**" in card and "**0.500**" in card and ("of other words" in card) == ("--teacher" in extra)
    next(tmp_path.glob("*.pt")).unlink()
    assert trained(stop_after_the_first) is None
    again = trained()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
