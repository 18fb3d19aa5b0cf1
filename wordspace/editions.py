"""Two languages, one course: carry code from the English notebooks to the Chinese ones, and say what has drifted apart.

    python -m wordspace.editions sync [CHAPTER]           carry code and order to the Chinese edition, run what changed
    python -m wordspace.editions check [CHAPTER]          say what is missing, stale, one-sided, or differs in numbers
    python -m wordspace.editions accept CHAPTER [CELL …]  the Chinese text (default: of all cells) fits the English now
    python -m wordspace.editions run [CHAPTER]            execute English from top to bottom, carry over, execute Chinese

CHAPTER is a notebook's name or its number. Each Chinese cell of text records the hash of the English one it was written
from; so does the alternative text of a figure.
"""

import argparse
import copy
import hashlib
import re
import sys
from collections import Counter
from pathlib import Path

import nbformat

from wordspace import notebooks
from wordspace.notebooks import NOISY, Problem
from wordspace.paths import root

EDITION_LINE = re.compile(r'^edition = "(?:en|zh)"', re.MULTILINE)
UNWRITTEN = "〔此处待写〕"
HAN = re.compile(r"[\u4e00-\u9fff]")


def localised(source: str, edition: str) -> str:
    """Return a code cell's source with the set-up cell's one line for ``edition``."""
    return EDITION_LINE.sub(f'edition = "{edition}"', source)


WORDS = (("image", "alt"), ("figure", "caption"))  # what MyST-NB's metadata of a cell says in the edition's language
PROMPT = "code_prompt_show"  # the label of a folded cell, likewise


def text(cell) -> str:
    """Return what a cell says in its edition's language: its Markdown, or what its metadata says of its figure or fold."""
    if cell.cell_type == "markdown":
        return cell.source
    shown = cell.metadata.get("mystnb", {})
    return "\n".join(filter(None, [*(shown.get(kind, {}).get(word) for kind, word in WORDS), shown.get(PROMPT)]))


def with_words_of(metadata, own):
    """Return a cell's metadata with the words (and the hash) that another cell's metadata has in their places."""
    merged = copy.deepcopy({key: value for key, value in metadata.items() if key != "wordspace"})
    ours, theirs = merged.setdefault("mystnb", {}), own.get("mystnb", {})
    for kind, word in WORDS:
        ours.setdefault(kind, {}).pop(word, None)
        if word in theirs.get(kind, {}):
            ours[kind][word] = theirs[kind][word]
        if not ours[kind]:
            del ours[kind]
    ours.pop(PROMPT, None)
    if PROMPT in theirs:
        ours[PROMPT] = theirs[PROMPT]
    if not ours:
        del merged["mystnb"]
    if "wordspace" in own:
        merged["wordspace"] = own["wordspace"]
    return nbformat.from_dict(merged)


def mark(cell) -> str:
    """Return the hash that a Chinese cell keeps of its English original ("" where there is nothing to write)."""
    return hashlib.sha256(text(cell).encode()).hexdigest()[:16] if text(cell) else ""


def kept(cell) -> str:
    """Return the hash that a Chinese cell kept."""
    return cell.metadata.get("wordspace", {}).get("from", "")


def carry(english, chinese):
    """Return the Chinese notebook with the English one's code, order and tags; its own text and true outputs stay."""
    have = {cell.id: cell for cell in chinese.cells} if chinese else {}
    carried = nbformat.v4.new_notebook()
    for cell in english.cells:
        twin, old = copy.deepcopy(cell), have.get(cell.id)
        twin.metadata = with_words_of(cell.metadata, old.metadata if old else {})
        if cell.cell_type == "markdown":
            twin.source = old.source if old else f"{UNWRITTEN}\n\n{cell.source}"
        else:
            twin.source = localised(cell.source, "zh")
            same = old is not None and old.source == twin.source
            twin.outputs, twin.execution_count = (old.outputs, old.execution_count) if same else ([], None)
        carried.cells.append(twin)
    return carried


def sync(name: str) -> None:
    """Carry a chapter's code to the Chinese edition and execute that where code changed or outputs are missing.

    Raises:
        SystemExit: there is no English notebook.
        CellFailed: a cell ended in an error; the Chinese notebook is left as it was.
    """
    path, before, after = _carried(name)
    old = [cell.source for cell in notebooks.code(before)] if before else None
    cells = notebooks.code(after)
    if old != [cell.source for cell in cells] or any(cell.execution_count is None for cell in cells):
        report(path, *notebooks.execute(path, after))
    else:
        notebooks.write(path, after)


def run(name: str) -> None:
    """Execute a chapter's English edition, carry its code over and execute the Chinese one.

    Raises:
        SystemExit: there is no English notebook.
        CellFailed: a cell ended in an error; that notebook is left as it was.
    """
    report(_english(name), *notebooks.execute(_english(name)))
    path, _, after = _carried(name)
    report(path, *notebooks.execute(path, after))


def _carried(name: str):
    english, path = notebooks.read(_english(name)), _path("zh", name)
    before = notebooks.read(path) if path.exists() else None
    ids = {cell.id for cell in english.cells}
    lost = [cell.id for cell in before.cells if cell.id not in ids and cell.source.strip()] if before else []
    if lost:
        print(
            f"{path.name}: dropped, since the English edition has no such cell (git diff shows it): {', '.join(lost)}"
        )
    return path, before, carry(english, before)


def accept(name: str, cells: list[str]) -> None:
    """Record that the Chinese text of these cells (default: all) fits the English as it stands now.

    Raises:
        SystemExit: a notebook or a cell of that name is missing.
    """
    english = {cell.id: cell for cell in notebooks.read(_english(name)).cells}
    if not _path("zh", name).exists():
        raise SystemExit(f"{name} has no Chinese notebook yet; run: python -m wordspace.editions sync {name}")
    chinese = notebooks.read(_path("zh", name))
    for cell in sorted(set(cells) - (english.keys() & {cell.id for cell in chinese.cells})):
        raise SystemExit(f"{name} has no cell {cell!r} in both editions")
    for cell in chinese.cells:
        if cell.id in english and (not cells or cell.id in cells) and mark(english[cell.id]):
            cell.metadata["wordspace"] = {"from": mark(english[cell.id])}
    notebooks.write(_path("zh", name), chinese)


def check(name: str) -> list[Problem]:
    """Return what sets the two editions of a chapter apart, and what is wrong within each."""
    paths = [_path(edition, name) for edition in ("en", "zh")]
    missing = [path for path in paths if not path.exists()]
    if missing:
        return [
            Problem(str(path.relative_to(root())), "-", f"missing; run: python -m wordspace.editions sync {name}")
            for path in missing
        ]
    return compare(*paths) + [fault for path in paths for fault in notebooks.faults(path)]


def compare(english_path: Path, chinese_path: Path) -> list[Problem]:
    """Return the differences between a chapter's editions that should not be: cells, code, tags, stale text, numbers."""
    english, chinese = notebooks.read(english_path), notebooks.read(chinese_path)
    name = str(chinese_path.relative_to(root())) if chinese_path.is_relative_to(root()) else chinese_path.name
    if [cell.id for cell in english.cells] != [cell.id for cell in chinese.cells]:
        ids = Counter(cell.id for cell in english.cells)
        ids.subtract(cell.id for cell in chinese.cells)
        odd = [cell for cell, count in ids.items() if count] or ["order"]
        return [
            Problem(
                name,
                ", ".join(odd),
                f"cells differ from the English edition; run: python -m wordspace.editions sync {chinese_path.stem}",
            )
        ]
    problems = []
    for en, zh in zip(english.cells, chinese.cells, strict=True):
        problems += [Problem(name, zh.id, says) for says in _differences(en, zh)]
    return problems


def _differences(en, zh) -> list[str]:
    if en.cell_type != zh.cell_type:
        return ["is another kind of cell than in the English edition; run sync"]
    says = []
    if en.cell_type == "code" and en.source != localised(en.source, "en"):
        says.append('the English edition says edition = "zh"; set it to "en" and run: make run')
    if en.cell_type == "code" and zh.source != localised(en.source, "zh"):
        says.append("its code is not that of the English edition; change the English one and run: make run")
    if with_words_of(en.metadata, {}) != with_words_of(zh.metadata, {}):
        says.append("its tags or other metadata are not those of the English edition; run sync")
    if UNWRITTEN in zh.source:
        says.append("not written in Chinese yet; write it, then run accept")
    elif mark(en) and kept(zh) != mark(en):
        says.append("the English was changed after the Chinese was written; bring it up to date, then run accept")
    if text(en) and not HAN.search(text(zh)) and re.search(r"[A-Za-z]{4}", text(en)):
        says.append("holds no Chinese" if text(zh) else "has no Chinese alternative text or label")
    if text(zh) and not text(en):
        says.append("says something where the English edition says nothing")
    if en.cell_type == "code" and NOISY not in notebooks.tags(en):
        a, b = (Counter(notebooks.DIGITS.findall(notebooks.shown(cell))) for cell in (en, zh))
        if a != b:
            odd = sorted((a - b) + (b - a))
            says.append(f"shows other numbers than the English edition: {', '.join(odd[:6])}; run: make run")
    return says


def report(path: Path, seconds: float, peak: int) -> None:
    """Print what a run took, and a warning where it is over the budget of a chapter."""
    over = seconds > notebooks.BUDGET_SECONDS or peak > notebooks.BUDGET_BYTES
    print(
        f"{path.relative_to(root())}: {seconds:.0f} s, {peak / 2**30:.2f} GiB{'  — over the budget of a chapter' if over else ''}"
    )


def names(chapter: str | None = None) -> list[str]:
    """Return the names of the chapters, or of the one whose name or number is given.

    Raises:
        SystemExit: there is no such chapter.
    """
    every = sorted({path.stem for edition in ("en", "zh") for path in notebooks.chapters(edition)})
    found = [name for name in every if not chapter or name == chapter or name.split("_")[0] == chapter.zfill(2)]
    if not found:
        raise SystemExit(f"no chapter {chapter!r}; there are: {', '.join(every)}")
    return found


def _english(name: str) -> Path:
    if not _path("en", name).exists():
        raise SystemExit(f"{name}: write notebooks/en/{name}.ipynb first, or remove the Chinese one")
    return _path("en", name)


def _path(edition: str, name: str) -> Path:
    return root() / "notebooks" / edition / f"{name}.ipynb"


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands above; ``check`` returns 1 where it finds anything."""
    parser = argparse.ArgumentParser(
        prog="python -m wordspace.editions", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("command", choices=["sync", "check", "accept", "run"])
    parser.add_argument("chapter", nargs="?")
    parser.add_argument("cells", nargs="*")
    given = parser.parse_args(arguments)
    if given.command == "accept" and not given.chapter:
        parser.error("accept needs a chapter")
    if given.cells and given.command != "accept":
        parser.error("only accept takes cells")
    problems: list[Problem] = []
    for name in names(given.chapter):
        if given.command == "accept":
            accept(name, given.cells)
        elif given.command in ("sync", "run"):
            try:
                (sync if given.command == "sync" else run)(name)
            except notebooks.CellFailed as failure:
                print(f"{failure}\nThe notebook is left as it was.", file=sys.stderr)
                return 1
        if given.command != "accept":
            problems += check(name)
    print("\n".join(map(str, problems)) or "both editions agree" if given.command != "accept" else "accepted")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
