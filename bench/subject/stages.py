"""Which stages there are: files and folders of `bench/stages/`, found by what they define.

A stage's file (of a folder, its `stage.py`) defines `run(job)`, its parent's side; or
`cells(request, networks)` and `measure(cell, context)`, the cells that it asks for and the rows of
one, made in a child; then also `gather(run)` where something remains to be done when all rows are
there. Its docstring's first line is its help, `EXAMPLES` are commands to show there, and `MAIN` is
its place in the main job, where it has one; `TIMED` is true of one whose machine nobody else may
use meanwhile. All that is read from the text: nothing is imported.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[1] / "stages"
FORMS = ({"run"}, {"cells", "measure"})


class Stage(NamedTuple):
    """A stage, as its text describes it; `main` is None where the main job goes without it."""

    name: str
    module: str
    title: str
    examples: tuple[str, ...]
    main: float | None
    timed: bool


@cache
def stages(folder: Path = FOLDER) -> tuple[Stage, ...]:
    """The stages there are: those of the main job in its order, then the others."""
    paths = sorted([*folder.glob("[a-z]*.py"), *folder.glob("*/stage.py")])
    found = [stage for path in paths if (stage := _stage(path, folder))]
    return tuple(sorted(found, key=lambda each: (each.main is None, each.main, each.name)))


def names() -> tuple[str, ...]:
    """Their names, in that order."""
    return tuple(stage.name for stage in stages())


def main_job() -> tuple[str, ...]:
    """The stages of the main job, in its order."""
    return tuple(stage.name for stage in stages() if stage.main is not None)


def timed(asked: Iterable[str]) -> bool:
    """Whether one of these takes times."""
    return bool({stage.name for stage in stages() if stage.timed} & set(asked))


def load(name: str) -> ModuleType:
    """A stage's module. Raises KeyError where there is none."""
    return importlib.import_module({stage.name: stage.module for stage in stages()}[name])


def _stage(path: Path, folder: Path) -> Stage | None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    if not any(form <= defined for form in FORMS):
        return None
    constants: dict[str, Any] = {"EXAMPLES": (), "MAIN": None, "TIMED": False}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in constants:
                constants[name] = ast.literal_eval(value)
    parts = path.relative_to(folder).with_suffix("").parts
    title, _, _ = (ast.get_docstring(tree) or "").partition("\n")
    module = ".".join(["bench", folder.name, *parts])
    own = (constants[name] for name in ("EXAMPLES", "MAIN", "TIMED"))
    return Stage(parts[0], module, title.rstrip("."), *own)
