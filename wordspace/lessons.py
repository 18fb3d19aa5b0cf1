"""Lesson code is the library: the cells tagged ``lesson`` of a chapter, loaded as a module.

So tests, studies and benchmarks use the very code that the reader reads.
"""

import ast
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterable
from types import ModuleType

from wordspace.paths import build, root


def source(chapter: str) -> str:
    """Return a chapter's lesson code: the imports that it uses, then its cells tagged ``lesson``, in order.

    Args:
        chapter: the notebook's name, such as ``"01_one_hot"``; the English edition is read (the code is the same in both).

    Raises:
        FileNotFoundError: there is no such chapter.
        ValueError: it has no lesson cell.
    """
    path = root() / "notebooks" / "en" / f"{chapter}.ipynb"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in path.parent.glob("*.ipynb")))
        raise FileNotFoundError(f"no chapter {chapter!r}; there are: {there}")
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    tagged = [(cell["metadata"].get("tags", []), "".join(cell["source"])) for cell in cells]
    lessons = [code for tags, code in tagged if "lesson" in tags]
    if not lessons:
        raise ValueError(f"chapter {chapter!r} has no cell tagged “lesson”")
    used = {node.id for code in lessons for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    imports = [line for tags, code in tagged if not {"setup", "lesson"} & set(tags) for line in _imports(code, used)]
    return "\n\n\n".join(["\n".join(dict.fromkeys(imports)), *lessons]) + "\n"


def _imports(code: str, used: set[str]) -> list[str]:
    nodes = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in nodes:
        node.names = [name for name in node.names if (name.asname or name.name).split(".")[0] in used]
    return [ast.unparse(node) for node in nodes if node.names]


def fingerprint(chapter: str, readers: Iterable[str]) -> str:
    """Return a hash of that lesson code of a chapter which other code uses, directly or through other lesson code.

    What the code does counts, not how it is set out: comments and line breaks make no difference. Any name or string in
    ``readers`` that is also the name of a piece of lesson code counts as its use.

    Args:
        chapter: as for ``source``.
        readers: the Python sources that use it.

    Raises:
        FileNotFoundError, ValueError: as ``source``.
    """
    pieces = ast.parse(source(chapter)).body
    names = [_defined(piece) for piece in pieces]
    wanted = set().union(*(_names(ast.parse(text)) for text in readers))
    kept: set[int] = set()
    while True:
        more = {i for i, own in enumerate(names) if (own & wanted or not own) and i not in kept}
        if not more:
            break
        kept |= more
        wanted = wanted.union(*(_names(pieces[i]) for i in more))
    return hashlib.sha256(repr([_plain(pieces[i]) for i in sorted(kept)]).encode()).hexdigest()


def _defined(piece: ast.stmt) -> set[str]:
    """Return the names that a top-level statement gives a meaning to."""
    if isinstance(piece, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {piece.name}
    if isinstance(piece, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in piece.names}
    return {node.id for node in ast.walk(piece) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _names(tree: ast.AST) -> set[str]:
    """Return all names, attributes and strings in some code."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def _plain(node):
    """Return a syntax tree as tuples, the same in every version of Python: fields that are empty are left out."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, _plain(value)) for name, value in ast.iter_fields(node) if value is not None and value != []]
    return type(node).__name__, fields


def load(chapter: str) -> ModuleType:
    """Return a chapter's lesson code as a module; it is written to a file, so that numba can cache what it compiles.

    Raises:
        FileNotFoundError, ValueError: as ``source``.
    """
    code = source(chapter)
    name = f"lesson_{chapter}_{hashlib.sha256(code.encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    path = build("lessons", f"{name}.py")
    if (
        not path.exists()
    ):  # an unchanged file, so that numba's cache of it holds; whole at once, for processes side by side
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(code, encoding="utf-8")
        os.replace(fresh, path)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
