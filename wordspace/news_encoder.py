"""The course's Chinese mini-BERT that has read the news only, as a folder that transformers can load; chapter 10 adapts it.

``BertForMaskedLM.from_pretrained(folder)``; its tokenizer is that of ``wordspace.encoders.mini_bert``.
"""

from pathlib import Path

from wordspace.search_encoder import own


def folder() -> Path:
    """Return the folder of the news reader: single characters, 4 layers × 256, with its masked-LM head.

    Raises:
        MissingModel: it is not in ``models/mini-bert-zh-news``.
    """
    return own("mini-bert-zh-news", "make mini-bert-news")
