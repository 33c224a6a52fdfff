"""The columns: every framework on each of its backends, known without loading any.

A framework names its columns in a literal `COLUMNS` of its `runtime.py`, backend -> the packages it
needs, which is read from the text. What it names in `BESIDE` instead is a column that runs only
where it is asked for.
"""

from __future__ import annotations

import ast
import importlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from implementations.errors import BadInput, unknown
from implementations.traits import Traits

REFERENCE = "reference"
FRAMEWORKS = f"{__package__}.frameworks"


class Column(NamedTuple):
    """A framework on one of its backends: a column of every table."""

    framework: str
    backend: str
    packages: tuple[str, ...]

    @property
    def label(self) -> str:
        """`jax`, `pytorch`, `keras[tensorflow]`, ..."""
        return f"{self.framework}[{self.backend}]" if self.backend else self.framework

    @property
    def missing(self) -> str | None:
        """Why this column cannot be had here, or None."""
        absent = [package for package in self.packages if find_spec(package) is None]
        return f"{', '.join(absent)} not installed" if absent else None

    @property
    def own(self) -> bool:
        """Whether the framework's own column: of several backends the first that it names."""
        return self == next((c for c in columns() if c.framework == self.framework), self)

    @property
    def traits(self) -> Traits:
        """What the suite must know of it; of the reference, which is NumPy, nothing."""
        if self.framework == REFERENCE:
            return Traits()
        module = importlib.import_module(f"{FRAMEWORKS}.{self.framework}.traits")
        found: dict[str, Traits] = module.TRAITS
        return found[self.backend]


def columns() -> tuple[Column, ...]:
    """The columns that are compared where none is named."""
    return named("COLUMNS")


def known() -> tuple[Column, ...]:
    """Every column there is: those that run only where they are asked for come last."""
    return columns() + named("BESIDE")


@cache
def named(literal: str) -> tuple[Column, ...]:
    """The columns of a literal, from the text of the frameworks' modules."""
    found = []
    for path in sorted(Path(__file__).with_name("frameworks").glob("*/runtime.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=each)], value=value) if each == literal:
                    for backend, packages in ast.literal_eval(value).items():
                        found.append(Column(path.parent.name, backend, tuple(packages)))
    return tuple(found)


def column(framework: str, backend: str = "") -> Column:
    """One column, by framework and backend or by label. Raises BadInput with the nearest names."""
    every = known()
    if framework == REFERENCE:
        if backend:
            raise BadInput(f"the {REFERENCE} has no backend {backend!r}: omit it")
        return Column(REFERENCE, "", ())
    label = f"{framework}[{backend}]" if backend else framework
    for candidate in every:
        if label == candidate.label:
            return candidate
    mine = [c for c in every if c.framework == framework]
    if mine and not backend:
        return next((c for c in mine if c.missing is None), mine[0])
    if mine and not any(c.backend for c in mine):
        raise BadInput(f"{framework} has no backends: omit {backend!r}")
    if mine:
        raise BadInput(unknown("backend", backend, [c.backend for c in mine], f"of {framework} "))
    raise BadInput(unknown("framework", framework, [*(c.label for c in every), REFERENCE]))


def packages() -> frozenset[str]:
    """Every framework package of any column: what a process that needs none of it must not load."""
    return frozenset(package for c in known() for package in c.packages)


def forward_only(name: str) -> bool:
    """Whether a framework differentiates nothing (`Traits.forward_only`)."""
    return any(c.framework == name and c.traits.forward_only for c in known())
