"""Take the picture of the start page and the README out of chapter 01. Usage: ``python book/picture.py``.

The picture is the chapter's own figure; ``tests/test_book.py`` holds the copies to it.
"""

import base64
from pathlib import Path

from wordspace import notebooks
from wordspace.paths import root

CHAPTER, CELL = "01_one_hot.ipynb", "idea-figure"


def place(edition: str) -> Path:
    """Return where an edition's picture stands."""
    return root() / "book" / "theme" / "static" / f"idea.{edition}.png"


def figure(edition: str) -> bytes:
    """Return the chapter's figure as a PNG file."""
    cells = notebooks.read(root() / "notebooks" / edition / CHAPTER).cells
    outputs = next(cell for cell in cells if cell.id == CELL).outputs
    return base64.b64decode(next(o.data["image/png"] for o in outputs if "image/png" in o.get("data", {})))


if __name__ == "__main__":
    for edition in ("en", "zh"):
        place(edition).write_bytes(figure(edition))
