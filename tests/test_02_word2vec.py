"""Chapter 02's lesson code, held to finite differences, to autograd, to a plain reference of each step, and to gensim."""

import math

import numpy as np
import pytest
import torch

from wordspace import lessons


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("02_word2vec")


@pytest.fixture(scope="module")
def sentences():
    """Six hundred sentences over two topics whose words never mix, and some words that stand everywhere."""
    rng = np.random.default_rng(0)
    topics = [[f"a{n}" for n in range(30)], [f"b{n}" for n in range(30)]]
    made = []
    for n in range(600):
        words = list(rng.choice(topics[n % 2], 12))
        made.append([word for pair in zip(words, rng.choice(["x", "y", "z"], 12), strict=True) for word in pair])
    return made


# --- the likelihood -----------------------------------------------------------------------------------------------------
def test_pairs_are_those_within_the_window(lesson):
    assert lesson.pairs([1, 2, 3], 1) == [(1, 2), (2, 1), (2, 3), (3, 2)]
    assert len(lesson.pairs(list(range(10)), 3)) == 2 * (9 + 8 + 7)
    assert lesson.pairs([1], 5) == []


def test_the_softmax_is_scipys_and_does_not_overflow(lesson):
    from scipy.special import log_softmax

    x = np.random.default_rng(0).normal(0, 300, (4, 7))
    assert np.allclose(lesson.log_softmax(x), log_softmax(x, axis=1))


@pytest.mark.parametrize("m", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_gradients_of_the_full_softmax(lesson, m, seed):
    rng = np.random.default_rng(seed)
    W, U = rng.normal(size=(2, 11, 5))
    ids, targets = rng.integers(0, 11, (8, m)), rng.integers(0, 11, 8)
    by_h, by_U = lesson.nll_gradient(W[ids].mean(1), U, targets)
    by_W = lesson.by_W(W, ids, by_h)
    w, u = torch.tensor(W, requires_grad=True), torch.tensor(U, requires_grad=True)
    torch.nn.functional.cross_entropy(w[torch.tensor(ids)].mean(1) @ u.T, torch.tensor(targets)).backward()
    for ours, theirs, x in ((by_W, w.grad, W), (by_U, u.grad, U)):
        assert lesson.relative_error(ours, theirs.numpy()) < 1e-12
        assert lesson.relative_error(ours, lesson.slopes(lambda: lesson.nll(W[ids].mean(1), U, targets), x)) < 1e-6


@pytest.mark.parametrize("k", [1, 5])
def test_gradients_of_negative_sampling(lesson, k):
    rng = np.random.default_rng(k)
    w, c, N = rng.normal(size=6), rng.normal(size=6), rng.normal(size=(k, 6))
    tensors = [torch.tensor(x, requires_grad=True) for x in (w, c, N)]
    yes = torch.nn.functional.logsigmoid
    value = -yes(tensors[0] @ tensors[1]) - yes(-tensors[2] @ tensors[0]).sum()
    value.backward()
    assert math.isclose(lesson.loss(w, c, N), value.item())
    for ours, tensor, x in zip(lesson.gradient(w, c, N), tensors, (w, c, N), strict=True):
        assert lesson.relative_error(ours, tensor.grad.numpy()) < 1e-12
        assert lesson.relative_error(ours, lesson.slopes(lambda: lesson.loss(w, c, N), x)) < 1e-6


# --- the corpus and its distributions -----------------------------------------------------------------------------------
def test_encoding_keeps_order_and_drops_rare_words(lesson):
    corpus = lesson.encode([["b", "a", "a"], ["c", "b"], ["a"]], min_count=2)
    assert corpus.words == ["a", "b"]
    assert corpus.counts.tolist() == [3, 2]
    assert corpus.text.tolist() == [1, 0, 0, 1, 0]
    assert corpus.starts.tolist() == [0, 3, 4, 5]


def test_bad_input_is_named(lesson):
    with pytest.raises(ValueError, match=r"no word occurs 5 times \(the most frequent: 2\)"):
        lesson.encode([["a", "a", "b"]])
    with pytest.raises(ValueError, match="no word occurs 5 times"):
        lesson.encode([])
    corpus = lesson.encode([["a", "b", "a"]], min_count=1)
    for text in ([0, 2], [-1, 0], []):
        with pytest.raises(ValueError, match="ids from 0 to 1, at least one"):
            lesson.Trainer(corpus._replace(text=np.array(text, np.int32)))
    with pytest.raises(TypeError, match="windw"):
        lesson.Trainer(corpus, windw=3)
    trainer = lesson.Trainer(corpus)
    trainer.W[0, 0] = np.nan
    with pytest.raises(FloatingPointError, match=r"take a rate below 0\.025"):
        trainer.train(bar=False)


def test_noise_and_thinning_are_word2vecs(lesson):
    counts = np.array([1000, 100, 10, 1])
    P = lesson.noise_distribution(counts)
    assert P.sum() == pytest.approx(1)
    assert P[0] / P[2] == pytest.approx(100**0.75)
    table = lesson.noise_table(counts, 0.75)
    assert np.bincount(table) / len(table) == pytest.approx(P, abs=1e-6)
    f = counts / counts.sum()  # gensim and word2vec.c: (sqrt(f/s) + 1) s/f
    keep = lesson.keep_probability(counts, 1e-3)
    assert keep == pytest.approx(np.minimum(1, (np.sqrt(f / 1e-3) + 1) * 1e-3 / f))
    assert (lesson.keep_probability(counts, 0) == 1).all()


# --- the trainer --------------------------------------------------------------------------------------------------------
def scratch(k, d):
    return np.zeros(1 + k, np.int64), np.zeros(1 + k, np.float32), *np.zeros((2, d), np.float32)


def noise_of(*words):  # a noise table of these words; draw() takes them in an order that we repeat below
    return np.array(words, np.int64)


@pytest.mark.parametrize("shortcut", [True, False])
def test_one_window_of_skip_gram_is_the_formula(lesson, shortcut):
    rng = np.random.default_rng(0)
    W, U = rng.normal(0, 0.5, (2, 6, 8)).astype(np.float32)
    w, u, rate = W.copy().astype(float), U.copy().astype(float), 0.01
    state = np.array([11], np.uint64)
    around = np.array([1, 2])
    lesson.skip_gram(0, around, *scratch(1, 8), W, U, noise_of(5), shortcut, np.float32(rate), state)
    for c in around:  # one after the other, as the program does
        by_w, by_c, by_N = lesson.gradient(w[c], u[0], u[[5]])
        w[c] -= rate * by_w
        u[0] -= rate * by_c
        u[5] -= rate * by_N[0]
    assert abs(W - w).max() < 1e-4
    assert abs(U - u).max() < 1e-4
    assert abs(W[1] - rng.normal(size=8)).max() > 0.1  # it is not all the same


@pytest.mark.parametrize("shortcut", [True, False])
def test_one_window_of_cbow_is_the_formula(lesson, shortcut):
    rng = np.random.default_rng(1)
    W, U = rng.normal(0, 0.5, (2, 6, 8)).astype(np.float32)
    w, u, rate = W.copy().astype(float), U.copy().astype(float), 0.01
    around = np.array([1, 2, 3])
    state = np.array([11], np.uint64)
    lesson.cbow(0, around, *scratch(1, 8), W, U, noise_of(5), shortcut, np.float32(rate), state)
    by_h, by_c, by_N = lesson.gradient(w[around].mean(0), u[0], u[[5]])
    w[around] -= rate * by_h * (1 if shortcut else 1 / 3)
    u[0] -= rate * by_c
    u[5] -= rate * by_N[0]
    assert abs(W - w).max() < 1e-4
    assert abs(U - u).max() < 1e-4


def test_the_table_of_sigma_is_close_and_saturates(lesson):
    for x in (-20.0, -7.99, -3.3, 0.0, 2.5, 7.99, 20.0):
        W, U = np.array([[1.0]], np.float32), np.array([[x]], np.float32)
        outs, e, g = np.zeros(1, np.int64), np.zeros(1, np.float32), np.zeros(1, np.float32)
        lesson.step.py_func(W[0], U, outs, np.float32(1), e, g)
        assert e[0] == pytest.approx(1 - lesson.sigma(np.clip(x, -8, 8)), abs=2.5e-3)


@pytest.mark.parametrize("name", ["skip_gram", "cbow"])
def test_one_thread_is_deterministic_and_resumes_bit_by_bit(lesson, sentences, name):
    corpus, learn = lesson.encode(sentences), getattr(lesson, name)
    straight = lesson.Trainer(corpus, learn, epochs=3, seed=5).train(bar=False)
    stopped = lesson.Trainer(corpus, learn, epochs=3, seed=5)
    for epochs in (1, 2, None):
        stopped.train(epochs, bar=False)
    assert (straight.W == stopped.W).all() and (straight.U == stopped.U).all()
    other = lesson.Trainer(corpus, learn, epochs=3, seed=6).train(bar=False)
    assert not np.allclose(straight.W, other.W)
    again = straight.W.copy()
    assert (straight.train(bar=False).W == again).all()  # nothing is left to do


def test_the_rate_falls_to_nearly_nothing(lesson):
    settings = lesson.Settings(rate=0.1, epochs=2)
    rates = [settings.rate_at(n) for n in range(2 * lesson.PIECES)]
    assert rates[0] == np.float32(0.1)
    assert rates[-1] == pytest.approx(0.1 / (2 * lesson.PIECES))
    assert all(a > b for a, b in zip(rates, rates[1:], strict=False))


@pytest.mark.parametrize("name", ["skip_gram", "cbow"])
@pytest.mark.parametrize("threads", [1, 2])
def test_it_learns_which_words_keep_company(lesson, sentences, name, threads):
    corpus = lesson.encode(sentences)
    trainer = lesson.Trainer(corpus, getattr(lesson, name), size=20, epochs=40, rate=0.05, sample=0)
    space = lesson.keyed(corpus.words, trainer.train(threads=threads, bar=False).W)
    right = [near[0] == word[0] for word in ("a0", "a7", "b3", "b9") for near, _ in space.most_similar(word, topn=5)]
    assert np.mean(right) > 0.9


def test_it_and_gensim_find_the_same_neighbours(lesson, sentences):
    corpus = lesson.encode(sentences)
    trainer = lesson.Trainer(corpus, size=20, epochs=40, rate=0.05)
    ours = lesson.keyed(corpus.words, trainer.train(bar=False).W)
    theirs = lesson.by_gensim(sentences, 1, epochs=40, alpha=0.05, vector_size=20)
    for word in ("a1", "b1"):
        kinds = [{near[0] for near, _ in space.most_similar(word, topn=10)} for space in (ours, theirs)]
        assert kinds == [{word[0]}] * 2


# --- what the answers can be --------------------------------------------------------------------------------------------
def test_sampled_pairs_stand_in_one_sentence_near_each_other(lesson):
    sentences = [[f"{s}-{n}" for n in range(20)] for s in range(40)]
    corpus = lesson.encode(sentences, min_count=1)
    settings = lesson.Settings(window=3, sample=0)
    a, b = lesson.sample_pairs(corpus, settings, 4000, np.random.default_rng(0))
    split = [[int(x) for x in corpus.words[i].split("-")] for i in np.stack([a, b]).ravel()]
    (s, i), (t, j) = np.array(split[: len(a)]).T, np.array(split[len(a) :]).T
    assert (s == t).all()
    far = np.bincount(abs(i - j), minlength=4)
    assert far[0] == 0
    # distance 1, 2, 3 in the proportion 3 : 2 : 1, a little less where the sentence ends
    assert far[1:] / far.sum() == pytest.approx([3 / 6, 2 / 6, 1 / 6], abs=0.04)


def test_frequency_only_is_the_optimum_of_one_number_a_word(lesson):
    counts, settings = np.array([50, 30, 20]), lesson.Settings(sample=0, negative=3, power=1.0)
    assert lesson.frequency_only(counts, settings) == pytest.approx(1 / 4)
    settings = lesson.Settings(sample=0, negative=3, power=0.75)
    P, Pn = counts / 100, lesson.noise_distribution(counts)
    guess = lesson.frequency_only(counts, settings)
    for c in range(3):  # no other number for word c has a smaller expected loss
        grid = np.linspace(0.01, 0.99, 981)
        losses = -P[c] * np.log(grid) - 3 * Pn[c] * np.log(1 - grid)
        assert grid[losses.argmin()] == pytest.approx(guess[c], abs=2e-3)
