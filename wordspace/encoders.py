"""The pretrained encoders, as folders that transformers can load: MiniLM out of its package, and the course's own mini-BERT.

Any folder or name on the Hugging Face hub may stand in their place: ``BertModel.from_pretrained(folder)``.
"""

from pathlib import Path

from wordspace import cards
from wordspace.paths import root


class MissingModel(FileNotFoundError):
    """A checkpoint of ``models/`` is not there, or not whole."""


def minilm() -> Path:
    """Return the folder of all-MiniLM-L6-v2: English, lower case, 6 layers × 384, for sentences; no masked-LM head.

    Its weights are checked once a session, in a third of a second.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    paths = [cards.open_file("minilm", file.path) for file in cards.load("minilm").files]
    _quiet()
    return next(path for path in paths if path.name == "model.safetensors").parent


def mini_bert() -> Path:
    """Return the folder of the course's Chinese mini-BERT: single characters, 4 layers × 256, with its masked-LM head.

    Raises:
        MissingModel: it is not in ``models/mini-bert-zh``.
    """
    folder = root() / "models" / "mini-bert-zh"
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / name).is_file():
            raise MissingModel(f"models/mini-bert-zh lacks {name}: git checkout models/mini-bert-zh, or make mini-bert")
    _quiet()
    return folder


def minilm_mlm():
    """Return MiniLM with the skill of filling gaps: a ``BertForMaskedLM``, in float32, ready to use.

    The course's adapter (LoRA) and head, ``models/minilm-mlm``, are put into the weights of the package; the tokenizer is
    that of ``minilm()``. Its card says how well it fills gaps.

    Raises:
        MissingModel: adapter or head are not in ``models/minilm-mlm``.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import BertForMaskedLM

    folder = root() / "models" / "minilm-mlm"
    for name in ("adapter_config.json", "adapter_model.safetensors", "head.safetensors"):
        if not (folder / name).is_file():
            raise MissingModel(f"models/minilm-mlm lacks {name}: git checkout models/minilm-mlm, or make minilm-mlm")
    model = BertForMaskedLM.from_pretrained(minilm(), attn_implementation="eager")
    merged = PeftModel.from_pretrained(model, folder).merge_and_unload()
    head = {name: weight.float() for name, weight in load_file(folder / "head.safetensors").items()}
    merged.load_state_dict(head, strict=False)
    return merged.eval().requires_grad_(False)


def _quiet() -> None:
    """Keep transformers' loading bars out of the notebooks; errors still show."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
