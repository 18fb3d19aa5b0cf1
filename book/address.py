"""The repository's address: it stands in pyproject.toml, and this changes it there and wherever it is repeated.

python book/address.py https://github.com/OWNER/NAME    change it
python book/address.py --check                          say which files disagree with pyproject.toml

Needs nothing but Python 3.11. The published book's address, https://OWNER.github.io/NAME/, follows from it.
"""

import os
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SLUG = r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]*[A-Za-z0-9_-]"  # OWNER/NAME
# In these places of these files stands our address, whatever it says. Elsewhere another repository may be cited.
OURS = (
    ("pyproject.toml", rf"(^Repository = \"https://github\.com/)({SLUG})"),
    ("_config*.yml", rf"(^  url: https://github\.com/)({SLUG})"),
    ("CITATION.cff", rf"(^repository-code: \"?https://github\.com/)({SLUG})"),
    ("README*.md", rf"(git clone https://github\.com/)({SLUG})"),
    ("*.ipynb", rf"(git clone [^\n]*?https://github\.com/)({SLUG})(?= /content/course)"),
    ("*", rf"(colab\.research\.google\.com/github/)({SLUG})"),
)
SKIPPED = {".git", ".venv", "build", "__pycache__", ".pytest_cache", ".ruff_cache"}


class BadAddress(ValueError):
    """What was given is not the address of a repository on GitHub."""


class Address(NamedTuple):
    """Where a repository is."""

    owner: str
    name: str

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read ``https://github.com/OWNER/NAME``; a final ``/`` or ``.git`` is dropped."""
        found = re.fullmatch(rf"https://github\.com/({SLUG})", url.strip().removesuffix("/").removesuffix(".git"))
        if not found:
            raise BadAddress(f"{url!r} is not of the form https://github.com/OWNER/NAME")
        return cls(*found[1].split("/"))

    @property
    def slug(self) -> str:
        """OWNER/NAME."""
        return f"{self.owner}/{self.name}"

    @property
    def url(self) -> str:
        """The repository's page."""
        return f"https://github.com/{self.slug}"

    @property
    def pages(self) -> str:
        """The published book, without a final ``/``."""
        host = f"{self.owner.lower()}.github.io"
        return f"https://{host}" if self.name.lower() == host else f"https://{host}/{self.name}"


def current(root: Path = ROOT) -> Address:
    """Return the address in pyproject.toml."""
    return Address.parse(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"])


def files(root: Path) -> list[Path]:
    """List the course's own files: what git tracks or would track; in a tree without git, all but what is generated."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        if not (root / ".git").exists():
            raise FileNotFoundError
        names = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")
        found = [root / name for name in names if name]
    except (OSError, subprocess.CalledProcessError):
        found = root.rglob("*")
    kept = (path for path in found if not SKIPPED.intersection(path.relative_to(root).parts))
    return sorted(path for path in kept if path.is_file() and not path.is_symlink())


def changed(name: str, text: str, old: Address, new: Address) -> str:
    """Return a text of the file ``name`` with ``new`` for ``old``, and in every place that is ours."""
    end = r"(?![A-Za-z0-9_-]|\.(?!git\b)[A-Za-z0-9])"  # not inside a longer name; a full stop or .git may follow
    text = re.sub(re.escape(old.pages) + end, lambda _: new.pages, text, flags=re.I)
    text = re.sub(r"(?<![\w.-])" + re.escape(old.slug) + end, lambda _: new.slug, text, flags=re.I)
    for glob, pattern in OURS:
        if fnmatch(name, glob):
            text = re.sub(pattern, lambda found: found[1] + new.slug, text, flags=re.M)
    return text


def edits(root: Path, new: Address) -> dict[Path, str]:
    """Return what each file that has another address has to become."""
    old, result = current(root), {}
    for path in files(root):
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a model
        if (after := changed(path.name, text, old, new)) != text:
            result[path] = after
    return result


def write(texts: dict[Path, str]) -> None:
    """Write all the files, or, when one of them cannot be written, none."""
    fresh = {path: path.with_name(f".{path.name}.new") for path in texts}
    try:
        for path, text in texts.items():
            fresh[path].write_bytes(text.encode("utf-8"))
            fresh[path].chmod(path.stat().st_mode)
        for path in texts:
            os.replace(fresh[path], path)
    finally:
        for path in fresh.values():
            path.unlink(missing_ok=True)


def main(arguments: list[str]) -> str | None:
    """Do what the command line says; return what is wrong."""
    if arguments == ["--check"]:
        wrong = ", ".join(str(path.relative_to(ROOT)) for path in edits(ROOT, current()))
        return (
            f"another address than pyproject.toml's in {wrong}. Mend: make address URL={current().url}"
            if wrong
            else None
        )
    if len(arguments) != 1:
        return f"the address is {current().url}; to change it: make address URL=https://github.com/OWNER/NAME"
    try:
        new = Address.parse(arguments[0])
    except BadAddress as problem:
        return str(problem)
    texts = edits(ROOT, new)
    write(texts)
    print(f"{new.url} (book: {new.pages}/) now stands in {len(texts)} changed files.")
    for path in texts:
        print(f"  {path.relative_to(ROOT)}")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
