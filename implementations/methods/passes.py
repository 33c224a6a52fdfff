"""How methods of many passes divide their work: blocks of one size, so that one is compiled."""

from __future__ import annotations

from collections.abc import Iterator


def blocks(count: int, most: int) -> Iterator[tuple[slice, int]]:
    """Blocks of one size that cover `count` things, for answers that are put side by side.

    Yields where a block lies and how many of its first answers an earlier block has given: the last
    one begins early rather than be shorter, as another size would be compiled anew.
    """
    size = -(-count // -(-count // max(1, min(count, most))))
    for start in range(0, count, size):
        first = min(start, count - size)
        yield slice(first, first + size), start - first


def parts(count: int, most: int) -> Iterator[slice]:
    """Blocks of one size that cover `count` things once each, for answers that are added up."""
    size = next(d for d in range(max(1, min(count, most)), 0, -1) if count % d == 0)
    return (slice(first, first + size) for first in range(0, count, size))
