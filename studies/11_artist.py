"""Chapter 11: what the redrawing of the training pictures brings for another artist's line drawings.

The dual encoder of the study 11_towers at its live size, trained with three in ten of the pictures redrawn: not at all
("none"), in shades of grey, as edges, as varied strokes (what the chapter does), as strokes on films of varied
colours. Three seeds each. Asked for by name are the
1,382 drawings, among themselves; a quarter of the names is for choices ("validation"), the rest for the report ("test").
Figures, "SYSTEM, HOW, PART, R@k": the system is a text tower, the two languages together, or all three; how: the drawings as
they are ("plain"), with batch statistics of their own ("statistics"), seen in eight moved copies ("copies"), less their
crowding ("crowding"), or several of these. Beside them: names of new combinations ("SYSTEM, combination, R@k"), the share of
drawings whose nearest colour picture is a grey one, and how many drawings are somebody's first. Thirty processor minutes.
"""

import runpy
from functools import partial

import numpy as np

from wordspace import pictures
from wordspace.paths import root
from wordspace.studies import Study

BASE = runpy.run_path(str(root() / "studies" / "11_towers.py"))
CHAPTER, EMOJI, PART, PIXELS, TEXTS, L, trained = (
    BASE[name] for name in ("CHAPTER", "EMOJI", "PART", "PIXELS", "TEXTS", "L", "trained")
)
STUDY = Study(
    "11_artist",
    chapters=[CHAPTER],
    data=["twemoji", "emoji", "emoji_categories", "noto_emoji", "minilm"],
    packages=["numpy", "torch", "transformers", "pillow"],
    modules=["pictures", "corpora"],
    files=["studies/11_towers.py"],
)
REDRAW = {
    "none": None,
    "shades": partial(L.line_drawing, edges=False),
    "edges": partial(L.line_drawing, strokes=False),
    "strokes": L.line_drawing,
    "films": L.film_drawing,
}
DRAWN, DRAWINGS = pictures.outlines(36)
INK = BASE["as_input"](DRAWINGS)
GREY = L.colourless(PIXELS).numpy()
CHOICE = L.quarter(len(DRAWN))
COMBINATIONS = np.flatnonzero(PART == "test combination")


def systems(names: dict) -> dict:
    """Return the text towers, the two languages together, and all three."""
    both = L.together({t: names[t] for t in ("en", "zh")})
    return names | {"en + zh": both, "all": L.together(names)}


def one(redraw: str, seed: int) -> dict[str, float]:
    """Train once and ask for the drawings in every way."""
    model, losses = trained("live", seed, lines=0.3 if REDRAW[redraw] else 0.0, redraw=REDRAW[redraw])
    names, u = systems(L.name_vectors_of(model, TEXTS)), L.picture_vectors_of(model, PIXELS)
    found = {"loss": np.mean(losses[-20:])}
    for name, v in names.items():
        figures = L.both_ways(v, u, COMBINATIONS, np.arange(len(u)))
        found |= {f"{name}, combination, {k}": share for k, share in figures.items()}
    for own in (False, True):
        adapted = L.with_own_statistics(model, INK) if own else model
        for copies in (1, 8):
            w = L.seen_often(adapted, INK, copies)
            if not own and copies == 1:
                found["nearest is grey"] = GREY[(w @ u.T).argmax(1).numpy()].mean()
            for crowding in (False, True):
                how = " + ".join(
                    word for word, used in (("statistics", own), ("copies", copies > 1), ("crowding", crowding)) if used
                )
                found |= asked(names, w, crowding, how or "plain")
    return found


def asked(names: dict, w, crowding: bool, how: str) -> dict[str, float]:
    """Ask for every drawing by name, with every system."""
    found = {}
    for name, v in names.items():
        scores = L.drawing_scores(v[DRAWN], w)
        scores = L.less_crowded(scores) if crowding else scores
        ranks = L.ranks_on_diagonal(scores)
        for part, those in (("validation", CHOICE), ("test", ~CHOICE), ("everything", CHOICE | ~CHOICE)):
            found |= {f"{name}, {how}, {part}, {k}": share for k, share in L.recalls(ranks[those]).items()}
        if how == "plain":
            found[f"{name}, drawings found first"] = len(np.unique(scores.argmax(1).numpy()))
    return found


if __name__ == "__main__":
    STUDY.run(one, [{"redraw": redraw, "seed": seed} for redraw in REDRAW for seed in range(1, 4)])
