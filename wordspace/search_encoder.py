"""The course's Chinese sentence encoder, as a folder that transformers can load; chapter 08 tells how it was trained.

``BertModel.from_pretrained(folder, add_pooling_layer=False)``, the mean over the tokens, at length 1.
"""

from pathlib import Path

from wordspace.encoders import MissingModel
from wordspace.paths import root

FILES = ("config.json", "model.safetensors", "tokenizer.json")


def folder() -> Path:
    """Return the folder of the sentence encoder: single characters, 4 layers × 256, trained to find a word by its explanation.

    Raises:
        MissingModel: it is not in ``models/mini-bert-zh-search``.
    """
    return own("mini-bert-zh-search", "make mini-bert-search")


def own(name: str, remedy: str) -> Path:
    """Return the folder ``models/NAME`` of a model that the course trained, if it is whole; its loading bars are kept quiet.

    Raises:
        MissingModel: a file is missing; the message names the command that makes it again.
    """
    from transformers.utils import logging

    for file in FILES:
        if not (root() / "models" / name / file).is_file():
            raise MissingModel(f"models/{name} lacks {file}: git checkout models/{name}, or {remedy}")
    logging.disable_progress_bar()  # no loading bars in the notebooks
    logging.set_verbosity_error()
    return root() / "models" / name
