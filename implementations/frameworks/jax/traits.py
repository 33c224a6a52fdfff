"""What the suite must know of JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from implementations.traits import Count, Traits

COMPILED = "/jax/core/compile/backend_compile_duration"
"""The event with which JAX tells that a program was compiled."""


CONVOLUTION, PRODUCT = "conv_general_dilated", "dot_general"
OWN = 3
"""Matrix products that a function of JAX's own may have."""


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

    JAX's own functions are compiled, `jax.image.resize` with two matrix products: what tells is a
    part with a convolution and more, or with more products. What cannot be traced is not seen.
    """
    import jax

    try:
        traced = jax.make_jaxpr(function)(*arguments).jaxpr
    except Exception:
        return ""
    for heavy in _compiled(traced):
        if len(heavy) > (1 if CONVOLUTION in heavy else OWN):
            return f"{len(heavy)} convolutions and matrix products in one program"
    return ""


def _compiled(jaxpr: Any) -> Iterator[list[str]]:
    """Heavy operations of every compiled part."""
    for equation in jaxpr.eqns:
        for part in _parts(equation):
            if equation.primitive.name in ("jit", "pjit"):
                yield _heavy(part)
            else:
                yield from _compiled(part)


def _heavy(jaxpr: Any) -> list[str]:
    found = [e.primitive.name for e in jaxpr.eqns if e.primitive.name in (CONVOLUTION, PRODUCT)]
    return found + [
        name for equation in jaxpr.eqns for part in _parts(equation) for name in _heavy(part)
    ]


def _parts(equation: Any) -> Iterator[Any]:
    for value in equation.params.values():
        part = getattr(value, "jaxpr", value)
        if hasattr(part, "eqns"):
            yield part


TRAITS = {"": Traits("jax", product, programs, 8, compiled_inside)}
"""A compiled step is one program, and a few ready it; run eagerly it is one an operation."""
