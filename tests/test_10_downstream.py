"""Chapter 10's lesson code on the downstream task, held to peft, to chapter 08 and to figures by hand."""

import math
import re

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from wordspace import domains, encoders, lessons, retrieval


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("10_domain_adaptation")


@pytest.fixture(scope="module")
def tokenizer():
    return BertTokenizer.from_pretrained(encoders.minilm())


def small(seed=0):
    torch.manual_seed(seed)
    config = BertConfig(num_hidden_layers=2, hidden_size=32, num_attention_heads=2, intermediate_size=64)
    return BertModel(config, add_pooling_layer=False).eval()


# --- What is searched -------------------------------------------------------------------------------------------------
def test_queries_and_documents_are_of_test_signs_and_none_of_training(lesson):
    found, lay = lesson.sign_search("test", 4000), retrieval.layperson()
    test, training = ({sign.id for sign in domains.medical(part)} for part in ("test", "train"))
    assert len(found.documents) == 4000
    assert test <= found.documents.keys()
    assert not training & found.documents.keys()
    for query, right in found.relevant.items():
        assert right
        assert right.keys() <= found.documents.keys()
        assert lay.queries[query] == found.queries[query]
        assert lay.relevant[query].keys() & test
    assert lesson.sign_search("test", 4000).documents == found.documents


def test_no_query_is_a_name_or_a_definition_to_learn_from(lesson):
    def key(text):
        return " ".join(re.findall(r"\w+", text.lower()))

    learnt = {key(text) for pair in lesson.sign_pairs(0) for text in pair}
    assert not learnt & {key(text) for text in lesson.sign_search("test", 4000).queries.values()}


@pytest.mark.parametrize("documents", [100, 10_000])
def test_too_few_or_too_many_documents_are_refused(lesson, documents):
    with pytest.raises(ValueError, match="choose from 3391 to 4988"):
        lesson.sign_search("test", documents)


def test_pairs_are_drawn_from_the_training_part(lesson):
    pairs = lesson.sign_pairs(50, seed=1)
    signs = {(sign.definition, sign.name) for sign in domains.medical("train")}
    assert len(set(pairs)) == 50
    assert set(pairs) <= signs
    assert pairs == lesson.sign_pairs(50, seed=1) != lesson.sign_pairs(50, seed=2)
    assert set(lesson.sign_pairs(0)) == signs
    with pytest.raises(ValueError, match="0 means all"):
        lesson.sign_pairs(20_000)


def test_neighbours_are_those_of_the_text_and_each_stands_once(lesson):
    found = lesson.neighbour_search("test", 300)
    sentences = domains.general("test")
    follows = set(zip(sentences, sentences[1:], strict=False))
    assert len(found.queries) == len(set(found.documents.values())) == 300
    assert found.relevant == {i: {i: 2} for i in found.queries}
    pairs = [(found.queries[i], found.documents[i]) for i in found.queries]
    assert np.mean([pair in follows for pair in pairs]) > 0.5  # a short one may stand between
    with pytest.raises(ValueError, match="choose from 2 to"):
        lesson.neighbour_search("test", 10**6)


# --- Vectors and scores -----------------------------------------------------------------------------------------------
def test_vectors_are_those_of_chapter_08(lesson, tokenizer):
    eight, model = lessons.load("08_semantic_search"), small()
    texts = ["runny nose", "a much longer text about noses that run, and run", "nose"]
    ours = lesson.all_vectors(model, tokenizer, texts, size=2)
    np.testing.assert_allclose(ours, eight.means(eight.states(model, tokenizer, texts)), atol=2e-3)  # kept as float16
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


def test_scores_are_ndcg_of_the_order_by_cosine(lesson, tokenizer):
    model, words = small(), [f"word {n}" for n in range(20)]
    same = retrieval.Collection(
        dict(zip(words, words, strict=True)), {w: w for w in words}, {w: {w: 2} for w in words}, {}, {}
    )
    assert lesson.search_scores(model, tokenizer, same, words, words) == pytest.approx(1)


# --- Contrast ---------------------------------------------------------------------------------------------------------
def test_the_loss_is_info_nce_by_hand_and_of_chapter_08(lesson):
    eye = torch.eye(2)
    p = math.e**2 / (math.e**2 + 1)
    assert lesson.in_batch_loss(eye, eye, 0.5).item() == pytest.approx(-math.log(p))
    assert lesson.in_batch_loss(eye, 1 - eye, 0.5).item() == pytest.approx(-math.log(1 - p))
    D, N = (torch.nn.functional.normalize(torch.randn(7, 5), dim=1) for _ in range(2))
    theirs = lessons.load("08_semantic_search").info_nce(D, N, 0.05)
    assert lesson.in_batch_loss(D, N, 0.05).item() == pytest.approx(theirs.item(), rel=1e-5)
    assert lesson.in_batch_loss(D, N, 0.05).item() == pytest.approx(lesson.in_batch_loss(N, D, 0.05).item(), rel=1e-5)
    with pytest.raises(ValueError, match="a pair needs both"):
        lesson.in_batch_loss(D, N[:3], 0.05)


def test_training_brings_pairs_together_and_is_repeatable(lesson, tokenizer):
    pairs = [(f"definition of thing {n}", f"name {n}") for n in range(9)]
    losses = [lesson.adapt_by_contrast(small(), tokenizer, pairs, 3e-3, 0.1, 12, size=4, seed=3) for _ in range(2)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 12 * 2  # the ninth pair would have no rival
    assert np.mean(losses[0][-4:]) < np.mean(losses[0][:4])
    with pytest.raises(ValueError, match="at least two"):
        lesson.adapt_by_contrast(small(), tokenizer, pairs[:1], 1e-3, 0.1)


# --- LoRA -------------------------------------------------------------------------------------------------------------
def test_low_rank_is_pefts(lesson):
    from peft import LoraConfig, get_peft_model

    ids = torch.randint(1000, 2000, (3, 9))
    ours, theirs = lesson.with_low_rank(small(), 4, 8), small()
    pattern = r".*encoder\.layer\..*\.(" + "|".join(lesson.ADAPTED) + ")"
    peft = get_peft_model(theirs, LoraConfig(r=4, lora_alpha=8, target_modules=pattern)).eval()
    mine = {name: module for name, module in ours.named_modules() if isinstance(module, lesson.LowRank)}
    assert len(mine) == 12
    for name, module in mine.items():
        other = peft.base_model.model.get_submodule(name)
        torch.nn.init.normal_(module.B)
        other.lora_A["default"].weight.data, other.lora_B["default"].weight.data = module.A.data, module.B.data
    a, b = (model(ids).last_hidden_state for model in (ours, peft))
    torch.testing.assert_close(a, b)
    assert not torch.allclose(a, small()(ids).last_hidden_state, atol=1e-3)
    trained = [sum(p.numel() for p in model.parameters() if p.requires_grad) for model in (ours, peft)]
    assert trained[0] == trained[1] == sum(m.A.numel() + m.B.numel() for m in mine.values())


def test_low_rank_begins_as_nothing_and_can_be_written_out(lesson):
    linear, x = torch.nn.Linear(6, 4), torch.randn(5, 6)
    thin = lesson.LowRank(linear, rank=2, alpha=3)
    torch.testing.assert_close(thin(x), linear(x))
    torch.nn.init.normal_(thin.B)
    torch.testing.assert_close(thin(x), torch.nn.functional.linear(x, thin.merged(), linear.bias))
    assert torch.linalg.matrix_rank(thin.merged() - linear.weight) == 2
    with pytest.raises(ValueError, match="rank 5: choose 1 to 4"):
        lesson.LowRank(linear, rank=5, alpha=1)


def test_only_the_thin_matrices_learn(lesson, tokenizer):
    model = lesson.with_low_rank(small(), 2, 4)
    before = {name: p.clone() for name, p in model.named_parameters()}
    lesson.adapt_by_contrast(model, tokenizer, [(f"thing {n}", f"name {n}") for n in range(8)], 1e-2, 0.1, 3, size=4)
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name]) == name.endswith(("weight", "bias")), name


@pytest.mark.slow
def test_two_hundred_pairs_already_help(lesson, tokenizer):
    eight, signs = lessons.load("08_semantic_search"), lesson.sign_search("test", 4000)
    ids, queries = eight.drawn(signs, 600, 0, 250, seed=5)
    model = BertModel.from_pretrained(encoders.minilm(), add_pooling_layer=False)
    before = lesson.search_scores(model, tokenizer, signs, ids, queries["test"]).mean()
    lesson.adapt_by_contrast(model, tokenizer, lesson.sign_pairs(500, 5), 1e-4, 0.05)
    assert lesson.search_scores(model, tokenizer, signs, ids, queries["test"]).mean() > before
