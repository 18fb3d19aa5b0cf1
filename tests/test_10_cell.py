"""Chapter 10's first and last parts: senses, drift, vocabulary, and the two language models that choose text."""

import math
import re

import numpy as np
import pytest
from scipy.stats import ortho_group
from transformers import BertTokenizer

from wordspace import cells, encoders, lessons

CHAPTER = "10_domain_adaptation"


@pytest.fixture(scope="module")
def lesson():
    return lessons.load(CHAPTER)


@pytest.fixture(scope="module")
def tokenizer():
    return BertTokenizer.from_pretrained(encoders.minilm())


class Space(dict):
    """Vectors by word, as much of gensim's form as the lesson asks for."""

    vector_size = 2


# --- Sentences --------------------------------------------------------------------------------------------------------
def test_the_word_stands_once_in_each_sentence():
    for word, sizes in (("cell", [24, 12, 12, 12, 12]), ("细胞", [30, 20, 12])):
        found = cells.sentences(word)
        assert [len(some) for some in found.values()] == sizes
        everything = [text for some in found.values() for text in some]
        assert len(set(everything)) == len(everything)
        pattern = r"\bcell\b" if word == "cell" else word
        assert all(len(re.findall(pattern, text)) == 1 for text in everything)


def test_another_word_has_no_sentences():
    with pytest.raises(ValueError, match="no sentences with “bank”"):
        cells.sentences("bank")


def test_a_clear_sense_is_found_and_one_vector_finds_nothing_but_the_first(lesson):
    rng = np.random.default_rng(0)
    centres = {"a": [5, 0, 0], "b": [0, 5, 0], "c": [0, 0, 5]}
    senses = ["a"] * 6 + ["b"] * 5 + ["c"] * 4
    X = np.array([centres[s] for s in senses]) + rng.normal(0, 0.3, (15, 3))
    assert lesson.nearest_sense(X, senses).mean() == 1
    same = np.tile(rng.normal(size=3), (15, 1))
    assert lesson.nearest_sense(same, senses).mean() <= 6 / 15


# --- Word vectors -----------------------------------------------------------------------------------------------------
def test_words_are_lower_case_with_their_hyphens(lesson):
    assert lesson.plain_words("B-cell count, 12 % (of CD4)") == ["b-cell", "count", "of", "cd"]


def test_a_turned_space_has_not_moved(lesson):
    rng = np.random.default_rng(0)
    A, R = rng.normal(size=(40, 5)), ortho_group.rvs(5, random_state=0)
    words = [f"w{n}" for n in range(40)]
    before, after = dict(zip(words, A, strict=True)), dict(zip(words, A @ R, strict=True))
    assert list(lesson.cosine_after(before, after, words).values()) == pytest.approx([1] * 40)
    after["w3"] = -after["w3"]
    stays = lesson.cosine_after(before, after, words)
    assert min(stays, key=stays.get) == "w3"


def test_continued_training_moves_only_words_that_it_reads(lesson):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice([*"abcdefgh"], 8)) for _ in range(60)]
    more = [" ".join(rng.choice([*"abcxy"], 8)) for _ in range(60)]
    model = lesson.learnt(texts, seed=0, epochs=2)
    old = {word: model.wv[word].copy() for word in model.wv.index_to_key}
    new = lesson.continued(model, more, epochs=3)
    assert all(np.array_equal(model.wv[word], old[word]) for word in old)  # the old model is as it was
    assert all(np.array_equal(new.wv[word], old[word]) == (word not in "abc") for word in old)
    assert {"x", "y"} <= set(new.wv.index_to_key)
    again = lesson.continued(lesson.learnt(texts, seed=0, epochs=2), more, epochs=3)
    assert np.array_equal(again.wv.vectors, new.wv.vectors)


def test_a_text_vector_weighs_rare_words_more(lesson):
    space = Space(a=np.array([2.0, 0]), b=np.array([0, 3.0]))
    assert lesson.text_vector(space, ["a", "b", "unknown"], {"a": 3.0, "b": 4.0}) == pytest.approx([0.6, 0.8])
    assert lesson.text_vector(space, ["unknown"], {}).tolist() == [0, 0]


def test_idf_by_hand(lesson):
    assert lesson.inverse_frequency(["a b a", "a c"]) == pytest.approx({"a": 0, "b": math.log(2), "c": math.log(2)})


# --- Vocabulary -------------------------------------------------------------------------------------------------------
def test_words_worth_adding_save_the_most_pieces(lesson, tokenizer):
    texts = ["hypoplasia of the phalanx", "phalanx and phalanx", "the hand"]
    split = lesson.pieces_of(tokenizer, texts)
    assert split["phalanx"] == (3, 3)
    assert split["hand"] == (1, 1)
    assert lesson.worth_adding(tokenizer, texts, 2) == ["phalanx", "hypoplasia"]  # 3 × 2 pieces against 1 × 4


def test_gaps_hide_whole_words(lesson, tokenizer):
    ids, labels = lesson.word_gaps(tokenizer, "Hypoplasia of a phalanx.", {0})
    hidden = [i for i, label in enumerate(labels) if label != -100]
    assert all(ids[i] == tokenizer.mask_token_id for i in hidden)
    assert tokenizer.convert_ids_to_tokens([labels[i] for i in hidden]) == tokenizer.tokenize("hypoplasia")
    assert len(ids) == len(labels)


def test_hidden_words_are_among_those_asked_for(lesson):
    rng = np.random.default_rng(0)
    assert lesson.some_words("a b, c d", rng, among={"c"}.__contains__) == {3}
    assert lesson.some_words("a b", rng, among={"c"}.__contains__) == set()
    assert len(lesson.some_words("word " * 40, rng)) == 6


@pytest.mark.slow
def test_new_rows_begin_as_said_and_old_ones_stay(lesson, tokenizer):
    model = encoders.minilm_mlm()
    table = model.get_input_embeddings().weight
    for start in lesson.STARTS:
        larger, wider = lesson.grown(model, tokenizer, ["phalanx"], start)
        E = larger.get_input_embeddings().weight
        assert E.shape[0] == table.shape[0] + 1
        assert bool((E[:-1] == table).all())
        assert larger.get_output_embeddings().weight.data_ptr() == E.data_ptr()  # still tied
        assert wider.tokenize("a phalanx, phalanxes")[:2] == ["a", "phalanx"]
        assert "phalanx" not in wider.tokenize("subphalanx")
    first, wider = lesson.grown(model, tokenizer, ["phalanx"], "parts' mean")
    parts = tokenizer.convert_tokens_to_ids(tokenizer.tokenize("phalanx"))
    assert first.get_input_embeddings().weight[-1].tolist() == pytest.approx(table[parts].mean(0).tolist(), abs=1e-6)
    with pytest.raises(ValueError, match="no start 'zero'"):
        lesson.grown(model, tokenizer, ["phalanx"], "zero")


@pytest.mark.slow
def test_nats_in_batches_are_nats_one_by_one(lesson, tokenizer):
    model = encoders.minilm_mlm()
    texts = ["Abnormality of the hand.", "A bone of the middle finger that is too short, by far.", "Fever."]
    whole, count = lesson.nats_a_word(model, tokenizer, texts)
    single, again = lesson.nats_a_word(model, tokenizer, texts, size=1)
    assert whole == pytest.approx(single, rel=1e-4)
    assert count.tolist() == again.tolist()


# --- Choosing ---------------------------------------------------------------------------------------------------------
def test_bigrams_are_a_distribution(lesson):
    model = lesson.Bigrams(["a b c", "a c", "b"], V=5)
    vocabulary = [*"abcde"]
    for before in ("a", "b"):  # p(w | v) = p(v w) / p(v), of words that something follows
        logs = [2 * model.nats(f"{before} {w}") - model.nats(before) for w in vocabulary]
        assert sum(math.exp(-nats) for nats in logs) == pytest.approx(1)
    assert sum(math.exp(-model.nats(w)) for w in vocabulary) == pytest.approx(1)


def test_bigrams_by_hand(lesson):
    model = lesson.Bigrams(["a b"], V=10)
    assert math.exp(-model.nats("a b")) == pytest.approx(0.76)
    assert math.exp(-model.nats("c")) == pytest.approx(0.01)
    assert model.nats("") == 0


def test_no_texts_are_refused(lesson):
    with pytest.raises(ValueError, match="no texts to count"):
        lesson.Bigrams([], V=10)
