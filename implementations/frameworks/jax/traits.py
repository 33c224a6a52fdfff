"""What the suite must know of JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from implementations.frameworks.traits import Count, Traits

COMPILED = "/jax/core/compile/backend_compile_duration"
"""The event with which JAX tells that a program was compiled."""


HEAVY = ("conv_general_dilated", "dot_general")


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


def compiled_inside(function: Callable[..., Any], arguments: Sequence[Any]) -> str:
    """What a function that is called eager has compiled all the same; empty where nothing.

    JAX's own functions of one operation are compiled, so what tells is a compiled part with two
    convolutions or matrix products. A function that cannot be traced is not looked into.
    """
    import jax

    try:
        traced = jax.make_jaxpr(function)(*arguments).jaxpr
    except Exception:
        return ""
    most = max(_compiled(traced), default=0)
    return f"{most} convolutions and matrix products in one program" if most > 1 else ""


def _compiled(jaxpr: Any) -> Iterator[int]:
    """Heavy operations of every compiled part."""
    for equation in jaxpr.eqns:
        for part in _parts(equation):
            if equation.primitive.name in ("jit", "pjit"):
                yield _heavy(part)
            else:
                yield from _compiled(part)


def _heavy(jaxpr: Any) -> int:
    named = sum(equation.primitive.name in HEAVY for equation in jaxpr.eqns)
    return named + sum(_heavy(part) for equation in jaxpr.eqns for part in _parts(equation))


def _parts(equation: Any) -> Iterator[Any]:
    for value in equation.params.values():
        part = getattr(value, "jaxpr", value)
        if hasattr(part, "eqns"):
            yield part


TRAITS = {"": Traits("jax", product, programs, 8, compiled_inside)}
"""A compiled step is one program, and a few ready it; run eagerly it is one an operation."""
