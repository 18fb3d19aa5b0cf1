"""Chapter 01's lesson code, held to the mathematics, to scikit-learn and to torch."""

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from wordspace import lessons


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("01_one_hot")


@pytest.fixture(params=range(5))
def documents(request):
    """Sixty random documents of 0 to 40 words over a vocabulary in which some words are rare."""
    rng = np.random.default_rng(request.param)
    return [[f"w{n}" for n in rng.zipf(1.5, rng.integers(0, 40))] for _ in range(60)] + [["w1", "猫", "犬", "猫"]]


def as_it_is(document):
    return document


def test_vocabulary_is_sorted_and_complete(lesson, documents):
    vocabulary = lesson.build_vocabulary(documents)
    assert list(vocabulary) == sorted({word for document in documents for word in document})
    assert list(vocabulary.values()) == list(range(len(vocabulary)))


def test_one_hot_vectors_are_the_rows_of_the_identity(lesson):
    vocabulary = lesson.build_vocabulary([["a", "b", "c"]])
    assert (np.array([lesson.one_hot(word, vocabulary) for word in "abc"]) == np.eye(3)).all()
    with pytest.raises(KeyError, match="d"):
        lesson.one_hot("d", vocabulary)


def test_a_bag_is_the_sum_of_its_one_hot_vectors(lesson, documents):
    vocabulary = lesson.build_vocabulary(documents)
    bags = lesson.bag_of_words(documents, vocabulary).toarray()
    for bag, document in zip(bags, documents, strict=True):
        assert (bag == sum((lesson.one_hot(w, vocabulary) for w in document), np.zeros(len(vocabulary)))).all()


def test_bags_leave_unknown_words_out(lesson):
    assert lesson.bag_of_words([["a", "z", "a"], ["z"]], {"a": 0}).toarray().tolist() == [[2], [0]]


def test_bags_are_scikit_learns(lesson, documents):
    theirs = CountVectorizer(analyzer=as_it_is).fit(documents)
    ours = lesson.bag_of_words(documents, lesson.build_vocabulary(documents))
    assert list(theirs.get_feature_names_out()) == list(lesson.build_vocabulary(documents))
    assert (ours.toarray() == theirs.transform(documents).toarray()).all()


@pytest.mark.parametrize("damped", [False, True])
def test_tf_idf_is_scikit_learns(lesson, documents, damped):
    X = lesson.bag_of_words(documents, lesson.build_vocabulary(documents))
    theirs = TfidfVectorizer(analyzer=as_it_is, sublinear_tf=damped).fit(documents)
    idf = lesson.inverse_document_frequency(X)
    np.testing.assert_allclose(idf, theirs.idf_, rtol=1e-12)
    ours = lesson.tf_idf(lesson.log_counts(X) if damped else X, idf)
    np.testing.assert_allclose(ours.toarray(), theirs.transform(documents).toarray(), atol=1e-12)


def test_log_counts_leave_the_counts_alone(lesson):
    X = sparse.csr_array(np.array([[1.0, 0.0, 4.0]]))
    np.testing.assert_allclose(lesson.log_counts(X).toarray(), [[1, 0, 1 + np.log(4)]])
    assert X.toarray().tolist() == [[1, 0, 4]]


def test_cosines_by_hand(lesson):
    A = sparse.csr_array(np.array([[3.0, 4.0], [0.0, 0.0]]))
    B = sparse.csr_array(np.array([[4.0, 3.0], [1.0, 0.0]]))
    np.testing.assert_allclose(lesson.cosines(A, B), [[0.96, 0.6], [0, 0]])


def test_vocabulary_growth_counts_first_occurrences(lesson):
    words = list("abacabad")
    expected = [len(set(words[:n])) for n in range(1, 9)]
    assert lesson.vocabulary_growth(words, range(1, 9)).tolist() == expected


def test_a_hidden_sentence_is_taken_out_and_nothing_else(lesson):
    class Paragraph:
        sentences = (("one", "."), ("a", "b", "c", "d", "e", "f", "!"), ("three",))

    documents, queries = lesson.hide_a_sentence([Paragraph(), Paragraph()], seed=1)
    assert queries == [list("abcdef")] * 2
    assert documents == [["one", "three"]] * 2
    assert Paragraph.sentences[1][-1] == "!"  # the corpus itself is not changed


def test_a_lookup_is_a_product_and_torchs_embedding(lesson):
    rng = np.random.default_rng(0)
    E = rng.normal(size=(50, 8)).astype(np.float32)
    ids = rng.integers(0, 50, size=30)
    assert (lesson.lookup(E, ids) == lesson.one_hot_matrix(ids, 50) @ E).all()
    assert (
        lesson.lookup(E, ids) == torch.nn.Embedding.from_pretrained(torch.from_numpy(E))(torch.from_numpy(ids)).numpy()
    ).all()


def test_each_system_scores_every_document_for_every_query(lesson):
    space = {"cat": np.array([1.0, 0.0]), "dog": np.array([0.9, 0.1]), "car": np.array([0.0, 1.0])}

    class Space(dict):
        vector_size = 2

    documents, queries = [["cat", "cat", "the"], ["car", "the"]], [["dog", "cat"], ["car"]]
    scores = lesson.scores_of(documents, queries, Space(space))
    assert {s.shape for s in scores.values()} == {(2, 2)}
    assert all((s.argmax(axis=1) == [0, 1]).all() for s in scores.values())
