"""A small text classifier as a folder of files that gives the same labels in Python and in the reader's browser.

The folder holds ``model.onnx`` (token numbers and mask in, logits out), ``vocab.txt`` (WordPiece, lower case) and
``card.json``: labels, the greatest length, and size and SHA-256 of the other two. Both sides compare the files with
the card before they use them. Here is Python's side; the browser's is in ``book/student``.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wordspace.paths import root

FORMAT = "wordspace-classifier/1"
FILES = ("model.onnx", "vocab.txt")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")  # int64, (batch, length); the last two may be absent
MASK = 1  # every piece is read: texts come one by one, and nothing is padded


class MissingModel(FileNotFoundError):
    """A file of the classifier is not there."""


class WrongModel(ValueError):
    """A file is damaged, or it is no classifier of this kind."""


def folder() -> Path:
    """Return where the student of chapter 12 stands, which the book's page serves."""
    return root() / "models" / "student"


def write_card(folder: Path, labels: Sequence[dict[str, str]], max_length: int, examples: Sequence[str] = ()) -> Path:
    """Write ``card.json`` for the model and the vocabulary in ``folder``, and return its path.

    Args:
        folder: where ``model.onnx`` and ``vocab.txt`` are.
        labels: the names of the classes, in the order of the logits, each by edition: ``{"en": "heart", "zh": "心脏"}``.
        max_length: how many pieces the model reads at most, [CLS] and [SEP] included.
        examples: texts that the page offers to try.

    Raises:
        MissingModel: one of the two is not there.
        WrongModel: a label lacks a name, or there is only one.
    """
    if len(labels) < 2 or not all(label.get("en") and label.get("zh") for label in labels):
        raise WrongModel("labels: at least two, each with a name in English (en) and in Chinese (zh)")
    card = {
        "format": FORMAT,
        "max_length": int(max_length),
        "labels": [{edition: label[edition] for edition in ("en", "zh")} for label in labels],
        "examples": list(examples),
        "files": {name: _facts(_path(folder, name)) for name in FILES},
    }
    path = folder / "card.json"
    path.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def read_card(folder: Path) -> dict:
    """Return the card of a classifier.

    Raises:
        MissingModel: there is none.
        WrongModel: it is not a card of ours.
    """
    try:
        card = json.loads(_path(folder, "card.json").read_text(encoding="utf-8"))
    except ValueError:
        raise WrongModel(f"{folder.name}/card.json is damaged: it is not JSON. {_remedy(folder)}") from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise WrongModel(f"{folder.name}/card.json is not the card of a classifier ({FORMAT}).")
    return card


def verify(folder: Path) -> dict:
    """Compare the files with the card, and return the card.

    Raises:
        MissingModel, WrongModel: a file is not there, or not the one that the card was written for.
    """
    card = read_card(folder)
    for name in FILES:
        facts = _facts(_path(folder, name))
        if facts != card["files"][name]:
            was = card["files"][name]
            raise WrongModel(
                f"{folder.name}/{name} is damaged, or a foreign file: {facts['bytes']:,} bytes with SHA-256 "
                f"{facts['sha256'][:12]}…, where the card has {was['bytes']:,} and {was['sha256'][:12]}…. {_remedy(folder)}"
            )
    return card


class Classifier:
    """The classifier in onnxruntime, on one thread, one text after the other, as the browser runs it.

    Attributes:
        labels: the names of the classes, each by edition.

    Raises:
        MissingModel, WrongModel: see ``verify``; or the model is healthy and no text classifier.
    """

    def __init__(self, folder: Path):
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        card = verify(folder)
        self.labels = card["labels"]
        self._tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
        self._tokenizer.enable_truncation(card["max_length"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                folder / "model.onnx", options, providers=["CPUExecutionProvider"]
            )
        except Exception as trouble:  # onnxruntime has no exception of its own that can be imported
            raise WrongModel(
                f"{folder.name}/model.onnx is not a model that onnxruntime can read: {str(trouble)[:120]}"
            ) from None
        names = [given.name for given in self._session.get_inputs()]
        if "input_ids" not in names or not set(names) <= set(INPUTS):
            raise WrongModel(f"{folder.name}/model.onnx is no text classifier: it asks for {', '.join(names)}.")
        self._inputs = names
        if (shape := self.logits("a").shape) != (len(self.labels),):
            raise WrongModel(f"{folder.name}/model.onnx gives {shape} logits, the card has {len(self.labels)} labels.")

    def numbers(self, text: str) -> list[int]:
        """Return the numbers of a text's pieces, [CLS] and [SEP] included."""
        return self._tokenizer.encode(text).ids

    def logits(self, text: str) -> np.ndarray:
        """Return the logits of a text, (classes,)."""
        numbers = np.array([self.numbers(text)], dtype=np.int64)
        given = {
            "input_ids": numbers,
            "attention_mask": np.full_like(numbers, MASK),
            "token_type_ids": np.zeros_like(numbers),
        }
        return self._session.run(None, {name: given[name] for name in self._inputs})[0][0]

    def probabilities(self, text: str) -> np.ndarray:
        """Return the probabilities of the classes, (classes,), in float64."""
        logits = self.logits(text).astype(np.float64)
        odds = np.exp(logits - logits.max())
        return odds / odds.sum()


def _path(folder: Path, name: str) -> Path:
    """Return the path of a file that has to be there."""
    if not (folder / name).is_file():
        raise MissingModel(f"{folder.name} lacks {name}. {_remedy(folder)}")
    return folder / name


def _remedy(folder: Path) -> str:
    """Say how to get the files of a model of the course back."""
    inside = folder.resolve().is_relative_to(root() / "models")
    return f"Get it back: git checkout models/{folder.name}" if inside else "Copy it again."


def _facts(path: Path) -> dict:
    """Return a file's size in bytes and SHA-256."""
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
