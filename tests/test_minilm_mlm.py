"""MiniLM's masked-LM head and adapter: small, put together in one call, better than none at filling gaps, and repeatable."""

import json

import model_scripts
import pytest
import torch
from transformers import BertModel, BertTokenizer

from wordspace import encoders
from wordspace.paths import root

FOLDER = root() / "models" / "minilm-mlm"


@pytest.fixture(scope="module")
def script():
    return model_scripts.load("minilm_mlm")


def test_it_is_small_and_names_no_machine():
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 3_000_000
    config = json.loads((FOLDER / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == "sentence-transformers/all-MiniLM-L6-v2"
    record = json.loads((FOLDER / "training.json").read_text("utf-8"))
    card = (FOLDER / "README.md").read_text("utf-8")
    for head in ("Data", "Training", "Measured", "Limits", "Licence"):
        assert f"## {head}" in card
    assert f"mean {record['curve'][-1]['held out']['mean']:.2f}" in card


@torch.no_grad()
def test_it_fills_gaps_and_leaves_the_package_as_it_was():
    tokenizer, model = BertTokenizer.from_pretrained(encoders.minilm()), encoders.minilm_mlm()
    before = BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False).embeddings.word_embeddings.weight
    assert torch.equal(model.cls.predictions.decoder.weight, before)
    inputs = tokenizer("the united [MASK] of america .", return_tensors="pt")
    place = inputs["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    assert tokenizer.decode(model(**inputs).logits[0, place].argmax()) == "states"


def test_a_missing_adapter_is_named_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(encoders, "root", lambda: tmp_path)
    with pytest.raises(encoders.MissingModel, match="models/minilm-mlm lacks adapter_config.json: git checkout"):
        encoders.minilm_mlm()


def test_stopped_and_taken_up_again_it_gives_the_same_weights(script, tmp_path, monkeypatch):
    tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
    few = script.masked_lm.pieces(tokenizer, ["the cat sat on the mat .".split()] * 8, script.SENTENCE.findall, " ")
    data = script.masked_lm.Data(tokenizer, script.FIRST, few, {"cats": few})

    def trained(name, *stops):
        for steps in stops:  # each goes on where the one before was stopped
            adapted = script.with_head(rank=2, seed=0).train()
            model = adapted.base_model.model
            own = [p for p in model.parameters() if p.requires_grad]
            run = script.masked_lm.train(
                model, [torch.optim.AdamW(own)], data, steps, 1e-3, 0, 1, tmp_path / name, low=False
            )
        return run.curve, [p.detach().clone() for p in own]

    monkeypatch.setattr(script.masked_lm, "rate", lambda step, steps, peak: peak)  # the true one knows where a run ends
    (curve, whole), (again_curve, again) = trained("whole.pt", 3), trained("parts.pt", 2, 3)
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
    assert [point["held out"] for point in curve] == [point["held out"] for point in again_curve]


@torch.no_grad()
def test_the_held_out_loss_is_measured_without_dropout(script):
    tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
    few = script.masked_lm.pieces(tokenizer, ["the cat sat on the mat .".split()] * 8, script.SENTENCE.findall, " ")
    data = script.masked_lm.Data(tokenizer, script.FIRST, few, {"cats": few})
    model = script.with_head(rank=2, seed=0).train().base_model.model
    losses = [script.masked_lm.held_out(model, data, torch.no_grad) for _ in range(2)]
    assert losses[0] == losses[1]
    assert model.training


def test_only_adapter_and_head_are_trained(script):
    adapted = script.with_head(rank=4, seed=0)
    trained = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert all("lora_" in name or "predictions" in name for name in trained)
    assert not any("decoder.weight" in name or "embeddings" in name for name in trained)
    matrices = [name for name in trained if "lora_A" in name]
    assert len(matrices) == 6 * 6  # a layer has four of attention and two of the network


def test_english_pieces_are_cut_at_the_ends_of_sentences(script):
    tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
    words = "the cat sat on the mat . it purred !".split() * 9
    found = script.masked_lm.pieces(tokenizer, [words], script.SENTENCE.findall, space=" ")
    assert [i for ids, _ in found for i in ids] == tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
    assert all(tokenizer.decode(int(ids[-1])) in ".!" for ids, _ in found)
    assert found[0][1][:4].tolist() == [0, 1, 2, 3]
