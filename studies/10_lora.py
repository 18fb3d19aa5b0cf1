"""Chapter 10: what LoRA saves. Steps of contrast with all parameters and with LoRA of rank 8 and 16, in turns, 32 pairs each.

Figures: seconds of processor time a step (median of eight) for all parameters and with LoRA, and their ratio; parameters
trained; bytes of a file of what was trained, as float16. In turns and by processor time, so that what else the machine does
hits both alike. Half a minute.
"""

import os
import tempfile
import time

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BertModel, BertTokenizer

from wordspace import encoders, lessons
from wordspace.studies import Study

CHAPTER = "10_domain_adaptation"
STUDY = Study("10_lora", chapters=[CHAPTER], data=["phenotypes", "minilm"], packages=["numpy", "torch"], speed=True)
L = lessons.load(CHAPTER)


def model_of(rank: int):
    """Return MiniLM, with LoRA if the rank is not 0, and an optimizer of what is trained."""
    model = BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False)
    model = L.with_low_rank(model, rank, 2 * rank) if rank else model
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return model.train(), trained, torch.optim.AdamW(trained.values(), lr=1e-5)


def size(trained: dict) -> int:
    """Return the bytes of a file with these parameters in float16."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trained.safetensors")
        save_file({name: p.detach().half().contiguous() for name, p in trained.items()}, path)
        return os.path.getsize(path)


def one(rank: int) -> dict[str, float]:
    """Train with all parameters and with LoRA in turns."""
    tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
    pairs, times = L.sign_pairs(32), {0: [], rank: []}
    models = {r: model_of(r) for r in times}
    for _ in range(9):
        for r, (model, _, optimizer) in models.items():
            start = time.process_time()
            L.pairs_step(model, tokenizer, pairs, optimizer, 0.05)
            times[r].append(time.process_time() - start)
    full, thin = (float(np.median(times[r][1:])) for r in (0, rank))
    found = {"seconds, all": full, "seconds, LoRA": thin, "ratio": thin / full}
    for name, r in (("all", 0), ("LoRA", rank)):
        found[f"parameters, {name}"] = sum(p.numel() for p in models[r][1].values())
        found[f"bytes, {name}"] = size(models[r][1])
    return found


if __name__ == "__main__":
    STUDY.run(one, [{"rank": rank} for rank in (8, 16)])
