"""Chapter 08's approximate search, held to exact search, to faiss, and to a pencil."""

import faiss
import numpy as np
import pytest

from wordspace import lessons


@pytest.fixture(scope="module")
def lesson():
    faiss.omp_set_num_threads(1)
    return lessons.load("08_semantic_search")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 20))
    X = centres[rng.integers(40, size=3020)] + rng.normal(size=(3020, 20))
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    return X[:3000], X[3000:]


# --- Exact search and recall ------------------------------------------------------------------------------------------
def test_exact_by_hand(lesson):
    X = np.array([[0.6, 0.8], [1, 0], [0, 1]])
    assert lesson.exact_nearest(X, np.array([[1.0, 0], [0, 1]]), k=2).tolist() == [[1, 0], [2, 0]]
    assert lesson.exact_nearest(X, np.array([[1.0, 0]]), k=3).tolist() == [[1, 0, 2]]


def test_exact_is_faisss(lesson, data):
    X, Q = data
    flat = faiss.IndexFlatIP(X.shape[1])
    flat.add(X)
    assert np.array_equal(lesson.exact_nearest(X, Q), flat.search(Q, 10)[1])


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbours_than_vectors_are_an_error(lesson, k):
    with pytest.raises(ValueError, match="of 3 vectors: choose"):
        lesson.exact_nearest(np.eye(3), np.eye(3), k)


def test_share_found_by_hand(lesson):
    assert lesson.share_found([[3, 1], [5, 7]], [[1, 2], [7, 5]]) == 0.75
    assert lesson.share_found([[1, 2, 3]], [[3, 2]]) == 1
    with pytest.raises(ValueError, match="zip"):
        lesson.share_found([[1]], [[1], [2]])


# --- IVF --------------------------------------------------------------------------------------------------------------
def test_nearest_is_by_distance_in_batches(lesson, data):
    X, C = data
    by_distance = ((X[:, None] - C) ** 2).sum(axis=2).argmin(axis=1)
    assert np.array_equal(lesson.nearest_centre(X, C), by_distance)
    assert np.array_equal(lesson.nearest_centre(X, C, size=7), by_distance)


def test_kmeans_finds_groups_and_keeps_an_empty_centre(lesson):
    X = np.repeat(np.array([[0.0, 0], [0, 9], [9, 0]]), 20, axis=0)
    C = lesson.kmeans(X, 8)  # of these eight, all but three get no vector
    assert C.shape == (8, 2)
    assert {tuple(c) for c in C} == {(0, 0), (0, 9), (9, 0)}


def test_kmeans_lowers_the_distance(lesson, data):
    X, _ = data
    loss = [
        ((X - C[lesson.nearest_centre(X, C)]) ** 2).sum() for C in (lesson.kmeans(X, 30, steps) for steps in (0, 1, 10))
    ]
    assert loss[0] > loss[1] > loss[2]


def test_every_vector_is_in_one_list(lesson, data):
    X, _ = data
    lists = lesson.into_lists(X, lesson.kmeans(X, 30))
    assert len(lists) == 30
    assert sorted(np.concatenate(lists)) == list(range(len(X)))


def test_all_lists_are_exact(lesson, data):
    X, Q = data
    C = lesson.kmeans(X, 30)
    found = [lesson.search_lists(X, C, lesson.into_lists(X, C), q, 30) for q in Q]
    assert np.array_equal([rows for rows, _ in found], lesson.exact_nearest(X, Q))
    assert {looked for _, looked in found} == {3030}


@pytest.mark.parametrize("nprobe", [1, 3, 30])
def test_lists_are_faisss(lesson, data, nprobe):
    X, Q = data
    C = lesson.kmeans(X, 30)
    centres = faiss.IndexFlatL2(X.shape[1])
    centres.add(C)
    ivf = faiss.IndexIVFFlat(centres, X.shape[1], 30, faiss.METRIC_INNER_PRODUCT)
    ivf.train(X[:1])
    ivf.add(X)
    ivf.nprobe = nprobe
    lists = lesson.into_lists(X, C)
    assert np.array_equal([lesson.search_lists(X, C, lists, q, nprobe)[0] for q in Q], ivf.search(Q, 10)[1])


@pytest.mark.parametrize("nprobe", [0, 31])
def test_more_lists_than_there_are_is_an_error(lesson, data, nprobe):
    X, Q = data
    C = lesson.kmeans(X, 30)
    with pytest.raises(ValueError, match=f"nprobe = {nprobe}: there are 30 lists"):
        lesson.search_lists(X, C, lesson.into_lists(X, C), Q[0], nprobe)


# --- Graphs -----------------------------------------------------------------------------------------------------------
LINE = np.arange(6.0)[:, None]  # 0, 1, …, 5, each linked to its neighbours
CHAIN = {i: np.array([j for j in (i - 1, i + 1) if 0 <= j < 6]) for i in range(6)}


def test_a_walk_by_hand(lesson):
    assert lesson.walk(LINE, CHAIN, 2, np.array([1.0])) == [2, 3, 4, 5]
    assert lesson.walk(LINE, {2: np.array([], int)}, 2, np.array([1.0])) == [2]


def test_a_walk_stops_where_no_neighbour_is_nearer_and_best_first_goes_on(lesson):
    X, q = np.array([[3.0], [1], [2], [9]]), np.array([1.0])  # 9 lies behind worse points
    links = {0: np.array([1]), 1: np.array([0, 2]), 2: np.array([1, 3]), 3: np.array([2])}
    assert lesson.walk(X, links, 0, q) == [0]
    assert lesson.best_first(X, links, 0, q, 1)[0] == [0]
    assert lesson.best_first(X, links, 0, q, 2) == ([3, 0], 4)


def test_best_first_with_room_for_all_is_exact(lesson, data):
    X, Q = data[0][:200], data[1]
    links = {i: np.array([(i + 1) % 200, (i + 7) % 200]) for i in range(200)}
    for q, row in zip(Q, lesson.exact_nearest(X, Q, 200), strict=True):
        found, looked = lesson.best_first(X, links, 3, q, 200)
        assert looked == 200
        assert found == row.tolist()


@pytest.mark.parametrize("ef", [10, 40])
def test_our_search_of_faisss_graph_finds_what_faiss_finds(lesson, data, ef):
    X, Q = data
    index = faiss.IndexHNSWFlat(X.shape[1], 8, faiss.METRIC_INNER_PRODUCT)
    index.add(X)
    index.hnsw.efSearch = ef
    layers = lesson.layers_of(index)
    assert len(layers[0]) == len(X)
    assert len(layers) == index.hnsw.max_level + 1 > 1
    ours = [lesson.descend(X, layers, index.hnsw.entry_point, q, ef)[0][:10] for q in Q]
    assert np.array_equal(ours, index.search(Q, 10)[1])


def test_on_one_thread_the_graph_comes_out_the_same(data):
    graphs = []
    for _ in range(2):
        index = faiss.IndexHNSWFlat(data[0].shape[1], 8, faiss.METRIC_INNER_PRODUCT)
        index.add(data[0])
        graphs.append(faiss.vector_to_array(index.hnsw.neighbors))
    assert np.array_equal(*graphs)


# --- Codes ------------------------------------------------------------------------------------------------------------
def test_int8_by_hand(lesson):
    codes, step = lesson.to_int8(np.array([[1.27, -10, 0], [0.5, 4, 0]]))
    assert codes.tolist() == [[127, -127, 0], [50, 51, 0]]
    assert codes.dtype == np.int8
    np.testing.assert_allclose(step, [0.01, 10 / 127, 1])


def test_int8_is_off_by_half_a_step_at_most(lesson, data):
    codes, step = lesson.to_int8(data[0])
    assert (np.abs(codes * step - data[0]) <= step / 2 + 1e-6).all()


@pytest.mark.parametrize("m", [1, 5, 10])
def test_product_codes_and_scores_are_faisss(lesson, data, m):
    X, Q = data
    B = lesson.codebooks(X, m)
    codes = lesson.to_codes(X, B)
    assert codes.shape == (len(X), m)
    assert codes.dtype == np.uint8
    pq = faiss.IndexPQ(X.shape[1], m, 8, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(B.ravel(), pq.pq.centroids)
    pq.is_trained = True
    assert np.array_equal(pq.pq.compute_codes(X), codes)
    pq.add(X)
    D, rows = pq.search(Q, len(X))
    for q, theirs, row in zip(Q, D, rows, strict=True):
        ours = lesson.code_scores(q, codes, B)
        np.testing.assert_allclose(ours[row], theirs, rtol=0, atol=1e-4)
        np.testing.assert_allclose(ours, lesson.from_codes(codes, B) @ q, rtol=0, atol=1e-5)


def test_parts_of_unequal_length_are_an_error(lesson, data):
    with pytest.raises(ValueError, match="20 dimensions cannot be split into 3 equal parts"):
        lesson.codebooks(data[0], 3)


def test_reranking_orders_by_the_whole_vectors(lesson, data):
    X, Q = data
    rows = np.random.default_rng(0).permutation(len(X))
    assert np.array_equal(lesson.rerank_exactly(X, Q[0], rows), lesson.exact_nearest(X, Q[:1])[0])
    assert np.array_equal(
        lesson.rerank_exactly(X, Q[0], rows[:3], k=2), rows[lesson.exact_nearest(X[rows[:3]], Q[:1], 2)[0]]
    )
