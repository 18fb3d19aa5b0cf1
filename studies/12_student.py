"""Chapter 12: what each part of distillation brings, on what laypeople say and on definitions; and the strongest simple rivals.

One student network, 12 % of the teacher's parameters, raised in seven ways (``lessons.WAYS``), each with three seeds and equally
many steps. "layperson accuracy", "definition macro F1" …: the test part, with 95 % intervals over texts (low, high);
"… of the teacher": as a share of the teacher's; "… p": paired permutation test against the teacher, of the accuracy;
"validation …": the part that chose. ``rival``: TF-IDF with logistic regression, its strength and (where told) its size chosen on
validation; MiniLM frozen with logistic regression. ``temperature``: the chapter's short lesson, on validation. ``live``: the
same as in the chapter, on test. The teacher scores a hundred thousand texts once, five minutes; then forty on one thread.
"""

import time
from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from transformers import BertTokenizer

from wordspace import branches, corpora, encoders, evaluation, lessons, transfer
from wordspace.studies import Study

CHAPTER = "12_distillation"
STUDY = Study(
    "12_student",
    chapters=[CHAPTER],
    data=["minilm", "phenotypes"],
    packages=["numpy", "torch", "transformers", "peft", "scikit-learn"],
    modules=["branches", "corpora", "encoders", "evaluation", "phenotypes", "transfer"],
    files=["models/minilm-branches/adapter_model.safetensors", "models/minilm-branches/head.safetensors"],
)
L = lessons.load(CHAPTER)
READ = ("definition", "name", "synonym")
KINDS = ("layperson", "definition")
STEPS, INSIDE = 1600, 200


@cache
def tokenizer():
    """Return MiniLM's tokenizer, the student's too."""
    return BertTokenizer.from_pretrained(encoders.minilm())


@cache
def teacher():
    """Return the chapter's teacher."""
    return branches.teacher()


@cache
def material():
    """Return rows, labels (-1: none) and the teacher's scores; those with a label come first."""
    rows, labels = L.transfer_rows(teacher(), tokenizer())
    return rows, labels, transfer.scores(teacher(), rows, L.branch_scores)


@cache
def held_out(part: str, kind: str):
    """Return rows and labels."""
    texts, labels = branches.examples(part, kind)
    return L.text_rows(tokenizer(), texts, branches.LONGEST), labels


@cache
def teachers(part: str, kind: str) -> torch.Tensor:
    """Return the teacher's scores."""
    return transfer.scores(teacher(), held_out(part, kind)[0], L.branch_scores, show=False)


def figures(said: dict[tuple[str, str], np.ndarray]) -> dict[str, float]:
    """Return what labels said of (part, kind) are worth."""
    found = {}
    for (part, kind), guess in said.items():
        labels, its = held_out(part, kind)[1], teachers(part, kind).argmax(dim=1).numpy()
        own, best = evaluation.classification(labels, guess), evaluation.classification(labels, its)
        head = kind if part == "test" else f"validation {kind}"
        for name, score in own.items():
            found[f"{head} {name}"] = score.value
            found[f"{head} {name}, of the teacher"] = score.value / best[name].value
            if part == "test":
                found |= {f"{head} {name}, low": score.low, f"{head} {name}, high": score.high}
        found[f"{head} agreement"] = float((guess == its).mean())
        if part == "test":
            found[f"{head} p"] = evaluation.paired_test(guess == labels, its == labels)[1]
    return found


def measured(model) -> dict[str, float]:
    """Return the figures of a network."""
    pairs = [(part, kind) for part in ("validation", "test") for kind in KINDS]
    return figures({pair: L.branch_scores(model, held_out(*pair)[0]).argmax(dim=1).numpy() for pair in pairs})


def counted(model) -> int:
    """Return the number of a network's parameters."""
    return sum(p.numel() for p in model.parameters())


# --- Rivals -------------------------------------------------------------------------------------------------------------
def words(text: str) -> list[str]:
    """Return the words of a text, lower case, without punctuation."""
    return [word for word in corpora.tokenise_english(text) if corpora.is_word(word)]


@torch.no_grad()
def frozen(texts: list[str]) -> np.ndarray:
    """Return the vectors of texts by MiniLM as it came, (texts, 384)."""
    from transformers import BertModel

    encoder = BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False).eval()

    class Mean(torch.nn.Module):
        def forward(self, ids, mask):
            states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            return torch.nn.functional.normalize(mean, dim=1)

    return L.branch_scores(Mean(), L.text_rows(tokenizer(), texts, branches.LONGEST)).numpy()


def rival(name: str) -> dict[str, float]:
    """Learn one rival from what the teacher read; its strength C is the best on validation."""
    texts, labels = branches.examples("train", READ)
    if name == "frozen MiniLM":
        vectors, size = frozen, counted(teacher().encoder)
        X = frozen(texts)
    else:
        most = 20000 if "20,000" in name else None
        how = {"analyzer": words} if "words" in name else {"analyzer": "char_wb", "ngram_range": (3, 5)}
        vectoriser = TfidfVectorizer(sublinear_tf=True, max_features=most, **how)
        X, vectors, size = vectoriser.fit_transform(texts), vectoriser.transform, 0
    held = {pair: vectors(branches.examples(*pair)[0]) for pair in [(p, k) for p in branches.PARTS[1:] for k in KINDS]}
    tried = []
    for strength in (3, 10, 30):
        model = LogisticRegression(C=strength, max_iter=500).fit(X, labels)
        right = [model.score(held["validation", k], branches.examples("validation", k)[1]) for k in KINDS]
        tried.append((float(np.mean(right)), strength, model))
    _, strength, model = max(tried, key=lambda t: t[:2])
    found = figures({pair: model.predict(some) for pair, some in held.items()})
    return found | {"C": strength, "parameters": size + model.coef_.size + model.intercept_.size}


# --- Runs -----------------------------------------------------------------------------------------------------------------
def one(way: str, seed: int, temperature: float = 2.0) -> dict[str, float]:
    """Raise one student, or measure the teacher or a rival."""
    if way == "teacher":
        return measured(teacher()) | {"parameters": counted(teacher())}
    if way.startswith("rival: "):
        return rival(way.removeprefix("rival: "))
    if way in ("live", "temperature"):
        began, found = time.process_time(), {}
        part = "test" if way == "live" else "validation"
        rows, labels = held_out(part, "layperson")
        for name, (student, _) in L.live_pair(teacher(), tokenizer(), seed, T=temperature).items():
            accuracy, f1 = L.right_and_f1(L.branch_scores(student, rows), labels)
            found |= {f"{name} accuracy": accuracy, f"{name} macro F1": f1}
        return found | {"processor seconds": time.process_time() - began}
    rows, labels, scores = material()
    began = time.process_time()
    student = L.raise_student(way, teacher(), rows, labels, scores, steps=STEPS, inside=INSIDE, seed=seed)
    seconds = time.process_time() - began
    return measured(student) | {"parameters": counted(student), "processor seconds": seconds}


SEEDS = (0, 1, 2)
RUNS = [{"way": "teacher", "seed": 0}]
RUNS += [
    {"way": f"rival: {name}", "seed": 0} for name in ("words", "characters", "characters, 20,000", "frozen MiniLM")
]
RUNS += [{"way": "live", "seed": seed} for seed in (0, 1, 2, 3)]
RUNS += [{"way": "temperature", "seed": 0, "temperature": T} for T in (1.0, 2.0, 4.0, 8.0)]
RUNS += [{"way": way, "seed": seed} for seed in SEEDS for way in L.WAYS]

if __name__ == "__main__":
    STUDY.run(one, RUNS)
