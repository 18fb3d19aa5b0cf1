"""Chapter 06's lesson code, held to torch, to transformers' model and tokenizer, and to indexing by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import BertModel, BertTokenizer

from wordspace import corpora, encoders, lessons, senses, sentences


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("06_bert")


@pytest.fixture(scope="module")
def minilm():
    folder = encoders.minilm()
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    return model, BertTokenizer.from_pretrained(folder)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def lengths(n, *real):
    return torch.arange(n) < torch.tensor(real)[:, None]


# --- Attention --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("m", [1, 7, 9])
@pytest.mark.parametrize("hidden", [False, True])
def test_attention_is_torchs(lesson, m, hidden):
    Q, K, V = torch.randn(3, 4, 7, 8), torch.randn(3, 4, m, 8), torch.randn(3, 4, m, 5)
    real = lengths(m, m, 1, max(1, m - 2))[:, None, None, :] if hidden else None
    theirs = F.scaled_dot_product_attention(Q, K, V, attn_mask=real)
    torch.testing.assert_close(lesson.attention(Q, K, V, real), theirs, rtol=0, atol=1e-5)


def test_attention_by_hand(lesson):
    Q, K = torch.tensor([[1.0, 0], [0, 0]]), torch.tensor([[0.0, 3], [2**0.5 * float(np.log(3)), 0]])
    torch.testing.assert_close(lesson.weights(Q, K), torch.tensor([[0.25, 0.75], [0.5, 0.5]]))


def test_rows_of_weights_add_up_to_one_and_padding_gets_nothing(lesson):
    real = lengths(6, 6, 2)
    A = lesson.weights(50 * torch.randn(2, 3, 6, 4), 50 * torch.randn(2, 3, 6, 4), real[:, None, None, :])
    torch.testing.assert_close(A.sum(-1), torch.ones(2, 3, 6))
    assert (A[1, :, :, 2:] == 0).all()
    assert torch.isfinite(A).all()


@pytest.mark.parametrize("h", [1, 2, 8])
def test_multihead_is_torchs(lesson, h):
    ours, theirs = lesson.MultiHead(16, h), nn.MultiheadAttention(16, h, batch_first=True)
    three = ours.W_Q, ours.W_K, ours.W_V
    theirs.in_proj_weight.data = torch.cat([W.weight.data for W in three])
    theirs.in_proj_bias.data = torch.cat([W.bias.data for W in three])
    theirs.out_proj.load_state_dict(ours.W_O.state_dict())
    X, real = torch.randn(3, 7, 16), lengths(7, 7, 3, 1)
    expected = theirs(X, X, X, key_padding_mask=~real)[0]
    torch.testing.assert_close(ours(X, real), expected, rtol=0, atol=1e-5)


def test_without_positions_the_vectors_are_shuffled_along(lesson):
    ours, X, order = lesson.Block(16, 4), torch.randn(2, 9, 16), torch.randperm(9)
    real = torch.ones(2, 9, dtype=torch.bool)
    torch.testing.assert_close(ours(X, real)[:, order], ours(X[:, order], real), rtol=0, atol=1e-5)
    model, ids = lesson.Bert(30, 16, 4, 2, longest=9), torch.randperm(25)[None, :9] + 5
    with_places = (model(ids)[:, order] - model(ids[:, order])).abs().max()
    model.place.weight.data.zero_()
    without = (model(ids)[:, order] - model(ids[:, order])).abs().max()
    assert without < 1e-5 < 0.1 < with_places


def test_shuffled_weights_are_the_same_weights(lesson):
    A = torch.rand(2, 4, 6, 6).softmax(-1)
    B = lesson.shuffled(A)
    torch.testing.assert_close(A.sort(-1).values, B.sort(-1).values)
    assert (A != B).any()
    torch.testing.assert_close(lesson.even(A), torch.full((2, 4, 6, 6), 1 / 6))


def test_padding_is_not_shuffled_in(lesson):
    A = lesson.weights(torch.randn(2, 4, 6, 8), torch.randn(2, 4, 6, 8), lengths(6, 6, 2)[:, None, None, :])
    for changed in (lesson.shuffled(A), lesson.even(A)):
        assert (changed[1, ..., 2:] == 0).all()
        torch.testing.assert_close(changed.sum(-1), torch.ones(2, 4, 6))


# --- The masked language model ----------------------------------------------------------------------------------------
def test_masking_rates(lesson):
    V, ids = 1000, torch.randint(5, 1000, (400, 500))
    inputs, labels = lesson.hide(ids, V)
    chosen = labels != -100
    n = int(chosen.sum())
    assert (labels[chosen] == ids[chosen]).all()
    assert (inputs[~chosen] == ids[~chosen]).all()

    def near(count, share, of):
        return abs(count - share * of) < 4 * (share * (1 - share) * of) ** 0.5

    assert near(n, 0.15, ids.numel())
    assert near(int((inputs[chosen] == lesson.MASK).sum()), 0.8, n)
    assert near(int((inputs[chosen] == ids[chosen]).sum()), 0.1 + 0.1 / (V - 5), n)
    assert inputs.min() >= lesson.MASK


def test_marks_are_never_hidden_and_a_seed_gives_the_same(lesson):
    ids = torch.arange(5).repeat(100, 50)
    inputs, labels = lesson.hide(ids, 100)
    assert (inputs == ids).all()
    assert (labels == -100).all()
    ids = torch.randint(5, 100, (50, 50))
    runs = [lesson.hide(ids, 100, generator=torch.Generator().manual_seed(3)) for _ in range(2)]
    assert all((a == b).all() for a, b in zip(*runs, strict=True))


def test_masked_loss_is_torchs_and_its_gradient(lesson):
    logits = torch.randn(3, 7, 11, requires_grad=True)
    labels = torch.where(torch.rand(3, 7) < 0.4, torch.randint(11, (3, 7)), -100)
    ours, theirs = lesson.masked_loss(logits, labels), F.cross_entropy(logits.transpose(1, 2), labels)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-6)


def test_numbering(lesson):
    number, ids = lesson.numbered([["b", "a", "b"], ["c", "a"]], V=7, longest=4)
    assert number == {"a": 5, "b": 6}
    assert ids.tolist() == [[2, 6, 5, 6, 3, 0], [2, 1, 5, 3, 0, 0]]


def test_a_tiny_model_learns_and_a_seed_gives_the_same(lesson):
    ids = torch.tensor([[2, 5, 6, 7, 8, 3], [2, 9, 10, 11, 12, 3]])

    def run():
        torch.manual_seed(1)
        model = lesson.Bert(13, 32, 4, 1, longest=6)
        lesson.train(model, ids, 13, steps=60)
        return model

    one, other = run(), run()
    gap = torch.tensor([[2, 5, lesson.MASK, 7, 8, 3], [2, 9, 10, lesson.MASK, 12, 3]])
    guesses = one.guess(one(gap)).argmax(-1)
    assert (guesses[0, 2], guesses[1, 3]) == (6, 11)
    assert all((a == b).all() for a, b in zip(one.parameters(), other.parameters(), strict=True))


# --- The published model in our class ---------------------------------------------------------------------------------
def test_a_published_model_runs_in_our_class(lesson, minilm):
    model, tokenizer = minilm
    texts = [s for group in senses.labelled("en")["bank"].values() for s in group]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        theirs, ours = model(**batch).last_hidden_state, lesson.adopt(model)(batch["input_ids"])
    torch.testing.assert_close(ours[real], theirs[real], rtol=0, atol=1e-4)


def test_a_words_vector_is_the_one_found_by_hand(lesson, minilm):
    model, tokenizer = minilm
    texts = ["A bank of the river.", "Electroencephalograms at the bank!"]
    places = [(2, 6), (0, 22)]
    V = lesson.vectors_at(model, tokenizer, texts, places)
    pieces = tokenizer.tokenize("Electroencephalograms")
    for n, inside in enumerate([[2], list(range(1, 1 + len(pieces)))]):
        with torch.no_grad():
            layers = model(**tokenizer(texts[n], return_tensors="pt"), output_hidden_states=True).hidden_states
        expected = np.stack([H[0, inside].mean(0).numpy() for H in layers])
        np.testing.assert_allclose(V[:, n], expected, atol=1e-5)
    with pytest.raises(ValueError, match="no token stands at characters 100 to 103"):
        lesson.vectors_at(model, tokenizer, ["short"], [(100, 103)])


def test_padding_and_batches_do_not_change_vectors(lesson, minilm):
    model, tokenizer = minilm
    texts = ["bank", "The bank of the river was muddy after a week of rain, they said.", "my bank account"]
    together, alone = lesson.states(model, tokenizer, texts), lesson.states(model, tokenizer, texts, size=1)
    for (H, spans), (H_1, spans_1) in zip(together, alone, strict=True):
        np.testing.assert_allclose(H, H_1, atol=1e-5)
        assert (spans == spans_1).all()


def test_the_gap_stands_where_it_says(lesson):
    english = senses.Example(("The", "bank", "fell"), 1, 0)
    assert lesson.with_gap(english, "en") == ("The [MASK] fell", (4, 10))
    chinese = senses.Example(("他", "去", "银行"), 2, 0)
    assert lesson.with_gap(chinese, "zh") == ("他去[MASK][MASK]", (2, 14))


# --- WordPiece --------------------------------------------------------------------------------------------------------
def test_wordpiece_by_hand(lesson):
    vocabulary = {"un", "unhappy", "##happi", "##ness", "##n", "a"}
    assert lesson.wordpiece("unhappiness", vocabulary) == ["un", "##happi", "##ness"]
    assert lesson.wordpiece("unhappy", vocabulary) == ["unhappy"]
    assert lesson.wordpiece("ab", vocabulary) == ["[UNK]"]


def test_wordpiece_is_the_tokenizers_on_every_word_of_the_news(lesson, minilm):
    tokenizer = minilm[1]
    vocabulary = tokenizer.get_vocab()
    types = {word for p in corpora.english_news() for s in p.sentences for word in s}
    assert [w for w in types if lesson.tokenize(w, vocabulary) != tokenizer.tokenize(w)] == []


TEXTS = [
    "Café naïve, don't!",
    "银行 in Zürich",
    "a–b (x_y) 3.14 $5",
    "zero\u200bwidth\ttab\u00a0space",
    "",
    "“Quoted” … end",
]


@pytest.mark.parametrize("text", TEXTS)
def test_whole_texts_are_cut_as_by_the_tokenizer(lesson, minilm, text):
    assert lesson.tokenize(text, minilm[1].get_vocab()) == minilm[1].tokenize(text)


# --- What the chapter borrows and wrote -------------------------------------------------------------------------------
def test_a_missing_model_is_named_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(encoders, "root", lambda: tmp_path)
    with pytest.raises(encoders.MissingModel, match="lacks config.json: .* make mini-bert"):
        encoders.mini_bert()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_graded_sentences(language):
    rows = sentences.graded(language)
    assert len(rows) == 60
    assert len({text for row in rows for text in row}) == 240

    def shared(a, b):
        a, b = (set(corpora.tokenise_english(t) if language == "en" else t) for t in (a, b))
        return len(a & b) / len(a | b)

    paraphrase, near, far = (np.mean([shared(row[0], row[k]) for row in rows]) for k in (1, 2, 3))
    assert far < paraphrase < near  # words alone would give the wrong answer
    with pytest.raises(ValueError, match="the languages are: en, zh"):
        sentences.graded("fr")


def test_the_tied_head_has_one_matrix_of_words(lesson):
    model = lesson.Bert(50, 16, 4, 1, longest=8)
    assert sum(p.shape == (50, 16) for p in model.parameters()) == 1
    assert model.guess(model(torch.tensor([[2, 7, 3]]))).shape == (1, 3, 50)
