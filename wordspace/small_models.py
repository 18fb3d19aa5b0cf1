"""The models of chapter 12 side by side: the teacher, the student in every form, and rivals that are no networks.

Each answers one text, from the text to its scores, on one thread, and knows its bytes on the disk. What the chapter teaches
(the student, pruning, int8, export, the static student) is its lesson code, which is given; here they are only put in a row.
"""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from tokenizers import BertWordPieceTokenizer

from wordspace import branches, encoders

NAMES = (
    "teacher",
    "teacher, ONNX",
    "teacher, ONNX int8",
    "student",
    "student, ONNX",
    "student, ONNX int8",
    "student, half the weights zero",
    "student, half the rows",
    "static, 64",
    "static, 128",
    "static, 64, taught",
    "static, 64, taught, int8",
    "TF-IDF",
)
READ = ("definition", "name", "synonym")
LONGEST = 40  # pieces of a text, as in the chapter


@dataclass(frozen=True)
class Contestant:
    """A model: a function from one text to its scores, (classes,), and its bytes on the disk, vocabulary included."""

    answer: Callable[[str], np.ndarray]
    bytes: int


def pieces() -> BertWordPieceTokenizer:
    """Return the fast tokenizer of MiniLM's vocabulary, which the student has, too."""
    found = BertWordPieceTokenizer(str(encoders.minilm() / "vocab.txt"), lowercase=True)
    found.enable_truncation(LONGEST)
    return found


def runs_of_characters() -> Pipeline:
    """Return TF-IDF of the 20,000 commonest runs of characters with logistic regression, learnt from what doctors write.

    Of the rivals that only count (``studies/12_student.py``) the best that is as small as the student; its strength C was chosen
    there, on the validation part.
    """
    texts, labels = branches.examples("train", READ)
    how = {"analyzer": "char_wb", "ngram_range": (3, 5), "max_features": 20000}
    counts = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **how)
    return make_pipeline(counts, LogisticRegression(C=10, max_iter=500)).fit(texts, labels)


def contestants(
    lesson: ModuleType,
    folder: Path,
    teacher: branches.Classifier,
    student: torch.nn.Module,
    static: dict[str, tuple],
    tfidf: Pipeline,
    names: Sequence[str] = NAMES,
) -> dict[str, Contestant]:
    """Return the models by name.

    Args:
        lesson: the lesson code of chapter 12.
        folder: where files may be written.
        teacher, student: in torch.
        static: "64", "128" and "64, taught" → (table, W, b), as ``lesson.static_student`` returns them.
        tfidf: as ``runs_of_characters`` returns it.
        names: which; some of ``NAMES``.

    Raises:
        ValueError: a name that is none of ``NAMES``.
    """
    if unknown := [name for name in names if name not in NAMES]:
        raise ValueError(f"no model {unknown[0]!r}; there are: {'; '.join(NAMES)}")
    tokenizer = pieces()
    vocabulary = (encoders.minilm() / "vocab.txt").stat().st_size

    def network(model) -> Callable[[str], np.ndarray]:
        @torch.no_grad()
        def answer(text: str) -> np.ndarray:
            ids = torch.tensor([tokenizer.encode(text).ids])
            return model(ids, torch.ones_like(ids))[0].numpy()

        return answer

    def in_torch(name: str, model: torch.nn.Module) -> Contestant:
        path = folder / f"{name}.safetensors"
        save_file({key: weight.contiguous() for key, weight in model.state_dict().items()}, path)
        return Contestant(network(model), path.stat().st_size + vocabulary)

    def in_onnx(model: torch.nn.Module, name: str, int8: bool) -> Contestant:
        path = folder / f"{name}.onnx"
        if not path.is_file():
            lesson.exported(model, path)
        if int8:
            path = lesson.int8_file(path, folder / f"{name}-int8.onnx")
        return Contestant(network(lesson.OnnxModel(path)), path.stat().st_size + vocabulary)

    def looked_up(model: tuple) -> Contestant:
        return Contestant(_static(model, tokenizer), sum(part.nbytes for part in model) + vocabulary)

    def looked_up_int8(model: tuple) -> Contestant:
        table, W, b = model
        q, scale, _ = lesson.quantised(table, axis=1)
        answer = _static((q, scale[0][:, None] * W, b), tokenizer)  # the scales go into the head
        return Contestant(answer, q.nbytes + W.nbytes + b.nbytes + vocabulary)

    def counted() -> Contestant:
        return Contestant(lambda text: tfidf.decision_function([text])[0], len(pickle.dumps(tfidf)))

    made = {
        "teacher": lambda: in_torch("teacher", teacher),
        "teacher, ONNX": lambda: in_onnx(teacher, "teacher", False),
        "teacher, ONNX int8": lambda: in_onnx(teacher, "teacher", True),
        "student": lambda: in_torch("student", student),
        "student, ONNX": lambda: in_onnx(student, "student", False),
        "student, ONNX int8": lambda: in_onnx(student, "student", True),
        "student, half the weights zero": lambda: in_torch("zeroed", lesson.zeroed(student, 0.5)),
        "student, half the rows": lambda: in_torch("narrowed", lesson.narrowed(student, 0.5)),
        "static, 64": lambda: looked_up(static["64"]),
        "static, 128": lambda: looked_up(static["128"]),
        "static, 64, taught": lambda: looked_up(static["64, taught"]),
        "static, 64, taught, int8": lambda: looked_up_int8(static["64, taught"]),
        "TF-IDF": counted,
    }
    return {name: made[name]() for name in names}


def _static(model: tuple, tokenizer: BertWordPieceTokenizer) -> Callable[[str], np.ndarray]:
    table, W, b = model

    def answer(text: str) -> np.ndarray:
        inner = tokenizer.encode(text, add_special_tokens=False).ids[: LONGEST - 2] or [0]
        return table[inner].mean(axis=0, dtype=np.float32) @ W + b

    return answer
