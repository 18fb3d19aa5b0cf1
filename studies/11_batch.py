"""Chapter 11: how many pairs meet, at several learning rates, for two lengths of training, with five seeds.

The towers are the chapter's pair of matrices. Figures: "validation" and "test", recall@1 on unseen combinations among all
pictures or names, mean of both directions, every picture counted alike; "tau", the temperature learnt. ``batch``: pairs to
a step; ``group``: so many of them meet; ``epochs``: passes through the training pairs. Three processor minutes.
"""

from functools import cache

import numpy as np

from wordspace import lessons, pictures
from wordspace.studies import Study

CHAPTER = "11_clip"
STUDY = Study(
    "11_batch",
    chapters=[CHAPTER],
    data=["twemoji", "emoji", "emoji_categories"],
    packages=["numpy"],
    modules=["corpora", "pictures"],
)
L = lessons.load(CHAPTER)


@cache
def inputs():
    """Return pictures (n, 128), names (n, words) and the rows of each part."""
    emoji = pictures.pictures()
    parts = np.array([picture.part for picture in emoji])
    bags = L.word_bags([picture.names["en"] for picture in emoji], parts == "train")
    kept = bags.any(axis=1)
    parts = parts[kept]
    X = L.main_components(L.coarse(pictures.pixels(36)[kept]), parts == "train", 128)
    return X, L.on_sphere(bags[kept]), {name: np.flatnonzero(parts == name) for name in pictures.PARTS}


def one(epochs: int, batch: int, group: int, rate: float, seed: int) -> dict[str, float]:
    """Train one pair of towers."""
    X, Y, rows = inputs()
    x, y = X[rows["train"]], Y[rows["train"]]
    A, B, tau = L.fit_towers(x, y, 0.07, True, batch, group, rate, seed, epochs)
    parts = ("validation", "test")
    return {"tau": tau} | {p: L.found_first(A, B, X, Y, rows[f"{p} combination"]).mean() for p in parts}


MEET = [(8, 8), (32, 32), (128, 128), (512, 512), (512, 8), (512, 32), (512, 128)]
RUNS = [
    {"epochs": epochs, "batch": batch, "group": group, "rate": rate, "seed": seed}
    for epochs in (10, 40)
    for batch, group in MEET
    for rate in (0.01, 0.03, 0.1)
    for seed in range(5)
]

if __name__ == "__main__":
    STUDY.run(one, RUNS)
