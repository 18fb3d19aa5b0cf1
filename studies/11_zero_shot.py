"""Chapter 11: 狗 and its picture, the gap, wrong answers, and classes by their names, with three further seeds of the live size.

Figures: shares of mutual nearest neighbours among 164 things (seen, new combinations, new concepts); ranks of the dog; the gap
before and after the training and what a linear probe makes of it; R@1 before and after the means are taken off; what wrong
answers have in common; accuracy of zero-shot classification of 163 new concepts into nine categories. Six minutes.
"""

from functools import cache

import numpy as np
import torch

from wordspace import lessons, pictures
from wordspace.studies import Study

CHAPTER = "11_clip"
STUDY = Study(
    "11_zero_shot",
    chapters=[CHAPTER],
    data=["twemoji", "emoji", "emoji_categories", "minilm"],
    packages=["numpy", "torch", "transformers", "pillow", "scikit-learn"],
    modules=["pictures", "corpora"],
)
WIDTH, STEPS, BATCH = 32, 400, 256
TOWERS = {"en": "English", "zh": "Chinese", "sentence": "MiniLM"}
L = lessons.load(CHAPTER)


@cache
def world() -> dict:
    """Return the pictures, their names and the rows of each part."""
    emoji = pictures.pictures()
    part, plain = np.array([p.part for p in emoji]), np.array([p.plain for p in emoji])
    names = {e: [p.names[e] for p in emoji] for e in ("en", "zh")}
    train = np.flatnonzero(part == "train")
    known = {e: L.known_pieces([names[e][n] for n in train], e) for e in names}
    texts = {e: L.numbered(names[e], e, known[e]) for e in names}
    texts["sentence"] = L.sentence_vectors(names["en"])
    pixels = torch.tensor(pictures.pixels(36)).permute(0, 3, 1, 2) / 255
    classes = list(L.EN_PROMPTS)
    truth = np.array([classes.index(p.category) if p.category in classes else -1 for p in emoji])
    return {
        "emoji": emoji,
        "names": names,
        "train": train,
        "once": train[plain[train]],
        "combinations": np.flatnonzero(part == "test combination"),
        "concepts": np.flatnonzero((part == "test concept") & plain),
        "valid": np.flatnonzero((part == "validation concept") & plain),
        "known": known,
        "texts": texts,
        "pixels": pixels,
        "truth": truth,
    }


def one(
    seed: int, width: int = WIDTH, steps: int = STEPS, batch: int = BATCH, w: dict | None = None
) -> dict[str, float]:
    """Train once and measure everything."""
    w = world()
    train, texts, new = w["train"], w["texts"], w["concepts"]
    model = L.build(w["known"], width, seed)
    raw = L.picture_vectors_of(model, w["pixels"]), L.name_vectors_of(model, texts)
    L.train_towers(model, w["pixels"][train], {t: x[train] for t, x in texts.items()}, steps, batch, seed, 0.3)
    u, v = L.picture_vectors_of(model, w["pixels"]), L.name_vectors_of(model, texts)
    found = {"temperature": float(model.log_scale.detach().neg().exp())}
    found |= neighbours(w, u, v)
    draw = np.random.default_rng(0).choice(train, 600, replace=False)
    for t, name in TOWERS.items():
        for when, (a, b) in {"before": raw, "after": (u, v)}.items():
            found[f"distance of means, {name}, {when}"] = L.gap(a[new], b[t][new])[0]
        found[f"told apart, {name}"] = L.told_apart(u, v[t], draw, new)
        moved = L.without_mean(v[t], train), L.without_mean(u, train)
        asked = w["combinations"], np.arange(len(u))
        found[f"R@1, {name}"] = L.both_ways(v[t], u, *asked)["R@1"]
        found[f"R@1 moved, {name}"] = L.both_ways(*moved, *asked)["R@1"]
    return found | wrong(w, u, v) | classes(w, model, u, v)


def neighbours(w: dict, u: torch.Tensor, v: dict) -> dict[str, float]:
    """Return the dog's ranks and the shares of mutual nearest neighbours."""
    dog, rng, new = w["names"]["en"].index("dog"), np.random.default_rng(0), w["concepts"]
    found = {"rank, Chinese dog": L.place_in(v["zh"][dog], u, dog)[0]}
    groups = {"seen": rng.choice(w["once"], len(new), replace=False)}
    groups["new combinations"] = rng.choice(w["combinations"], len(new), replace=False)
    for group, some in (groups | {"new concepts": new}).items():
        shares = L.mutual_shares(u[some], v["en"][some], v["zh"][some])
        found |= {f"{pair} mutual, {group}": share for pair, share in shares.items()}
    return found


def wrong(w: dict, u: torch.Tensor, v: dict) -> dict[str, float]:
    """Return how often the answer to a new combination is wrong, how often all the same of the right concept, and in what."""
    asked, together = w["combinations"], L.together(v)
    first = (together[asked] @ u.repeat(1, len(v)).T).argmax(1).numpy()
    pairs = [(w["emoji"][a], w["emoji"][b]) for a, b in zip(asked, first, strict=True) if a != b]
    kinds = ("concept", "skin tone", "sex", "order of skin tones", "order of sexes", "direction")
    found = {f"wrong, {k}": np.mean([k in L.differs(a, b) for a, b in pairs]) for k in kinds}
    return found | {"wrong": len(pairs) / len(asked)}


def classes(w: dict, model: torch.nn.Module, u: torch.Tensor, v: dict) -> dict[str, float]:
    """Return the accuracies of classification without labels, and with them."""
    truth, new = w["truth"], w["concepts"][w["truth"][w["concepts"]] >= 0]
    learn = w["train"][truth[w["train"]] >= 0]
    once = w["once"][truth[w["once"]] >= 0]
    found = {}
    for t, name in TOWERS.items():
        prompts = {k: line.split("|") for k, line in (L.ZH_PROMPTS if t == "zh" else L.EN_PROMPTS).items()}
        named = [v[t][learn[truth[learn] == k]] for k in range(len(prompts))]
        ways = L.prompt_ways(model, t, w["known"], prompts, named)
        for (way, off), answers in L.answers_of(u, v[t], w["train"], ways).items():
            hit, step = answers == truth, ", step off" if off else ""
            found[f"{name}, {way}{step}, validation"] = hit[w["valid"]].mean()
            found[f"{name}, {way}{step}, test"] = hit[new].mean()
    small = torch.nn.functional.avg_pool2d(w["pixels"], 3).flatten(1).numpy()
    for name, X in {"pixels": small, "picture tower": (u * 10).numpy()}.items():
        found[f"labels, {name}"] = (L.with_labels(X, truth, once, w["valid"]) == truth)[new].mean()
    return found


if __name__ == "__main__":
    STUDY.run(one, [{"seed": seed} for seed in range(1, 4)])
