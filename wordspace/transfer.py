"""A teacher's scores, asked for once: of so many texts that it takes minutes, and kept in ``build/`` for the next time."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence

import numpy as np
import torch
from tqdm import tqdm

from wordspace.paths import build

CHUNK = 4096  # rows whose scores are kept together, and found again after a stop


def fingerprint(model: torch.nn.Module) -> str:
    """Return a hash of a model's weights."""
    found = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(weight.detach().contiguous().numpy().tobytes())
    return found.hexdigest()


def scores(
    model: torch.nn.Module, rows: Sequence[Sequence[int]], score: Callable[..., torch.Tensor], show: bool = True
) -> torch.Tensor:
    """Return the model's scores of rows of token ids, (rows, classes), computed where they are not kept yet.

    Args:
        model: the teacher.
        rows: token ids.
        score: takes the model and rows, returns their scores.
        show: with a bar.
    """
    teacher, found = fingerprint(model), []
    starts = range(0, len(rows), CHUNK)
    for start in tqdm(starts, desc="teacher", disable=not show):
        some = [list(map(int, row)) for row in rows[start : start + CHUNK]]
        mark = hashlib.sha256((teacher + json.dumps(some)).encode()).hexdigest()[:24]
        kept = build("branches-scores", f"{mark}.npy")
        if not kept.exists():
            fresh = kept.with_name(f"{mark}.new.npy")
            np.save(fresh, score(model, some).numpy())
            os.replace(fresh, kept)
        found.append(torch.from_numpy(np.load(kept)))
    return torch.cat(found)
