"""A stand-in for the student: a small classifier in the same files, trained in some seconds and of no other use.

Exported and quantised by chapter 12's lesson code as the real one is, so that all that is done with its files can be tested.
"""

import shutil
from pathlib import Path

import onnx
import torch
from tokenizers import BertWordPieceTokenizer
from torch import nn

from wordspace import browser_model, corpora, encoders, lessons, phenotypes

BRANCHES = sorted({label for _, label in phenotypes.definitions()})
LABELS = [{"en": branch, "zh": f"第{n}类"} for n, branch in enumerate(BRANCHES, 1)]
EXAMPLES = ["An abnormality of the heart.", "Unusually short fingers.", "Loss of hearing in one ear."]
VOCABULARY = 6_000  # the first lines of MiniLM's vocabulary: its special and single characters, common words
LENGTH = 48


class Small(nn.Module):
    """One transformer layer of ``width`` between word vectors and classes, as BERT has it; the mean over the text is read."""

    def __init__(self, vocabulary: int, classes: int, width: int = 64):
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, width), nn.Embedding(LENGTH, width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.head = nn.Linear(width, classes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits, (batch, classes)."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.norms[0](self.words(input_ids) + self.places(places))  # (batch, length, width)
        scores = self.query(x) @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5
        scores = scores + (1.0 - attention_mask[:, None].float()) * -1e4
        x = self.norms[1](x + self.out(scores.softmax(-1) @ self.value(x)))
        x = self.norms[2](x + self.down(torch.relu(self.up(x))))
        mask = attention_mask[..., None].float()
        return self.head((x * mask).sum(1) / mask.sum(1))


def write(folder: Path, seed: int = 0) -> Path:
    """Write a student's files into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    words = (encoders.minilm() / "vocab.txt").read_text(encoding="utf-8").split("\n")[:VOCABULARY]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    torch.manual_seed(seed)
    model = Small(len(words), len(LABELS))
    train(model, folder / "vocab.txt")
    lesson = lessons.load("12_distillation")
    whole = lesson.exported(model, folder / "whole.onnx", LENGTH)
    lesson.int8_file(whole, folder / "model.onnx")
    whole.unlink()
    browser_model.write_card(folder, labels=LABELS, max_length=LENGTH, examples=EXAMPLES)
    return folder


def train(model: Small, vocabulary: Path, steps: int = 150) -> None:
    """Teach it the branches of the phenotypes, so that it has opinions."""
    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    pairs = [pair for pair in phenotypes.definitions() if corpora.part(pair[0]) == "train"]
    texts, labels = zip(*pairs, strict=True)
    read = tokenizer.encode_batch(list(texts))
    ids, mask = torch.tensor([each.ids for each in read]), torch.tensor([each.attention_mask for each in read])
    right = torch.tensor([BRANCHES.index(label) for label in labels])
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(steps):
        batch = torch.randint(len(ids), (64,))
        loss = nn.functional.cross_entropy(model(ids[batch], mask[batch]), right[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def damaged(folder: Path, target: Path, name: str = "model.onnx") -> Path:
    """Copy a student and change one byte in the middle of a file."""
    shutil.copytree(folder, target)
    data = bytearray((target / name).read_bytes())
    data[len(data) // 2] ^= 1
    (target / name).write_bytes(data)
    return target


def foreign(path: Path) -> None:
    """Write a healthy ONNX model that is no text classifier: it adds one to a number."""
    number = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("number", "more")]
    one = onnx.helper.make_tensor("one", onnx.TensorProto.FLOAT, [1], [1.0])
    node = onnx.helper.make_node("Add", ["number", "one"], ["more"])
    graph = onnx.helper.make_graph([node], "foreign", number[:1], number[1:], [one])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), path)
