"""The scripts of ``models/``, loaded as modules; they find one another there, as when they are run."""

import importlib
import sys
from types import ModuleType

from wordspace.paths import root


def load(name: str) -> ModuleType:
    folder = str(root() / "models")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)
