"""The teacher of chapter 12: small, as its card says, ahead of what counts strings; its script is repeatable."""

import json
from types import SimpleNamespace

import model_scripts
import numpy as np
import pytest
import torch

from wordspace import branches
from wordspace.paths import root

FOLDER = root() / "models" / "minilm-branches"
kept = pytest.mark.skipif(not (FOLDER / "training.json").is_file(), reason="make minilm-branches")


@pytest.fixture(scope="module")
def script():
    return model_scripts.load("minilm_branches")


@pytest.fixture(scope="module")
def record():
    return json.loads((FOLDER / "training.json").read_text("utf-8"))


# --- What is kept -----------------------------------------------------------------------------------------------------
@kept
def test_it_is_small_and_names_no_machine():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 2_000_000
    config = json.loads((FOLDER / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == "sentence-transformers/all-MiniLM-L6-v2"


@kept
def test_its_card_is_that_of_its_record(script, record):
    assert (FOLDER / "README.md").read_text("utf-8") == script.card(record)
    assert record["texts"] == len(branches.examples("train", script.READ)[0])
    for kind in branches.KINDS:
        assert record["test"][kind]["texts"] == len(branches.examples("test", kind)[0])


@kept
def test_it_is_worth_learning_from(script, record):
    found = record["test"]["layperson"]
    for name in script.RIVALS:
        assert found[f"TF-IDF, {name}"]["teacher ahead by"] > 0 and found[f"TF-IDF, {name}"]["p"] < 0.05


@kept
@pytest.mark.slow
def test_it_says_today_what_its_record_says(script, record):
    tokenizer = script.BertTokenizer.from_pretrained(script.encoders.minilm())
    some = script.texts(tokenizer, "test", "layperson")
    accuracy = float((script.predicted(branches.teacher(), some) == some.labels).mean())
    assert accuracy == pytest.approx(record["test"]["layperson"]["teacher"]["accuracy"][0], abs=0.003)


# --- The script -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def few(script):
    tokenizer = script.BertTokenizer.from_pretrained(script.encoders.minilm())
    some = script.texts(tokenizer, "validation", "layperson")
    return script.Texts(some.ids[:64], some.labels[:64])


def test_stopped_and_taken_up_again_it_gives_the_same_weights(script, few, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "rate", lambda step, steps: 1.0)  # the true one knows where a run ends

    def trained(name, *stops):
        for passes in stops:  # each goes on where the one before was stopped
            model = script.start(rank=2, seed=0).train()
            given = SimpleNamespace(passes=passes, peak=1e-3, seed=0)
            run = script.train(model, few, {"layperson": few}, given, tmp_path / name, low=False)
        state = torch.load(tmp_path / name, weights_only=False)
        return [point["validation"] for point in run.curve], state["model"], state["best"]

    curve, whole, best = trained("whole.pt", 1.5)
    again_curve, again, again_best = trained("parts.pt", 0.5, 1.5)
    assert len(curve) == 3 and curve == again_curve
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert all(torch.equal(best[name], again_best[name]) for name in best)


def test_only_adapter_and_head_are_trained(script):
    model = script.start(rank=4, seed=0)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert all("lora_" in name or name.startswith("head.") for name in trained)
    assert len([name for name in trained if "lora_A" in name]) == 6 * 6  # four of attention and two of the network


@pytest.mark.filterwarnings("error::FutureWarning")  # a chapter shows none
def test_written_it_is_read_again(script, few, tmp_path):
    model = script.start(rank=2, seed=0).eval()
    for name, p in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(p, std=0.02)  # else the adapter does nothing
    inputs, mask, _ = few.batch(np.arange(8))
    with torch.no_grad():
        before = model(inputs, mask)
        script.write(tmp_path, model)
        after = branches.teacher(tmp_path)(inputs, mask)
    assert torch.allclose(before, after, atol=0.02)  # float16
    assert "/" + "root" not in (tmp_path / "adapter_config.json").read_text("utf-8")


def test_a_pass_has_every_text_once_and_like_lengths_together(script):
    lengths = np.random.default_rng(0).integers(3, 64, 7000)
    passes = [script.batches(lengths, seed=0, turn=turn) for turn in (0, 1)]
    for groups in passes:
        assert sorted(np.concatenate(groups)) == list(range(7000))
        assert np.mean([np.ptp(lengths[group]) for group in groups]) < 3
    assert len(passes[0]) == len(passes[1])
    assert not np.array_equal(passes[0][0], passes[1][0])


def test_what_laypeople_say_is_not_read(script):
    lay = {example.text for example in branches.all_examples() if example.kind == "layperson"}
    assert not lay & set(branches.examples("train", script.READ)[0])
