"""Raise the student of chapter 12 from its teacher: three narrow layers, 12 % of the parameters, ``models/branches-student``.

    make branches-student                               # or: .venv/bin/python models/branches_student.py --steps 18000

The teacher (``wordspace.branches.teacher``) scores some hundred thousand texts once; then the student listens to its layers,
then to its scores, by the chapter's own lesson code. It goes on where it was stopped: after each 4,096 texts that the teacher
scored, and after each of the two stages. The test part is read once, at the end. Twenty-five minutes on one core.
"""

import argparse
import json
import shutil
import time
from datetime import date
from pathlib import Path

import torch
from transformers import BertTokenizer

from wordspace import branches, encoders, evaluation, lessons, transfer
from wordspace.paths import build, root
from wordspace.studies import machine

CHAPTER = "12_distillation"
FOLDER = root() / "models" / "branches-student"
KINDS = ("layperson", "definition", "name", "synonym")


def options() -> argparse.ArgumentParser:
    """Return the parser of the script's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=18000, help="of 64 texts, in the second stage")
    parser.add_argument("--inside", type=int, default=400, help="of 64 texts, in the first stage; 0: none")
    parser.add_argument("--few", type=int, default=0, help="only so many texts, for a trial; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    return parser


def raised(L, teacher, tokenizer, given):
    """Return the student, trained, and how many texts it learnt from; stages that are done are not done again."""
    rows, labels = L.transfer_rows(teacher, tokenizer)
    if given.few:
        rows, labels = rows[: given.few], labels[: given.few]
    scores = transfer.scores(teacher, rows, L.branch_scores)
    mark = f"{transfer.fingerprint(teacher)[:12]}-{given.steps}-{given.inside}-{given.few}-{given.seed}"
    stages = [build("branches-student", f"{mark}-{stage}.pt") for stage in ("inside", "whole")]
    student = L.begun_student(teacher, given.seed)
    if stages[1].exists():
        student.load_state_dict(torch.load(stages[1]))
        return student.eval(), len(rows)
    if given.inside and stages[0].exists():
        student.load_state_dict(torch.load(stages[0]))
    elif given.inside:
        own = [row for row, label in zip(rows, labels, strict=True) if label >= 0]
        L.listen_inside(student, teacher.encoder, own, given.inside, seed=given.seed)
        torch.save(student.state_dict(), stages[0])
    L.distil(student, rows, scores, labels, steps=given.steps, seed=given.seed)
    torch.save(student.state_dict(), stages[1])
    return student, len(rows)


def measured(L, tokenizer, part: str, **models) -> dict:
    """Return accuracy and macro F1 with their intervals, by kind of text and model."""
    found = {}
    for kind in KINDS:
        texts, labels = branches.examples(part, kind)
        rows = L.text_rows(tokenizer, texts, branches.LONGEST)
        found[kind] = {"texts": len(texts)}
        for name, model in models.items():
            scores = evaluation.classification(labels, L.branch_scores(model, rows).argmax(dim=1).numpy())
            found[kind][name] = {k: [round(x, 4) for x in (s.value, s.low, s.high)] for k, s in scores.items()}
    return found


CARD = """# branches-student

The student of chapter 12 of *Word Embeddings in Depth*: it says which of {classes} branches a sign of illness belongs
to, as its teacher does (`models/minilm-branches`), with {parameters:,} parameters instead of {whole:,} ({share:.1%}). Three
layers of width {d}, {heads} heads, MiniLM's vocabulary with {e} numbers a token. Made by `make branches-student`
(`models/branches_student.py`, which wrote this card).

```python
from wordspace import lessons

student = lessons.load("12_distillation").load_student()  # ids, mask (n, L) -> scores, (n, {classes})
```

`model.safetensors`: float32. `config.json`: shape, and the labels in order. `vocab.txt`: WordPiece, lower case; [PAD] 0,
[UNK] 100, [CLS] 101, [SEP] 102; at most {longest} tokens.

## Data

{texts:,} texts with the teacher's scores: definitions, names and synonyms of training terms of the Human Phenotype Ontology
(with their labels besides), texts of terms of several branches, without a label, variants of both, and the single words of the
vocabulary. No text of a validation or test term. See chapter 12.

## Training

{inside:,} steps on the inside of the teacher (embedding, states, attention of layers 2, 4, 6), then {steps:,} on its scores, 64
texts a step; AdamW; seed {seed}; float32 on {machine}; {minutes:.0f} minutes in this sitting.

## Measured

Test part, with 95 % bootstrap intervals.

{table}

## Limits

As the teacher's: it names a branch for every text, also for one that names no sign at all. It is no medical device.

## Licence

The weights: CC BY 4.0, the course's. Its word vectors were made from those of all-MiniLM-L6-v2 (Apache-2.0), its vocabulary is
MiniLM's; the ontology's licence and credit stand in `datasets/phenotypes.toml`, and nothing of its text is in here.
"""


def card(record: dict) -> str:
    """Return the card, with the figures of its record."""
    lines = ["| texts | n | model | accuracy | macro F1 |", "|---|---|---|---|---|"]
    for kind, found in record["test"].items():
        for name in ("teacher", "student"):
            scores = ["{:.3f} [{:.3f}, {:.3f}]".format(*found[name][k]) for k in ("accuracy", "macro F1")]
            lines.append("| " + " | ".join([kind, f"{found['texts']:,}", name, *scores]) + " |")
    return CARD.format(**record, **record["shape"], minutes=record["seconds"] / 60, table="\n".join(lines))


def main() -> None:
    """Raise the student, or go on, and write weights, vocabulary, record and card."""
    given, began = options().parse_args(), time.time()
    L, tokenizer = lessons.load(CHAPTER), BertTokenizer.from_pretrained(encoders.minilm())
    teacher = branches.teacher()
    student, texts = raised(L, teacher, tokenizer, given)
    vocabulary = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    L.save_student(given.folder, student, L.SHAPE, branches.names(), vocabulary)
    sizes = [sum(p.numel() for p in model.parameters()) for model in (student, teacher)]
    pair = {"teacher": teacher, "student": L.load_student(given.folder)}
    record = {
        "command": f"make branches-student (python models/branches_student.py --steps {given.steps})",
        "date": date.today().isoformat(),
        "machine": machine(),
        "seed": given.seed,
        "steps": given.steps,
        "inside": given.inside,
        "texts": texts,
        "seconds": round(time.time() - began),
        "shape": L.SHAPE,
        "classes": len(branches.names()),
        "parameters": sizes[0],
        "whole": sizes[1],
        "share": sizes[0] / sizes[1],
        "validation": measured(L, tokenizer, "validation", **pair),
        "test": measured(L, tokenizer, "test", **pair),
    }
    (given.folder / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (given.folder / "README.md").write_text(card(record), encoding="utf-8")
    shutil.rmtree(build("branches-student", "x").parent)  # the stages; the teacher's scores stay for the study


if __name__ == "__main__":
    main()
