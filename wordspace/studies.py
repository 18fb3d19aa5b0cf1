"""Studies: runs too long for a chapter, recorded with all that is needed to repeat them and to notice when they are stale.

A study is a script in ``studies/`` that makes a ``Study`` and calls its ``run``; ``make study NAME=…`` starts it. It shows
progress, resumes where it was stopped, and writes ``studies/results/NAME.json``.
"""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path

import numpy as np
from scipy import stats

from wordspace import cards, lessons
from wordspace.evaluation import Score
from wordspace.paths import build, root


class OutsideInterval(AssertionError):
    """A live figure that the recorded study makes unlikely."""


@dataclass(frozen=True)
class Study:
    """What a study depends on.

    Args:
        name: of the script and of the record, such as ``"01_retrieval"``.
        chapters: those whose lesson code it runs; of that code only what it uses counts, and not how it is set out.
        data: names of the cards it reads, of borrowed data or of the course's own.
        packages: those whose versions are recorded.
        speed: it measures time, so its record goes stale with a warning only.
        modules: files of ``wordspace`` that shape its figures, such as ``"corpora"``.
        files: others that it reads, such as the weights of a model, as paths from the root of the repository.
    """

    name: str
    chapters: Sequence[str] = ()
    data: Sequence[str] = ()
    packages: Sequence[str] = ("numpy", "scipy", "scikit-learn")
    speed: bool = False
    modules: Sequence[str] = ("corpora", "evaluation")
    files: Sequence[str] = ()

    def depends(self) -> dict[str, str]:
        """Return the SHA-256 of each piece of code and data that the figures depend on."""
        script = root() / "studies" / f"{self.name}.py"
        found = {f"studies/{self.name}.py": cards.sha256(script)}
        modules = [root() / "wordspace" / f"{module}.py" for module in self.modules]
        readers = [path.read_text(encoding="utf-8") for path in (script, *modules)]
        for chapter in self.chapters:
            found[f"lessons of {chapter}"] = lessons.fingerprint(chapter, readers)
        for path in modules:
            found[f"wordspace/{path.name}"] = cards.sha256(path)
        for path in self.files:
            found[path] = cards.sha256(root() / path)
        own = {card.name for card in cards.own_cards()}
        for name in self.data:
            if name in own:
                found[f"datasets/{name}.toml"] = cards.sha256(root() / "datasets" / f"{name}.toml")
                continue
            for file in cards.load(name).files:
                found[f"{name}: {file.path}"] = file.sha256
        return found

    def run(self, one: Callable[..., dict], settings: Sequence[dict]) -> None:
        """Run every setting that is not recorded yet and write the record.

        Args:
            one: takes a setting's fields, returns its figures (name → number).
            settings: one dictionary a run, such as ``{"language": "en", "seed": 3}``.
        """
        from tqdm import tqdm

        depends = self.depends()
        mark = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()
        partial = build("studies", f"{self.name}-{mark[:12]}.jsonl")
        settings = json.loads(json.dumps(list(settings)))  # as the record will have them
        lines = partial.read_text(encoding="utf-8").splitlines(keepends=True) if partial.exists() else []
        whole = [line for line in lines if line.endswith("\n")]  # a killed study may leave half a line
        partial.write_text("".join(whole), encoding="utf-8")
        done = [json.loads(line) for line in whole]
        with open(partial, "a", encoding="utf-8") as stream:
            for setting in tqdm([s for s in settings if s not in [run["setting"] for run in done]], desc=self.name):
                figures = {name: float(f"{float(value):.6g}") for name, value in one(**setting).items()}
                done.append({"setting": setting, "figures": figures})
                print(json.dumps(done[-1], ensure_ascii=False), file=stream, flush=True)
        record = {
            "name": self.name,
            "command": f"make study NAME={self.name}",
            "date": date.today().isoformat(),
            "speed": self.speed,
            "machine": machine(),
            "versions": {package: metadata.version(package) for package in self.packages},
            "study": {name: list(getattr(self, name)) for name in ("chapters", "data", "modules", "files")},
            "depends": depends,
            "runs": sorted(done, key=lambda run: settings.index(run["setting"])),
        }
        path = root() / "studies" / "results" / f"{self.name}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, path)
        partial.unlink()
        print(f"{len(record['runs'])} runs recorded in studies/results/{self.name}.json")


@dataclass(frozen=True)
class Recorded:
    """A study's record: ``date`` and ``runs``, each a setting with its figures."""

    name: str
    date: str
    runs: list[dict]

    def values(self, figure: str, **setting) -> np.ndarray:
        """Return a figure over all runs whose setting has these fields.

        Raises:
            LookupError: no run has such a setting and figure.
        """
        runs = [run for run in self.runs if setting.items() <= run["setting"].items() and figure in run["figures"]]
        if not runs:
            raise LookupError(f"study {self.name} has no figure {figure!r} for {setting}")
        return np.array([run["figures"][figure] for run in runs])

    def score(self, figure: str, level: float = 0.95, **setting) -> Score:
        """Return a figure's mean over the runs with its confidence interval: mean ± t · s / √n (Student's t).

        Raises:
            LookupError: as ``values``.
            ValueError: fewer than three runs, which say too little of the spread.
        """
        return over_runs(self._several(figure, setting), level)

    def interval(self, figure: str, level: float = 0.99, **setting) -> tuple[float, float]:
        """Return the prediction interval for one further run: mean ± t · s · √(1 + 1/n) (Student's t, n − 1 degrees).

        Raises:
            LookupError: as ``values``.
            ValueError: fewer than three runs, which say too little of the spread.
        """
        values = self._several(figure, setting)
        n = len(values)
        half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / n)
        return float(values.mean() - half), float(values.mean() + half)

    def _several(self, figure: str, setting: dict) -> np.ndarray:
        values = self.values(figure, **setting)
        if len(values) < 3:
            raise ValueError(f"study {self.name}: {len(values)} runs of {figure!r} are too few for an interval")
        return values

    def agrees(self, live: float, figure: str, **setting) -> str:
        """Return the record's 99 % prediction interval as text, after making sure that a live figure lies in it.

        Raises:
            OutsideInterval: the live figure falls outside the record's 99 % prediction interval.
        """
        low, high = self.interval(figure, **setting)
        slack = 1e-5 * max(abs(low), abs(high))  # figures are recorded with six digits
        if not low - slack <= live <= high + slack:
            raise OutsideInterval(
                f"{figure} {setting}: live {live:.4g}, recorded {low:.4g} to {high:.4g} on {self.date}. "
                f"Look for what changed, then: make study NAME={self.name}"
            )
        return f"{low:.3f} … {high:.3f}"


def over_runs(values: np.ndarray, level: float = 0.95) -> Score:
    """Return the mean of several runs with its confidence interval: mean ± t · s / √n (Student's t, n − 1 degrees)."""
    half = stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Score(float(values.mean()), float(values.mean() - half), float(values.mean() + half), len(values))


def above(a: np.ndarray, b: np.ndarray, p: float = 0.05) -> bool:
    """Say whether runs ``a`` lie clearly above runs ``b``: Welch's t-test, one-sided, at the level ``p``."""
    if a.std() == b.std() == 0:
        return bool(a.mean() > b.mean())
    return bool(stats.ttest_ind(a, b, equal_var=False, alternative="greater").pvalue < p)


def load(name: str) -> Recorded:
    """Read ``studies/results/NAME.json``.

    Raises:
        FileNotFoundError: it was never recorded.
    """
    path = root() / "studies" / "results" / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"no record studies/results/{name}.json: make study NAME={name}")
    record = json.loads(path.read_text(encoding="utf-8"))
    return Recorded(record["name"], record["date"], record["runs"])


def stale(path: Path) -> list[str]:
    """Return what changed since a record was made: code or data whose hash no longer fits."""
    record = json.loads(path.read_text(encoding="utf-8"))
    now = Study(record["name"], speed=record["speed"], **record["study"]).depends()
    return sorted(
        name for name in record["depends"].keys() | now.keys() if record["depends"].get(name) != now.get(name)
    )


def machine() -> str:
    """Describe this machine: processor, cores, Python."""
    cpu = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def main() -> int:
    """Check every record: exit 1 where one that is no speed record is stale (``python -m wordspace.studies``)."""
    bad = 0
    for path in sorted((root() / "studies" / "results").glob("*.json")):
        try:
            changed = stale(path)
        except (FileNotFoundError, ValueError) as gone:  # its script, chapter or card is no more
            changed = [str(gone)]
        if changed:
            speed = json.loads(path.read_text(encoding="utf-8"))["speed"]
            bad += not speed
            word = "warning" if speed else "stale"
            print(f"{word}: {path.name}: changed since: {', '.join(changed)}; make study NAME={path.stem}")
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
