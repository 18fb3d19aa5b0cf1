"""Write models/student, which the book's page runs in the reader's browser: the student of chapter 12 in int8, with its card.

    make browser-student                                # or: .venv/bin/python models/student.py

Reads models/branches-student, exports it, quantises it (chapter 12's lesson code), writes model.onnx, vocab.txt and card.json,
asks both students what laypeople say of the test part, and writes README.md with what came out. Half a minute.
"""

import gzip
import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from wordspace import branches, browser_model, lessons
from wordspace.paths import root

CHAPTER = "12_distillation"
SOURCE = root() / "models" / "branches-student"

LONGEST = 40  # pieces of a text, [CLS] and [SEP] included, as in the chapter
CHINESE = {
    "Constitutional symptom": "全身症状",
    "Growth abnormality": "生长异常",
    "Neoplasm": "肿瘤",
    "blood and blood-forming tissues": "血液与造血组织",
    "cardiovascular system": "心血管系统",
    "digestive system": "消化系统",
    "ear": "耳",
    "endocrine system": "内分泌系统",
    "eye": "眼",
    "genitourinary system": "泌尿生殖系统",
    "head or neck": "头颈部",
    "immune system": "免疫系统",
    "integument": "皮肤及附属器",
    "limbs": "四肢",
    "metabolism/homeostasis": "代谢与内环境稳态",
    "musculoskeletal system": "肌肉骨骼系统",
    "nervous system": "神经系统",
    "prenatal development or birth": "产前发育与出生",
    "respiratory system": "呼吸系统",
}
EXAMPLES = ("hole in the heart", "yellow skin", "webbed fingers", "I bruise easily", "short of breath on the stairs")


def write(folder: Path, source: Path) -> Path:
    """Write the files of the browser's student from those of the trained one, and return the card's path.

    Raises:
        encoders.MissingModel, ValueError: the trained student is missing or damaged (see ``load_student`` in chapter 12).
    """
    lesson = lessons.load(CHAPTER)
    student = lesson.load_student(source)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        whole = lesson.exported(student, Path(scratch) / "student.onnx")
        lesson.int8_file(whole, folder / "model.onnx")
    shutil.copyfile(source / "vocab.txt", folder / "vocab.txt")
    labels = [{"en": name, "zh": CHINESE[name]} for name in branches.names()]
    return browser_model.write_card(folder, labels, LONGEST, EXAMPLES)


def measured(folder: Path, source: Path) -> dict:
    """Return how the browser's student, text by text, compares with the float one on laypeople's texts of the test part."""
    lesson = lessons.load(CHAPTER)
    small = browser_model.Classifier(folder)
    texts, right = branches.examples("test", "layperson")
    scores = lesson.branch_scores(lesson.load_student(source), [small.numbers(text) for text in texts])
    whole = torch.softmax(scores.double(), dim=1).numpy()
    ours = np.array([small.probabilities(text) for text in texts])
    other = whole.argmax(1) != ours.argmax(1)
    two = np.sort(whole, axis=1)[:, -2:]
    return {
        "texts": len(texts),
        "accuracy": [float((each.argmax(1) == right).mean()) for each in (whole, ours)],
        "other": sorted((two[:, 1] - two[:, 0])[other].tolist()),
        "apart": float(np.abs(whole - ours).max()),
        "mostly": float(np.quantile(np.abs(whole - ours).max(1), 0.9)),
    }


README = """# student

The student of chapter 12 of *Word Embeddings in Depth* as the book's page runs it in the reader's browser: it says which of
{classes} branches a sign of illness belongs to. It is `models/branches-student` as an ONNX file, with the matrices of its layers
and its word vectors in int8 (seven bits used). Made by `make browser-student` (`models/student.py`, which wrote this card).

```python
from wordspace import browser_model

student = browser_model.Classifier(browser_model.folder())
student.labels[student.logits("hole in the heart").argmax()]["en"]
```

## Files

| file | bytes | megabytes, gzipped | what |
|---|---|---|---|
{files}

The book serves both gzipped. `card.json` holds their sizes and SHA-256, which Python and the page compare before they
use them, the labels in English and Chinese, and the examples of the page; a text is cut after {longest} pieces.
Made from `models/branches-student/model.safetensors` with SHA-256 `{source}`.

## Measured

Against the student in float32, in torch, on what laypeople say: {texts:,} texts of the test part, one by one.

| student | accuracy |
|---|---|
| float32 | {accuracy[0]:.3f} |
| int8 | {accuracy[1]:.3f} |

{same}
Probabilities differ by {apart:.3f} at most; in nine texts of ten by less than {mostly:.4f}.

`tests/test_student_browser.py` asks it in a browser and compares every label with Python's.

## Limits

As the student's and its teacher's: it names a branch for every text, also for one that names no sign at all. It reads English. It
is no medical device.

## Licence

The weights: CC BY 4.0, the course's. They were made from those of all-MiniLM-L6-v2 (Apache-2.0), the vocabulary is MiniLM's; the
ontology's licence and credit stand in `datasets/phenotypes.toml`, and nothing of its text is in here.
"""
WHAT = {
    "model.onnx": "token numbers and mask, (n, L) → scores, (n, {classes})",
    "vocab.txt": "WordPiece, lower case; as MiniLM's",
}


def readme(folder: Path, source: Path, found: dict) -> str:
    """Return the model card, with the sizes of the files and what ``measured`` found."""
    classes, lines = len(branches.names()), []
    for name, what in WHAT.items():
        data = (folder / name).read_bytes()
        packed = len(gzip.compress(data, 9)) / 1e6
        lines.append(f"| `{name}` | {len(data):,} | {packed:.2f} | {what.format(classes=classes)} |")
    margins = ", ".join(f"{margin:.3f}" for margin in found["other"])
    same = f"The same label: {found['texts'] - len(found['other']):,} of {found['texts']:,} texts."
    if margins:
        same += f" Margins of the float student's likeliest label over its next, where not: {margins}."
    sha256 = hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()
    of = {"classes": classes, "files": "\n".join(lines), "longest": LONGEST, "source": sha256, "same": same}
    return README.format(**found, **of)


def main() -> None:
    """Write the files, and the model card."""
    folder = browser_model.folder()
    card = write(folder, SOURCE)
    (folder / "README.md").write_text(readme(folder, SOURCE, measured(folder, SOURCE)), encoding="utf-8")
    print(f"written: {card.relative_to(root())} and README.md")


if __name__ == "__main__":
    main()
