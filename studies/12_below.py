"""Chapter 12: the teacher, the student in every form and rivals that are no networks, each once on the test part.

Needs ``models/minilm-branches`` and ``models/branches-student``. Of each model: accuracy on laypeople's words with its 95 %
bootstrap interval, macro F1, how often it says what the teacher says, bytes on the disk, p of a paired test against the
student in torch, and how far its scores lie from its torch original's at most (on every text of the test part, where it was
exported). The static students learn from the teacher's scores of all that doctors write and of each piece of the vocabulary.
"""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import f1_score
from transformers import BertTokenizer

from wordspace import branches, cards, encoders, evaluation, lessons, small_models
from wordspace.paths import build, root
from wordspace.studies import Study

CHAPTER = "12_distillation"
FILES = [f"models/minilm-branches/{name}" for name in branches.FILES]
FILES += [f"models/branches-student/{name}" for name in ("config.json", "model.safetensors", "vocab.txt")]
STUDY = Study(
    "12_below",
    chapters=[CHAPTER],
    data=["phenotypes", "minilm"],
    packages=["numpy", "scipy", "scikit-learn", "torch", "transformers", "onnx", "onnxruntime"],
    modules=["branches", "evaluation", "small_models"],
    files=FILES,
)
ORIGINAL = {"teacher, ONNX": "teacher", "student, ONNX": "student"}
SMALL = 0  # for a trial: how many training texts the static students learn from; 0: all
L = lessons.load(CHAPTER)


@cache
def models() -> dict[str, small_models.Contestant]:
    """Return all models; what takes longest, the teacher's scores of the training texts, is kept in the build folder."""
    torch.set_num_threads(1)
    teacher, student = branches.teacher(), L.load_student()
    texts = branches.examples("train", small_models.READ)[0][: SMALL or None]
    tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
    rows = L.text_rows(tokenizer, texts)
    mark = cards.sha256(root() / "models/minilm-branches/adapter_model.safetensors")[:12]
    kept = build("studies", f"12_below-{mark}-{len(rows)}.npy")
    if not kept.exists():
        np.save(kept, L.branch_scores(teacher, rows).numpy())
    scores = torch.from_numpy(np.load(kept))
    numbers = list(range(1000 if SMALL else 1, 1200 if SMALL else teacher.encoder.config.vocab_size))
    X = L.piece_vectors(teacher, numbers)
    heard = L.with_pieces(teacher, X, numbers, rows, scores, L.held_out_rows(tokenizer))
    static = {str(d): L.static_student(X, numbers, *heard, d) for d in (64, 128)}
    static["64, taught"] = L.tuned_static(static["64"], *heard)
    folder = Path(tempfile.mkdtemp())
    return small_models.contestants(L, folder, teacher, student, static, small_models.runs_of_characters())


@cache
def said(model: str, kinds: tuple[str, ...]) -> np.ndarray:
    """Return a model's scores of the test part's texts."""
    texts, _ = branches.examples("test", kinds)
    return np.stack([models()[model].answer(text) for text in texts])


def one(model: str) -> dict[str, float]:
    """Let a model answer."""
    _, right = branches.examples("test", "layperson")
    answers = {name: said(name, ("layperson",)).argmax(1) for name in (model, "teacher", "student")}
    hits = {name: (answer == right).astype(float) for name, answer in answers.items()}
    score = evaluation.bootstrap(np.mean, hits[model])
    found = {"accuracy": score.value, "low": score.low, "high": score.high, "texts": len(right)}
    found["macro F1"] = f1_score(right, answers[model], average="macro", zero_division=0)
    found["as the teacher"] = (answers[model] == answers["teacher"]).mean()
    found["p against the student"] = evaluation.paired_test(hits[model], hits["student"])[1]
    found["bytes"] = models()[model].bytes
    if model in ORIGINAL:
        pair = [said(name, branches.KINDS) for name in (model, ORIGINAL[model])]
        found["largest difference"] = abs(pair[0] - pair[1]).max()
        found["texts compared"] = len(pair[0])
    return found


if __name__ == "__main__":
    STUDY.run(one, [{"model": name} for name in small_models.NAMES])
