"""Lesson code is the library: the cells tagged ``lesson`` of a chapter, loaded as a module.

So tests, studies and benchmarks use the very code that the reader reads.
"""

import ast
import hashlib
import importlib.util
import json
import os
import symtable
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


IMPORTS = ast.Import | ast.ImportFrom


def fingerprint(chapter: str, readers: Iterable[str]) -> str:
    """Return a hash of that lesson code of a chapter which other code uses, directly or through other lesson code.

    What the code does counts, not how it is set out: comments and line breaks make no difference. An attribute in
    ``readers``, ``lesson.name`` or ``getattr(lesson, "name")``, that is the name of a piece of lesson code counts as its use.

    Args:
        chapter: as for ``source``.
        readers: the Python sources that use it.

    Raises:
        FileNotFoundError, ValueError: as ``source``.
    """
    pieces = [one for piece in ast.parse(source(chapter)).body for one in _single(piece)]
    names = [_defined(piece) for piece in pieces]
    asked = set().union(*(_attributes(ast.parse(text)) for text in readers))
    used: set[str] = set()
    kept: set[int] = set()
    while True:
        more = {
            i
            for i, own in enumerate(names)
            if i not in kept and (not own or own & used or (own & asked and not isinstance(pieces[i], IMPORTS)))
        }
        if not more:
            break
        kept |= more
        used = used.union(*(_names(pieces[i]) for i in more))
    plain = dict.fromkeys(repr(_plain(pieces[i])) for i in sorted(kept))  # an import that stands twice counts once
    imports = sorted(one for one in plain if one.startswith("('Import"))  # their order makes no difference
    return hashlib.sha256(repr(imports + [one for one in plain if one not in imports]).encode()).hexdigest()


def _single(piece: ast.stmt) -> list[ast.stmt]:
    """Return an import of several names as imports of one name each; any other statement as it is."""
    if isinstance(piece, ast.Import):
        return [ast.Import([alias]) for alias in piece.names]
    if isinstance(piece, ast.ImportFrom):
        return [ast.ImportFrom(piece.module, [alias], piece.level) for alias in piece.names]
    return [piece]


def _defined(piece: ast.stmt) -> set[str]:
    """Return the names that a top-level statement gives a meaning to."""
    if isinstance(piece, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {piece.name}
    if isinstance(piece, IMPORTS):
        return {(alias.asname or alias.name).split(".")[0] for alias in piece.names}
    return {node.id for node in ast.walk(piece) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _names(piece: ast.stmt) -> set[str]:
    """Return the names that some code takes from outside its functions."""
    found, tables = set(), [symtable.symtable(ast.unparse(ast.fix_missing_locations(piece)), "lesson", "exec")]
    for table in tables:
        tables += table.get_children()
        outer = table.get_type() == "module"
        found |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (outer or s.is_global())}
    return found


def _attributes(tree: ast.AST) -> set[str]:
    """Return all attributes in some code; where ``getattr`` takes a name that is not written out, all its strings too."""
    nodes = list(ast.walk(tree))
    found = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    asked = [node.args[1] for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr"]
    if not all(isinstance(name, ast.Constant) for name in asked):
        asked = nodes
    return found | {name.value for name in asked if isinstance(name, ast.Constant) and isinstance(name.value, str)}


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
