"""Data cards: which file of which package is borrowed, under what licence, and whether it is the one we tested with."""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from wordspace.paths import root


class MissingData(FileNotFoundError):
    """A package that a chapter borrows from is not installed, or not whole."""


class WrongData(ValueError):
    """An installed file is not the one that its card describes."""


@dataclass(frozen=True)
class CardFile:
    """One borrowed file: ``path`` below the installed package's parent folder, its SHA-256 and size in bytes.

    A path that ends in a pattern, ``folder/*.png``, stands for every such file, one after the other by name.
    """

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Card:
    """What ``datasets/NAME.toml`` says of a borrowed package; ``contents`` and ``credit`` are by edition.

    ``chapters`` use it ("01"); ``models``, folders of ``models/``, were trained on it.
    """

    name: str
    package: str
    version: str
    licence: str
    origin: str
    credit: dict[str, str]
    contents: dict[str, str]
    files: list[CardFile]
    chapters: Sequence[str] = ()
    models: Sequence[str] = ()

    @property
    def remedy(self) -> str:
        """The command that installs just this package."""
        return f'pip install "{self.package}=={self.version}"'

    def locate(self, path: str) -> Path:
        """Return where ``path`` is installed, without importing the package; a pattern stays a pattern.

        Raises:
            KeyError: the card has no such file.
            MissingData: the package is not installed, has another version, or lacks the file.
        """
        if path not in [file.path for file in self.files]:
            raise KeyError(f"the card datasets/{self.name}.toml has no file {path!r}")
        try:
            package = metadata.distribution(self.package)
        except metadata.PackageNotFoundError:
            raise MissingData(f"{self.package} {self.version} is not installed: {self.remedy}") from None
        if package.version != self.version:
            raise MissingData(
                f"{self.package} {package.version} is installed, the course needs {self.version}: {self.remedy}"
            )
        found = Path(str(package.locate_file(path)))
        if not all(map(Path.is_file, _each(found) or [found])):
            raise MissingData(f"{self.package} {self.version} lacks {path}: {self.remedy} --force-reinstall --no-deps")
        return found

    def verify(self) -> None:
        """Compare size and SHA-256 of every file of the card with what is installed.

        Raises:
            MissingData: as ``locate``.
            WrongData: a file differs.
        """
        for file in self.files:
            check(self, file, self.locate(file.path))


def check(card: Card, file: CardFile, found: Path) -> None:
    """Raise ``WrongData`` unless ``found`` has the size and the SHA-256 that the card gives ``file``."""
    wrong = sum(path.stat().st_size for path in _each(found)) != file.bytes or sha256(found) != file.sha256
    if wrong:
        raise WrongData(
            f"{file.path} of {card.package} is not the file described in datasets/{card.name}.toml"
            f" (SHA-256 {file.sha256[:12]}…, {file.bytes} bytes): {card.remedy} --force-reinstall --no-deps"
        )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of the files of a pattern in a row, as hexadecimal digits, read in pieces."""
    digest = hashlib.sha256()
    for file in _each(path):
        with open(file, "rb") as stream:
            hashlib.file_digest(stream, lambda: digest)
    return digest.hexdigest()


def _each(path: Path) -> list[Path]:
    return sorted(path.parent.glob(path.name)) if "*" in path.name else [path]


@cache
def load(name: str) -> Card:
    """Read the card ``datasets/NAME.toml``.

    Raises:
        FileNotFoundError: there is no such card.
    """
    path = root() / "datasets" / f"{name}.toml"
    if not path.is_file():
        raise FileNotFoundError(f"no data card datasets/{name}.toml; there are: {', '.join(card_names())}")
    fields = tomllib.loads(path.read_text(encoding="utf-8"))
    fields["files"] = [CardFile(**file) for file in fields["files"]]
    return Card(name=name, **fields)


def card_names() -> list[str]:
    """Return the names of all cards of borrowed data, sorted."""
    folder = root() / "datasets"
    return sorted(
        path.stem for path in folder.glob("*.toml") if "package" in tomllib.loads(path.read_text(encoding="utf-8"))
    )


def load_all() -> list[Card]:
    """Return every card of borrowed data."""
    return [load(name) for name in card_names()]


@dataclass(frozen=True)
class OwnCard:
    """What the course says of a file of ``datasets/`` that it wrote itself: the file's ``[card]`` table."""

    name: str
    licence: str
    chapters: list[str]
    contents: dict[str, str]


def own_cards() -> list[OwnCard]:
    """Return the card of every data file that the course wrote itself."""
    tables = {
        path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted((root() / "datasets").glob("*.toml"))
    }
    return [OwnCard(name=name, **fields["card"]) for name, fields in tables.items() if "card" in fields]


@cache
def open_file(name: str, path: str) -> Path:
    """Return the installed path of a card's file, its size and SHA-256 checked once a session.

    Raises:
        MissingData: the package is missing, of another version, or incomplete.
        WrongData: the file is not the one the card describes.
    """
    card = load(name)
    found = card.locate(path)
    check(card, next(file for file in card.files if file.path == path), found)
    return found
