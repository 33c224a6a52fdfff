"""Names on the command line become what they name."""

from __future__ import annotations

from collections.abc import Iterable

import datasets
from implementations import frameworks, methods
from implementations.errors import BadInput, unknown
from implementations.frameworks import Column


def pick_columns(names: Iterable[str] | None) -> tuple[Column, ...]:
    """Columns by label or framework; `keras` means each of its backends. Raises BadInput."""
    if not names:
        return frameworks.columns()
    chosen: list[Column] = []
    for name in names:
        backends = [c for c in frameworks.columns() if c.framework == name]
        chosen += backends or [frameworks.column(*_label(name))]
    return tuple(dict.fromkeys(chosen))


def _label(name: str) -> tuple[str, str]:
    framework, _, backend = name.removesuffix("]").partition("[")
    return framework, backend


def pick_methods(names: Iterable[str] | None) -> tuple[str, ...]:
    """Methods by name; all of them where none is named. Raises BadInput."""
    return tuple(methods.load(name).name for name in names or methods.names())


def pick_datasets(names: Iterable[str]) -> tuple[str, ...]:
    """Data sets by name. Raises BadInput."""
    known = datasets.names()
    for name in names:
        if name not in known:
            raise BadInput(unknown("dataset", name, known))
    return tuple(names)
