"""Chapter 11: what helps with concepts of which neither picture nor name was seen in training.

Each run trains three encoders, seeds 0 to 2, at the live size (width 32, 400 steps). Kinds: "names", as the chapter does;
"fewer people", at most four versions of each concept; "fewer people, categories", with MiniLM's vector of the name leaning to
that of Unicode's category in a third of the cases, in training only. Figures among 164 plain pictures of test concepts, by
the three text towers together, "one seed" (mean of three) and "three seeds" (their similarities added): R@1, R@5, MRR, and
"validation MRR" among 87 plain pictures of validation concepts, by which a kind is to be chosen. "sentence, gain" and
"sentence, p": what the sentence tower adds to the MRR of the other two, each question's mean over three seeds, paired test
over the 164 questions; "sentence R@5, …" the same for R@5. About 7 minutes of processor a run.
"""

import numpy as np
import torch

from wordspace import evaluation, lessons, pictures
from wordspace.studies import Study

CHAPTER = "11_clip"
STUDY = Study(
    "11_concepts",
    chapters=[CHAPTER],
    data=["twemoji", "emoji", "emoji_categories", "minilm"],
    packages=["numpy", "torch", "transformers", "pillow"],
    modules=["pictures", "corpora", "evaluation"],
)
WIDTH, STEPS, SEEDS = 32, 400, 3
L = lessons.load(CHAPTER)
EMOJI = pictures.pictures()
PART = np.array([picture.part for picture in EMOJI])
PLAIN = np.array([picture.plain for picture in EMOJI])
PIXELS = torch.tensor(pictures.pixels(36)).permute(0, 3, 1, 2) / 255
NAMES = {e: [picture.names[e] for picture in EMOJI] for e in ("en", "zh")}
TRAIN = np.flatnonzero(PART == "train")
KNOWN = {e: L.known_pieces([NAMES[e][n] for n in TRAIN], e) for e in NAMES}
TEXTS = {e: L.numbered(NAMES[e], e, KNOWN[e]) for e in NAMES}
TEXTS["sentence"] = L.sentence_vectors(NAMES["en"])
KINDS = [f"{picture.subcategory.replace('-', ' ')}, {picture.category}" for picture in EMOJI]
QUESTIONS = {p: np.flatnonzero((PART == f"{p} concept") & PLAIN) for p in ("validation", "test")}


def categories() -> torch.Tensor:
    """Return MiniLM's vector of each picture's category."""
    different = sorted(set(KINDS))
    vectors = L.sentence_vectors(different)
    return vectors[[different.index(kind) for kind in KINDS]]


def trained(kind: str, seed: int):
    """Return the vectors of the pictures and, by tower, those of the names."""
    model, learnt, rows = L.build(KNOWN, WIDTH, seed), dict(TEXTS), TRAIN
    if "fewer" in kind:
        rows = TRAIN[L.few_versions([EMOJI[n].concept for n in TRAIN], PLAIN[TRAIN], 4, seed)]
    if "categories" in kind:
        torch.manual_seed(seed)
        model.texts["sentence"] = L.CategoryTower()
        learnt["sentence"] = torch.cat([TEXTS["sentence"], categories()], 1)
    L.train_towers(model, PIXELS[rows], {t: x[rows] for t, x in learnt.items()}, STEPS, 256, seed, 0.3)
    return L.picture_vectors_of(model, PIXELS), L.name_vectors_of(model, TEXTS)


def scores(u: torch.Tensor, v: dict, towers: tuple[str, ...], asked: np.ndarray) -> torch.Tensor:
    """Return the similarities of the questions' names and pictures."""
    together = L.together({t: v[t] for t in towers})
    return together[asked] @ L.beside(u, together)[asked].T


def ranks(found: torch.Tensor) -> np.ndarray:
    """Return the ranks of the right pictures, which stand on the diagonal, from 0."""
    return (found > found.diagonal()[:, None]).sum(1).numpy()


def figures(rank: np.ndarray) -> dict[str, float]:
    """Return R@1, R@5 and MRR."""
    return {**L.recalls(rank), "MRR": float((1 / (rank + 1)).mean())}


def one(kind: str) -> dict[str, float]:
    """Train three times."""
    models, towers = [trained(kind, seed) for seed in range(SEEDS)], ("en", "zh", "sentence")
    found = {}
    for asking, asked in QUESTIONS.items():
        each = [scores(*model, towers, asked) for model in models]
        alone = [figures(ranks(score)) for score in each]
        head = "" if asking == "test" else f"{asking} "
        for name, figure in figures(ranks(sum(each))).items():
            found[f"three seeds, {head}{name}"] = figure
            found[f"one seed, {head}{name}"] = float(np.mean([a[name] for a in alone]))
    asked = QUESTIONS["test"]
    pair = [np.stack([ranks(scores(*m, t, asked)) for m in models]) for t in (towers, towers[:2])]
    for name, score in (("sentence", lambda r: 1 / (r + 1)), ("sentence R@5", lambda r: r < 5)):
        gain, p = evaluation.paired_test(*(score(r).mean(0) for r in pair))
        found |= {f"{name}, gain": gain, f"{name}, p": p}
    return found


if __name__ == "__main__":
    STUDY.run(one, [{"kind": kind} for kind in ("names", "fewer people", "fewer people, categories")])
