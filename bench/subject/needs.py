"""What the names in a cell need of the process that runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.record.cell import Cell
from implementations import frameworks, libraries
from implementations.architecture import registered
from implementations.frameworks import tuned


def python(cell: Cell) -> Path | None:
    """The Python of a library that has an environment of its own; None for this one."""
    return libraries.describe(cell.library).python if cell.library else None


def variables(cell: Cell, cores: int) -> dict[str, str]:
    """What must be set before the framework is imported, beside what the shell has: for tuning."""
    return tuned.environment(cores) if cell.mode == "tuned" else {}


def foreign(cells: Iterable[Cell]) -> frozenset[str]:
    """The packages of all frameworks but those that these cells use."""
    return frameworks.packages() - {name for cell in cells for name in cell.column.packages}


def include(architectures: Mapping[str, Mapping[str, Any]]) -> None:
    """Have a user's architectures known by their names, from their JSON forms."""
    registered.include(architectures)
