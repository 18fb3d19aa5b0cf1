"""Chapter 12: who is how fast? All models in turns, one text after the other, on one thread; from the text to its scores.

Needs ``models/minilm-branches`` and ``models/branches-student``. Figures: milliseconds of processor time a text, the median
over 100 real texts of the test part (laypeople's words, or definitions), ten at a time for each model; three rounds with
other texts. What a static student or TF-IDF has learnt makes no difference to its time, so these learn from few texts.
"""

import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np
import torch
from transformers import BertTokenizer

from wordspace import branches, encoders, lessons, small_models
from wordspace.studies import Study

CHAPTER = "12_distillation"
STUDY = Study(
    "12_speed",
    chapters=[CHAPTER],
    data=["phenotypes", "minilm"],
    packages=["numpy", "torch", "transformers", "onnxruntime", "tokenizers", "scikit-learn"],
    speed=True,
    modules=["branches", "small_models"],
)
TEXTS, BLOCK = 100, 10
L = lessons.load(CHAPTER)


@cache
def models() -> dict[str, small_models.Contestant]:
    """Return all models, the static ones with tables of full height."""
    torch.set_num_threads(1)
    teacher, student = branches.teacher(), L.load_student()
    rows = L.text_rows(BertTokenizer.from_pretrained(encoders.minilm()), branches.examples("train", "name")[0][:50])
    numbers = list(range(1996, 2246))
    given = L.piece_vectors(teacher, numbers), numbers, rows, L.branch_scores(teacher, rows)
    static = {str(d): L.static_student(*given, d) for d in (64, 128)}
    static["64, taught"] = static["64"]  # other numbers, the same work
    folder = Path(tempfile.mkdtemp())
    return small_models.contestants(L, folder, teacher, student, static, small_models.runs_of_characters())


def one(texts: str, round: int) -> dict[str, float]:
    """Time every model on texts of one kind."""
    every, _ = branches.examples("test", texts)
    chosen = np.random.default_rng(round).choice(len(every), TEXTS, replace=False)
    times = {name: [] for name in models()}
    for answer in (model.answer for model in models().values()):
        for i in chosen[:BLOCK]:
            answer(every[i])  # to warm up
    for block in np.split(chosen, range(BLOCK, TEXTS, BLOCK)):
        for name, model in models().items():
            model.answer(every[block[-1]])  # the one before may have emptied the caches
            for i in block:
                start = time.process_time()
                model.answer(every[i])
                times[name].append(time.process_time() - start)
    found = {f"ms, {name}": 1e3 * float(np.median(some)) for name, some in times.items()}
    tokenizer = small_models.pieces()
    found["pieces a text"] = float(np.mean([len(tokenizer.encode(every[i]).ids) for i in chosen]))
    return found


if __name__ == "__main__":
    STUDY.run(one, [{"texts": kind, "round": n} for kind in ("layperson", "definition") for n in range(3)])
