"""Chapter 09's lesson code on what one space is good for: places, mixing, translation by map and dictionary, search."""

import numpy as np
import pytest

from wordspace import lessons, retrieval, studies

CHAPTER = "09_alignment"


@pytest.fixture(scope="module")
def lesson():
    return lessons.load(CHAPTER)


@pytest.fixture(scope="module")
def glosses(lesson):
    return lesson.gloss_lists()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# --- Where words land -------------------------------------------------------------------------------------------------
def test_place_and_nearest_by_hand(lesson):
    A = np.array([[1.0, 0]])
    B = np.array([[0, 1.0], [0.6, 0.8], [1, 0], [-1, 0]])
    assert lesson.place_of(0, 2, A, B) == (1, 1.0)
    assert lesson.place_of(0, 1, A, B) == (2, pytest.approx(0.6))
    assert lesson.place_of(0, 3, A, B)[0] == 4
    assert lesson.nearest_words(0, A, B, ["up", "slant", "right", "left"], k=2) == ["right", "slant"]


def test_the_map_brings_a_turned_space_home(lesson, rng):
    """The same words, turned into more dimensions and blurred a little: every word's nearest is itself."""
    E = rng.normal(size=(600, 20))
    turn = np.linalg.qr(rng.normal(size=(30, 30)))[0][:20]
    C = E @ turn + 0.05 * rng.normal(size=(600, 30))
    pairs = np.stack([np.arange(300)] * 2, axis=1)
    A, B = lesson.best_map(E, C, pairs)
    np.testing.assert_allclose(np.linalg.norm(A, axis=1), 1, atol=1e-6)
    assert all(lesson.place_of(i, i, A, B)[0] == 1 for i in range(300, 600))


def test_mixing_by_hand(lesson):
    kind = np.array([0, 1])
    same = np.eye(2)
    assert lesson.mixing(same, same, kind, k=1) == (1, 1)
    assert lesson.mixing(same, same[::-1], kind, k=1) == (0, 1)
    apart = np.array([[0.8, 0.6, 0, 0], [0.6, 0.8, 0, 0]]), np.array([[0, 0, 0.8, 0.6], [0, 0, 0.6, 0.8]])
    assert lesson.mixing(*apart, kind, k=1)[1] == 0


# --- Queries and documents --------------------------------------------------------------------------------------------
def test_the_chinese_wordings_fit_the_collection(lesson):
    wordings, lay = lesson.chinese_wordings(), retrieval.layperson()
    assert len(wordings) == 178
    assert len({chinese for chinese, _ in wordings.values()}) == 178
    for term, (chinese, english) in wordings.items():
        assert term in lay.documents
        assert term in lay.relevant[english]
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese)
    parts = [lay.parts[english] for _, english in wordings.values()]
    assert (parts.count("validation"), parts.count("test")) == (51, 127)


def test_a_draw_holds_what_is_asked_for(lesson):
    lay, wordings = retrieval.layperson(), lesson.chinese_wordings()
    ids = lesson.some_documents(lay, wordings, 500, seed=1)
    assert len(set(ids)) == 500 and set(wordings) <= set(ids)
    assert ids == lesson.some_documents(lay, wordings, 500, seed=1)
    assert ids != lesson.some_documents(lay, wordings, 500, seed=2)
    assert len(lesson.some_documents(lay, wordings, len(lay.documents), seed=0)) == len(lay.documents)
    with pytest.raises(ValueError, match="100 documents cannot hold the 178 asked for"):
        lesson.some_documents(lay, wordings, 100, seed=0)


# --- Cutting and translating ------------------------------------------------------------------------------------------
def test_longest_takes_the_longest_known_word_from_the_left(lesson):
    assert lesson.longest("流鼻涕了", {"流", "鼻涕", "流鼻", "了"}) == ["流鼻", "了"]
    assert lesson.longest("流鼻涕", {"流", "鼻涕"}) == ["流", "鼻涕"]
    assert lesson.longest("", {"流"}) == [] == lesson.longest("鼻", {"流"})
    assert lesson.longest("一二三", {"一二三"}, most=2) == []


def test_pieces_fall_into_characters(lesson):
    assert lesson.pieces("心脏病发作", {"心脏病", "发作"}) == ["心脏病", "发作"]
    assert lesson.pieces("心脏病", {"心", "病"}) == ["心", "病"]
    assert lesson.pieces("心脏病", {}) == []


def test_the_dictionary_is_read_whole(glosses):
    assert len(glosses) > 100_000
    assert "bad breath" in glosses["口臭"]
    assert "dog" in glosses["犬"]
    flat = [gloss for some in glosses.values() for gloss in some]
    assert not [gloss for gloss in flat if any("\u4e00" <= c <= "\u9fff" for c in gloss)]
    assert all(len(set(some)) == len(some) and all(some) for some in glosses.values())


def test_a_word_weighs_one_however_many_meanings(lesson):
    small = {"口": ["mouth"], "臭": ["stench", "smelly"]}
    assert lesson.by_dictionary("口臭", small) == [("mouth", 1), ("stench", 0.5), ("smelly", 0.5)]
    assert lesson.by_dictionary("口臭", small, first=True) == [("mouth", 1), ("stench", 1)]
    assert lesson.by_dictionary("鼻", small) == []


def test_the_map_offers_the_nearest_less_the_crowd(lesson):
    E, C = np.array([[1.0, 0], [0.8, 0.6], [0, 1]]), np.array([[1.0, 0]])
    asked = ("口", {"口": 0}, ["mouth", "lips", "nose"])
    assert lesson.by_map(*asked, np.zeros(3), C, E, k=1) == [("mouth", 1)]
    assert lesson.by_map(*asked, np.zeros(3), C, E, k=2) == [("mouth", 0.5), ("lips", 0.5)]
    assert lesson.by_map(*asked, np.array([0.9, 0, 0]), C, E, k=1) == [("lips", 1)]


def test_weighted_bm25_is_bm25_where_all_weights_are_one(lesson):
    L8 = lessons.load("08_semantic_search")
    texts = ["a b b", "b c", "a d"]
    X, like = L8.counted(texts, str.split)
    W = L8.bm25(X)
    plain = (like.transform(["a b", "d z"]) @ W.T).toarray()
    ours = lesson.weighted_bm25([[("a b", 1.0)], [("d", 0.5), ("d z", 0.5)]], like, W, str.split)
    np.testing.assert_allclose(ours, plain)
    assert (lesson.weighted_bm25([[]], like, W, str.split) == 0).all()


def test_rare_words_weigh_more_and_unknown_texts_have_no_direction(lesson):
    M = np.eye(2, dtype="f4")
    found = lesson.rarity_means(
        ["the nose", "z", "the the"], str.split, {"the": 0, "nose": 1}, M, lambda row: [0.05, 0][row]
    )
    assert found[0] @ [0, 1] > 0.99
    assert (found[1] == 0).all()
    np.testing.assert_allclose(found[2], [1, 0])


# --- What was recorded ------------------------------------------------------------------------------------------------
def test_the_record_bears_out_what_the_chapter_says():
    record = studies.load("09_search")
    whole = {"documents": len(retrieval.layperson().documents)}
    chance = sum(1 / np.log2(1 + rank) for rank in range(1, 11)) / whole["documents"]  # drawn by lot
    test = {s: float(record.values(f"test: {s}", **whole)[0]) for s in ("map, mean", "map, BM25", "dictionary, BM25")}
    assert record.values("low: map, mean", **whole)[0] > 3 * chance
    assert test["dictionary, BM25"] > 2 * max(test["map, mean"], test["map, BM25"])
    assert record.values("p: map, BM25 - dictionary, BM25", **whole)[0] < 0.01
    assert len(record.values("test: map, mean", documents=3000)) == 8
