"""What the search page searches: three collections, each by BM25, by word vectors, by a sentence encoder, and by all three.

A collection's sentence vectors take up to some minutes to make. They are kept in ``build/search``, under a name that holds a
hash of the encoder's weights and of the texts, so that a change of either makes them anew.
"""

import hashlib
import json
import os
import re
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from wordspace import cards, corpora, encoders, phenotypes, retrieval, search_encoder, vectors
from wordspace.paths import build

SYSTEMS = ("bm25", "mean", "encoder", "fusion")  # the last one is made of the others
ENCODERS = {"en": encoders.minilm, "zh": search_encoder.folder}
HAN = re.compile(r"[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
LONGEST = 256  # tokens of a text that an encoder reads; fewer where it has no more positions
DEPTH = 100  # places of each ranking that the fusion looks at
DAMPING = 60  # of reciprocal rank fusion: Cormack, Clarke and Büttcher (2009)


@dataclass(frozen=True)
class Document:
    """What is shown of a document: its id, a title, and its text ("" where the title is all there is)."""

    id: str
    title: str
    text: str

    @property
    def searched(self) -> str:
        """What is searched: the text; where there is none, the title."""
        return self.text or self.title


@dataclass(frozen=True)
class Hit:
    """A document that a system found, its score there, and its ranks in the systems that a fusion is made of."""

    document: Document
    score: float
    ranks: dict[str, int]


@dataclass(frozen=True)
class Source:
    """Where a collection comes from.

    Args:
        language: "en" or "zh".
        documents: returns them.
        words: cuts a text, or a query, into what BM25 counts.
    """

    language: str
    documents: Callable[[], list[Document]]
    words: Callable[[str], list[str]]


def _assistant() -> list[Document]:
    return [Document(key, key, text) for key, text in retrieval.assistant().documents.items()]


def _headwords() -> list[Document]:
    """Return the words alone: some of the dictionary's explanations are out of date, and only the words are searched."""
    return [Document(word, word, "") for word in retrieval.explanations().documents]


def _signs() -> list[Document]:
    names = phenotypes.terms()
    return [Document(key, names[key].name, text) for key, text in retrieval.layperson().documents.items()]


def english_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return re.findall(r"\w+", text.lower())


def chinese_words(text: str) -> list[str]:
    """Return the words of a text as jieba cuts them, the short ones within long ones too, without punctuation."""
    return [word for word in _jieba().lcut_for_search(text.lower()) if re.search(r"\w", word)]


def characters(text: str) -> list[str]:
    """Return the letters and characters of a text one by one."""
    return [c for c in text.lower() if c.isalnum()]


SOURCES = {
    "assistant": Source("zh", _assistant, chinese_words),
    "words": Source("zh", _headwords, characters),
    "signs": Source("en", _signs, english_words),
}


def choose(query: str) -> str:
    """Return the collection that fits a query: passages for Chinese characters, else signs of illness."""
    return "assistant" if HAN.search(query) else "signs"


@cache
def _jieba():
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba


class Encoder:
    """Sentence vectors: the mean of the last layer over a text's tokens, at length 1.

    Args:
        folder: of the model, as ``transformers`` loads it.
    """

    def __init__(self, folder: Path):
        from transformers import BertModel, BertTokenizer

        self.weights = cards.sha256(folder / "model.safetensors")
        self.tokenizer = BertTokenizer.from_pretrained(folder)
        self.model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
        self.longest = min(LONGEST, self.model.config.max_position_embeddings)
        self.turn = threading.Lock()  # the tokenizer must not be used by two threads at once

    def encode(self, texts: Sequence[str], size: int = 64, done: Callable[[int], None] = lambda n: None) -> np.ndarray:
        """Return the vectors of texts, (n, d), float32, each of length 1.

        Args:
            texts: any number; texts of like length are read together, so that little is padding.
            size: texts read at once.
            done: is told how many more texts are done.
        """
        import torch

        found = np.zeros((len(texts), self.model.config.hidden_size), np.float32)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        how = {"padding": True, "truncation": True, "max_length": self.longest, "return_tensors": "pt"}
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            with self.turn, torch.inference_mode():
                batch = self.tokenizer([texts[n] for n in rows], **how)
                H = self.model(**batch).last_hidden_state  # (rows, tokens, d)
                real = batch["attention_mask"][..., None]
                found[rows] = ((H * real).sum(1) / real.sum(1)).numpy()
            done(len(rows))
        return _unit(found)


class MeanOfWords:
    """Text vectors: the mean of the static vectors of the words, at length 1; zeros where no word is known."""

    def __init__(self, language: str):
        self.space = {"en": vectors.english, "zh": vectors.chinese}[language]()
        self.cut = {"en": corpora.tokenise_english, "zh": lambda text: _jieba().lcut(text)}[language]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts, (n, d), float32."""
        found = np.zeros((len(texts), self.space.vector_size), np.float32)
        for row, text in zip(found, texts, strict=True):
            known = [word for word in self.cut(text.lower()) if word in self.space.key_to_index]
            if known:
                row[:] = self.space.vectors[[self.space.key_to_index[word] for word in known]].mean(axis=0)
        return _unit(found)


class Index:
    """A collection, ready to be searched by each system.

    Args:
        name: of the collection, one of ``SOURCES``.
        documents: what is searched.
        encoder: makes the sentence vectors of queries.
        vectors: those of the documents, (n, d), at length 1.
        means: makes the means of word vectors, of documents and queries.

    Raises:
        ValueError: there are no documents, or not as many as vectors.
    """

    def __init__(self, name: str, documents: list[Document], encoder: Encoder, vectors: np.ndarray, means: MeanOfWords):
        import bm25s

        if not documents or len(documents) != len(vectors):
            raise ValueError(f"{name}: {len(documents)} documents and {len(vectors)} vectors make no index")
        self.name, self.documents, self.encoder, self.vectors, self.means = name, documents, encoder, vectors, means
        self.source = SOURCES[name]
        texts = [document.searched for document in documents]
        self.word_vectors = means.encode(texts)
        self.bm25 = bm25s.BM25()
        self.bm25.index([self.source.words(text) for text in texts], show_progress=False)

    def scores(self, query: str) -> dict[str, np.ndarray | None]:
        """Return the scores of all documents, (n,), by each system but the fusion; None where it knows no word of the query."""
        words = [word for word in self.source.words(query) if word in self.bm25.vocab_dict]
        mean = self.means.encode([query])[0]
        return {
            "bm25": self.bm25.get_scores(words) if words else None,
            "mean": self.word_vectors @ mean if mean.any() else None,
            "encoder": self.vectors @ self.encoder.encode([query])[0],
        }

    def search(self, query: str, k: int) -> dict[str, list[Hit]]:
        """Return the k best hits by each of ``SYSTEMS``, best first; none where a system knows no word of the query.

        Ties keep the collection's order. BM25 lists only documents that share a word with the query.
        """
        query = unicodedata.normalize("NFKC", query).strip()
        rankings: dict[str, dict[int, float]] = {}
        for system, scores in self.scores(query).items():
            best = [] if scores is None else np.argsort(-scores, kind="stable")[:DEPTH]
            rankings[system] = {int(n): float(scores[n]) for n in best if system != "bm25" or scores[n] > 0}
        places = {system: {n: rank for rank, n in enumerate(found, 1)} for system, found in rankings.items()}
        fused = fuse(list(places.values()))
        hits = {
            system: [Hit(self.documents[n], score, {}) for n, score in list(found.items())[:k]]
            for system, found in rankings.items()
        }
        hits["fusion"] = [
            Hit(self.documents[n], score, {system: place[n] for system, place in places.items() if n in place})
            for n, score in list(fused.items())[:k]
        ]
        return hits


def fuse(places: Sequence[dict[int, int]], damping: int = DAMPING) -> dict[int, float]:
    """Return reciprocal rank fusion: for each document the sum of 1 / (damping + rank), best first.

    Args:
        places: the rank of each document in each ranking, from 1.
        damping: the larger it is, the less the first places count.
    """
    total: dict[int, float] = {}
    for place in places:
        for document, rank in place.items():
            total[document] = total.get(document, 0) + 1 / (damping + rank)
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def open_all(limit: int | None = None, progress: bool = True) -> dict[str, Index]:
    """Return all collections by name; sentence vectors that are not in ``build/search`` yet are made and kept there.

    Args:
        limit: at most so many documents of each collection, and nothing is kept: for a quick look, and for tests.
        progress: show a bar while vectors are made.

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
        MissingModel: see ``wordspace.encoders``.
    """
    made = {language: Encoder(folder()) for language, folder in ENCODERS.items()}
    means = {language: MeanOfWords(language) for language in ENCODERS}
    found = {}
    for name, source in SOURCES.items():
        documents = source.documents()[:limit]
        encoder = made[source.language]
        X = _vectors(name, documents, encoder, keep=limit is None, progress=progress)
        found[name] = Index(name, documents, encoder, X, means[source.language])
    return found


def _vectors(name: str, documents: list[Document], encoder: Encoder, keep: bool, progress: bool) -> np.ndarray:
    from tqdm import tqdm

    texts = [document.searched for document in documents]
    # LONGEST too, for it decides what the encoder reads; the code of Encoder is not hashed
    key = hashlib.sha256(json.dumps([encoder.weights, encoder.longest, texts]).encode()).hexdigest()[:16]
    path = build("search", f"{name}-{key}.npy")
    if keep:
        try:
            X = np.load(path)
            if X.shape == (len(texts), encoder.model.config.hidden_size):
                return X
        except (OSError, ValueError, EOFError):
            pass  # not there, or damaged: make it again
    with tqdm(total=len(texts), desc=name, disable=not progress) as bar:
        X = encoder.encode(texts, done=bar.update)
    if keep:
        _write_whole(path, X)
        for old in path.parent.glob(f"{name}-*.npy"):
            if old != path:
                old.unlink(missing_ok=True)
    return X


def _write_whole(path: Path, X: np.ndarray) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as stream:
            np.save(stream, X)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _unit(X: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    return X / np.where(lengths > 0, lengths, 1)
