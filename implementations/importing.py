"""Files that are found by their names are imported here: one that is broken costs itself alone."""

from __future__ import annotations

import importlib
import traceback
from types import ModuleType

from implementations.errors import Unavailable


def importing(module: str, what: str) -> ModuleType:
    """A module by its full name. Raises Unavailable that says where a file is broken."""
    try:
        return importlib.import_module(module)
    except Exception as error:
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename]
        path, line = lines[-1].filename, lines[-1].lineno
        if isinstance(error, SyntaxError) and error.filename:
            path, line = error.filename, error.lineno
        told = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise Unavailable(f"{what} does not import: {told} ({path}, line {line})") from error
