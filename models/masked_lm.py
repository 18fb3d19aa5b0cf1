"""Train a masked language model with whole words hidden: what the scripts of ``models/`` share.

Everything random is drawn from the seed and the number of the step, so that a run can be stopped and taken up anywhere and
gives the same model.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from wordspace.studies import machine

LONGEST = 62  # tokens of a piece of text, without [CLS] and [SEP]
TOKENS = 4096  # in a batch
CHOSEN = 0.2  # share of the tokens that are to be predicted, in whole words

Piece = tuple[np.ndarray, np.ndarray]  # token ids, and the number of the word that each belongs to


@dataclass(frozen=True)
class Data:
    """Pieces to train on, pieces of held-out text by source, the tokenizer, and the first id of its ordinary entries."""

    tokenizer: object
    first: int
    training: list[Piece]
    testing: dict[str, list[Piece]]


@dataclass
class Run:
    """How far a training has come: step, tokens seen, seconds, and the losses measured on the way."""

    step: int = 0
    seen: int = 0
    seconds: float = 0.0
    curve: list[dict] = field(default_factory=list)


# --- Text -------------------------------------------------------------------------------------------------------------
def pieces(
    tokenizer, texts: Sequence[Sequence[str]], split: Callable[[str], list[str]], space: str = ""
) -> list[Piece]:
    """Return texts as pieces of at most ``LONGEST`` tokens, cut at the ends of sentences where there are any.

    Args:
        tokenizer: a fast tokenizer of transformers.
        texts: each a list of words.
        split: cuts a text into sentences that, put together, are the text.
        space: what stands between two words.
    """
    found = []
    joined = [space.join(words) for words in texts]
    encoded = tokenizer(joined, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    for text, words, ids, offsets in zip(joined, texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        starts = np.array([start for start, _ in offsets], int)
        word = np.searchsorted(np.cumsum([len(w) + len(space) for w in words]), starts, side="right")
        ends = np.cumsum([len(sentence) for sentence in split(text)])
        edges = np.unique(np.append(np.searchsorted(starts, ends), len(ids)))
        begin = 0
        while begin < len(ids):
            within = edges[(edges > begin) & (edges <= begin + LONGEST)]
            end = int(within[-1]) if len(within) else min(begin + LONGEST, len(ids))
            if end - begin >= 5:
                found.append((np.array(ids[begin:end], np.int32), word[begin:end].astype(np.int32)))
            begin = end
    return found


# --- Batches ----------------------------------------------------------------------------------------------------------
def batches(all_pieces: list[Piece], seed: int, epoch: int, tokens: int = TOKENS) -> list[np.ndarray]:
    """Return an epoch's batches, each some pieces of like length with some ``tokens`` places together."""
    rng = np.random.default_rng([seed, epoch])
    width = np.array([_width(len(ids)) for ids, _ in all_pieces])
    groups = []
    for w in np.unique(width):
        chosen = rng.permutation(np.flatnonzero(width == w))
        groups += np.array_split(chosen, max(1, round(len(chosen) * w / tokens)))
    return [groups[i] for i in rng.permutation(len(groups))]


def masked(chosen: list[Piece], tokenizer, first: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch's inputs and labels: whole words are hidden; of their tokens 80 % become [MASK], 10 % another one.

    Args:
        chosen: the pieces.
        tokenizer: knows the special tokens.
        first: the other tokens are drawn from this id on.
        rng: numpy's generator.

    Returns:
        Two arrays of shape (pieces, places); labels are −100 where nothing is to be predicted.
    """
    shape = len(chosen), _width(max(len(ids) for ids, _ in chosen))
    inputs, labels = np.full(shape, tokenizer.pad_token_id, np.int64), np.full(shape, -100, np.int64)
    for row, (ids, word) in enumerate(chosen):
        inputs[row, : len(ids) + 2] = [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]
        _, number = np.unique(word, return_inverse=True)
        hidden = rng.random(number[-1] + 1) < CHOSEN
        hidden[rng.integers(len(hidden))] = True  # at least one word
        action = rng.random(len(hidden))[number]
        places = np.flatnonzero(hidden[number])
        labels[row, places + 1] = ids[places]
        for place in places:
            if action[place] < 0.8:
                inputs[row, place + 1] = tokenizer.mask_token_id
            elif action[place] < 0.9:
                inputs[row, place + 1] = rng.integers(first, len(tokenizer))
    return inputs, labels


def _width(length: int) -> int:
    return -(-(length + 2) // 8) * 8  # with [CLS] and [SEP], rounded up to eights


# --- Training ---------------------------------------------------------------------------------------------------------
def loss_of(model, inputs: torch.Tensor, labels: torch.Tensor, padding: int) -> torch.Tensor:
    """Return the mean cross-entropy at the hidden places; the head is computed there only."""
    states = model.bert(input_ids=inputs, attention_mask=(inputs != padding).long()).last_hidden_state
    there = labels != -100
    return F.cross_entropy(model.cls(states[there]).float(), labels[there])


@torch.no_grad()
def held_out(model, data: Data, precision) -> dict[str, float]:
    """Return the mean masked loss by source, over at most 400 pieces each, the same places every time, without dropout."""
    was_training, losses = model.training, {}
    model.eval()
    for source, found in data.testing.items():
        chosen = [found[i] for i in np.random.default_rng(0).permutation(len(found))[:400]]
        arrays = masked(chosen, data.tokenizer, data.first, np.random.default_rng(1))
        inputs, labels = (torch.from_numpy(array).to(model.device) for array in arrays)
        with precision():
            losses[source] = float(loss_of(model, inputs, labels, data.tokenizer.pad_token_id))
    model.train(was_training)
    return losses | {"mean": float(np.mean(list(losses.values())))}


def rate(step: int, steps: int, peak: float) -> float:
    """Return the learning rate: up in a twentieth of the steps, then down to zero in a straight line."""
    return peak * min((step + 1) / (0.05 * steps), (steps - step) / (0.95 * steps))


def train(
    model, optimizers: list, data: Data, steps: int, peak: float, seed: int, every: int, state_file: Path, low: bool
):
    """Train a model, or go on where ``state_file`` says that a run was stopped.

    Args:
        model: with ``bert`` and ``cls``; only parameters that require a gradient are trained and kept.
        optimizers: of those parameters.
        data: what it reads.
        steps: how many in all.
        peak: the highest learning rate.
        seed: of batches and hidden words.
        every: steps between two measurements, after each of which the state is kept.
        state_file: where.
        low: compute in bfloat16 where that is enough.

    Returns:
        The run.
    """

    def precision():
        return torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=low)

    own = {name: p for name, p in model.named_parameters() if p.requires_grad}
    run = Run()
    if state_file.exists():
        state = torch.load(state_file, map_location=model.device, weights_only=False)
        model.load_state_dict(state["model"], strict=False)
        for optimizer, its_state in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(its_state)
        run = Run(**state["run"])
        print(f"going on after step {run.step}")
    epoch, before, queue = 0, 0, batches(data.training, seed, 0)
    began, running = time.time(), []
    bar = tqdm(total=steps, initial=run.step, mininterval=10)
    while run.step < steps:
        while run.step - before >= len(queue):
            before, epoch = before + len(queue), epoch + 1
            queue = batches(data.training, seed, epoch)
        chosen = [data.training[i] for i in queue[run.step - before]]
        arrays = masked(chosen, data.tokenizer, data.first, np.random.default_rng([seed, 7, run.step]))
        inputs, labels = (torch.from_numpy(array).to(model.device) for array in arrays)
        for group in [group for optimizer in optimizers for group in optimizer.param_groups]:
            group["lr"] = rate(run.step, steps, peak)
        dropout = int(np.random.default_rng([seed, 8, run.step]).integers(2**32))
        torch.manual_seed(dropout)
        with precision():
            loss = loss_of(model, inputs, labels, data.tokenizer.pad_token_id)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(own.values(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        run.step, run.seen = run.step + 1, run.seen + sum(len(ids) for ids, _ in chosen)
        running.append(loss.item())
        bar.update()
        if run.step % every == 0 or run.step == steps:
            run.seconds, began = run.seconds + time.time() - began, time.time()
            losses = {source: round(value, 4) for source, value in held_out(model, data, precision).items()}
            point = {"step": run.step, "seen": run.seen, "seconds": round(run.seconds)}
            run.curve.append(point | {"train": round(np.mean(running), 4), "held out": losses})
            running = []
            tqdm.write(json.dumps(run.curve[-1]))
            state = {"model": {name: p.detach() for name, p in own.items()}, "run": vars(run)}
            torch.save(state | {"optimizers": [o.state_dict() for o in optimizers]}, state_file.with_suffix(".new"))
            os.replace(state_file.with_suffix(".new"), state_file)
    bar.close()
    return run


def options(description: str, steps: int, peak: float, every: int, folder: Path) -> argparse.ArgumentParser:
    """Return a parser with the options that every training has, and these defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--peak", type=float, default=peak, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=every, help="steps between two measurements and checkpoints")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--folder", type=Path, default=folder)
    return parser


def record(command: str, given: argparse.Namespace, low: bool, data: Data, run: Run, **more) -> dict:
    """Return what ``training.json`` keeps of a run; ``more`` is what only this model has."""
    size = sum(len(ids) for ids, _ in data.training)
    return {
        "command": f"{command} --steps {given.steps})",
        "date": date.today().isoformat(),
        "machine": machine(),
        "precision": "bfloat16" if low else "float32",
        "seed": given.seed,
        "peak": given.peak,
        **more,
        "pieces": len(data.training),
        "passes": round(run.seen / size, 2),
        "curve": run.curve,
    }


def low_precision(wanted: str, device: torch.device) -> bool:
    """Say whether to compute in bfloat16: "auto" does on a GPU, and on processors that multiply such matrices by themselves."""
    flags = Path("/proc/cpuinfo")
    quick = device.type == "cuda" or flags.exists() and "amx_bf16" in flags.read_text()
    return wanted == "bfloat16" or wanted == "auto" and quick
