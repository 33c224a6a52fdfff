"""How often anything was compiled in this process: it must not be while the clock runs.

A framework counts what it has prepared, a forward pass or a heatmap. A training step it prepares by
other means: JAX tells of every program that its compiler is given, one for each operation where a
step runs eagerly, PyTorch's own count has every graph, and TensorFlow's context every function
that was traced.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from implementations.contract import Framework

PREPARED = ("forward", "heatmap")
"""The tasks whose functions a framework prepares, and so counts."""
WHOLE = {"jax": 8}
"""Programs that a compiled training step is at the most: itself, and what readies it. More of those
that are counted one by one, and it ran eagerly."""
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
        "torch": lambda: framework.compilations, "jax": _programs, "tensorflow": _functions,
    }  # fmt: skip
    return counts[arrays]() if arrays in counts else None


def eager(compiled: int, arrays: str, task: str) -> str:
    """Why what compiled so many times ran eagerly all the same; empty where it did not."""
    if not compiled:
        return "nothing was compiled"
    if task not in PREPARED and compiled > WHOLE.get(arrays, compiled):
        return f"{compiled} programs were compiled, one an operation"
    return ""


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


def _functions() -> Count:
    """How many functions TensorFlow was seen to have traced; each has a name of its own."""
    from tensorflow.python.eager import context

    seen: set[str] = set()

    def traced() -> int:
        seen.update(context.context().list_function_names())
        return len(seen)

    return traced
