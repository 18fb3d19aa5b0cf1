"""Setting up: what make says when something is missing, nothing left half-made, pins, the repository's address."""

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from wordspace.paths import root

PROJECT = tomllib.loads((root() / "pyproject.toml").read_text("utf-8"))
PINS = [
    Requirement(line) for line in (root() / "requirements.txt").read_text("utf-8").splitlines() if re.match(r"\w", line)
]
TOOLS = ("sh", "dirname", "rm", "grep", "cat", "touch", "make", "awk", "mkdir", "cp", "sleep")
FAKE_PYTHON = """#!/bin/sh
# Answers as Python would. FAILS: what goes wrong; HANGS: what takes long; pip.calls: what pip was told.
case "$*" in *"${FAILS:-nothing}"*) echo "ERROR: fake" >&2; exit 1 ;; esac
case "$*" in *"${HANGS:-nothing}"*) touch hanging; exec sleep 30 ;; esac
case "$*" in
    *version_info*) echo "${VERSION:-3.12}" ;;
    "-m venv "*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    "-m pip "*) echo "$*" >>pip.calls ;;
esac
"""


# --- make setup -------------------------------------------------------------------------------------------------------
@pytest.fixture
def clone(tmp_path):
    """A clone with what set-up needs, and a PATH on which only a fake python3 and a few tools stand."""
    for name in ("Makefile", "setup.sh", "requirements.txt", "pyproject.toml"):
        shutil.copy(root() / name, tmp_path)
    path = tmp_path / "path"
    path.mkdir()
    for tool in TOOLS:
        (path / tool).symlink_to(shutil.which(tool))
    (path / "python3").write_text(FAKE_PYTHON)
    (path / "python3").chmod(0o755)
    return tmp_path


def make(clone, *arguments, **environment):
    """Run make in the clone; return its exit status and all it said."""
    environment = {"PATH": str(clone / "path"), "HOME": str(clone), **environment}
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=clone,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {"VERSION": "3.9"},
            "Python 3.11, 3.12 or 3.13 is needed; found python3 is 3.9. Name another one",
        ),
        ({"VERSION": "3.14"}, "Python 3.11, 3.12 or 3.13 is needed; found python3 is 3.14."),
        ({"FAILS": "version_info"}, "Python 3.11, 3.12 or 3.13 is needed; found no working python3."),
        ({"PYTHON": "python9"}, "Python 3.11, 3.12 or 3.13 is needed; found no working python9."),
        (
            {"FAILS": "ensurepip"},
            "python3 (3.12) lacks the venv module. On Debian and Ubuntu: apt-get install",
        ),
        ({"FAILS": "pip=="}, "the package index does not answer (no network?). pip says: ERROR: fake"),
        ({"FAILS": "-r requirements.txt"}, "pip could not install requirements.txt; its message stands above."),
        ({"FAILS": "--editable"}, "pip could not install the package wordspace; its message stands above."),
    ],
)
def test_what_is_missing_is_said_in_a_line_and_nothing_stays(clone, environment, line):
    status, said = make(clone, "setup", **environment)
    assert status != 0
    assert f"make: {line}" in said
    assert "Traceback" not in said
    assert not (clone / ".venv").exists()


def test_set_up_once_then_start_at_once(clone):
    status, said = make(clone, "setup")
    assert status == 0, said
    calls = (clone / "pip.calls").read_text()
    assert "install -r requirements.txt" in calls and "--no-deps --no-build-isolation --editable ." in calls
    start = time.perf_counter()
    status, said = make(clone, "setup")
    assert time.perf_counter() - start < 0.5  # 0.02 s, but machines are busy
    assert (status, (clone / "pip.calls").read_text()) == (0, calls)


def test_without_npm_only_a_page_of_the_book_lacks_something(clone):
    status, said = make(clone, "setup", FAILS="web_runtime")
    assert status == 0 and (clone / ".venv" / ".installed").exists()
    assert "make: the book's page of the student will be without it; to try again: .venv/bin/python -m" in said


def test_another_python_by_name(clone):
    (clone / "path" / "python3").rename(clone / "path" / "mine")
    assert make(clone, "setup")[0] != 0
    assert make(clone, "setup", "PYTHON=mine")[0] == 0


def test_new_pins_update_the_environment(clone):
    make(clone, "setup")
    later = time.time() + 5
    os.utime(clone / "requirements.txt", (later, later))
    status, said = make(clone, "setup", FAILS="-r requirements.txt")
    assert status != 0 and (clone / ".venv").exists(), "an update that fails keeps the environment there was"
    status, said = make(clone, "setup")
    assert status == 0 and "Updating .venv" in said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(clone, how):
    environment = {"PATH": str(clone / "path"), "HANGS": "-r requirements.txt"}
    running = subprocess.Popen(
        ["make", "setup"], cwd=clone, env=environment, start_new_session=True, stderr=subprocess.DEVNULL
    )
    while not (clone / "hanging").exists():
        assert running.poll() is None
        time.sleep(0.01)
    os.killpg(running.pid, how)  # as Ctrl-C does: to make and to all it started
    assert running.wait(timeout=20) != 0
    patience = time.perf_counter() + 10  # make may be gone before its shell has tidied up
    while (clone / ".venv").exists() and time.perf_counter() < patience:
        time.sleep(0.01)
    assert not (clone / ".venv").exists()


def test_killed_it_starts_afresh(clone):
    make(clone, "setup")
    (clone / ".venv" / ".unfinished").touch()  # what a killed set-up leaves
    (clone / ".venv" / ".installed").unlink()
    status, said = make(clone, "setup")
    assert status == 0 and "Making .venv" in said


def test_environment_whose_python_is_gone_is_made_again(clone):
    make(clone, "setup")
    (clone / ".venv" / "bin" / "python").unlink()
    status, said = make(clone, "setup")
    assert status == 0 and "Making .venv" in said


def test_help_lists_every_command():
    makefile = (root() / "Makefile").read_text("utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)", makefile, re.M)[1].split()) - {"FORCE"}
    shown = subprocess.check_output(["make", "-C", str(root()), "--no-print-directory"], text=True)
    assert set(re.findall(r"^  make ([a-z-]+) ", shown, re.M)) == targets


# --- Pins -------------------------------------------------------------------------------------------------------------
def test_pins_are_exact_and_within_the_ranges():
    extras = PROJECT["project"]["optional-dependencies"]
    ranges = [Requirement(line) for line in sum(extras.values(), PROJECT["project"]["dependencies"])]
    pins = {pin.name.lower(): next(iter(pin.specifier)) for pin in PINS}
    assert all(pin.operator == "==" for pin in pins.values())
    for wanted in ranges:
        assert wanted.specifier.contains(pins[wanted.name.lower()].version), f"{wanted} and its pin disagree"


def test_what_is_installed_is_what_is_pinned():
    for pin in PINS:
        installed = importlib.metadata.version(pin.name).split("+")[0]
        assert pin.specifier.contains(installed), f"{pin.name} {installed} is installed, {pin} pinned"


def imported(code):
    """Name the top-level modules that a piece of code imports."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_every_package_that_is_imported_is_pinned():
    sources = [
        path for part in ("wordspace", "book", "models", "studies", "tests") for path in (root() / part).rglob("*.py")
    ]
    found = {name for path in sources for name in imported(path.read_text("utf-8"))}
    for path in root().glob("notebooks/*/*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        lines = (re.sub(r"(?m)^(\s*)[!%].*", r"\1pass", cell) for cell in code)  # IPython's own commands
        found |= {name for cell in lines for name in imported(cell)}
    own = {path.stem for part in ("book", "models", "tests", "studies") for path in (root() / part).rglob("*.py")}
    own |= {"wordspace", "book", "google", "tests", "conftest"}  # google.colab: of Colab only
    distributions = importlib.metadata.packages_distributions()
    pinned = {re.sub("[-_.]+", "-", pin.name).lower() for pin in PINS}
    for name in found - own - sys.stdlib_module_names:
        packages = {re.sub("[-_.]+", "-", package).lower() for package in distributions[name]}
        assert packages & pinned, f"{name} is imported, and none of {sorted(packages)} is in requirements.txt"


# --- The repository's address -----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def address():
    spec = importlib.util.spec_from_file_location("address", root() / "book" / "address.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_address_everywhere(address):
    wrong = address.edits(root(), address.current())
    assert not wrong, f"another address than in pyproject.toml: {[str(path) for path in wrong]}"


def test_places_that_must_have_the_address_have_it(address):
    here = address.current()
    for name in ("_config.yml", "_config.zh.yml", "CITATION.cff", "README.md", "README.zh.md"):
        assert here.url in (root() / name).read_text("utf-8"), name
    for notebook in root().glob("notebooks/*/*.ipynb"):
        assert f"{here.url} /content/course" in notebook.read_text("utf-8"), notebook


@pytest.mark.parametrize("new", ["https://github.com/Ann-Lee/My.Fork_2", "https://github.com/ann/ann.github.io"])
def test_new_address_reaches_every_place(address, tmp_path, new):
    old, new = address.current(), address.Address.parse(new)
    for path in address.files(root()):
        target = tmp_path / path.relative_to(root())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (tmp_path / "stray.ipynb").write_text('["!git clone -q https://github.com/other/place /content/course && pip"]')
    (tmp_path / "cited.md").write_text("https://github.com/stanfordnlp/GloVe and https://colah.github.io/posts/")
    texts = address.edits(tmp_path, new)
    address.write(texts)
    assert address.current(tmp_path) == new
    assert new.url in (tmp_path / "stray.ipynb").read_text()
    assert "stanfordnlp/GloVe and https://colah.github.io" in (tmp_path / "cited.md").read_text()
    assert not address.edits(tmp_path, new)
    assert not [path for path in tmp_path.rglob(".*.new")]
    for path in texts:
        text = path.read_text("utf-8")
        assert old.slug not in text and old.pages not in text
        assert "\r" not in text
    address.write(address.edits(tmp_path, old))
    for path in texts:
        if path.name != "stray.ipynb":
            assert path.read_bytes() == (root() / path.relative_to(tmp_path)).read_bytes(), (
                "there and back changes nothing"
            )


def test_a_file_that_cannot_be_written_leaves_all_as_they_were(address, tmp_path):
    (tmp_path / "a.md").write_text("old")
    with pytest.raises(OSError):
        address.write({tmp_path / "a.md": "new", tmp_path / "no folder" / "b.md": "new"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"] and (tmp_path / "a.md").read_text() == "old"


@pytest.mark.parametrize(
    "url", ["", "github.com/a/b", "https://github.com/a", "https://example.org/a/b", "https://github.com/a/b c"]
)
def test_what_is_no_address_is_refused(address, url):
    assert "is not of the form https://github.com/OWNER/NAME" in address.main([url])


def test_pages_follow_from_the_address(address):
    assert address.Address.parse("https://github.com/Bob/book.git").pages == "https://bob.github.io/book"
    assert address.Address.parse("https://github.com/Bob/bob.github.io/").pages == "https://bob.github.io"


# --- Continuous integration -------------------------------------------------------------------------------------------
def test_ci_runs_the_test_command_of_the_readme():
    script = root() / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    assert re.search(r"^make test$", script.read_text("utf-8"), re.M)
    assert "REQUIRE_BROWSER=1" in script.read_text("utf-8")
    for name in ("README.md", "README.zh.md"):
        assert "make test" in (root() / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["test", "publish"])
def test_workflows_are_well_formed(name):
    workflow = yaml.safe_load((root() / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))
    assert workflow["name"] and workflow[True]  # YAML 1.1 reads the key "on" as true
    for job in workflow["jobs"].values():
        assert job["runs-on"] and job["permissions"] is not None and job["timeout-minutes"]
        assert all("run" in step or "uses" in step for step in job["steps"])


def test_shell_scripts_are_plain_sh():
    subprocess.run(["sh", "-n", root() / "setup.sh"], check=True)
