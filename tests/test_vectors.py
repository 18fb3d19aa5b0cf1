"""Vectors: the borrowed sets open as gensim KeyedVectors, quickly, and missing words are named."""

import numpy as np
import pytest
from gensim.models import KeyedVectors

from wordspace import vectors


def test_english_vectors_are_glove():
    glove = vectors.english()
    assert isinstance(glove, KeyedVectors)
    assert glove.vectors.shape == (400_000, 50)
    assert glove.index_to_key[:3] == ["the", ",", "."]
    assert isinstance(glove.vectors, np.memmap)
    np.testing.assert_allclose(glove["the"][:3], [0.418, 0.24968, -0.41242], atol=1e-5)  # as in the published file
    assert glove.most_similar("cat", topn=1)[0][0] == "dog"


def test_chinese_vectors():
    chinese = vectors.chinese()
    assert chinese.vectors.shape == (125_796, 100)
    assert chinese.most_similar("猫", topn=1)[0][0] == "狗"


def test_a_missing_word_is_named_with_its_nearest_spelling():
    with pytest.raises(KeyError) as error:
        vectors.english()["embeding"]
    assert str(error.value) == (
        "“embeding” is not in the vocabulary of glove-6b-50d (400,000 words); nearest spelling: “embedding”"
    )
    assert vectors.english().get_index("embeding", default=-1) == -1


def test_cosine_by_hand_and_its_limits():
    assert vectors.cosine([3, 4], [4, 3]) == pytest.approx(0.96)
    with pytest.raises(ValueError, match="different shapes"):
        vectors.cosine([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="no direction"):
        vectors.cosine([0, 0], [1, 2])
