"""Chapters as files: read and written so that diffs are small, executed from top to bottom, and looked over for faults."""

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from wordspace import claims, exercises
from wordspace.paths import root

BUDGET_SECONDS, BUDGET_BYTES, OUTPUT_BYTES = 180, 4 * 2**30, 1_000_000
TIMEOUT_SECONDS = 1200  # of one cell, far above any budget
PICTURES = {"image/png", "image/jpeg", "image/svg+xml"}
NOISY = "nbval-ignore-output"
MACHINE_PATH = re.compile(
    r"(?:(?<![\w.:/])|(?<=file://))/(?:home|root|work|tmp|Users|content|opt|var|mnt|usr)/[\w.]|[A-Z]:\\\\?Users"
)
NUMBER = re.compile(
    r"(?<![\w.])\d{1,3}(?:[,\u202f\u00a0 ]\d{3})+(?:\.\d+)?(?![\w.]?\d)|(?<![\w.])\d+(?:\.\d+)?(?!\w|\.\d)", re.ASCII
)
UNMEASURED = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|```.*?```|`[^`]*`|\]\([^)]*\)|<[^>]*>|\[[^\]]*\d{4}[^\]]*\]", re.DOTALL)
YEAR = re.compile(r"(?:1[89]|20)\d\d")
DIGITS = re.compile(r"[-−]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?", re.ASCII)
BOLD = re.compile(r"\*\*(.+?)\*\*")
FULL_WIDTH = re.compile(r"[，。；：！？、（）《》“”‘’「」]")
OVERWRITTEN = re.compile(r"[^\n\r]*\r(?=[^\n])")  # what a progress bar wrote and wrote over
HAN = r"[\u4e00-\u9fff]"
TYPED_SPACE = re.compile(rf"{HAN}[*_]* [*_]*[A-Za-z0-9]|[A-Za-z0-9%][*_]* [*_]*{HAN}")
BROKEN_LINE = re.compile(rf"(?:{HAN}|[，。；：！？、）》”])\n(?={HAN}|[“《（])")


class CellFailed(RuntimeError):
    """A cell of a chapter ended in an error."""


@dataclass(frozen=True)
class Problem:
    """A fault of a chapter: where it is and what to do."""

    path: str
    cell: str
    says: str

    def __str__(self) -> str:
        return f"{self.path} [{self.cell}]: {self.says}"


def chapters(edition: str) -> list[Path]:
    """Return the notebooks of an edition, in order."""
    return sorted((root() / "notebooks" / edition).glob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook as nbformat 4."""
    return nbformat.read(path, as_version=4)


def write(path: Path, notebook: nbformat.NotebookNode) -> None:
    """Write a notebook in its normal form (no timestamps, no versions of this machine), all or nothing."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        for noise in ("execution", "collapsed", "scrolled"):
            cell.metadata.pop(noise, None)
    fresh = path.with_suffix(".new")
    nbformat.write(notebook, fresh)
    os.replace(fresh, path)


def execute(path: Path, notebook: nbformat.NotebookNode | None = None) -> tuple[float, int]:
    """Run a notebook from top to bottom, with progress, and write it with its outputs if all went well.

    Args:
        path: where it stands or will; its folder is the working directory.
        notebook: what to run, by default what ``path`` holds.

    Returns:
        The seconds it took and the kernel's peak memory in bytes (0 where the system does not tell).

    Raises:
        CellFailed: a cell ended in an error, or the kernel died; the file is left as it was.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from tqdm import tqdm

    notebook = notebook or read(path)
    folder = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=TIMEOUT_SECONDS, kernel_name="python3", resources=folder)
    client.store_widget_state = False
    client.extra_arguments = ["--log-level=ERROR"]  # else the kernel warns of its local TCP port
    begun, peak = time.perf_counter(), 0
    label = str(path.relative_to(root())) if path.is_relative_to(root()) else path.name
    with client.setup_kernel():
        for index, cell in enumerate(tqdm(notebook.cells, desc=label, unit="cell")):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                raise CellFailed(f"{label} [{cell.id}]: {error.ename}: {error.evalue}") from None
            except (CellTimeoutError, DeadKernelError) as error:
                raise CellFailed(f"{label} [{cell.id}]: {type(error).__name__}: {error}") from None
            peak = max(peak, peak_memory(client.km))
    for cell in code(notebook):
        cell.outputs = _joined(cell.outputs)
    write(path, notebook)
    return time.perf_counter() - begun, peak


def peak_memory(manager) -> int:
    """Return the peak memory in bytes of a kernel manager's process (0 where the system does not tell)."""
    status = Path(f"/proc/{manager.provisioner.pid}/status")
    if not status.exists():
        return 0
    line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) * 1024


def _joined(outputs: list) -> list:
    joined: list = []
    for output in outputs:
        if (
            joined
            and output.output_type == "stream"
            and joined[-1].output_type == "stream"
            and joined[-1].name == output.name
        ):
            joined[-1].text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output.text = OVERWRITTEN.sub("", output.text)
    return joined


def code(notebook) -> list:
    """Return the code cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def tags(cell) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


def alt(cell) -> str:
    """Return the alternative text that a cell's metadata gives its figure, or ""."""
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


def draws(cell) -> bool:
    """Say whether a code cell's outputs hold a picture."""
    return any(PICTURES & set(output.get("data", {})) for output in cell.get("outputs", []))


def shown(cell) -> str:
    """Return the text that a code cell shows: streams and plain text."""
    texts = [
        output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])
    ]
    return "\n".join("".join(text) for text in texts)


def _texts(cell) -> str:
    data = [item for output in cell.outputs for item in output.get("data", {}).items()]
    return "\n".join([shown(cell), *(str(value) for kind, value in data if kind not in PICTURES)])


def numbers(text: str) -> list[str]:
    """Return the numbers in a text as digits, thousands joined: "1,034 of 2.50" → ["1034", "2.50"]."""
    return [re.sub(r"[,\u202f\u00a0 ]", "", match) for match in NUMBER.findall(text)]


def faults(path: Path) -> list[Problem]:
    """Return what is wrong with a notebook as it stands: see each check for what it says."""
    notebook = read(path)
    name = str(path.relative_to(root())) if path.is_relative_to(root()) else path.name
    checks = (_outputs, _figures, _exercises, _claims, _prose)
    checks += (_chinese,) if path.parent.name == "zh" else ()
    return [Problem(name, cell, says) for check in checks for cell, says in check(notebook)]


def _outputs(notebook) -> Iterator[tuple[str, str]]:
    cells = code(notebook)
    counts = [cell.execution_count for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        late = next((cell for n, cell in enumerate(cells, 1) if cell.execution_count != n))
        yield late.id, "not executed from top to bottom; run: make run"
    if cells and not any(cell.outputs for cell in cells):
        yield cells[0].id, "the outputs are stripped; run: make run"
    for cell in cells:
        if any(output.output_type == "error" for output in cell.outputs):
            yield cell.id, "ends in an error; catch an expected one and print it"
        if any(output.get("name") == "stderr" for output in cell.outputs):
            yield cell.id, "writes to stderr (a warning, a progress bar): mend it, or silence it where it arises"
        if found := MACHINE_PATH.search(_texts(cell)):
            yield cell.id, f"shows a path of this machine: {found.group()}…"
    size = sum(len(json.dumps(cell.outputs)) for cell in cells)
    if size > OUTPUT_BYTES:
        yield (
            max(cells, key=lambda cell: len(json.dumps(cell.outputs))).id,
            f"outputs of {size / 1e6:.1f} MB; the limit is 1 MB",
        )


def _figures(notebook) -> Iterator[tuple[str, str]]:
    for cell in code(notebook):
        if draws(cell) and not alt(cell).strip():
            yield (
                cell.id,
                'a figure without alternative text: set the cell\'s metadata {"mystnb": {"image": {"alt": "…"}}}',
            )


def _exercises(notebook) -> Iterator[tuple[str, str]]:
    cells = code(notebook)
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if "exercise" not in tags(cell):
            continue
        if _solved(cell) is not False:
            yield cell.id, "an exercise whose unsolved cell does not answer “not yet”"
        if following is None or "solution" not in tags(following):
            yield cell.id, "an exercise without a cell tagged “solution” after it"
            continue
        if _solved(following) is not True:
            yield following.id, "a solution that its own checker does not pass"
        if "hide-cell" not in tags(following):
            yield following.id, "a solution that is not folded: tag it hide-cell"


def _solved(cell) -> bool | None:
    states = [
        output.data[exercises.MIME]["solved"] for output in cell.outputs if exercises.MIME in output.get("data", {})
    ]
    return states[-1] if states else None


def _claims(notebook) -> Iterator[tuple[str, str]]:
    for cell in code(notebook):
        if "claims" in tags(cell) and not any(claims.MIME in output.get("data", {}) for output in cell.outputs):
            yield cell.id, "a claims cell that recorded nothing; end it with board.show()"


def _prose(notebook) -> Iterator[tuple[str, str]]:
    told = [number for cell in code(notebook) for number in numbers(shown(cell) + "\n" + cell.source)]
    printed = {float(number) for number in told}
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for bold in BOLD.findall(cell.source):
            if FULL_WIDTH.search(bold):
                yield cell.id, f"full-width punctuation inside bold: **{bold}**"
        for number in numbers(UNMEASURED.sub(" ", cell.source)):
            measured = "." in number or (len(number) > 2 and not YEAR.fullmatch(number))
            if measured and not _stands(number, printed):
                yield cell.id, f"the number {number} is in the prose, but no cell prints it"


def _chinese(notebook) -> Iterator[tuple[str, str]]:
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        plain = UNMEASURED.sub("", cell.source)
        if found := TYPED_SPACE.search(plain):
            yield cell.id, f"a typed space between Chinese and Latin: “{found.group()}”; the page's CSS sets it"
        if found := BROKEN_LINE.search(cell.source):
            context = cell.source[max(0, found.start() - 5) : found.end() + 5].replace("\n", "⏎")
            yield cell.id, f"a line break inside a Chinese paragraph shows as a space: {context}"


def _stands(number: str, printed: set[float]) -> bool:
    places = len(number.partition(".")[2])
    step = 10**-places if places else 10 ** (len(number) - len(number.rstrip("0")))
    value = float(number)
    return any(abs(value - p * scale) <= step / 2 + 1e-9 for p in printed for scale in (1, 100))
