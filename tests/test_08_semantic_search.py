"""Chapter 08's lesson code, held to bm25s, scikit-learn, rankings by hand and plain loops."""

import bm25s
import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import ndcg_score

from wordspace import evaluation, lessons, retrieval

WORDS = [f"w{n}" for n in range(40)]


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("08_semantic_search")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def some_texts(rng, n=60):
    return [" ".join(rng.choice(WORDS, rng.integers(1, 30))) for _ in range(n)]


# --- Measures ---------------------------------------------------------------------------------------------------------
def test_measures_by_hand(lesson):
    ranked, grades = ["x", "a", "y", "b"], {"a": 2, "b": 1}
    dcg = 2 / np.log2(3) + 1 / np.log2(5)
    assert lesson.dcg(ranked, grades) == pytest.approx(dcg)
    assert lesson.ndcg(ranked, grades) == pytest.approx(dcg / (2 + 1 / np.log2(3)))
    assert lesson.reciprocal_rank(ranked, grades) == 0.5
    assert lesson.recall(ranked, grades) == 1
    assert lesson.recall(ranked, grades, k=3) == 0.5


def test_ndcg_is_scikit_learns(lesson, rng):
    for _ in range(50):
        grade, score = rng.integers(0, 3, 30), rng.permutation(30)
        grade[0] = 2
        ranked = [str(i) for i in np.argsort(-score)]
        grades = {str(i): int(g) for i, g in enumerate(grade) if g}
        assert lesson.ndcg(ranked, grades) == pytest.approx(ndcg_score([grade], [score], k=10))


def test_with_one_right_document_the_measures_are_those_of_the_library(lesson, rng):
    rank = rng.integers(1, 30, 100)
    lists = [[str(i) if i != r else "right" for i in range(1, 40)] for r in rank]
    theirs = evaluation.retrieval(rank)
    for name, measure in (("nDCG@10", lesson.ndcg), ("recall@10", lesson.recall)):
        assert np.mean([measure(ranked, {"right": 2}) for ranked in lists]) == pytest.approx(theirs[name].value)


def test_nothing_found_is_nothing_gained(lesson):
    for measure in (lesson.dcg, lesson.ndcg, lesson.reciprocal_rank, lesson.recall):
        assert measure([], {"a": 2}) == 0
        assert measure(["b"] * 10 + ["a"], {"a": 2}) == 0


def test_the_best_order_has_one_and_no_order_has_more(lesson, rng):
    grades = {"a": 2, "b": 1, "c": 1}
    assert lesson.ndcg(["a", "b", "c"], grades) == 1
    assert all(lesson.ndcg(list(rng.permutation([*"abcdefg"])), grades) <= 1 for _ in range(50))


def test_a_query_without_right_documents_is_refused(lesson):
    for grades in ({}, {"a": 0}):
        for measure in (lesson.ndcg, lesson.recall):
            with pytest.raises(ValueError, match="without a right document"):
                measure(["a"], grades)


# --- Searching by words -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.5, 0), (2, 1)])
def test_bm25_is_bm25s(lesson, rng, k1, b):
    texts, queries = some_texts(rng), [list(rng.choice(WORDS, 4)) for _ in range(30)]
    theirs = bm25s.BM25(method="lucene", k1=k1, b=b)
    theirs.index([text.split() for text in texts], show_progress=False)
    X, like = lesson.counted(texts, str.split)
    ours = (like.transform([" ".join(query) for query in queries]) @ lesson.bm25(X, k1, b).T).toarray()
    for query, row in zip(queries, ours, strict=True):
        np.testing.assert_allclose(row, theirs.get_scores(query), atol=1e-4)


def test_bm25_on_the_whole_collection_is_bm25s(lesson):
    lay = retrieval.layperson()
    texts, queries = list(lay.documents.values()), list(lay.queries.values())[::150]
    theirs = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    theirs.index([lesson.words(text) for text in texts], show_progress=False)
    X, like = lesson.counted(texts, lesson.words)
    ours = (like.transform(queries) @ lesson.bm25(X).T).toarray()
    for query, row in zip(queries, ours, strict=True):
        known = [word for word in lesson.words(query) if word in like.vocabulary_]
        np.testing.assert_allclose(row, theirs.get_scores(known) if known else 0, atol=1e-4)


def test_bm25_by_hand(lesson):
    X, like = lesson.counted(["a b", "a c c"], str.split)
    W = lesson.bm25(X, k1=1, b=0).toarray()
    a, b, c = (like.vocabulary_[word] for word in "abc")
    assert W[0, a] == W[1, a] == pytest.approx(np.log(1 + 0.5 / 2.5) / 2)
    assert W[0, b] == pytest.approx(np.log(2) / 2)
    assert W[1, c] == pytest.approx(np.log(2) * 2 / 3)
    assert W[0, c] == 0


def test_repeating_a_word_gains_less_and_less_and_length_costs(lesson):
    X, like = lesson.counted(["a" + " a" * n + " z" * (9 - n) for n in range(9)], str.split)
    weights = lesson.bm25(X, b=0).toarray()[:, like.vocabulary_["a"]]
    assert (np.diff(weights) > 0).all()
    assert (np.diff(weights, 2) < 0).all()
    X, like = lesson.counted(["a b", "a b b b b b"], str.split)
    W = lesson.bm25(X).toarray()[:, like.vocabulary_["a"]]
    assert W[0] > W[1]


def test_stems_and_fewer_stems(lesson):
    assert lesson.stems("Bones of the bone") == ["bone", "of", "the", "bone"]
    assert lesson.fewer_stems("Bones of the bone") == ["bone", "bone"]
    assert lesson.stems("") == []


def test_bigrams_stay_between_punctuation(lesson):
    assert lesson.bigrams("语音，助手机") == ["语音", "助手", "手机"]
    assert lesson.bigrams("猫。狗叫") == ["猫", "狗叫"]


def test_best_leaves_out_what_was_not_found_and_keeps_the_order_of_ties(lesson):
    assert lesson.best(np.array([0.5, 0, 0.7, 0.5, -0.1]), [*"abcde"]) == ["c", "a", "d", "e"]
    assert lesson.best(np.array([0.5, 0, 0.7, 0.5]), [*"abcd"], k=2) == ["c", "a"]
    assert lesson.best(np.zeros(3), [*"abc"]) == []


def test_what_rounding_sets_apart_is_a_tie(lesson):
    assert lesson.best(np.array([0.3, 0.1 + 0.2, 0.3 + 1e-9]), [*"abc"]) == ["a", "b", "c"]


# --- Parts ------------------------------------------------------------------------------------------------------------
def test_a_part_holds_what_its_queries_ask_for(lesson):
    lay = retrieval.layperson()
    ids, queries = lesson.drawn(lay, 3000, 250, 500, seed=3)
    assert len(set(ids)) == len(ids) == 3000
    assert {name: len(some) for name, some in queries.items()} == {"validation": 250, "test": 500}
    for name, some in queries.items():
        assert all(lay.parts[query] == name and set(lay.relevant[query]) <= set(ids) for query in some)
    assert lesson.drawn(lay, 3000, 250, 500, seed=3) == (ids, queries)
    assert lesson.drawn(lay, 3000, 250, 500, seed=4) != (ids, queries)


# --- Searching by vectors ---------------------------------------------------------------------------------------------
def test_cosines_of_what_is_known(lesson):
    Q, D = np.array([[3.0, 4], [np.nan, np.nan]]), np.array([[3.0, 4], [-4, 3], [0, 2]])
    np.testing.assert_allclose(lesson.cosines(Q, D), [[1, 0, 0.8], [0, 0, 0]], atol=1e-12)


def test_states_do_not_depend_on_the_company(lesson):
    from transformers import BertModel, BertTokenizer

    from wordspace import encoders

    folder = encoders.minilm()
    model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    tokenizer = BertTokenizer.from_pretrained(folder)
    texts = ["bone", "the bones of the hand and of the foot are many", "milk teeth"]
    together = lesson.states(model, tokenizer, texts)
    crowded = lesson.states(model, tokenizer, texts, tokens=5)
    for text, H, h in zip(texts, together, crowded, strict=True):
        alone = lesson.states(model, tokenizer, [text])[0]
        assert H.shape == alone.shape == (len(tokenizer(text)["input_ids"]), 384)
        np.testing.assert_allclose(H, alone, atol=5e-3)
        np.testing.assert_allclose(H, h, atol=5e-3)
    np.testing.assert_allclose(np.linalg.norm(lesson.means(together), axis=1), 1, atol=1e-5)


# --- Fusion and re-ranking --------------------------------------------------------------------------------------------
def test_rrf_by_hand(lesson):
    lists = [["a", "b"], ["c", "b"]]
    assert lesson.rrf(lists) == ["b", "a", "c"]
    assert lesson.rrf(lists, k=0) == ["a", "b", "c"]  # 1, 1/2 + 1/2, 1: a tie stands as it came
    assert lesson.rrf(lists, [0.1, 0.9], k=0) == ["c", "b", "a"]
    assert lesson.rrf([["a", "b"]]) == ["a", "b"]
    assert lesson.rrf([[], ["a"]]) == ["a"]


def test_closely_is_a_plain_loop(lesson, rng):
    Q = lesson.unit(rng.normal(size=(4, 8)))
    documents = [lesson.unit(rng.normal(size=(n, 8))) for n in (1, 5, 3)]
    for D, (there, back) in zip(documents, lesson.closely(Q, documents), strict=True):
        assert there == pytest.approx(np.mean([max(q @ d for d in D) for q in Q]))
        assert back == pytest.approx(np.mean([max(q @ d for q in Q) for d in D]))


def test_learning_finds_the_feature_that_tells(lesson, rng):
    F = rng.normal(size=(200, 10, 3))
    right = np.zeros((200, 10), bool)
    right[np.arange(200), (F @ [0, 3.0, 0]).argmax(axis=1)] = True
    v = lesson.learn(F, right)
    assert v[1] > 5 * abs(v[[0, 2]]).max()
    assert ((F @ v).argmax(axis=1) == right.argmax(axis=1)).mean() > 0.95


def test_learning_stops_where_the_slope_is_nothing(lesson, rng):
    F, right = rng.normal(size=(50, 6, 2)), np.zeros((50, 6), bool)
    right[np.arange(50), rng.integers(0, 6, 50)] = True
    right[:5] = False  # the right one is not among the candidates: nothing to be learnt
    v = lesson.learn(F, right)
    p = softmax(F[5:] @ v, axis=1)
    slope = np.einsum("qcf,qc->f", F[5:], p - right[5:]) + v / 100
    np.testing.assert_allclose(slope, 0, atol=1e-3)


def test_looks_has_four_columns(lesson, rng):
    Q, D = lesson.unit(rng.normal(size=(2, 8))), [lesson.unit(rng.normal(size=(3, 8))) for _ in range(5)]
    found = lesson.looks(np.array([3, 1]), np.arange(5.0) * 20, np.arange(5.0) / 10, Q, D)
    np.testing.assert_allclose(found[:, :2], [[3, 0.3], [1, 0.1]])
    np.testing.assert_allclose(found[:, 2:], lesson.closely(Q, [D[3], D[1]]))
