"""Arrays that are made once and kept on disk: with a digest, which is checked when they are read.

What was edited, or torn by a failing disk, would otherwise be compared with, and published.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from implementations.architecture import weights
from implementations.errors import BadInput

Arrays = dict[str, NDArray[Any]]
SEAL = "digest"


def save(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays with their digest. Raises BadInput where the place cannot be written."""
    weights.save(path, arrays, {SEAL: weights.digest(arrays)})


def load(path: Path) -> Arrays:
    """The arrays of a file. Raises BadInput where they are not those that were kept."""
    from safetensors import safe_open

    arrays = weights.load(path)
    with safe_open(path, "numpy") as file:
        seal = (file.metadata() or {}).get(SEAL)
    if seal not in (None, weights.digest(arrays)):
        raise BadInput(f"{path} is not what was kept: its digest differs; remove it")
    return arrays


def kept(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """The arrays of a file, made and kept where there is none.

    Those of a file that is not what was kept are made anew, and standard error says so in one line.
    """
    if path.exists():
        try:
            return load(path)
        except BadInput as error:
            sys.stderr.write(f"{str(error).removesuffix('; remove it')}; made anew\n")
    arrays = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, arrays)
    return arrays
