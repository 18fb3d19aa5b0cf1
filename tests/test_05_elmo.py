"""Chapter 05's lesson code, held to torch, to the full softmax, to pencil and paper; and the script that trains its models."""

import json
import math
import sys

import model_scripts
import numpy as np
import pytest
import torch

from wordspace import lessons
from wordspace.corpora import Paragraph
from wordspace.paths import root

V = 12


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("05_elmo")


@pytest.fixture
def model(lesson):
    torch.manual_seed(0)
    return lesson.BiLM(V, d=6, hidden=9).eval()


def random_rows(count=60, longest=8, seed=0, least=0):
    rng = np.random.default_rng(seed)
    return [[1, *rng.integers(3, V, rng.integers(least, longest)).tolist(), 2] for _ in range(count)]


# --- LSTM -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("T", [1, 2, 30])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (200, 256), (7, 2)])
@pytest.mark.parametrize("batch", [(), (1,), (4,)])
def test_the_lstm_by_hand_is_torchs(lesson, T, shape, batch):
    torch.manual_seed(T)
    theirs, x = torch.nn.LSTM(*shape), torch.randn(T, *batch, shape[0])
    W, U, b_1, b_2 = theirs.parameters()
    with torch.no_grad():
        torch.testing.assert_close(lesson.lstm(x, W, U, b_1 + b_2), theirs(x)[0], rtol=0, atol=1e-5)


def test_the_lstms_gradients_are_torchs(lesson):
    torch.manual_seed(0)
    theirs, x = torch.nn.LSTM(3, 5), torch.randn(9, 2, 3)
    W, U, b_1, b_2 = theirs.parameters()
    ours = torch.autograd.grad(lesson.lstm(x, W, U, b_1 + b_2).sin().sum(), (W, U, b_1))
    for a, b in zip(ours, torch.autograd.grad(theirs(x)[0].sin().sum(), (W, U, b_1)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


# --- Text -------------------------------------------------------------------------------------------------------------
def test_words_are_counted_numbered_and_padded(lesson):
    counts = lesson.count_words([["b", "a", "b"], ["c", "a", "b"]], size=2)
    assert list(counts.items()) == [("<unk>", 1), ("<s>", 2), ("</s>", 2), ("b", 3), ("a", 2)]
    rows = lesson.numbered([["a", "z"], ["b"]], counts)
    assert rows == [[1, 4, 0, 2], [1, 3, 2]]
    ids, lengths = lesson.padded(rows)
    assert ids.tolist() == [[1, 4, 0, 2], [1, 3, 2, 2]]
    assert lengths.tolist() == [4, 3]


def test_long_sentences_are_cut_and_parts_kept_apart(lesson, monkeypatch):
    monkeypatch.setattr(lesson.corpora, "part", lambda text: "train" if text.startswith("x") else "test")
    paragraphs = [Paragraph("", (("x",) * 7, ("y",))), Paragraph("", (("z",),))]
    assert lesson.sentences_of(paragraphs, "train", longest=3) == [("x",) * 3, ("x",) * 3, ("x",), ("y",)]
    assert lesson.sentences_of(paragraphs, "test") == [("z",)]


def test_every_row_is_in_one_batch(lesson):
    rows = random_rows(300, 30)
    groups = lesson.batches(rows, 100, np.random.default_rng(3))
    assert sorted(np.concatenate(groups).tolist()) == list(range(300))
    assert max(sum(len(rows[i]) for i in group) for group in groups) <= 140


def test_turning_twice_changes_nothing_and_padding_stays(lesson):
    ids, lengths = lesson.padded(random_rows(20))
    once = lesson.turned(ids, lengths)
    for row, back, n in zip(ids.tolist(), once.tolist(), lengths.tolist(), strict=True):
        assert back[:n] == row[:n][::-1] and back[n:] == row[n:]
    assert torch.equal(lesson.turned(once, lengths), ids)
    x = torch.randn(*ids.shape, 3)
    assert torch.equal(lesson.turned(x, lengths)[..., 0], lesson.turned(x[..., 0], lengths))


def test_the_most_probable_cut(lesson):
    counts = {"<unk>": 9, "苹果": 5, "苹": 1, "果": 1, "吃": 5, "手机": 5, "果手": 1}
    assert lesson.cut("吃苹果手机", counts) == ["吃", "苹果", "手机"]
    assert lesson.cut("吃龘", counts) == ["吃", "龘"]
    assert lesson.cut("", counts) == []
    assert lesson.occurrence("吃苹果手机", "苹果", counts) == (["吃", "苹果", "手机"], 1)
    assert lesson.occurrence("An Apple, red.", "apple", counts) == (["an", "apple", ",", "red", "."], 1)


# --- The two readers --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("place", range(6))
def test_neither_reader_sees_what_it_must_guess(lesson, model, place):
    ids, lengths = lesson.padded([[1, 4, 5, 6, 7, 2], [1, 3, 2]])
    other = ids.clone()
    other[0, place] = 9
    for before, after in zip(model(ids, lengths), model(other, lengths), strict=True):
        right, left = ((a - b).abs().amax(dim=-1) for a, b in zip(before, after, strict=True))
        assert right[0, :place].max() == 0 if place else True
        assert left[0, place + 1 :].max() == 0 if place < 5 else True
        assert right[1].max() == left[1].max() == 0
    guesses = [list(lesson.guesses(model(x, lengths)[2], x, lengths)) for x in (ids, other)]
    if place:  # forwards: the state that foretells this place
        assert torch.equal(guesses[0][0][0][place - 1], guesses[1][0][0][place - 1])
    if place < 5:  # backwards
        assert torch.equal(guesses[0][1][0][place], guesses[1][1][0][place])


def test_padding_changes_nothing(lesson, model):
    short = [1, 3, 4, 2]
    alone = model(*lesson.padded([short]))
    beside = model(*lesson.padded([short, [1, *range(3, 12), 2]]))
    for one, two in zip(alone, beside, strict=True):
        for a, b in zip(one, two, strict=True):
            torch.testing.assert_close(a[0], b[0, :4], rtol=0, atol=1e-6)


def test_the_guesses_are_the_right_words(lesson, model):
    rows = [[1, 5, 6, 2], [1, 7, 2]]
    ids, lengths = lesson.padded(rows)
    (_, forwards), (_, backwards) = lesson.guesses(model(ids, lengths)[2], ids, lengths)
    assert forwards.tolist() == [5, 6, 2, 7, 2]
    assert backwards.tolist() == [1, 5, 6, 1, 7]


def test_layers_are_the_models_states_without_the_ends(lesson, model):
    counts = dict.fromkeys(["<unk>", "<s>", "</s>", *"abcdefghi"], 1)
    sentences = [list("abc"), list("d"), list("eeeeeeee")] * 5
    found = lesson.layers(model, sentences, counts, size=12)
    for sentence, h in zip(sentences, found, strict=True):
        assert h.shape == (3, len(sentence), 12)
        pairs = model(*lesson.padded(lesson.numbered([sentence], counts)))
        expected = torch.stack([torch.cat(pair, dim=-1)[0, 1:-1] for pair in pairs]).detach()
        np.testing.assert_allclose(h, expected, atol=1e-6)
        assert (h[0, :, :6] == h[0, :, 6:]).all()


# --- Softmax and perplexity -------------------------------------------------------------------------------------------
def test_sampled_softmax_with_all_words_is_the_full_one(lesson):
    """Every word drawn once, q uniform: the others compete exactly as in the full softmax."""
    torch.manual_seed(0)
    h, E, b, words = torch.randn(20, 5), torch.randn(V, 5), torch.randn(V), torch.randint(0, V, (20,))
    log_q = torch.full((V,), -math.log(V))
    sampled = lesson.sampled_loss(h, words, E, b, torch.arange(V), log_q)
    torch.testing.assert_close(sampled, lesson.full_loss(h, words, E, b))


def test_the_sampled_gradient_tends_to_the_full_one(lesson):
    torch.manual_seed(0)
    size = 200
    h, E = torch.randn(30, 5, requires_grad=True), torch.randn(size, 5, requires_grad=True)
    b = torch.zeros(size)
    words = (
        (3 * h @ E.T).softmax(dim=-1).multinomial(1)[:, 0]
    )  # frequent or not, many of them likely: no bias for those
    q = torch.arange(1.0, size + 1).reciprocal()
    log_q = (q / q.sum()).log()
    full = torch.autograd.grad(lesson.full_loss(h, words, E, b), (h, E))

    def error(k):
        losses = [
            lesson.sampled_loss(h, words, E, b, torch.multinomial(log_q.exp(), k, True), log_q) for _ in range(10)
        ]
        found = torch.autograd.grad(sum(losses) / 10, (h, E))
        return max(float((a - b).norm() / b.norm()) for a, b in zip(found, full, strict=True))

    errors = [error(k) for k in (20, 500, 20_000)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02


def test_perplexity_by_hand(lesson, model):
    """A model that gives every word the same probability has the vocabulary's size as its perplexity."""
    with torch.no_grad():
        model.E.weight.zero_()
        np.testing.assert_allclose(lesson.perplexity(model, random_rows(7)), [V, V], rtol=1e-5)
        p = torch.arange(1.0, V + 1) / (V * (V + 1) / 2)
        model.b.copy_(p.log())
    rows = [[1, 5, 6, 2], [1, 7, 2]]
    for found, words in zip(lesson.perplexity(model, rows, size=3), ([5, 6, 2, 7, 2], [1, 5, 6, 1, 7]), strict=True):
        assert found == pytest.approx(float(torch.exp(-p[words].log().mean())), rel=1e-5)


def test_the_probabilities_are_those_of_the_perplexity(lesson, model):
    rows = random_rows(20)
    p = lesson.lm_probabilities(model, rows)
    assert len(p) == sum(len(row) - 1 for row in rows)
    assert np.exp(-np.log(p).mean()) == pytest.approx(lesson.perplexity(model, rows)[0], rel=1e-5)


# --- Kneser-Ney -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("context", [[], [3], [3, 4], [3, 4, 5, 6, 7, 8, 9], [0], [0, 3], [3, 0, 4], [11] * 6])
def test_probabilities_sum_to_one(lesson, n, context):
    trained = lesson.kneser_ney(random_rows(), V, n)
    follow = [[1, *context, word] for word in range(V) if word != 1]
    p = lesson.kn_probabilities(follow, *trained, V).reshape(len(follow), -1)
    assert (p > 0).all()
    assert p[:, -1].sum() == pytest.approx(1, abs=1e-12)


def kneser_ney_slowly(rows, n):
    """Interpolated Kneser-Ney from the definition, with dictionaries: P(word | all words before it)."""
    raw = [set() for _ in range(n + 2)]
    often = {}
    for row in rows:
        for t in range(1, len(row)):
            for k in range(1, min(n, t + 1) + 1):
                gram = tuple(row[t - k + 1 : t + 1])
                often[gram] = often.get(gram, 0) + 1
                raw[k].add(gram)

    def count(gram):
        if len(gram) == n or gram[0] == 1:
            return often[gram]
        return sum(longer[1:] == gram for longer in raw[len(gram) + 1])

    table = [{gram: count(gram) for gram in raw[k]} for k in range(n + 1)]

    def p(word, context):
        value = 1 / (V - 1)
        for k in range(1, n + 1):
            if k - 1 > len(context):
                break
            u = tuple(context[len(context) - k + 1 :])
            after = {gram: c for gram, c in table[k].items() if gram[:-1] == u}
            if not after:
                break
            values = list(table[k].values())
            once, twice = values.count(1), values.count(2)
            D = once / (once + 2 * twice) if once else 0.5
            value = (max(after.get((*u, word), 0) - D, 0) + D * len(after) * value) / sum(after.values())
        return value

    return p


@pytest.mark.parametrize("n", [1, 2, 4])
def test_fast_and_slow_kneser_ney_agree(lesson, n):
    rows = random_rows(25, 7)
    p, tests = kneser_ney_slowly(rows, n), random_rows(10, 7, seed=1) + [[1, 0, 3, 2], [1, 2]]
    expected = [p(row[t], row[:t]) for row in tests for t in range(1, len(row))]
    found = lesson.kn_probabilities(tests, *lesson.kneser_ney(rows, V, n), V)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


# --- Layers, mixed and probed -----------------------------------------------------------------------------------------
def test_mix_by_hand(lesson):
    mix, h = lesson.Mix(), torch.randn(3, 4, 5)
    torch.testing.assert_close(mix(h), h.mean(dim=0))
    with torch.no_grad():
        mix.s.copy_(torch.tensor([0, 0, math.log(2)]))
        mix.gamma.fill_(2)
    torch.testing.assert_close(mix(h), 2 * (h[0] / 4 + h[1] / 4 + h[2] / 2))


def test_the_neighbours_mean_leaves_the_word_out(lesson):
    h = np.arange(3 * 20 * 2, dtype=float).reshape(3, 20, 2)
    found = lesson.at(h, 7, window=2)
    np.testing.assert_array_equal(found, [h[0, 7], h[0, [5, 6, 8, 9]].mean(axis=0), h[1, 7], h[2, 7]])
    assert (lesson.at(h[:, :1], 0)[1] == 0).all()


def test_a_probe_finds_the_layer_that_knows(lesson):
    torch.manual_seed(0)
    y, centres = torch.randint(0, 3, (600,)), 2 * torch.randn(3, 8)
    H = torch.stack([torch.randn(600, 8), centres[y] + torch.randn(600, 8), torch.randn(600, 8)])
    guess, weights = lesson.probe(H[:, :400], y[:400], H[:, 400:])
    assert (guess == y[400:]).float().mean() > 0.9
    assert weights.argmax() == 1


def test_the_control_task_gives_every_word_one_tag(lesson):
    words, y = ["a", "b", "a", "c"] * 100, torch.tensor([0, 1, 0, 2] * 100)
    tags = lesson.control(y, words)
    assert tags.keys() == {"a", "b", "c"} and set(tags.values()) <= {0, 1, 2}
    many = [str(i) for i in range(3000)]
    assert np.mean([tag == 0 for tag in lesson.control(y, many).values()]) == pytest.approx(0.5, abs=0.05)
    assert lesson.ambiguous(["x"] * 10 + ["y"] * 10, torch.tensor([0] * 9 + [1] + [1] * 10)) == {"x"}


# --- The script -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def script():
    return model_scripts.load("elmo")


def test_stopped_and_taken_up_again_it_gives_the_same_model(lesson, script, tmp_path, monkeypatch):
    few = [Paragraph("", (tuple(f"{a} {b} 很 好 。".split()),)) for a in "天地人你我他" for b in "大小多少高低"]
    monkeypatch.setattr(script, "texts", lambda language: few)
    monkeypatch.setattr(script, "build", lambda *parts: tmp_path / parts[-1])

    def trained(folder, stop=None):
        options = "--language zh --passes 2 --width 8 --hidden 8 --batch 60 --samples 9 --every 2 --precision float32"
        monkeypatch.setattr(sys, "argv", ["elmo.py", *options.split(), "--folder", str(folder)])
        if stop:
            monkeypatch.setattr(script.os, "replace", stop)
        try:
            script.main()
        except KeyboardInterrupt:
            return None
        return lesson.load_bilm(folder)[0].state_dict(), json.loads((folder / "training.json").read_text("utf-8"))

    whole, record = trained(tmp_path / "a")
    assert record["curve"][-1]["pass"] == 2
    (state_file,) = tmp_path.glob("*.pt")
    state_file.unlink()
    replace = script.os.replace

    def stop_after_the_first(source, target):
        replace(source, target)
        raise KeyboardInterrupt

    assert trained(tmp_path / "a", stop_after_the_first) is None
    monkeypatch.setattr(script.os, "replace", replace)
    again, record_again = trained(tmp_path / "a")
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert [one["train"] for one in record["curve"]] == [one["train"] for one in record_again["curve"]]


def test_it_computes_in_bfloat16_as_well(lesson):
    torch.manual_seed(0)
    model, counts = lesson.BiLM(V, 8, 8), dict.fromkeys(map(str, range(V)), 1)
    ids, lengths = lesson.padded(random_rows(20))
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            low = lesson.training_loss(
                model.eval(), ids, lengths, lesson.noise(counts), 9, torch.Generator().manual_seed(1)
            )
    except RuntimeError as error:
        if "primitive" not in str(error):
            raise
        pytest.skip(f"this processor has no LSTM in bfloat16: {error}")
    high = lesson.training_loss(model, ids, lengths, lesson.noise(counts), 9, torch.Generator().manual_seed(1))
    assert low.item() == pytest.approx(high.item(), rel=0.02)
    assert low.dtype == torch.float32


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_models_are_small_and_their_cards_say_what_a_card_must(lesson, language):
    folder = root() / "models" / f"elmo-{language}"
    assert (folder / "model.safetensors").stat().st_size <= 12_000_000
    record = json.loads((folder / "training.json").read_text("utf-8"))
    model, counts = lesson.load_bilm(folder)
    assert len(counts) == record["vocabulary"] <= 15_003
    assert sum(p.numel() for p in model.parameters()) == record["parameters"]
    card = (folder / "README.md").read_text("utf-8")
    for head in ("Data", "Training", "Measured", "Limits", "Licence"):
        assert f"## {head}" in card
    for number in (f"{record['parameters']:,}", *(f"{x:.1f}" for x in record["curve"][-1]["held out"].values())):
        assert number in card
