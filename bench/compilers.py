"""How often anything was compiled in this process: it must not be while the clock runs.

A framework counts what it has prepared, a forward pass or a heatmap. A training step it prepares by
other means: JAX tells of every program that its compiler is given, and PyTorch's own count has
every graph. TensorFlow tells nobody what else it traces.
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
    if task in PREPARED or arrays == "torch":
        return framework.compilations
    return _programs() if arrays == "jax" else None


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
