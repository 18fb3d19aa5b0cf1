"""Which part of the body is ill? Signs of illness in the words of doctors and of laypeople, each with its branch.

The task of chapter 12: to learn from what doctors write (definitions, names, synonyms) and then to say of what laypeople
say which of 19 branches it belongs to. Source: the Human Phenotype Ontology, see ``wordspace.phenotypes``.
"""

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from wordspace import corpora, encoders, phenotypes
from wordspace.paths import root

LONGEST = 64  # tokens of a text that the teacher reads, [CLS] and [SEP] among them
PARTS = ("train", "validation", "test")
KINDS = ("definition", "name", "synonym", "layperson")
FILES = ("adapter_config.json", "adapter_model.safetensors", "head.safetensors")
_LAY_FIRST = ("layperson", "definition", "name", "synonym")


@dataclass(frozen=True)
class Example:
    """A text, the branch its term lies in, what kind of text it is (one of ``KINDS``), its part and its term's id."""

    text: str
    branch: str
    kind: str
    part: str
    term: str


@cache
def names() -> tuple[str, ...]:
    """Return the names of the branches, sorted: label 3 is ``names()[3]``. They are the 19 of ``phenotypes.definitions``.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    return tuple(sorted({branch for _, branch in phenotypes.definitions()}))


@cache
def all_examples() -> tuple[Example, ...]:
    """Return every text of the terms that lie in one branch alone (one of ``names()``), no text twice.

    A term with all its texts belongs to one part: that of its definition (``corpora.part``), or of its name where it has no
    definition. Texts whose letters and digits are the same are one text: where they stand in two branches, none is kept;
    else the one of the test part, then of the validation part, and there the layperson's before definition, name and synonym.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    found, branches_of = [], {}
    for term in phenotypes.terms().values():
        branches = phenotypes.branches(term.id) & set(names())
        if len(phenotypes.branches(term.id)) == 1 and branches:
            (branch,) = branches
            part = corpora.part(term.definition or term.name)
            for text, kind in _texts(term):
                branches_of.setdefault(_key(text), set()).add(branch)
                found.append(Example(text, branch, kind, part, term.id))
    first: dict[str, Example] = {}
    for example in sorted(found, key=lambda e: (-PARTS.index(e.part), _LAY_FIRST.index(e.kind))):
        if _key(example.text) and len(branches_of[_key(example.text)]) == 1:
            first.setdefault(_key(example.text), example)
    return tuple(sorted(first.values(), key=lambda e: (e.term, KINDS.index(e.kind), e.text)))


def _texts(term: phenotypes.Term) -> Iterator[tuple[str, str]]:
    yield term.definition, "definition"
    yield term.name, "name"
    for synonym in term.synonyms:
        yield synonym.text, "layperson" if synonym.layperson else "synonym"


def _key(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def examples(part: str, kinds: Collection[str] = KINDS) -> tuple[list[str], np.ndarray]:
    """Return the texts of a part and their labels, places in ``names()``.

    Args:
        part: "train" (70 % of the terms), "validation" (10 %) or "test" (20 %).
        kinds: which kinds of texts; some of ``KINDS``.

    Returns:
        texts, labels (n,).

    Raises:
        ValueError: another part, or another kind.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    if part not in PARTS:
        raise ValueError(f"no part {part!r}; there are: {', '.join(PARTS)}")
    wanted = _checked(kinds)
    chosen = [e for e in all_examples() if e.part == part and e.kind in wanted]
    number = {name: label for label, name in enumerate(names())}
    return [e.text for e in chosen], np.array([number[e.branch] for e in chosen], int)


@cache
def unlabelled(kinds: Collection[str] = KINDS) -> tuple[str, ...]:
    """Return the texts of signs of illness that lie in several branches, or in one too small: for a teacher to judge.

    Of texts whose letters and digits are the same one is kept, and none that ``all_examples`` has, in whatever part.

    Args:
        kinds: which kinds of texts, a tuple; some of ``KINDS``.

    Raises:
        ValueError: another kind.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    known, first = {_key(e.text) for e in all_examples()}, {}
    for term in phenotypes.terms().values():
        branches = phenotypes.branches(term.id)
        if len(branches) > 1 or branches and not branches & set(names()):
            for text, kind in sorted(_texts(term), key=lambda pair: _LAY_FIRST.index(pair[1])):
                if _key(text) and _key(text) not in known:
                    first.setdefault(_key(text), (text, kind))
    chosen = _checked(kinds)
    return tuple(text for text, kind in first.values() if kind in chosen)


def _checked(kinds: Collection[str]) -> tuple[str, ...]:
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"no kind {kind!r}; there are: {', '.join(KINDS)}")
    return kinds


# --- The teacher ------------------------------------------------------------------------------------------------------
class Classifier(nn.Module):
    """An encoder, the mean over its tokens, and a linear head: (texts, places) → scores, (texts, classes).

    Args:
        encoder: a ``BertModel``, or one of peft's around it.
        classes: how many scores a text gets.
        dropout: of the mean, in training.
    """

    def __init__(self, encoder: nn.Module, classes: int, dropout: float = 0.1):
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, classes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_) -> torch.Tensor:
        """Return the scores of texts; whatever else a tokenizer gives is not needed."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask[..., None].to(states.dtype)
        return self.head(self.dropout((states * weights).sum(1) / weights.sum(1)))


def teacher(folder: Path | None = None) -> Classifier:
    """Return MiniLM as chapter 12's teacher, in float32, ready to use: scores for the labels of ``names()``.

    The course's adapter (LoRA) is put into the weights of the package, the head on top; the tokenizer is that of
    ``encoders.minilm()``. The encoder gives its attentions and hidden states on demand. Its card says what it knows.

    Args:
        folder: with adapter and head; ``models/minilm-branches`` where none is given.

    Raises:
        MissingModel: adapter or head are not there.
        ValueError: they are damaged, or of another model.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    folder = folder or root() / "models" / "minilm-branches"
    remedy = f"git checkout models/{folder.name}, or make minilm-branches"
    for name in FILES:
        if not (folder / name).is_file():
            raise encoders.MissingModel(f"models/{folder.name} lacks {name}: {remedy}")
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import BertModel

    encoder = BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False, attn_implementation="eager")
    try:
        with warnings.catch_warnings():  # of transformers' own names
            warnings.simplefilter("ignore", FutureWarning)
            adapted = PeftModel.from_pretrained(encoder, folder)
        kept = get_peft_model_state_dict(adapted, save_embedding_layers=False)
        if set(load_file(folder / "adapter_model.safetensors")) != set(kept):
            raise ValueError("an adapter of other matrices")  # peft would leave them out and say nothing
        model = Classifier(adapted.merge_and_unload(), len(names()))
        model.head.load_state_dict(
            {name: weight.float() for name, weight in load_file(folder / "head.safetensors").items()}
        )
    except (SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"models/{folder.name} is damaged, or of another model: {remedy}") from error
    return model.eval().requires_grad_(False)
