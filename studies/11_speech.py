"""Chapter 11: an ear for spoken names, trained towards vectors that stand still, tested on voices and names never heard.

``targets``: "pictures", the vectors of the chapter's tower of pictures, trained anew for each seed as it is live; "names",
those of the English names, read by MiniLM, in 128 dimensions. ``size``: "live" hears two voices for 600 steps, "long" five
for 1,200. Two voices that no tower ever hears, Bea and Gus, ask with the 1,428 plain training names ("heard") and with the
164 plain names of held-out concepts ("new"), in English and Mandarin, both voices pooled. Figures: R@1 and R@5 among the
targets of the same names, by the tower and by the stored recording most alike in sound; R@5 of new names of which every
word was heard, and of the others; towards pictures also R@1 and R@5 of the *written* name, in the language spoken and in
the other, with which speech was never trained. No choice is made here. About 13 minutes on one core.
"""

from functools import cache

import numpy as np
import torch
from torch.nn import functional as F

from wordspace import lessons, pictures
from wordspace.studies import Study

CHAPTER = "11_clip"
STUDY = Study(
    "11_speech",
    chapters=[CHAPTER],
    data=["espeak", "twemoji", "emoji", "emoji_categories", "minilm"],
    packages=["numpy", "torch", "transformers", "pillow", "espeakng-loader"],
    modules=["pictures", "corpora", "speech", "evaluation"],
)
L = lessons.load(CHAPTER)
SIZES = {"live": (("Ann", "Ed"), 600), "long": (("Ann", "Ed", "Cai", "Fan", "Dai"), 1200)}
SPEEDS = (165, 190, 175, 205, 150)  # of each voice, in words a minute
NEW_VOICES, OTHER = ("Bea", "Gus"), {"en": "zh", "zh": "en"}
STEPS, BATCH, WIDTH, LINES = 400, 256, 32, 0.3  # of the towers of pictures and names, as they are trained live
EMOJI = pictures.pictures()
NAMES = {e: [picture.names[e] for picture in EMOJI] for e in OTHER}
HEARD, NEW = L.plain_rows("train"), L.plain_rows("test concept")


@cache
def towers(seed: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return vectors of all pictures, (n, 128), and of their written names by language, from a dual encoder."""
    train = np.array([n for n, picture in enumerate(EMOJI) if picture.part == "train"])
    known = {e: L.known_pieces([NAMES[e][n] for n in train], e) for e in NAMES}
    texts = {e: L.numbered(NAMES[e], e, known[e]) for e in NAMES} | {"sentence": L.sentence_vectors(NAMES["en"])}
    model, pixels = L.build(known, WIDTH, seed), torch.tensor(pictures.pixels(36)).permute(0, 3, 1, 2) / 255
    L.train_towers(model, pixels[train], {t: x[train] for t, x in texts.items()}, STEPS, BATCH, seed, LINES)
    return L.picture_vectors_of(model, pixels), L.name_vectors_of(model, texts)


def read_names() -> torch.Tensor:
    """Return MiniLM's vectors of the English names in the 128 directions in which the training names differ most."""
    V = torch.as_tensor(L.sentence_vectors(NAMES["en"]))
    V = V - V[HEARD].mean(dim=0)
    return F.normalize(V @ torch.linalg.svd(V[HEARD], full_matrices=False)[2][:128].T, dim=1)


@cache
def spoken(part: str, language: str, voice: str, speed: int = 175) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the spectrograms of the "heard" or the "new" names."""
    rows = HEARD if part == "heard" else NEW
    return L.heard(L.names_of(rows, language), language, voice, speed)


def one(targets: str, size: str, seed: int) -> dict[str, float]:
    """Teach one ear and ask it."""
    Z, written = towers(seed) if targets == "pictures" else (read_names(), {})
    voices, steps = SIZES[size]
    sets = [spoken("heard", e, voice, speed) for voice, speed in zip(voices, SPEEDS, strict=False) for e in OTHER]
    X, real = (torch.stack(tensors) for tensors in zip(*sets, strict=True))
    ear, found = L.train_ear(X, real, Z[HEARD], steps=steps, seed=seed), {}
    for part, rows in (("heard", HEARD), ("new", NEW)):
        for e in OTHER:
            sounds = [spoken(part, e, voice) for voice in NEW_VOICES]
            with torch.no_grad():
                A = [ear(*sound) for sound in sounds]
            alike = [Z[HEARD][L.sounds_like(*sound, X, real)] for sound in sounds]
            asked = {"tower": (A, Z), "most alike": (alike, Z)}
            asked |= {f"tower, written {to}": (A, written[to]) for to in OTHER if written}
            for system, (vectors, goal) in asked.items():
                ranks = np.stack([L.spoken_ranks(some, goal[rows]) for some in vectors])  # (voices, names)
                found |= {f"{part}, {e}, {system}, R@{k}": L.recall_at(ranks, k) for k in (1, 5)}
                if part == "new" and goal is Z:
                    old = L.all_heard(NEW, e, HEARD)
                    found[f"{part}, {e}, {system}, every word heard, R@5"] = L.recall_at(ranks[:, old], 5)
                    found[f"{part}, {e}, {system}, some word new, R@5"] = L.recall_at(ranks[:, ~old], 5)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    RUNS = [{"targets": "pictures", "size": "live", "seed": seed} for seed in range(1, 4)]
    RUNS += [{"targets": targets, "size": "long", "seed": s} for targets in ("pictures", "names") for s in range(1, 4)]
    STUDY.run(one, RUNS)
