"""How often anything was compiled in this process: it must not be while the clock runs.

A framework counts what it has prepared, a forward pass or a heatmap. A training step it prepares by
other means: JAX tells of every program that its compiler is given, one for each operation where a
step runs eagerly, and PyTorch's own count has every graph. What TensorFlow traces for a training
step is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from implementations.contract import Framework

PREPARED = ("forward", "heatmap")
"""The tasks whose functions a framework prepares, and so counts."""
COMPILED = "/jax/core/compile/backend_compile_duration"
"""The event with which JAX tells that a program was compiled."""
Count = Callable[[], int]


def counting(framework: Framework, arrays: str, task: str) -> Count | None:
    """What counts the compilations of a task in this process; None where they cannot be counted.

    `arrays` is `jax`, `torch`, `tensorflow`, or empty where none of them computes.
    """
    if task in PREPARED:
        return framework.compilations
    counts: dict[str, Callable[[], Count]] = {
        "torch": lambda: framework.compilations, "jax": _programs,
    }  # fmt: skip
    return counts[arrays]() if arrays in counts else None


@cache
def _programs() -> Count:
    """How many programs JAX has compiled since this was first asked."""
    from jax import monitoring

    compiled: list[float] = []

    def told(event: str, seconds: float, **of: Any) -> None:
        if event == COMPILED:
            compiled.append(seconds)

    monitoring.register_event_duration_secs_listener(told)
    return lambda: len(compiled)
