"""Evaluation: figures checked by hand, against scipy and scikit-learn, and intervals that cover what they promise."""

import numpy as np
import pytest
from gensim.models import KeyedVectors
from scipy import stats
from sklearn import metrics

from wordspace import evaluation


@pytest.fixture
def space():
    vectors = KeyedVectors(2)
    angles = {"man": 0.0, "woman": 0.3, "king": 1.0, "queen": 1.3, "car": 2.0}
    vectors.add_vectors(list(angles), [[np.cos(a), np.sin(a)] for a in angles.values()])
    return vectors


def test_bootstrap_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        score = evaluation.bootstrap(np.mean, rng.normal(1.0, 1.0, 50), samples=300, seed=seed)
        hits += score.low <= 1.0 <= score.high
    assert 0.88 <= hits / 200 <= 0.99


def test_bootstrap_keeps_pairs_together():
    x = np.arange(30.0)
    assert evaluation.bootstrap(lambda a, b: stats.pearsonr(a, b).statistic, x, 2 * x).low == pytest.approx(1)


@pytest.mark.parametrize("columns", [([1.0],), ([1, 2, 3], [1, 2])])
def test_bootstrap_refuses_what_it_cannot_resample(columns):
    with pytest.raises(ValueError, match="a bootstrap needs columns of one length"):
        evaluation.bootstrap(np.mean, *columns)


def test_similarity_is_spearmans_and_says_what_it_covered(space):
    pairs = [("man", "woman", 9), ("man", "king", 5), ("man", "queen", 4), ("man", "car", 1), ("man", "yeti", 2)]
    score, covered = evaluation.similarity(space, pairs)
    assert score.value == pytest.approx(1.0)
    assert (score.n, covered) == (4, 0.8)
    with pytest.raises(ValueError, match="only 1 of 2 pairs"):
        evaluation.similarity(space, [("man", "woman", 1), ("man", "yeti", 2)])


@pytest.mark.parametrize("method", ["add", "mul"])
def test_analogy(space, method):
    answers = evaluation.analogy(space, "man", "woman", "king", method)
    assert answers[0][0] == "queen"
    assert {"man", "woman", "king"}.isdisjoint(word for word, score in answers if np.isfinite(score))


def test_3cosadd_is_gensims(space):
    theirs = space.most_similar(positive=["woman", "king"], negative=["man"], topn=1)[0]
    ours = evaluation.analogy(space, "man", "woman", "king")[0]
    assert ours[0] == theirs[0]
    target = sum(space.get_vector(w, norm=True) * s for w, s in (("woman", 1), ("king", 1), ("man", -1)))
    assert ours[1] == pytest.approx(float(target @ space.get_vector("queen", norm=True) / np.linalg.norm(target)))


@pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")  # inside gensim itself
def test_3cosmul_is_gensims(space):
    theirs = space.most_similar_cosmul(positive=["woman", "king"], negative=["man"], topn=1)[0]
    ours = evaluation.analogy(space, "man", "woman", "king", "mul")[0]
    assert ours[0] == theirs[0]
    assert ours[1] == pytest.approx(theirs[1], rel=1e-3)


def test_analogy_refuses_an_unknown_method(space):
    with pytest.raises(ValueError, match="method 'times' is not"):
        evaluation.analogy(space, "man", "woman", "king", "times")


def test_analogies_count_right_answers(space):
    score, covered = evaluation.analogies(
        space, [("man", "woman", "king", "queen"), ("man", "king", "woman", "car"), ("man", "woman", "king", "yeti")]
    )
    assert (score.value, covered) == (0.5, 2 / 3)


def test_ranks_and_ties():
    scores = np.array([[0.1, 0.9, 0.5], [0.5, 0.5, 0.5], [0.0, 1.0, 1.0]])
    assert evaluation.ranks(scores, [2, 0, 0]).tolist() == [2, 2, 3]
    assert evaluation.ranks([[0.3, 0.1 + 0.2]], [0]).tolist() == [1.5]  # a tie but for rounding
    with pytest.raises(ValueError, match="need scores of shape"):
        evaluation.ranks(scores, [1])
    with pytest.raises(ValueError, match="not finite"):
        evaluation.ranks(np.array([[np.nan, 1.0]]), [0])


def test_retrieval_by_hand_and_ndcg_as_scikit_learn():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(40, 25))
    relevant = rng.integers(0, 25, 40)
    rank = evaluation.ranks(scores, relevant)
    figures = evaluation.retrieval(rank, k=10)
    truth = np.eye(25)[relevant]
    assert figures["nDCG@10"].value == pytest.approx(metrics.ndcg_score(truth, scores, k=10))
    assert figures["MRR"].value == pytest.approx(metrics.label_ranking_average_precision_score(truth, scores))
    assert figures["P@1"].value == pytest.approx((scores.argmax(1) == relevant).mean())
    assert figures["recall@10"].value == pytest.approx((rank <= 10).mean())


def test_classification_is_scikit_learns():
    rng = np.random.default_rng(1)
    truth, predicted = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    figures = evaluation.classification(truth, predicted)
    assert figures["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert figures["macro F1"].value == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    assert figures["accuracy"].low <= figures["accuracy"].value <= figures["accuracy"].high


def test_paired_test_knows_a_difference_from_none():
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    assert evaluation.paired_test(a + 0.5, a)[1] < 0.001
    assert evaluation.paired_test(a, rng.permutation(a))[1] > 0.01
    assert evaluation.paired_test(a, a) == (0.0, 1.0)
    with pytest.raises(ValueError, match="two score lists of one length"):
        evaluation.paired_test([1, 2], [1, 2, 3])


def test_paired_test_under_the_null_is_uniform_enough():
    rng = np.random.default_rng(2)
    p = [evaluation.paired_test(rng.normal(size=12), rng.normal(size=12), seed)[1] for seed in range(60)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def keyed(words, matrix):
    vectors = KeyedVectors(matrix.shape[1])
    vectors.add_vectors(words, matrix.astype(np.float32))
    return vectors


def test_bands_are_told_apart_by_the_counts():
    counts = {f"w{n:03}": n for n in range(1, 301)}
    bands = evaluation.bands(counts, size=50)
    assert bands["rare"][0] == "w001"
    assert bands["rare"][-1] == "w019"
    assert bands["middle"][0] == "w020"
    assert len(bands["frequent"]) == 50
    assert bands["frequent"][-1] == "w300"
    with pytest.raises(ValueError, match="“frequent” has 0 words"):
        evaluation.bands({"a": 1, "b": 2, "c": 30, "d": 40})


def test_agreement_is_one_with_itself_turned_and_chance_with_noise():
    rng = np.random.default_rng(0)
    words, matrix = [f"w{n}" for n in range(600)], rng.normal(size=(600, 20))
    turned = matrix @ np.linalg.qr(rng.normal(size=(20, 20)))[0]
    same = evaluation.agreement(keyed(words, matrix), keyed(words[::-1], turned[::-1]), words)
    assert same.value == 1
    chance = evaluation.agreement(keyed(words, rng.normal(size=(600, 20))), keyed(words, matrix), words)
    assert chance.value == pytest.approx(50 / 599, abs=0.02)
    assert chance.n == 600


def test_agreement_counts_by_hand_and_names_what_is_missing():
    line = keyed(list("abcd"), np.array([[1, 0], [1, 0.1], [1, 1], [0, 1]]))
    other = keyed(list("abcdx"), np.array([[1, 0], [0, 1], [1, 0.1], [0.1, 1], [1, 0.0]]))
    got = evaluation.agreement(line, other, ["a", "b", "nowhere"], near=1, within=2)  # a: b, of {c, d}; b: a, of {d, c}
    assert got.value == 0
    got = evaluation.agreement(line, other, ["c", "d"], near=1, within=2)  # c: b or a; d: c, of {b, c}
    assert got.n == 2
    assert got.value == 0.5
    with pytest.raises(ValueError, match="1 of 2 words are in both"):
        evaluation.agreement(line, other, ["a", "x"], near=1, within=2)
