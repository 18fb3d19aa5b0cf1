"""Chapter 11: the dual encoder of pictures and names, as it is trained live and three times as long and wider, several seeds.

Figures, for each text tower and all together: R@1 and R@5 of name to picture, and back, for new combinations (381 among all
3,874 pictures, and 300 of them among themselves), for new concepts (164 among themselves), and for another artist's line
drawings (name to drawing, 1,382 among themselves); the temperature that was learned. Twenty minutes.
"""

import numpy as np
import torch

from wordspace import lessons, pictures
from wordspace.studies import Study

CHAPTER = "11_clip"
STUDY = Study(
    "11_towers",
    chapters=[CHAPTER],
    data=["twemoji", "emoji", "emoji_categories", "noto_emoji", "minilm"],
    packages=["numpy", "torch", "transformers", "pillow"],
    modules=["pictures", "corpora"],
)
SIZES = {"live": (32, 400), "long": (48, 1200)}  # width of the tower of pictures, steps
L = lessons.load(CHAPTER)


def as_input(images: np.ndarray) -> torch.Tensor:
    """Return pictures (n, s, s, 3), 0 to 255, as a tower takes them."""
    return torch.tensor(images).permute(0, 3, 1, 2) / 255


EMOJI = pictures.pictures()
PART = np.array([picture.part for picture in EMOJI])
PLAIN = np.array([picture.plain for picture in EMOJI])
PIXELS = as_input(pictures.pixels(36))
NAMES = {e: [picture.names[e] for picture in EMOJI] for e in ("en", "zh")}
TRAIN = np.flatnonzero(PART == "train")
KNOWN = {e: L.known_pieces([NAMES[e][n] for n in TRAIN], e) for e in NAMES}
TEXTS = {e: L.numbered(NAMES[e], e, KNOWN[e]) for e in NAMES}
TEXTS["sentence"] = L.sentence_vectors(NAMES["en"])


def trained(size: str, seed: int, lines: float = 0.3, redraw=L.line_drawing):
    """Return the encoder, trained, and its losses."""
    width, steps = SIZES[size]
    model = L.build(KNOWN, width, seed)
    learnt = {t: x[TRAIN] for t, x in TEXTS.items()}
    return model, L.train_towers(model, PIXELS[TRAIN], learnt, steps, 256, seed, lines, redraw)


def one(size: str, seed: int) -> dict[str, float]:
    """Train once and ask for everything."""
    model, losses = trained(size, seed)
    u, texts = L.picture_vectors_of(model, PIXELS), L.name_vectors_of(model, TEXTS)
    texts["all"] = L.together(dict(texts))
    drawn, drawings = pictures.outlines(36)
    w = torch.zeros_like(u)
    w[drawn] = L.picture_vectors_of(model, as_input(drawings))
    combinations = np.flatnonzero(PART == "test combination")
    few = np.sort(np.random.default_rng(0).choice(combinations, 300, replace=False))
    concepts = np.flatnonzero((PART == "test concept") & PLAIN)
    found = {"loss": np.mean(losses[-20:]), "temperature": float((-model.log_scale).exp())}
    for name, v in texts.items():
        for kind, vectors, asked, among in (
            ("combination", u, combinations, np.arange(len(u))),
            ("combination among 300", u, few, few),
            ("concept", u, concepts, concepts),
            ("drawing", w, drawn, drawn),
        ):
            figures = L.both_ways(v, vectors, asked, among)
            found |= {f"{name}, {kind}, {k}": share for k, share in figures.items()}
    return found


if __name__ == "__main__":
    SHORT = [{"size": "live", "seed": seed} for seed in range(1, 6)]
    STUDY.run(one, SHORT + [{"size": "long", "seed": seed} for seed in range(3)])
