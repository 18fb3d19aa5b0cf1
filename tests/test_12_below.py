"""Chapter 12's lesson code below the student: pruning, int8, ONNX and the static student, held to libraries and to loops."""

import importlib.util
import inspect
import json

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from wordspace import branches, lessons, plots, small_models
from wordspace.paths import root

SHAPE = {"V": 300, "e": 8, "d": 24, "heads": 4, "layers": 2, "longest": 64}


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("12_distillation")


@pytest.fixture
def student(lesson):
    torch.manual_seed(0)
    return lesson.Student(5, **SHAPE).eval().requires_grad_(False)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def batch(*lengths):
    ids = torch.zeros((len(lengths), max(lengths)), dtype=torch.long)
    for i, n in enumerate(lengths):
        ids[i, :n] = torch.arange(10, 10 + n)
    return ids, (ids != 0).long()


# --- Bytes and work ---------------------------------------------------------------------------------------------------
def test_every_parameter_is_counted_once_and_the_work_is_that_of_the_matrices(lesson, student):
    found = lesson.bytes_and_work(student, length=7)
    assert sum(n for n, _ in found.values()) == sum(p.numel() for p in student.parameters())
    assert found["table of words"] == (300 * 8, 0)
    d, layers = SHAPE["d"], SHAPE["layers"]
    assert found["feed-forward"][1] == 7 * layers * (2 * 4 * d * d + 5 * d)  # biases counted, too
    assert found["attention"][1] == layers * (7 * 4 * (d * d + d) + 2 * 7 * 7 * d)
    assert found["head"] == (5 * d + 5, 5 * d + 5)


# --- Pruning ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("share", [0, 0.25, 0.5, 0.9])
def test_the_smallest_share_of_each_matrix_becomes_zero(lesson, student, share):
    thin = lesson.zeroed(student, share)
    for (name, W), whole in zip(thin.named_parameters(), student.parameters(), strict=True):
        gone = W == 0
        if name.startswith(("layers.", "widen.")) and W.dim() == 2:
            assert abs(float(gone.float().mean()) - share) <= 1 / W.numel()
            assert share == 0 or whole[gone].abs().max() <= whole[~gone].abs().min()
            assert torch.equal(W[~gone], whole[~gone])
        else:
            assert torch.equal(W, whole)


def test_rows_left_out_are_as_good_as_zero(lesson, student):
    ids, mask = batch(9, 4)
    thin = lesson.narrowed(student, 0.5)
    assert thin.layers[0].think[0].weight.shape == (48, 24)
    assert thin.layers[0].think[2].weight.shape == (24, 48)
    for layer, small in zip(student.layers, thin.layers, strict=True):
        first, second = layer.think[0], layer.think[2]
        worth = [first.weight[j].norm() * second.weight[:, j].norm() for j in range(96)]
        gone = np.argsort(worth)[:48]
        first.weight.data[gone], first.bias.data[gone], second.weight.data[:, gone] = 0, 0, 0
        assert {tuple(row.tolist()) for row in small.think[0].weight} == {
            tuple(row.tolist()) for j, row in enumerate(first.weight) if j not in gone
        }
    assert torch.allclose(thin(ids, mask), student(ids, mask), atol=1e-5)


def test_nothing_left_out_changes_nothing_and_the_model_itself_stays(lesson, student):
    ids, mask = batch(5)
    before = student(ids, mask)
    assert torch.allclose(lesson.narrowed(student, 0)(ids, mask), before, atol=1e-6)
    lesson.zeroed(student, 0.9), lesson.narrowed(student, 0.9)
    assert torch.equal(student(ids, mask), before)


@pytest.mark.parametrize("share", [-0.1, 1, 2])
def test_a_share_that_is_none_is_refused(lesson, student, share):
    for way in (lesson.zeroed, lesson.narrowed):
        with pytest.raises(ValueError, match="give one from 0"):
            way(student, share)


# --- int8 -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("shift", [0, 3, -50])
def test_no_weight_is_wrong_by_more_than_half_a_step(lesson, rng, symmetric, axis, shift):
    W = (rng.normal(size=(30, 20)) + shift).astype("f4")
    q, scale, zero = lesson.quantised(W, symmetric, axis)
    assert q.dtype == np.int8
    assert (np.abs(lesson.restored(q, scale, zero) - W) <= scale / 2 * (1 + 1e-3) + 1e-6).all()
    assert not symmetric or (zero == 0).all()
    assert scale.size == (1 if axis is None else W.shape[axis])


@pytest.mark.filterwarnings("ignore:torch.quantize")
@pytest.mark.parametrize("symmetric", [True, False])
def test_levels_are_torchs(lesson, rng, symmetric):
    W = rng.normal(size=(30, 20)).astype("f4")
    q, scale, zero = lesson.quantised(W, symmetric)
    theirs = torch.quantize_per_tensor(torch.from_numpy(W), float(scale[0, 0]), int(zero[0, 0]), torch.qint8)
    assert abs(theirs.int_repr().numpy().astype(int) - q).max() <= 1  # a tie may fall either way
    assert (theirs.int_repr().numpy() != q).mean() < 0.01


def test_zero_is_kept_exactly_and_a_matrix_of_zeros_too(lesson, rng):
    W = np.r_[0, rng.uniform(1, 2, 50)].astype("f4")
    for symmetric in (True, False):
        assert lesson.restored(*lesson.quantised(W, symmetric))[0] == 0
        assert (lesson.restored(*lesson.quantised(np.zeros((3, 3)), symmetric)) == 0).all()


def test_the_product_in_integers_is_that_of_the_restored(lesson, rng):
    X, W = rng.normal(1, 2, size=(7, 30)).astype("f4"), rng.normal(size=(30, 20)).astype("f4")
    x, w = lesson.restored(*lesson.quantised(X, False)), lesson.restored(*lesson.quantised(W, axis=1))
    assert np.allclose(lesson.int8_product(X, W), x @ w, atol=1e-3)
    assert np.linalg.norm(lesson.int8_product(X, W) - X @ W) / np.linalg.norm(X @ W) < 0.03


# --- The static student -----------------------------------------------------------------------------------------------
def test_the_table_is_weighted_principal_components(lesson, rng):
    X, numbers = rng.normal(size=(50, 12)) * np.arange(12, 0, -1), list(range(100, 150))
    table = lesson.static_table(X, numbers, 200, 4, a=1e-2)
    kept = PCA(4, svd_solver="full").fit_transform(X)
    p = 1 / np.arange(1, 51)
    kept = 1e-2 / (1e-2 + p / p.sum())[:, None] * kept / kept.std(ddof=1)
    assert table.shape == (200, 4) and table.dtype == np.float32
    assert np.allclose(np.abs(table[numbers]), np.abs(kept), atol=1e-4)
    assert (table[:100] == 0).all()
    with pytest.raises(ValueError, match="at most"):
        lesson.static_table(X, numbers, 200, 13)


def test_a_text_is_the_mean_of_its_pieces_and_one_of_nothing_is_padding(lesson):
    table = np.arange(20, dtype="f4").reshape(10, 2)
    assert lesson.text_means(table, [[1, 3, 5, 2], [1, 2]]).tolist() == [[8, 9], [0, 1]]


def test_soft_regression_is_scikit_learns_where_targets_are_hard(lesson, rng):
    X, y = rng.normal(size=(200, 5)), rng.integers(0, 3, 200)
    W, b = lesson.soft_regression(X, np.eye(3)[y], strength=0.01, steps=2000)
    theirs = LogisticRegression(C=1 / (0.01 * 200), tol=1e-8, max_iter=5000).fit(X, y)
    assert np.allclose(
        (X @ W + b) - (X @ W + b).mean(1, keepdims=True),
        theirs.decision_function(X) - theirs.decision_function(X).mean(1, keepdims=True),
        atol=0.01,
    )
    with pytest.raises(ValueError, match="targets for"):
        lesson.soft_regression(X, np.eye(3))


def test_soft_regression_has_no_slope_left(lesson, rng):
    X, P = rng.normal(size=(100, 4)), rng.dirichlet(np.ones(3), 100)
    W, b = lesson.soft_regression(X, P, strength=0.1, steps=2000)
    Q = torch.softmax(torch.tensor(X @ W + b), 1).numpy()
    assert abs(X.T @ (Q - P) / 100 + 0.1 * W).max() < 1e-3
    assert abs((Q - P).mean(0)).max() < 1e-3


def test_teaching_the_table_lowers_the_loss_and_leaves_what_it_was_given(lesson, rng):
    model = tuple(rng.normal(size=size).astype("f4") for size in ((20, 4), (4, 3), (3,)))
    rows = [[1, *rng.integers(3, 20, 4).tolist(), 2] for _ in range(50)] + [[1, 2]]
    scores = torch.tensor(rng.normal(size=(51, 3)))
    before = model[0].copy()

    def loss(model):
        q = torch.log_softmax(lesson.static_scores(model, rows), 1)
        return float(-(torch.softmax(scores, 1) * q).sum(1).mean())

    tuned = lesson.tuned_static(model, rows, scores.float(), passes=20)
    assert loss(tuned) < 0.9 * loss(model)
    assert (model[0] == before).all()
    assert (tuned[0][1:3] == before[1:3]).all()  # rows that no text has


# --- Files ------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def files(lesson, tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    torch.manual_seed(0)
    model = lesson.Student(5, **SHAPE).eval().requires_grad_(False)
    path = lesson.exported(model, folder / "student.onnx")
    return model, path, lesson.int8_file(path, folder / "int8.onnx")


@pytest.mark.slow
def test_onnx_is_torch_whatever_the_length_and_the_number_of_texts(lesson, files):
    model, path, _ = files
    onnx = lesson.OnnxModel(path)
    for lengths in ((3,), (9, 4), (64, 3, 17), (2,)):
        assert (onnx(*batch(*lengths)) - model(*batch(*lengths))).abs().max() < 1e-4


@pytest.mark.slow
def test_int8_is_smaller_and_near(lesson, files):
    model, path, small = files
    assert small.stat().st_size < path.stat().st_size
    exact = model(*batch(9, 30))
    assert (lesson.OnnxModel(small)(*batch(9, 30)) - exact).norm() / exact.norm() < 0.2


def test_a_file_that_is_not_there_is_named(lesson, tmp_path):
    with pytest.raises(FileNotFoundError, match="student.onnx: export"):
        lesson.OnnxModel(tmp_path / "student.onnx")


# --- In a row ---------------------------------------------------------------------------------------------------------
def test_an_unknown_model_is_refused(lesson, tmp_path):
    with pytest.raises(ValueError, match="no model 'poodle'"):
        small_models.contestants(lesson, tmp_path, None, None, {}, None, ["poodle"])


def test_static_students_answer_as_in_the_lesson(lesson, rng, tmp_path):
    model = rng.normal(size=(30522, 8)).astype("f4"), rng.normal(size=(8, 3)).astype("f4"), np.zeros(3, "f4")
    names = ["static, 64", "static, 64, taught, int8"]
    found = small_models.contestants(lesson, tmp_path, None, None, {"64": model, "64, taught": model}, None, names)
    text = "hole in the heart"
    rows = [small_models.pieces().encode(text).ids]
    exact = lesson.static_scores(model, rows)[0].numpy()
    assert np.allclose(found["static, 64"].answer(text), exact, atol=1e-4)
    assert np.allclose(found["static, 64, taught, int8"].answer(text), exact, atol=0.2)
    assert found["static, 64, taught, int8"].bytes < found["static, 64"].bytes
    assert found["static, 64"].answer("").shape == (3,)


def test_points_of_the_front_that_lie_together_share_a_label():
    _, ax = plots.plt.subplots(figsize=(5, 4))
    points = [(0.0, 0.0), (1.0, 1.0), (0.01, 0.0), (1.0, 0.0)]
    ax.scatter(*zip(*points, strict=True))
    assert plots._together(ax, points) == [([1, 3], points[0]), ([2], points[1]), ([4], points[3])]


def test_the_front_is_drawn(capsys):
    plots.front({"teacher": (90.0, 0.8), "student": (3.0, 0.7), "TF-IDF": (5.0, 0.6)}, "megabytes", "accuracy")


def test_every_branch_has_a_chinese_name():
    spec = importlib.util.spec_from_file_location("student", root() / "models" / "student.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert set(module.CHINESE) == set(branches.names())


def test_the_browser_and_the_row_of_models_cut_a_text_where_the_chapter_does(lesson):
    longest = inspect.signature(lesson.text_rows).parameters["longest"].default
    card = json.loads((root() / "models" / "student" / "card.json").read_text(encoding="utf-8"))
    assert longest == small_models.LONGEST == card["max_length"]
