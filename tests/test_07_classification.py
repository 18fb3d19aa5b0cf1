"""Chapter 07's lesson code, held to scikit-learn, gensim, torch and transformers, and to pencil and paper."""

import math
import zlib

import numpy as np
import pytest
import torch
from gensim.models import KeyedVectors, Word2Vec
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from wordspace import corpora, encoders, lessons


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("07_classification")


@pytest.fixture
def space():
    vectors = KeyedVectors(2)
    vectors.add_vectors(["a", "b", "c"], np.array([[1, 0], [0, 1], [1, 1]], "f4"))
    return vectors


def separable(n=300, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    return (3 * np.eye(classes)[y] + rng.normal(size=(n, classes))).astype("f4"), y


def by_part(X, y):
    cuts = {"train": slice(0, 200), "validation": slice(200, 250), "test": slice(250, None)}
    return {k: X[cut] for k, cut in cuts.items()}, {k: y[cut] for k, cut in cuts.items()}


# --- Texts ------------------------------------------------------------------------------------------------------------
def test_the_split_is_by_the_text_and_numbers_the_labels(lesson):
    pairs = [(f"text {n}", "no" if n % 3 else "yes") for n in range(400)]
    parts = lesson.split([*pairs, ("Text, 7!", "no")])
    assert list(parts) == ["train", "validation", "test"]
    assert sum(len(texts) for texts, _ in parts.values()) == 401
    for part, (texts, y) in parts.items():
        assert all(corpora.part(text) == part for text in texts)
        assert y.tolist() == [int(int("".join(filter(str.isdigit, text))) % 3 == 0) for text in texts]
    assert any("Text, 7!" in texts and "text 7" in texts for texts, _ in parts.values())


def test_words_are_lower_case_and_without_punctuation(lesson):
    assert lesson.chinese_words("房间，WIFI很好！") == ["房间", "wifi", "很", "好"]
    assert lesson.english_words("An Abnormality, of the Eye.") == ["an", "abnormality", "of", "the", "eye"]
    assert lesson.chinese_words("！？") == lesson.english_words("...") == []


def test_bigrams_and_characters(lesson):
    assert lesson.with_bigrams(["a", "b", "c"]) == ["a", "b", "c", "a b", "b c"]
    assert lesson.with_bigrams([]) == []
    grams = lesson.features("characters").fit(["不好"]).get_feature_names_out()
    assert sorted(grams) == sorted(["不", "好", "不好"])
    grams = lesson.features("characters 3-5").fit(["an eye"]).get_feature_names_out()
    assert set(grams) == {" an", "an ", " an ", " ey", "eye", "ye ", " eye", "eye ", " eye "}  # not across words
    X = lesson.vectorised(lesson.features("words"), {"train": [["a", "a", "b"], ["b"]], "test": [["a", "z"], ["z"]]})
    idf = [math.log(3 / 2) + 1, 1.0]  # scikit-learn's smoothed
    row = np.array([(1 + math.log(2)) * idf[0], idf[1]])
    np.testing.assert_allclose(X["train"].toarray()[0], row / np.linalg.norm(row), rtol=1e-6)
    np.testing.assert_allclose(X["test"].toarray(), [[1, 0], [0, 0]])  # what training did not see is not there


# --- Vectors and their means ------------------------------------------------------------------------------------------
def test_own_vectors_are_gensims_and_the_same_each_time(lesson):
    sentences = [[f"w{(i * j) % 17}" for j in range(1, 8)] for i in range(60)]
    one, two = (lesson.own_vectors(sentences, d=8, epochs=2) for _ in range(2))
    np.testing.assert_array_equal(one.vectors, two.vectors)
    options = dict(vector_size=8, window=5, min_count=2, sg=1, negative=5, epochs=2, workers=1, seed=0)
    np.testing.assert_array_equal(one.vectors, Word2Vec(sentences, **options).wv.vectors)
    assert "once" not in lesson.own_vectors([*sentences, ["once", "w1"]], d=8, epochs=1)


def test_the_mean_leaves_out_what_is_unknown(lesson, space):
    np.testing.assert_array_equal(lesson.mean_vector(["a", "?", "b"], space), [0.5, 0.5])
    np.testing.assert_array_equal(lesson.mean_vector(["a", "a", "b"], space), np.float32([2 / 3, 1 / 3]))
    np.testing.assert_array_equal(lesson.mean_vector(["?"], space), [np.nan, np.nan])
    np.testing.assert_array_equal(lesson.mean_vectors([[], ["c"]], space), [[np.nan, np.nan], [1, 1]])
    assert lesson.mean_vectors([[], ["c"]], space).dtype == np.float32


def test_of_what_is_unknown_the_training_mean_is_assumed(lesson, space):
    X = {"train": lesson.mean_vectors([["a"], ["b"], ["?"]], space), "test": lesson.mean_vectors([["c"], []], space)}
    found = lesson.standardised(X)
    np.testing.assert_allclose(
        found["train"], [[1, -1], [-1, 1], [0, 0]], atol=1e-5
    )  # mean and spread of the known: 1/2
    np.testing.assert_allclose(found["test"], [[1, 1], [0, 0]], atol=1e-5)
    assert found["test"].dtype == np.float32


@pytest.mark.parametrize("a", [1e-2, 1e-3])
def test_sif_by_the_formula(lesson, space, a):
    words = {"train": [["a", "a", "b"], ["b", "c"], ["c", "?"], ["!"]], "test": [["a", "c"], ["?"]]}
    X = lesson.sif_vectors(words, space, a)
    share = {"a": 2 / 8, "b": 2 / 8, "c": 2 / 8, "?": 1 / 8}

    def raw(s):
        return sum((a / (a + share[w]) * space[w] for w in s if w in space), np.zeros(2)) / max(
            1, sum(w in space for w in s)
        )

    u = np.linalg.svd(np.array([raw(s) for s in words["train"][:3]]))[2][0]
    for part, known in (("train", 3), ("test", 1)):
        expected = np.array([raw(s) - raw(s) @ u * u for s in words[part][:known]])
        np.testing.assert_allclose(X[part][:known], expected, atol=1e-6)
        assert np.isnan(X[part][known:]).all()  # nothing is known of it


# --- The network ------------------------------------------------------------------------------------------------------
def test_training_stops_and_goes_back_to_the_best(lesson):
    X, y = by_part(*separable())
    X = lesson.standardised(X)
    np.testing.assert_allclose(X["train"].mean(axis=0), 0, atol=1e-5)
    torch.manual_seed(0)
    model = lesson.network(3, 3, hidden=32)
    losses = lesson.fit(model, X, y, rate=0.05, patience=3)
    best = int(np.argmin(losses))
    assert len(losses) == min(60, best + 4)
    final = lesson.loss_on(model, torch.from_numpy(X["validation"]), torch.from_numpy(y["validation"]))
    assert final == pytest.approx(min(losses), abs=1e-6)
    p = lesson.probabilities(model, X["test"])
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)  # float32
    assert lesson.accuracy(p, y["test"]) > 0.9


def test_saved_and_loaded_it_judges_the_same(lesson, space, tmp_path):
    torch.manual_seed(0)
    model, mean, std = lesson.network(2, 2, hidden=64).eval(), np.float32([0.2, 0.3]), np.float32([0.5, 2])
    lesson.save(tmp_path, model, space, mean, std)
    sentences = [["a", "b"], ["?"], ["c"]]
    inputs = np.nan_to_num((lesson.mean_vectors(sentences, space) - mean) / std).astype("f4")
    assert (inputs[1] == 0).all()
    expected = lesson.probabilities(model, inputs)
    np.testing.assert_allclose(lesson.load(tmp_path)(sentences), expected, atol=1e-7)


# --- Rivals -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_naive_bayes_is_scikit_learns(lesson, alpha):
    rng = np.random.default_rng(0)
    X, y = sparse.csr_array(rng.poisson(0.4, (80, 30))), rng.integers(0, 3, 80)
    prior, log_p = lesson.naive_bayes(X, y, alpha)
    reference = MultinomialNB(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(prior, reference.class_log_prior_)
    np.testing.assert_allclose(log_p, reference.feature_log_prob_)
    np.testing.assert_allclose(lesson.bayes_probabilities(X, prior, log_p), reference.predict_proba(X))


def test_naive_bayes_with_a_pencil(lesson):
    prior, log_p = lesson.naive_bayes(np.array([[1, 0], [1, 1], [0, 1]]), np.array([1, 0, 0]))
    np.testing.assert_allclose(np.exp(log_p), [[2 / 5, 3 / 5], [2 / 3, 1 / 3]])
    np.testing.assert_allclose(lesson.bayes_probabilities(np.array([[1, 0]]), prior, log_p)[0, 1], 5 / 11)


def test_the_ratios_are_the_difference_of_bayes(lesson):
    rng = np.random.default_rng(1)
    B, y = sparse.csr_array((rng.random((50, 12)) < 0.3).astype(int)), rng.integers(0, 2, 50)
    _, log_p = lesson.naive_bayes(B, y)
    np.testing.assert_allclose(lesson.ratios(B, y), log_p[1] - log_p[0])


@pytest.mark.parametrize("classes", [2, 3])
def test_linear_takes_the_strength_that_is_best_on_validation(lesson, classes):
    X, y = by_part(*separable(classes=classes))
    model = lesson.linear(X, y, strengths=(0.0001, 1.0))
    scores = {}
    for C in (0.0001, 1.0):
        solver = "liblinear" if classes == 2 else "lbfgs"
        reference = LogisticRegression(C=C, solver=solver, max_iter=500).fit(X["train"], y["train"])
        scores[C] = reference.score(X["validation"], y["validation"])
    assert scores[model.C] == max(scores.values())


def test_hashes_are_stable_and_cover_bigrams(lesson):
    assert lesson.hashed(["好"], 100) == [zlib.crc32("好".encode()) % 100]
    assert len(lesson.hashed(["a", "b", "c"])) == 5
    assert lesson.hashed([]) == [0]
    many = {gram for n in range(2000) for gram in lesson.hashed([f"w{n}", f"v{n}"])}
    assert len(many) > 5980  # of 6,000: few share a row


def test_fast_text_is_a_mean_and_a_linear_layer_and_learns(lesson):
    torch.manual_seed(0)
    model = lesson.FastText(2, d=4, buckets=50)
    torch.nn.init.normal_(model.out.weight)
    rows = [[1, 2, 2], [7]]
    expected = torch.stack([model.E.weight[row].mean(dim=0) for row in rows]) @ model.out.weight.T + model.out.bias
    torch.testing.assert_close(model(rows), expected)
    y = np.arange(60) % 2
    lesson.train_fast_text(model, [[int(c), 5 + i % 7] for i, c in enumerate(y)], y, passes=20)
    assert lesson.accuracy(lesson.probabilities(model, [[0], [1]]), np.array([0, 1])) == 1


# --- Encoders ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def bert():
    from transformers import BertModel, BertTokenizer

    folder = encoders.mini_bert()
    return BertTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder, add_pooling_layer=False).eval()


def test_pieces_keep_both_ends_of_a_long_text(lesson, bert):
    tokenizer, _ = bert
    short, long = lesson.pieces(tokenizer, ["很好", "好" * 100 + "差" * 100], longest=10)
    assert short == tokenizer("很好")["input_ids"]
    good, bad = (tokenizer.convert_tokens_to_ids(c) for c in "好差")
    assert long == [tokenizer.cls_token_id, *[good] * 5, *[bad] * 5, tokenizer.sep_token_id]


def test_pooling_in_batches_is_the_mean_of_each_alone(lesson, bert):
    tokenizer, model = bert
    rows = lesson.pieces(tokenizer, ["房间很干净", "差", "早餐不错，就是有点冷，服务员很热情"])
    found = lesson.pooled(model, rows, size=1000)
    with torch.no_grad():
        for row, vector in zip(rows, found, strict=True):
            alone = model(input_ids=torch.tensor([row])).last_hidden_state[0].mean(dim=0)
            np.testing.assert_allclose(vector, alone, atol=1e-5)


def test_every_row_is_in_one_batch(lesson):
    rows = [[0] * n for n in np.random.default_rng(0).integers(1, 40, 200)]
    groups = lesson.batches(rows, 300, np.random.default_rng(1))
    assert sorted(np.concatenate(groups).tolist()) == list(range(200))
    assert max(sum(len(rows[i]) for i in group) for group in groups) <= 340


def test_fine_tuning_learns_the_order_of_two_words(lesson):
    from transformers import BertConfig, BertModel

    sizes = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    dropout = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    torch.manual_seed(0)
    encoder = BertModel(BertConfig(vocab_size=12, **sizes, **dropout), add_pooling_layer=False)
    y = np.arange(200) % 2
    rng = np.random.default_rng(0)
    rows = [[1, *((3, 4) if c else (4, 3)), *rng.integers(5, 12, i % 3).tolist(), 2] for i, c in enumerate(y)]
    model = lesson.fine_tune(lesson.Reader(encoder, 2), rows, y, passes=12, rate=3e-3, size=64)
    p = lesson.read(model, rows)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert lesson.accuracy(p, y) > 0.95  # a mean of static vectors could not


# --- Mixtures, trust, reasons -----------------------------------------------------------------------------------------
def test_mixed_and_cooled_by_hand(lesson):
    a, b = np.array([[0.8, 0.2]]), np.array([[0.5, 0.5]])
    np.testing.assert_allclose(lesson.mixed([a, b]), [[2 / 3, 1 / 3]])
    np.testing.assert_allclose(lesson.mixed([a, a]), a)
    np.testing.assert_allclose(lesson.cooled(a, 1), a)
    np.testing.assert_allclose(lesson.cooled(a, 2), [[2 / 3, 1 / 3]])


@pytest.mark.parametrize("T", [0.5, 1.0, 4.0])
def test_the_temperature_is_found_again(lesson, T):
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    p = np.stack([1 - p, p], axis=1)
    y = (rng.random(20_000) < p[:, 1]).astype(int)
    assert lesson.temperature(lesson.cooled(p, 1 / T), y) == pytest.approx(T, rel=0.1)


def test_the_chosen_help_each_other(lesson):
    y = np.array([0, 1] * 50)
    right, coin = np.eye(2)[y] * 0.8 + 0.1, np.full((100, 2), 0.5)
    half, other = right.copy(), right.copy()
    half[:50], other[50:] = coin[:50][:, ::-1], coin[50:]
    half[:50, 0] += 0.01  # a little off in one half of the texts
    other[50:, 0] += 0.01
    members = {"coin": coin, "first": half, "second": other}
    chosen = lesson.choose(members, y)
    assert set(chosen) == {"first", "second"}
    assert lesson.accuracy(lesson.mixed([members[name] for name in chosen]), y) == 1


def test_calibration_error_by_hand(lesson):
    p = np.array([[0.9, 0.1]] * 10)
    assert lesson.calibration_error(p, np.array([0] * 9 + [1])) == pytest.approx(0)
    assert lesson.calibration_error(p, np.array([0] * 5 + [1] * 5)) == pytest.approx(0.4)
    assert sum(share for *_, share in lesson.steps_of(p, np.zeros(10, int))) == 1


def test_contributions_add_up_to_the_decision(lesson):
    texts = ["好 房间 好", "差 房间", "好 早餐", "差 早餐 差"]
    vectoriser = CountVectorizer(token_pattern=r"\S+")
    X, names = vectoriser.fit_transform(texts), vectoriser.get_feature_names_out()
    model = LogisticRegression().fit(X, [1, 0, 1, 0])
    for row in range(4):
        added = lesson.contributions(X[[row]], model, names)
        assert added == sorted(added)
        total = sum(value for value, _ in added) + model.intercept_[0]
        assert total == pytest.approx(model.decision_function(X[[row]])[0])


def test_a_tie_counts_half(lesson):
    assert lesson.told_right(np.array([0.9, 0.1, 0.1, 0.9, 0.5, 0.5, 0.3, 0.3 + 1e-7])) == 0.5
    assert lesson.told_right(np.array([0.9, 0.1])) == 1
