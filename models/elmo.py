"""Train the course's bidirectional language models, English and Chinese, and write ``models/elmo-en`` and ``models/elmo-zh``.

    make elmo                                           # or: .venv/bin/python models/elmo.py --language zh

The model and its loss are chapter 05's own lesson code. It reads the training part (``corpora.part``) of the news (English: and
of the Wikipedia articles) out of the installed packages; the validation part measures the perplexity, the test part is not
touched. It goes on where it was stopped and then gives the same model. Two cores need some twenty minutes for a language.
"""

import argparse
import json
import os
import time
from datetime import date
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tqdm import tqdm

from wordspace import corpora, lessons
from wordspace.paths import build, root
from wordspace.studies import machine

lesson = lessons.load("05_elmo")
PASSES = {"en": 4, "zh": 8}  # over the text; the English text is more than twice as long
DROPOUT = {"en": 0.2, "zh": 0.3}


def texts(language: str) -> tuple:
    """Return the paragraphs that the model of a language is made of: those of ``wordspace.senses``."""
    return corpora.chinese_news() if language == "zh" else corpora.english_news() + corpora.english_wikipedia()


def rate(step: int, steps: int, peak: float) -> float:
    """Return the learning rate: up in a twentieth of the steps, then down to zero in a straight line."""
    return peak * min((step + 1) / (0.05 * steps), (steps - step) / (0.95 * steps))


def main() -> None:
    """Train, or go on training, and write the model with its record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--language", choices=["en", "zh"], required=True)
    parser.add_argument("--passes", type=int, help="over the text; default: 4 in English, 8 in Chinese")
    parser.add_argument("--peak", type=float, default=4e-3, help="the highest learning rate")
    parser.add_argument("--words", type=int, default=15_000, help="in the vocabulary, at most")
    parser.add_argument("--width", type=int, default=200, help="of an embedding and of a projected state")
    parser.add_argument("--hidden", type=int, default=256, help="cells of an LSTM")
    parser.add_argument("--dropout", type=float)
    parser.add_argument("--batch", type=int, default=2000, help="words in a batch, about")
    parser.add_argument("--samples", type=int, default=2048, help="of the sampled softmax")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=200, help="steps between two checkpoints")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    passes = PASSES[given.language] if given.passes is None else given.passes
    dropout = DROPOUT[given.language] if given.dropout is None else given.dropout
    folder = given.folder or root() / "models" / f"elmo-{given.language}"
    low = given.precision == "bfloat16" or given.precision == "auto" and has_bfloat16()
    folder.mkdir(parents=True, exist_ok=True)

    paragraphs = texts(given.language)
    training = lesson.sentences_of(paragraphs, "train")
    counts = lesson.count_words(training, given.words)
    rows = lesson.numbered(training, counts)
    testing = lesson.numbered(lesson.sentences_of(paragraphs, "validation"), counts)
    size = sum(len(row) for row in rows)
    queue = [lesson.batches(rows, given.batch, np.random.default_rng([given.seed, n])) for n in range(passes)]
    ends = np.cumsum([len(epoch) for epoch in queue]).tolist()
    queue, steps = [batch for epoch in queue for batch in epoch], ends[-1]
    print(f"{len(counts)} words, {len(rows)} sentences, {size} words with their ends, {steps} steps", flush=True)

    torch.manual_seed(given.seed)
    model, log_q = lesson.BiLM(len(counts), given.width, given.hidden, dropout), lesson.noise(counts)
    optimizer = torch.optim.AdamW(model.parameters(), lr=given.peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    name = f"{folder.name}-{given.seed}-{steps}-{given.width}-{given.hidden}-{dropout:g}-{given.peak:g}.pt"
    state_file = build("elmo", name)
    step, curve, seconds, running = 0, [], 0.0, []
    if state_file.exists():
        state = torch.load(state_file, weights_only=False)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, curve, seconds, running = (state[name] for name in ("step", "curve", "seconds", "running"))
        print(f"going on after step {step}", flush=True)

    began, bar = time.time(), tqdm(total=steps, initial=step, mininterval=10)
    while step < steps:
        torch.manual_seed(1_000_003 * given.seed + step)  # the samples and the dropout of this step
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps, given.peak)
        ids, lengths = lesson.padded([rows[i] for i in queue[step]])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            loss = lesson.training_loss(model, ids, lengths, log_q, given.samples)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        running.append(loss.item())
        bar.update()
        if step in ends:
            seconds, began = seconds + time.time() - began, time.time()
            right, left = lesson.perplexity(model, testing)
            curve.append({"pass": ends.index(step) + 1, "step": step, "seconds": round(seconds)})
            curve[-1] |= {"train": round(float(np.mean(running)), 4)}
            curve[-1] |= {"held out": {"forwards": round(right, 2), "backwards": round(left, 2)}}
            running, began = [], time.time()  # measuring is not training
            tqdm.write(json.dumps(curve[-1]))
        if step in ends or step % given.every == 0:
            seconds, began = seconds + time.time() - began, time.time()
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            state |= {"step": step, "curve": curve, "seconds": seconds, "running": running}
            torch.save(state, state_file.with_suffix(".new"))
            os.replace(state_file.with_suffix(".new"), state_file)
    bar.close()

    save_file(
        {key: value.half().contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors"
    )
    (folder / "vocab.json").write_text(json.dumps(counts, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    record = {
        "command": f"make elmo (python models/elmo.py --language {given.language})",
        "date": date.today().isoformat(),
        "machine": machine(),
        "precision": "bfloat16" if low else "float32",
        "seed": given.seed,
        "peak": given.peak,
        "dropout": dropout,
        "samples": given.samples,
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(counts),
        "sentences": len(rows),
        "words": size,
        "passes": passes,
        "curve": curve,
    }
    (folder / "training.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def has_bfloat16() -> bool:
    """Say whether this processor multiplies matrices in bfloat16 by itself; elsewhere float32 is faster."""
    flags = Path("/proc/cpuinfo")
    return flags.exists() and "amx_bf16" in flags.read_text()


if __name__ == "__main__":
    main()
