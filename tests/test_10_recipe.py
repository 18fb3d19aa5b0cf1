"""Chapter 10's recipe: hiding tokens, perplexity, the Trainer that looks at gaps only, and going on after a kill."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import BertConfig, BertForMaskedLM, BertTokenizer, DataCollatorForLanguageModeling

from wordspace import encoders, lessons

CHAPTER = "10_domain_adaptation"
TEXTS = [
    "an abnormally low number of platelets in the blood",
    "a small hand",
    "pain in the chest after effort",
    "fever",
]


@pytest.fixture(scope="module")
def lesson():
    return lessons.load(CHAPTER)


@pytest.fixture(scope="module")
def tokenizer():
    return BertTokenizer.from_pretrained(encoders.minilm())


@pytest.fixture(autouse=True)
def no_datasets(monkeypatch):
    # run from the root, ``python -m pytest`` finds our folder ``datasets`` and Trainer takes it for the package
    monkeypatch.setattr("transformers.trainer.is_datasets_available", lambda: False)


def small(tokenizer, seed=0):
    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2}
    return BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes)).eval()


# --- Hiding -----------------------------------------------------------------------------------------------------------
def shares(inputs, labels, ids, mask):
    gap = labels != -100
    return [
        float(x)
        for x in (
            gap.float().mean(),
            (inputs[gap] == mask).float().mean(),
            (inputs[gap] == ids[gap]).float().mean(),
        )
    ]


def test_hides_as_often_as_the_library(lesson, tokenizer):
    ids = torch.randint(2000, 20000, (200_000,), generator=torch.Generator().manual_seed(1))
    ours = shares(*lesson.hide_tokens(ids, tokenizer, torch.Generator().manual_seed(0)), ids, tokenizer.mask_token_id)
    torch.manual_seed(0)
    rows = ids.view(400, 500)
    batch = DataCollatorForLanguageModeling(tokenizer)([{"input_ids": row.tolist()} for row in rows])
    theirs = shares(batch["input_ids"], batch["labels"], rows, tokenizer.mask_token_id)
    assert ours == pytest.approx([0.15, 0.8, 0.1], abs=0.01)
    assert theirs == pytest.approx(ours, abs=0.01)


def test_special_tokens_are_never_hidden_and_the_rest_stays(lesson, tokenizer):
    row = torch.tensor(lesson.mlm_rows(tokenizer, TEXTS[:1])[0]["input_ids"])
    for seed in range(50):
        inputs, labels = lesson.hide_tokens(row, tokenizer, torch.Generator().manual_seed(seed), share=0.5)
        assert labels[0] == labels[-1] == -100
        there = labels != -100
        assert torch.equal(labels[there], row[there]) and torch.equal(inputs[~there], row[~there])
    inputs, labels = lesson.hide_tokens(row, tokenizer, torch.Generator().manual_seed(0), share=1)
    assert (labels[1:-1] == row[1:-1]).all()


def test_rows(lesson, tokenizer):
    rows = lesson.mlm_rows(tokenizer, TEXTS, longest=6)
    assert max(len(row["input_ids"]) for row in rows) == 6
    assert rows[3]["input_ids"] == tokenizer("fever")["input_ids"]
    with pytest.raises(TypeError, match=r"list of texts"):
        lesson.mlm_rows(tokenizer, "fever")


# --- Measuring --------------------------------------------------------------------------------------------------------
def test_gaps_are_the_same_every_time(lesson, tokenizer):
    rows = lesson.mlm_rows(tokenizer, TEXTS * 20)
    one, two, other = (lesson.fixed_gaps(rows, tokenizer, seed=seed, size=7) for seed in (3, 3, 4))
    assert all(torch.equal(x, y) for a, b in zip(one, two, strict=True) for x, y in zip(a, b, strict=True))
    assert any(a[1].shape != b[1].shape or not torch.equal(a[1], b[1]) for a, b in zip(one, other, strict=True))
    assert sum(len(ids) for ids, _ in one) == 80
    with pytest.raises(ValueError, match="no rows"):
        lesson.fixed_gaps([], tokenizer)


def test_losses_and_perplexity_are_the_models_own(lesson, tokenizer):
    model = small(tokenizer)
    batches = lesson.fixed_gaps(lesson.mlm_rows(tokenizer, TEXTS * 10), tokenizer)
    sums, counts = lesson.gap_losses(model, batches)
    total = 0.0
    for ids, labels in batches:
        with torch.no_grad():
            loss = model(ids, attention_mask=(ids != 0).long(), labels=labels).loss
        total += float(loss) * int((labels != -100).sum())
    assert sums.sum() == pytest.approx(total, rel=1e-4)
    assert counts.sum() == sum(int((labels != -100).sum()) for _, labels in batches)
    assert lesson.perplexity(sums, counts) == pytest.approx(np.exp(total / counts.sum()), rel=1e-4)
    assert lesson.perplexity(np.log([2.0, 8.0]), np.array([1, 1])) == pytest.approx(4)


def test_measuring_leaves_the_mode_and_uses_no_dropout(lesson, tokenizer):
    model = small(tokenizer).train()
    batches = lesson.fixed_gaps(lesson.mlm_rows(tokenizer, TEXTS * 10), tokenizer)
    one, two = (lesson.gap_losses(model, batches)[0] for _ in range(2))
    assert model.training and np.array_equal(one, two)


def test_a_model_that_knows_nothing_has_the_vocabulary_as_its_perplexity(lesson, tokenizer):
    model = small(tokenizer)
    torch.nn.init.zeros_(model.bert.embeddings.word_embeddings.weight)
    batches = lesson.fixed_gaps(lesson.mlm_rows(tokenizer, TEXTS * 10), tokenizer)
    assert lesson.perplexity(*lesson.gap_losses(model, batches)) == pytest.approx(len(tokenizer), rel=1e-3)


def test_leaning_lowers_the_loss_where_it_leans_to_and_is_undone(lesson, tokenizer):
    model, rows = small(tokenizer), lesson.mlm_rows(tokenizer, TEXTS * 10)
    there = lesson.token_shares(rows, len(tokenizer))
    here = np.full(len(tokenizer), 1 / len(tokenizer))
    assert there.sum() == pytest.approx(1)
    batches, before = lesson.fixed_gaps(rows, tokenizer), model.cls.predictions.bias.detach().clone()
    plain = lesson.perplexity(*lesson.gap_losses(model, batches))
    with lesson.leaning(model, there, here, 1.0):
        assert lesson.perplexity(*lesson.gap_losses(model, batches)) < 0.5 * plain
    assert torch.equal(model.cls.predictions.bias, before)


# --- Training ---------------------------------------------------------------------------------------------------------
def test_loss_and_gradient_at_the_gaps_only_are_the_whole_ones(lesson, tokenizer):
    model = small(tokenizer)
    torch.manual_seed(0)
    batch = dict(DataCollatorForLanguageModeling(tokenizer)(lesson.mlm_rows(tokenizer, TEXTS * 5)))
    whole = model(**batch).loss
    whole.backward()
    wanted = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    loss = lesson.HiddenOnly.compute_loss(None, model, dict(batch))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(whole.detach()), rel=1e-5)
    for p, grad in zip(model.parameters(), wanted, strict=True):
        torch.testing.assert_close(p.grad, grad, rtol=1e-3, atol=1e-6)
    logits = model(batch["input_ids"], batch["attention_mask"]).logits
    by_hand = F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())
    assert float(loss.detach()) == pytest.approx(float(by_hand.detach()), rel=1e-5)


def test_training_is_watched_and_learns(lesson, tokenizer, tmp_path):
    rows, model = lesson.mlm_rows(tokenizer, TEXTS * 16), small(tokenizer)
    watch = lesson.Watch({"same": lesson.fixed_gaps(rows, tokenizer)})
    arguments = lesson.mlm_arguments(str(tmp_path), learning_rate=0.01)
    trainer = lesson.mlm_trainer(model, tokenizer, rows, arguments, [watch])
    trainer.train()
    assert trainer.state.global_step == 12 and len(watch.curve["same"]) == 4
    assert watch.curve["same"][-1] < 0.1 * watch.curve["same"][0]


def test_rows_that_are_none_are_named(lesson, tokenizer, tmp_path):
    arguments = lesson.mlm_arguments(str(tmp_path))
    for rows in ([], TEXTS):
        with pytest.raises((ValueError, TypeError), match="mlm_rows"):
            lesson.mlm_trainer(small(tokenizer), tokenizer, rows, arguments)


# --- Going on after a kill --------------------------------------------------------------------------------------------
SCRIPT = """
import sys, time
import torch
from transformers import BertConfig, BertForMaskedLM, BertTokenizer, TrainerCallback
from wordspace import encoders, lessons

import transformers.trainer
transformers.trainer.is_datasets_available = lambda: False
folder, wait, resume = sys.argv[1], sys.argv[2] == "wait", sys.argv[3] == "resume"
lesson = lessons.load("10_domain_adaptation")
tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
texts = ["pain in the chest", "a small hand with short fingers", "fever", "a low number of platelets in the blood"]
rows = lesson.mlm_rows(tokenizer, [f"{text} of grade {n}" for n in range(16) for text in texts])
torch.manual_seed(0)
sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2}
model = BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes))

class Wait(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if wait and state.global_step == 7:
            open(folder + "/seven", "w").close()
            time.sleep(600)

more = {"save_strategy": "epoch", "logging_strategy": "steps", "logging_steps": 1}
arguments = lesson.mlm_arguments(folder, learning_rate=0.01, seed=3, **more)
trainer = lesson.mlm_trainer(model, tokenizer, rows, arguments, [Wait()])
trainer.train(resume_from_checkpoint=resume or None)
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
torch.save({"losses": losses, "weights": model.state_dict()}, folder + "/end.pt")
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_as_if_nothing_had_happened(tmp_path):
    def start(folder, *words):  # a checkpoint after each epoch of four steps
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), *words])

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    assert start(whole, "go", "anew").wait(timeout=600) == 0
    killed = start(broken, "wait", "anew")
    until = time.time() + 600
    while not (broken / "seven").exists():
        assert killed.poll() is None and time.time() < until
        time.sleep(0.2)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait(timeout=60) == -signal.SIGKILL
    assert not (broken / "end.pt").exists() and (broken / "checkpoint-4").is_dir()
    assert start(broken, "go", "resume").wait(timeout=600) == 0
    one, two = (torch.load(folder / "end.pt") for folder in (whole, broken))
    assert len(one["losses"]) == 12 and one["losses"] == two["losses"]
    assert all(torch.equal(weight, two["weights"][name]) for name, weight in one["weights"].items())
