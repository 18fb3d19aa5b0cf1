"""Chapter 04's lesson code, held to numpy, scipy, scikit-learn, gensim, and to brute force."""

import itertools

import numpy as np
import pytest
from gensim.models import KeyedVectors
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from wordspace import evaluation, glossary, lessons, plots, vectors, wordlists


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("04_geometry")


@pytest.fixture(params=range(3))
def E(request):
    """Two hundred random vectors of unlike lengths, off centre."""
    rng = np.random.default_rng(request.param)
    return rng.normal(0.4, 1, (200, 12)) * rng.uniform(0.2, 4, (200, 1))


def keyed(E):
    space = KeyedVectors(E.shape[1])
    space.add_vectors([f"w{i}" for i in range(len(E))], E.astype(np.float32))
    return space


def test_measures_are_scipys(lesson, E):
    scores = lesson.by_measure(E, E[3])
    np.testing.assert_allclose(scores["cosine similarity"], 1 - cdist(E, E[[3]], "cosine")[:, 0], atol=1e-12)
    np.testing.assert_allclose(scores["Euclidean distance"], -cdist(E, E[[3]])[:, 0], atol=1e-12)
    np.testing.assert_allclose(scores["dot product"], E @ E[3])


def test_measures_rank_unit_vectors_alike(lesson, E):
    U = lesson.unit_rows(E)
    first, *others = [np.argsort(-s, kind="stable").tolist() for s in lesson.by_measure(U, U[5]).values()]
    assert all(first == other for other in others)
    np.testing.assert_allclose(np.linalg.norm(U, axis=1), 1)


def test_most_frequent_leaves_the_mark_of_line_ends_out(lesson):
    space = KeyedVectors(2)
    space.add_vectors(["</s>", "a", "b", "c"], np.eye(4, 2, dtype=np.float32))
    words, E = lesson.most_frequent(space, 2)
    assert words == ["a", "b"]
    assert E.shape == (2, 2)


def test_nearest_are_scikit_learns(lesson, E):
    for rows in (E, lesson.unit_rows(E)):
        theirs = NearestNeighbors(n_neighbors=6).fit(rows).kneighbors(return_distance=False)
        assert (np.sort(lesson.nearest(rows, 6), axis=1) == np.sort(theirs, axis=1)).all()
    many = np.tile(E, (4, 1))[:700]  # more than one block
    assert (lesson.nearest(many, 3) != np.arange(700)[:, None]).all()  # never oneself


def test_nearest_by_cosine_are_nearest_of_unit_rows(lesson, E):
    theirs = (
        NearestNeighbors(n_neighbors=4, metric="cosine", algorithm="brute").fit(E).kneighbors(return_distance=False)
    )
    assert (np.sort(lesson.nearest(lesson.unit_rows(E), 4), axis=1) == np.sort(theirs, axis=1)).all()


def test_k_occurrence_counts(lesson):
    assert lesson.k_occurrence(np.array([[1, 2], [2, 0], [1, 0], [1, 2]])).tolist() == [2, 3, 3, 0]


def test_skewness_is_scipys(lesson, E):
    assert lesson.skewness(E[:, 0]) == pytest.approx(stats.skew(E[:, 0]))


@pytest.mark.parametrize("D", [0, 1, 4])
def test_all_but_the_top_is_what_pca_leaves(lesson, E, D):
    left = lesson.all_but_the_top(E, D)
    pca = PCA(svd_solver="full").fit(E)
    places = pca.transform(E)
    places[:, :D] = 0
    np.testing.assert_allclose(left, places @ pca.components_, atol=1e-9)
    assert np.linalg.matrix_rank(left) == E.shape[1] - D


def questions(n=40):
    rng = np.random.default_rng(1)
    return np.array([rng.choice(200, 4, replace=False) for _ in range(n)])


@pytest.mark.parametrize(("method", "name"), [("add", "3CosAdd"), ("mul", "3CosMul")])
def test_analogies_are_those_of_the_library(lesson, E, method, name):
    """The first answer of our method is evaluation.analogy's, by making it the expected one."""
    space = keyed(E)
    for a, b, c, _ in questions():
        first, second = (int(word[1:]) for word, _ in evaluation.analogy(space, f"w{a}", f"w{b}", f"w{c}", method)[:2])
        U = lesson.unit_rows(E)
        assert lesson.solve(U, np.array([[a, b, c, first]]))[name][0].all()
        assert not lesson.solve(U, np.array([[a, b, c, second]]))[name][0].any()


def test_analogies_are_gensims(lesson, E):
    space, U = keyed(E), lesson.unit_rows(E)
    for a, b, c, _ in questions():
        words = {"positive": [f"w{b}", f"w{c}"], "negative": [f"w{a}"], "topn": 1}
        added = int(space.most_similar(**words)[0][0][1:])
        multiplied = int(space.most_similar_cosmul(**words)[0][0][1:])
        assert lesson.solve(U, np.array([[a, b, c, added]]))["3CosAdd"][0].all()
        assert lesson.solve(U, np.array([[a, b, c, multiplied]]))["3CosMul"][0].all()


def test_pair_direction_is_the_cosine_of_the_offsets(lesson, E):
    U = lesson.unit_rows(E)
    for a, b, c, _ in questions(10):
        offsets = U - U[c]
        expected = offsets @ (U[b] - U[a]) / np.maximum(np.linalg.norm(offsets, axis=1), 1e-3)
        C = U @ U[[a, b, c]].T
        ours = lesson.pair_direction(*C.T, U[b] @ U[c], U[a] @ U[c])
        rest = np.arange(len(U)) != c
        np.testing.assert_allclose(ours[rest], expected[rest], atol=1e-9)


def test_solve_bars_the_query_words_and_counts_both_ways(lesson):
    U = lesson.unit_rows(np.array([[1, 0, 0.1], [0.9, 0.1, 0.6], [0, 1, 0.1], [0.1, 0.8, 0.7]]))
    right = lesson.solve(U, np.array([[0, 1, 2, 3], [0, 1, 2, 2]]))
    assert right["c alone"].tolist() == [[True, False], [False, True]]
    assert right["3CosAdd"][0].tolist() == [True, False]
    assert all(found.shape == (2, 2) for found in right.values())


def test_numbered_leaves_unknown_questions_out(lesson):
    relations = {"r": (("a", "b", "c", "d"), ("a", "b", "c", "x")), "s": (("d", "c", "b", "a"),)}
    ids, relation = lesson.numbered(list("abcd"), relations)
    assert ids.tolist() == [[0, 1, 2, 3], [3, 2, 1, 0]]
    assert relation.tolist() == ["r", "s"]


def test_leave_one_out_by_brute_force(lesson, E):
    A, B = E[:30], E[30:60]
    low, high = lesson.leave_one_out(A, B)
    for i in range(30):
        axis = np.delete(B - A, i, axis=0).sum(axis=0)
        axis /= np.linalg.norm(axis)
        assert (low[i], high[i]) == (pytest.approx(A[i] @ axis), pytest.approx(B[i] @ axis))


def test_parallelism_by_brute_force(lesson, E):
    A, B = E[:20], E[20:40]
    cosines = [1 - cdist([u], [v], "cosine")[0, 0] for u, v in itertools.combinations(B - A, 2)]
    assert lesson.parallelism(A, B) == pytest.approx(np.mean(cosines))
    assert lesson.parallelism(A, A + 3 * np.arange(1, 13)) == pytest.approx(1)


def test_partners_found(lesson):
    A = np.array([[0.0, 0], [5, 5], [9, 9]])
    assert lesson.partners_found(A, A + 0.1) == 1
    assert lesson.partners_found(A, A[[0, 2, 1]]) == pytest.approx(1 / 3)


def test_relation_figures_of_a_perfect_and_of_no_relation(lesson, E):
    perfect = lesson.relation_figures(E[:50], E[:50] + 0.01 * np.arange(1, 13))
    assert perfect["right way"] == 1
    assert perfect["parallel"] == pytest.approx(1)
    assert perfect["parallel, shuffled"] < 0.5
    assert perfect["partner nearest"] > 0.95
    none = lesson.relation_figures(np.random.default_rng(0).normal(size=(80, 12)), E[:80] - E[:80].mean(axis=0))
    assert abs(none["parallel"]) < 0.15


def test_kept_neighbours(lesson, E):
    assert lesson.kept(E, E) == 1
    assert lesson.kept(E, 3 * E - 1) == 1
    chance = np.mean([lesson.kept(E, np.random.default_rng(s).normal(size=(200, 2))) for s in range(5)])
    assert chance == pytest.approx(10 / 199, abs=0.02)


def test_clumping_is_one_for_points_strewn_at_random_and_less_in_clumps(lesson):
    rng = np.random.default_rng(0)
    strewn = [lesson.clumping(rng.uniform(size=(400, 2))) for _ in range(20)]
    assert np.mean(strewn) == pytest.approx(1, abs=0.06)
    assert lesson.clumping(np.repeat(rng.uniform(size=(40, 2)), 10, axis=0) + rng.normal(0, 1e-4, (400, 2))) < 0.1


def test_balls_have_the_proportions_that_they_claim(lesson):
    found = [lesson.proportions(lesson.balls(seed)) for seed in range(10)]
    assert np.mean([f["width"] for f in found]) == pytest.approx(10, rel=0.02)
    assert np.mean([f["distance"] for f in found]) == pytest.approx(10, rel=0.02)


def test_same_theme(lesson):
    Y = np.array([[0, 0], [0, 1], [9, 9], [9, 8], [0, 2.5]])
    assert lesson.same_theme(Y, np.array([0, 0, 1, 1, 1])) == 0.8


def test_words_of_pairs_and_themes_stand_in_their_rows(lesson):
    space = vectors.chinese()
    E, rows = lesson.pair_words("Chinese", space)
    (a, *_), (b, *_) = rows["gender"]
    np.testing.assert_allclose(E[[a, b]], lesson.unit_rows(space[["国王", "女王"]]))
    assert [len(r[0]) for r in rows.values()] == [len(p) for p in wordlists.axes("Chinese").values()]
    T, theme = lesson.theme_words("Chinese", space)
    assert len(T) == len(theme) == 120
    np.testing.assert_allclose(np.linalg.norm(T, axis=1), 1, rtol=1e-5)


def test_a_picture_is_one_seeds_own(lesson):
    E = lesson.noise(0, n=40)
    assert (lesson.picture(E, 5, seed=1) == lesson.picture(E, 5, seed=1)).all()
    assert lesson.picture(E, 5, seed=2).shape == (40, 2)


def association_by_hand(w, A, B):
    return np.mean([w @ a for a in A]) - np.mean([w @ b for b in B])


def test_weat_by_hand(lesson, E):
    U = lesson.unit_rows(E)
    X, Y, A, B = U[:8], U[8:16], U[16:26], U[26:36]
    x, y = (lesson.association(W, A, B) for W in (X, Y))
    np.testing.assert_allclose(x, [association_by_hand(w, A, B) for w in X])
    spread = np.std([association_by_hand(w, A, B) for w in [*X, *Y]], ddof=1)
    assert lesson.effect_size(x, y) == pytest.approx((x.mean() - y.mean()) / spread)
    assert lesson.effect_size(x, y) == pytest.approx(-lesson.effect_size(y, x))


@pytest.mark.parametrize("seed", range(3))
def test_split_test_is_near_the_enumeration_of_every_split(lesson, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0.5, 1, 6), rng.normal(0, 1, 6)
    both = np.concatenate([x, y])
    every = np.array([both[list(rows)].sum() for rows in itertools.combinations(range(12), 6)])
    assert len(every) == 924
    exact = (every >= x.sum() - 1e-9).mean()
    assert lesson.split_test(x, y) == pytest.approx(exact, abs=0.015)


def test_split_test_never_says_zero(lesson):
    assert lesson.split_test(np.arange(20.0) + 100, np.arange(20.0)) == 1 / 10_000


def test_strongest_looks_into_the_longer_tail(lesson):
    Z = np.array([[0.0, -9], [1, 0], [2, 1], [30, 2], [3, 1]])
    assert lesson.strongest(Z, 2).tolist() == [[3, 4], [0, 1]]


def test_turning_keeps_distances_but_for_ica(lesson, E):
    U = lesson.unit_rows(E - E.mean(axis=0))
    ways = lesson.turned(U, seed=0)
    for way in ("as they are", "rotated at random", "PCA"):
        np.testing.assert_allclose(cdist(ways[way], ways[way]), cdist(U, U), atol=1e-9)
    np.testing.assert_allclose(np.cov(ways["ICA"].T), np.eye(12), atol=0.02)  # whitened


def test_intruders_are_weak_here_and_strong_elsewhere(lesson, E):
    place = stats.rankdata(E, axis=0) / len(E)
    for dimension, intruder in enumerate(lesson.intruders(E, seed=3)):
        assert place[intruder, dimension] <= 0.5
        assert place[intruder].max() > 0.9


def test_distance_ratio_tells_kinds_from_noise(lesson):
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.eye(6), 40, axis=0) + rng.normal(0, 0.05, (240, 6))
    noise = rng.normal(size=(240, 6))
    ratio = {name: lesson.distance_ratio(Z, Z) for name, Z in (("kinds", kinds), ("noise", noise))}
    assert ratio["kinds"] > 3 > ratio["noise"]


def read_as_the_projector_does(folder):
    """Read both files by the rules of the Embedding Projector's own reader: blank lines skipped, header if a tab."""
    vectors = [line.strip().split("\t") for line in (folder / "vectors.tsv").read_text("utf-8").split("\n")]
    lines = [line for line in (folder / "metadata.tsv").read_text("utf-8").split("\n") if line.strip()]
    header = lines.pop(0).split("\t") if "\t" in lines[0] else ["label"]
    rows = [dict(zip(header, line.split("\t"), strict=True)) for line in lines]
    return np.array([row for row in vectors if row != [""]], np.float32), rows


def test_projector_files_come_back_as_they_went(lesson, tmp_path):
    E = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    words = ["猫", "a\tb", "two\r\nlines", "", "#hash"]
    lesson.write_projector(tmp_path / "new", E, word=words, rank=range(5))
    vectors, rows = read_as_the_projector_does(tmp_path / "new")
    assert (vectors == E).all()
    assert [row["word"] for row in rows] == ["猫", "a b", "two lines", "(blank)", "#hash"]
    assert [row["rank"] for row in rows] == list("01234")


def test_projector_single_column_has_no_header(lesson, tmp_path):
    lesson.write_projector(tmp_path, np.ones((2, 3)), word=["a", "b"])
    assert (tmp_path / "metadata.tsv").read_text("utf-8") == "a\nb\n"
    assert [row["label"] for row in read_as_the_projector_does(tmp_path)[1]] == ["a", "b"]


@pytest.mark.parametrize(
    ("E", "columns"),
    [
        (np.ones((2, 3)), {"word": ["a"]}),
        (np.ones((2, 3)), {}),
        (np.array([[1.0, np.nan]]), {"word": ["a"]}),
        (np.ones((2, 1)), {"word": ["a", "b"]}),
        (np.ones(3), {"word": ["a", "b", "c"]}),
    ],
)
def test_projector_refuses_what_would_not_load(lesson, tmp_path, E, columns):
    with pytest.raises(ValueError, match="needed|needs"):
        lesson.write_projector(tmp_path, E, **columns)
    assert not (tmp_path / "vectors.tsv").exists()


# --- the chapter's figures ----------------------------------------------------------------------------------------------
@pytest.fixture
def shown(monkeypatch):
    """What is displayed, caught."""
    caught = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw=False: caught.append(data))
    plots.use_style()
    yield caught
    glossary.set_edition("en")


@pytest.mark.parametrize("edition", glossary.EDITIONS)
def test_figures_are_drawn(shown, edition):
    glossary.set_edition(edition)
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 9, 2))
    score = evaluation.Score(0.5, 0.4, 0.6, 30)
    plots.distributions({"English": {"synonyms": A[:, 0], "antonyms": B[:, 0]}}, x="cosine similarity", span=(-1, 1))
    plots.arrows({"男女": (A, B), "b": (B, A), "c": (A, B)})
    plots.pictures({"困惑度 5": A, "PCA": B, "c": A}, ["国王", *"abcdefg", ""], range(9), columns=2)
    plots.pictures({"a": A}, columns=1, scale=True)
    plots.dots({"首都": {"3CosAdd": score, "c alone": score}}, x="share answered right")
    assert len(shown) == 5
    assert all(image.data.startswith(b"\x89PNG") for image in shown)


def test_names_must_be_as_many_as_points(shown):
    with pytest.raises(ValueError, match="zip"):
        plots.pictures({"a": np.zeros((3, 2))}, ["one", "two"])


def test_labels_of_the_figures_are_looked_up(shown):
    with pytest.raises(glossary.UnknownTerm, match="nobody says this"):
        plots.distributions({"English": {"nobody says this": np.zeros(3)}}, x="cosine similarity", span=(0, 1))
