"""What the suite must know of JAX."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from implementations.frameworks.traits import Count, Traits

COMPILED = "/jax/core/compile/backend_compile_duration"
"""The event with which JAX tells that a program was compiled."""


@cache
def programs() -> Count:
    """How many programs JAX has compiled since this was first asked."""
    from jax import monitoring

    compiled: list[float] = []

    def told(event: str, seconds: float, **of: Any) -> None:
        if event == COMPILED:
            compiled.append(seconds)

    monitoring.register_event_duration_secs_listener(told)
    return lambda: len(compiled)


def product(matrix: Any) -> Callable[[], Any]:
    """The product of a matrix with itself, waited for."""
    import jax

    square, placed = jax.jit(lambda array: array @ array), jax.device_put(matrix)
    return lambda: square(placed).block_until_ready()


TRAITS = {"": Traits("jax", product, programs, 8)}
"""A compiled step is one program, and a few ready it; run eagerly it is one an operation."""
