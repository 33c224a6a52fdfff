"""How often anything was compiled in this process: it must not be while the clock runs.

A framework counts what it has prepared, a forward pass or a heatmap. A training step it prepares by
other means: JAX tells of every program that its compiler is given, one for each operation where a
step runs eagerly, PyTorch's own count has every graph, and TensorFlow's context every function
that was traced.
"""

from __future__ import annotations

from implementations.contract import Framework
from implementations.traits import Count, Traits

PREPARED = ("forward", "heatmap")
"""The tasks whose functions a framework prepares, and so counts."""


def counting(framework: Framework, traits: Traits, task: str) -> Count | None:
    """What counts the compilations of a task in this process; None where they cannot be counted."""
    if task not in PREPARED and traits.step_counter:
        return traits.step_counter()
    return framework.compilations if task in PREPARED or traits.arrays else None


def eager(compiled: int, traits: Traits, task: str) -> str:
    """Why what compiled so many times ran eagerly all the same; empty where it did not."""
    if not compiled:
        return "nothing was compiled"
    most = traits.step_programs
    if task not in PREPARED and most is not None and compiled > most:
        return f"{compiled} programs were compiled, one an operation"
    return ""
