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
    from transformers.utils import logging

    name = "models/mini-bert-zh-search"
    for file in FILES:
        if not (root() / name / file).is_file():
            raise MissingModel(f"{name} lacks {file}: git checkout {name}, or make mini-bert-search")
    logging.disable_progress_bar()  # no loading bars in the notebooks
    logging.set_verbosity_error()
    return root() / name
