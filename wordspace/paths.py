"""Where the course lives on this machine."""

import os
from functools import cache
from pathlib import Path

MARKS = ("_config.yml", "notebooks", "datasets")


@cache
def root() -> Path:
    """Return the folder of the course: the clone that holds ``_config.yml``, ``notebooks/`` and ``datasets/``.

    Looked for in the environment variable ``WORDSPACE_ROOT``, then upwards from the working directory, then beside
    this package (an editable install).

    Raises:
        FileNotFoundError: none of the three is a clone of the course.
    """
    named = os.environ.get("WORDSPACE_ROOT")
    here = Path.cwd()
    places = [Path(named)] if named else [here, *here.parents, Path(__file__).resolve().parent.parent]
    for place in places:
        if all((place / mark).exists() for mark in MARKS):
            return place.resolve()
    raise FileNotFoundError(
        f"No clone of the course at {named or here} or above it. Change into the clone, or set WORDSPACE_ROOT to its folder."
    )


def build(*parts: str) -> Path:
    """Return a path below ``build/`` (generated files, ignored by git), with its parent folders made."""
    path = root().joinpath("build", *parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
