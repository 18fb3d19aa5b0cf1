"""Chapter 09: Chinese everyday names of signs of illness, searched for among English definitions.

A setting draws so many definitions, all 178 that are asked for among them; the last one takes all. Systems: both sides as
means of mapped vectors ("map, mean"); each Chinese word as its nearest English words ("map, BM25", "map, MiniLM") or as what
CC-CEDICT says ("dictionary, BM25", "dictionary, MiniLM"; "dictionary, both": the sum of the two scores); and the English
everyday name itself ("English wording, ..."). How many neighbours, all meanings or the first, how words are cut and weighed,
and how scores are added is chosen on the validation queries of the setting. Figures: nDCG@10 on the validation and on the
test queries, on test also its interval (low, high), MRR@10 and recall@10; for pairs of systems the mean difference in nDCG@10
and the p-value of a paired permutation test; "test: chance" is an order drawn at random. What MiniLM makes of the definitions
is kept in build/. Ten minutes on two cores.
"""

import hashlib
import inspect
import json
from functools import cache

import jieba
import numpy as np
import torch
from transformers import BertModel, BertTokenizer

from wordspace import bilingual, cards, encoders, evaluation, lessons, retrieval, vectors
from wordspace.paths import build
from wordspace.studies import Study

CHAPTER = "09_alignment"
STUDY = Study(
    "09_search",
    chapters=[CHAPTER, "08_semantic_search"],
    data=["phenotypes", "glove", "synonyms", "cedict", "minilm", "queries_zh"],
    packages=["numpy", "scipy", "gensim", "torch", "transformers", "jieba"],
    modules=["bilingual", "corpora", "encoders", "evaluation", "phenotypes", "retrieval", "vectors"],
)
L, L8 = lessons.load(CHAPTER), lessons.load("08_semantic_search")
K1, B = 0.6, 0.75  # chapter 08's choice
WORDS = 100_000  # English words that are mapped
SUM = (2, 5, 10, 20, 40)  # BM25 is divided by
PAIRS = [("map, mean", "dictionary, BM25"), ("map, BM25", "dictionary, BM25"), ("map, MiniLM", "dictionary, MiniLM")]
PAIRS += [("map, mean", "map, BM25"), ("dictionary, MiniLM", "dictionary, BM25")]
PAIRS += [("dictionary, BM25", "English wording, BM25"), ("dictionary, MiniLM", "English wording, MiniLM")]
PAIRS += [("dictionary, both", "dictionary, MiniLM"), ("map, mean", "English wording, mean")]


class MiniLM:
    """MiniLM in bfloat16, three times as fast here; its cosines are off by some thousandths."""

    def __init__(self):
        self.tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
        self.model = BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False).eval().to(torch.bfloat16)

    def __call__(self, **rows):
        """Return what the model does, its states in float32."""
        found = self.model(**rows)
        found.last_hidden_state = found.last_hidden_state.float()
        return found


@cache
def minilm() -> MiniLM:
    """Return the encoder, opened once."""
    return MiniLM()


def read(texts) -> np.ndarray:
    """Return MiniLM's vector of each text, (n, 384), of length 1."""
    return L8.means(L8.states(minilm(), minilm().tokenizer, [text or "?" for text in texts]))


@cache
def definitions() -> np.ndarray:
    """Return MiniLM's vectors of all definitions, kept in build/."""
    texts = list(retrieval.layperson().documents.values())
    weights = cards.sha256(encoders.minilm() / "model.safetensors")
    parts = [inspect.getsource(L8.states), weights, texts, torch.__version__]
    path = build("studies", f"09_documents-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]}.npy")
    if not path.exists():
        from tqdm import tqdm

        D, order = np.zeros((len(texts), 384), "f4"), sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in tqdm(range(0, len(order), 512), desc="definitions"):
            some = order[start : start + 512]
            D[some] = read([texts[i] for i in some])
        np.save(path, D)
    return np.load(path)


@cache
def space():
    """Return the words of either language by row, their places in one space, and how crowded it is around the English."""
    lex, english, chinese = bilingual.lexicon(), vectors.english(), vectors.chinese()
    E, C = L.best_map(english.vectors[:WORDS], chinese.vectors, lex.pairs)
    targets = E[: len(lex.english)]
    rows = {word: row for row, word in enumerate(english.index_to_key[:WORDS])}
    return rows, chinese.key_to_index, E, C, targets, L.crowding(targets, C[:10_000])


@cache
def offers() -> dict[str, dict[str, list]]:
    """Return every way to put the queries into English: kind -> setting -> a list of (English, weight) for each query."""
    _, rows, _, C, targets, crowded = space()
    glosses, lex = L.gloss_lists(), bilingual.lexicon()
    said = L.chinese_wordings().values()
    found = {"English wording": {"as said": [[(english, 1.0)] for _, english in said]}}
    found["dictionary"] = {
        name: [L.by_dictionary(text, glosses, first) for text, _ in said]
        for name, first in (("all", False), ("first", True))
    }
    found["map"] = {
        str(k): [L.by_map(text, rows, lex.english, crowded, C, targets, k) for text, _ in said]
        for k in (1, 3, 5, 10, 20)
    }
    return found


@cache
def encoded(kind: str, name: str) -> np.ndarray:
    """Return MiniLM's vectors of the queries put into English in one way."""
    return read([" ".join(dict.fromkeys(english for english, _ in query)) for query in offers()[kind][name]])


def mean_scores(texts: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """Return the cosines of means, by language of the query and setting."""
    rows_en, rows_zh, E, C, *_ = space()
    said_zh, said_en = zip(*L.chinese_wordings().values(), strict=True)
    found = {"map": {}, "English wording": {}}
    cuts = {"jieba": lambda text: L.pieces(text, rows_zh), "longest": lambda text: L.longest(text, rows_zh)}
    for a in (1e-4, 1e-3, 1e-2):
        D = L.rarity_means(texts, L8.words, rows_en, E, L.zipf, a)
        for middle in (0, 1):
            there = L.unit(D - middle * D.mean(axis=0))
            Q = L.rarity_means(said_en, L8.words, rows_en, E, L.zipf, a)
            found["English wording"][f"{a} {middle}"] = Q @ there.T
            for name, cut in cuts.items():
                Q = L.rarity_means(said_zh, cut, rows_zh, C, L.zipf, a)
                found["map"][f"{a} {middle} {name}"] = Q @ there.T
    return found


def one(documents: int, seed: int) -> dict[str, float]:
    """Search one draw of definitions in every way."""
    lay, wordings = retrieval.layperson(), L.chinese_wordings()
    ids = L.some_documents(lay, wordings, documents, seed)
    place = {name: row for row, name in enumerate(lay.documents)}
    texts, D = [lay.documents[name] for name in ids], definitions()[[place[name] for name in ids]]
    part = np.array([lay.parts[english] for _, english in wordings.values()])
    relevant = {term: {term: 2} for term in wordings}
    X, like = L8.counted(texts, L8.stems)
    W = L8.bm25(X, K1, B)

    def values(S, measure=L8.ndcg):
        return L8.measured({t: L8.best(row, ids) for t, row in zip(wordings, S, strict=True)}, relevant, measure)

    tried = {f"{kind}, mean": some for kind, some in mean_scores(texts).items()}
    for kind, ways in offers().items():
        tried[f"{kind}, BM25"] = {n: L.weighted_bm25(queries, like, W, L8.stems) for n, queries in ways.items()}
        tried[f"{kind}, MiniLM"] = {n: encoded(kind, n) @ D.T for n in ways}
    figures, chosen = {}, {}

    def choose(system, ways):
        scored = {name: values(S)[part == "validation"].mean() for name, S in ways.items()}
        best = max(scored, key=scored.get)
        figures[f"chosen: {system}"], chosen[system] = list(ways).index(best), ways[best]
        figures[f"validation: {system}"] = scored[best]

    for system, ways in tried.items():
        choose(system, ways)
    words, meaning = chosen["dictionary, BM25"], chosen["dictionary, MiniLM"]
    choose("dictionary, both", {str(a): meaning + words / a for a in SUM})
    chosen["chance"] = np.random.default_rng(seed).random((len(wordings), len(ids))) + 1
    on_test = {}
    for system, S in chosen.items():
        on_test[system] = values(S)[part == "test"]
        score = evaluation.bootstrap(np.mean, on_test[system])
        figures |= {f"test: {system}": score.value, f"low: {system}": score.low, f"high: {system}": score.high}
        for name, measure in (("MRR", L8.reciprocal_rank), ("recall", L8.recall)):
            figures[f"{name}: {system}"] = values(S, measure)[part == "test"].mean()
    for a, b in PAIRS:
        figures[f"gain: {a} - {b}"], figures[f"p: {a} - {b}"] = evaluation.paired_test(on_test[a], on_test[b])
    return figures


if __name__ == "__main__":
    jieba.setLogLevel("WARNING")
    WHOLE = {"documents": len(retrieval.layperson().documents), "seed": 0}
    STUDY.run(one, [*({"documents": 3000, "seed": seed} for seed in range(8)), WHOLE])
