"""What the suite must know of a column beside its functions.

Each framework says it in its own `traits.py`, a literal `TRAITS` by backend, which imports no
framework before one of its functions is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

Count = Callable[[], int]


class Traits(NamedTuple):
    """A column as the clock meets it."""

    arrays: str = ""
    """The package whose arrays it computes with; empty: NumPy alone."""
    product: Callable[[Any], Callable[[], Any]] | None = None
    """What makes the product of a NumPy matrix with itself, ready to be called."""
    step_counter: Callable[[], Count] | None = None
    """What makes the counter of all that is compiled from then on, where a training step is not
    counted by the framework's own `compilations`."""
    step_programs: int | None = None
    """Programs that a compiled training step is at the most; more, and it ran eagerly."""
    compiled_inside: Callable[[Callable[..., Any], Sequence[Any]], str] | None = None
    """(function, arguments) -> what is compiled inside although the function is called eager; None
    where the counters above tell of that too."""
    uncompiled: Callable[[], AbstractContextManager[None]] | None = None
    """In which functions that a library has compiled itself run as Python, to be looked into; None
    where they do anyway."""
    eager_step: str = ""
    """Why its training step is never compiled; empty where it is."""
    reset_pool: Callable[[], float | None] | None = None
    """Forgets the peak of the pool that it takes host memory from; MB in use, None: not counted."""
    pool_peak: Callable[[], float] | None = None
    """MB of the pool that were in use at the most since."""
    forward_only: bool = False
    """Whether it differentiates nothing and its arrays are NumPy's: what needs no gradient runs the
    `reference` of its page on its network."""
    every_seed: bool = False
    """Whether it is the one that trains with every seed."""
