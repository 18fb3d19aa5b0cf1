"""Chapter 12: what soft targets bring where labels are few: 3 % of the labelled texts, as Hinton, Vinyals and Dean (2015) had it.

Every student begins with the teacher's words and takes 800 steps of 64 texts. It learns from 645 texts drawn for its seed: from
their labels alone; from the teacher's scores of the same texts besides; or from those of 20,000 texts without a label as well.
Accuracy and macro F1 on the test part, what laypeople say and definitions, and on laypeople's words of the validation part.
Teacher, texts and scores are those of ``12_student``.
"""

import runpy
import time

import numpy as np

from wordspace import lessons
from wordspace.paths import root
from wordspace.studies import Study

CHAPTER = "12_distillation"
BASE = runpy.run_path(str(root() / "studies" / "12_student.py"))
STUDY = Study(
    "12_few",
    chapters=[CHAPTER],
    data=["minilm", "phenotypes"],
    packages=["numpy", "torch", "transformers", "peft"],
    modules=["branches", "encoders", "phenotypes", "transfer"],
    files=[
        "studies/12_student.py",
        "models/minilm-branches/adapter_model.safetensors",
        "models/minilm-branches/head.safetensors",
    ],
)
L = lessons.load(CHAPTER)
FEW, MORE, STEPS = 645, 20000, 800


def one(way: str, seed: int) -> dict[str, float]:
    """Raise one student from few labels and measure it."""
    rows, labels, scores = BASE["material"]()
    n = int((labels >= 0).sum())
    chosen = np.random.default_rng(seed).choice(n, FEW, replace=False)
    if way == "more text":
        chosen = np.concatenate([chosen, np.arange(n, n + MORE)])
    began, student = time.process_time(), L.begun_student(BASE["teacher"](), seed)
    soft = None if way == "labels" else scores[chosen]
    L.distil(student, [rows[i] for i in chosen], soft, labels[chosen], steps=STEPS, seed=seed)
    found = {"processor seconds": time.process_time() - began}
    for part, kind in (("validation", "layperson"), ("test", "layperson"), ("test", "definition")):
        texts, right = BASE["held_out"](part, kind)
        head = kind if part == "test" else f"validation {kind}"
        accuracy, f1 = L.right_and_f1(L.branch_scores(student, texts), right)
        found |= {f"{head} accuracy": accuracy, f"{head} macro F1": f1}
    return found


SEEDS = (0, 1, 2, 3, 4)
RUNS = [{"way": way, "seed": seed} for way in ("labels", "soft targets", "more text") for seed in SEEDS]

if __name__ == "__main__":
    STUDY.run(one, RUNS)
