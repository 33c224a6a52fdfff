"""Which code a row was made by: when that changes, the row is stale."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import replace
from functools import cache
from pathlib import Path

from bench.cells import Cell
from implementations import frameworks, libraries, methods, recipes, tuned, weights
from implementations.contract import Unavailable

CONTROL = "control"
"""What stands for the library in the rows of maps that explain nothing (`bench/controls.py`)."""
TRAINING = ("train", "train_step")
"""The tasks that train."""
TUNED = {label.partition("[")[0] for label in tuned.COLUMNS}
PROTOCOL = {"time": 4}
"""By stage, 1 where it is not named; raised by hand when the way of measuring changes: older rows
are stale then. In `time`: 2 a call is warmed before its samples, and freed memory is kept; 3 that
of all threads; 4 that of aligned blocks."""


def code_hash(
    framework: str,
    method: str,
    library: str,
    task: str = "heatmap",
    architecture: str = "",
    dataset: str = "",
    stage: str = "",
) -> str:
    """Hash of what a result depends on: builder, framework's modules, the stage's protocol.

    Training depends on the framework's training module and the recipe of this architecture on this
    data set too, and whole trainings on how initial weights are made; nothing else does.
    """
    trained = (architecture, dataset) if task in TRAINING else ("", "")
    protocol = PROTOCOL.get(stage, 1)
    return _code_hash(framework, method, library, task, *trained, protocol)


@cache
def _code_hash(
    framework: str,
    method: str,
    library: str,
    task: str,
    architecture: str,
    dataset: str,
    protocol: int,
) -> str:
    folder = Path(frameworks.__file__).parent
    oracle = folder.parent
    texts = [str(protocol)]
    modules = sorted(folder.glob(f"{framework}*.py"))
    if task in TRAINING:
        # Epochs are the cell's own.
        chosen = replace(recipes.recipe(architecture, dataset), epochs=0)
        if task == "train":
            texts.append(inspect.getsource(weights.initialise))
            texts.append(inspect.getsource(weights.KERNELS[chosen.kernels]))
        else:
            chosen = replace(chosen, kernels="")
        texts.append(repr(chosen))
    else:
        texts.append(inspect.getsource(tuned) if framework in TUNED else "")
        modules = [path for path in modules if not path.stem.endswith("_training")]
    texts += [path.read_text(encoding="utf-8") for path in modules]
    if framework == frameworks.REFERENCE:
        texts += [p.read_text(encoding="utf-8") for p in sorted(oracle.glob("reference*.py"))]
    if library and library != CONTROL:
        texts.append(inspect.getsource(libraries.describe(library).module))
    elif method and not library:
        try:
            texts.append(methods.load(method).source(framework))
        except Unavailable:
            texts.append("no builder")
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def code_of(cell: Cell) -> str:
    """The code hash of a cell's rows."""
    made = (cell.framework, cell.method, cell.library, cell.task)
    return code_hash(*made, cell.architecture, cell.dataset, cell.stage)
