"""Chapter 08's sentence encoder: the loss held to torch's cross-entropy and to the pencil, pooling and search to numpy's."""

import importlib
import sys

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import BertConfig, BertModel, BertTokenizer

from wordspace import encoders, lessons, retrieval
from wordspace.paths import root


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("08_semantic_search")


@pytest.fixture(scope="module")
def tokenizer():
    return BertTokenizer.from_pretrained(encoders.mini_bert())


@pytest.fixture
def tiny(tokenizer):
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    return BertModel(BertConfig(vocab_size=len(tokenizer), **shape), add_pooling_layer=False).eval()


def unit(*shape):
    return F.normalize(torch.randn(*shape, dtype=torch.float64), dim=-1)


# --- The loss ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tau", [0.05, 1.0])
def test_the_loss_and_its_gradients_are_torchs(lesson, tau):
    torch.manual_seed(0)
    ours, theirs = ([x.clone().requires_grad_() for x in (unit(6, 4), unit(6, 4))] for _ in range(2))
    torch.manual_seed(0)
    theirs = [x.detach().clone().requires_grad_() for x in ours]
    loss = lesson.info_nce(*ours, tau)
    S = theirs[0] @ theirs[1].T / tau
    expected = (F.cross_entropy(S, torch.arange(6)) + F.cross_entropy(S.T, torch.arange(6))) / 2
    loss.backward()
    expected.backward()
    assert torch.allclose(loss, expected)
    assert all(torch.allclose(a.grad, b.grad) for a, b in zip(ours, theirs, strict=True))


def test_the_pencils_example(lesson):
    D = torch.tensor([[0.6, 0.8, 0], [0, 0.6, 0.8], [0.8, 0, 0.6]])
    assert lesson.info_nce(torch.eye(3), D, 0.2 / np.log(2)).item() == pytest.approx(np.log(25 / 8), abs=1e-6)


def test_all_alike_costs_as_much_as_guessing(lesson):
    assert lesson.info_nce(torch.ones(8, 1), torch.ones(8, 1), 0.05).item() == pytest.approx(np.log(8), abs=1e-6)


def test_what_is_alike_is_no_rival(lesson):
    Q, D = unit(3, 5), unit(3, 5)
    apart = torch.zeros(3, 3, dtype=torch.bool)
    apart[0, 1] = apart[1, 0] = apart[0, 2] = apart[2, 0] = True
    S = Q @ D.T / 0.1
    rest = S[1:, 1:]
    two = (F.cross_entropy(rest, torch.arange(2)) + F.cross_entropy(rest.T, torch.arange(2))) / 2
    assert lesson.info_nce(Q, D, 0.1, apart).item() == pytest.approx(
        two.item() * 2 / 3
    )  # the first has no rival, costs 0


# --- Pooling and search -----------------------------------------------------------------------------------------------
def test_the_mean_leaves_padding_out(lesson):
    H = torch.tensor([[[3.0, 0], [0, 4], [9, 9]], [[1, 0], [1, 0], [1, 0]]])
    found = lesson.mean_pooled(H, torch.tensor([[1, 1, 0], [1, 1, 1]]))
    assert torch.allclose(found, torch.tensor([[0.6, 0.8], [1, 0]]))


def test_a_vector_does_not_depend_on_the_texts_beside_it(lesson, tiny, tokenizer):
    texts = ["花", "今天下雨，我们在家里看书。", "山水", "早餐"]
    together = lesson.vectors_of(tiny, tokenizer, texts, size=3)
    alone = np.concatenate([lesson.vectors_of(tiny, tokenizer, [text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)


def test_search_is_sorting(lesson):
    rng = np.random.default_rng(0)
    Q, D = rng.normal(size=(300, 8)), rng.normal(size=(50, 8))
    assert (lesson.search_rows(Q, D, 7) == np.argsort(-(Q @ D.T), axis=1)[:, :7]).all()


# --- Training ---------------------------------------------------------------------------------------------------------
def test_steps_bring_pairs_together(lesson, tiny, tokenizer):
    optimizer = torch.optim.AdamW(tiny.parameters(), lr=3e-3)
    texts, words = ["用来遮雨的东西", "早上吃的饭", "开花的园子"], ["雨伞", "早餐", "花园"]
    losses = [lesson.contrastive_step(tiny, tokenizer, texts, words, optimizer) for _ in range(20)]
    assert losses[-1] < 0.3 * losses[0]
    near = lesson.search_rows(lesson.vectors_of(tiny, tokenizer, texts), lesson.vectors_of(tiny, tokenizer, words), 2)
    assert near[:, 0].tolist() == [0, 1, 2]


def test_the_brief_training_reads_training_words_only(lesson, tiny, tokenizer, monkeypatch):
    collection, seen = retrieval.explanations(), []
    monkeypatch.setattr(
        lesson, "contrastive_step", lambda model, tokenizer, texts, words, optimizer: seen.append((texts, words))
    )
    lesson.brief_training(tiny, tokenizer, collection, seed=0, steps=3, size=16)
    assert len(seen) == 3 and all(len(set(words)) == 16 for _, words in seen)
    for texts, words in seen:
        assert all(
            collection.parts[w] == "train" and collection.queries[w] == t for t, w in zip(texts, words, strict=True)
        )


def test_the_small_test_holds_the_right_words(lesson):
    collection = retrieval.explanations()
    queries, documents = lesson.small_test(collection, queries=50, documents=400)
    assert len(queries) == 50 and len(set(documents)) == len(documents) == 400
    assert all(collection.parts[q] == "validation" and set(collection.relevant[q]) <= set(documents) for q in queries)


# --- The study --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def study():
    sys.path.append(str(root() / "studies"))
    yield importlib.import_module("08_explanations")
    sys.path.remove(str(root() / "studies"))


def few(study, documents, queries, grades):
    task = study.Task.__new__(study.Task)
    task.documents, task.queries, task.grades = documents, queries, grades
    return task


def test_the_studys_measures_by_hand(study):
    task = few(study, list("abcd"), ["x", "y"], [{1: 2, 3: 1}, {0: 2}])
    found = task.judge(np.array([[4.0, 3, 2, 1], [1, 1, 0, 2]]))
    ideal = 2 + 1 / np.log2(3)
    np.testing.assert_allclose(found["nDCG@10"], [(2 / np.log2(3) + 1 / np.log2(5)) / ideal, 1 / np.log2(3)])
    np.testing.assert_allclose(found["MRR"], [1 / 2, 1 / 2])
    np.testing.assert_allclose(found["recall@1"], [0, 0])
    np.testing.assert_allclose(found["recall@10"], [1, 1])


def test_the_studys_measure_is_the_lessons(study, lesson):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20, 40))
    grades = [{int(i): int(rng.integers(1, 3)) for i in rng.choice(40, 3, replace=False)} for _ in range(20)]
    found = few(study, [], [], grades).judge(scores)["nDCG@10"]
    for row, given, value in zip(scores, grades, found, strict=True):
        assert value == pytest.approx(lesson.ndcg([int(i) for i in np.argsort(-row)], given))


def test_bm25_by_hand(study, monkeypatch):
    monkeypatch.setattr(study, "task", lambda part: few(study, ["ab", "aac"], [], []))
    study.counts.cache_clear()
    scores = study.bm25("tiny", 1.0, 0.5, 1)(["aa", "c", "z"])
    study.counts.cache_clear()
    norm = [0.5 + 0.5 * 2 / 2.5, 0.5 + 0.5 * 3 / 2.5]
    idf_a, idf_c = np.log(1 + 0.5 / 2.5), np.log(1 + 1.5 / 1.5)
    by_hand = [[idf_a * 2 / (1 + norm[0]), idf_a * 4 / (2 + norm[1])], [0, idf_c * 2 / (1 + norm[1])], [0, 0]]
    np.testing.assert_allclose(scores, by_hand)


def test_standard_scores(study):
    found = study.standard(np.array([[1.0, 2, 3], [5, 5, 5]]))
    np.testing.assert_allclose(found, [[-np.sqrt(1.5), 0, np.sqrt(1.5)], [0, 0, 0]])
