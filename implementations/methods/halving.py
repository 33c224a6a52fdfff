"""A grid of cells halved again and again: its rectangles, and the contexts of each cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Draws


class Part(NamedTuple):
    """A rectangle of cells."""

    top: int
    left: int
    rows: int
    columns: int

    @property
    def single(self) -> bool:
        """Whether it is one cell."""
        return self.rows * self.columns == 1

    def halves(self) -> tuple[Part, Part]:
        """Its halves, cut across the longer side; the first is the smaller."""
        top, left, rows, columns = self
        if rows >= columns:
            half = rows // 2
            return Part(top, left, half, columns), Part(top + half, left, rows - half, columns)
        half = columns // 2
        return Part(top, left, rows, half), Part(top, left + half, rows, columns - half)

    def members(self, grid: tuple[int, int]) -> NDArray[np.bool_]:
        """Which cells (M,) of a grid lie in it."""
        inside = np.zeros(grid, bool)
        inside[self.top : self.top + self.rows, self.left : self.left + self.columns] = True
        return inside.ravel()


def halved(part: Part, depth: int = 0) -> int:
    """How many sets there are inside a part: each half in each of its contexts, and so on."""
    if part.single:
        return 0
    return (2 << depth) + sum(halved(half, depth + 1) for half in part.halves())


def sets(grid: tuple[int, int]) -> int:
    """How many sets there are, none and all among them."""
    return 2 + halved(Part(0, 0, *grid))


def contexts(grid: tuple[int, int]) -> Draws:
    """`members` (E, M) of every set there is, each once: none, all, and as parts are halved.

    And of every context of each cell, (2^D, M), the sets `before` and `after` it is shown: a cell
    with fewer siblings than others has its contexts more than once.
    """
    many = grid[0] * grid[1]
    members = np.zeros((sets(grid), many), bool)
    members[1] = True
    most = 1 << sum((side - 1).bit_length() for side in grid)
    before, after = np.empty((2, most, many), np.int32)
    # Parts, their contexts (2^d, M), and the numbers of these sets without the part and with it.
    waiting = [(Part(0, 0, *grid), members[:1], np.array([0]), np.array([1]))]
    added = 2
    while waiting:
        part, context, without, having = waiting.pop()
        if part.single:
            cell = part.members(grid)
            before[:, cell] = np.resize(without, most)[:, None]
            after[:, cell] = np.resize(having, most)[:, None]
            continue
        halves = part.halves()
        shown = [context | half.members(grid) for half in halves]
        number = added + np.arange(2 * len(context)).reshape(2, -1)
        members[number] = shown
        added += number.size
        for own, other in ((0, 1), (1, 0)):
            inside = np.concatenate([context, shown[other]])
            hidden = np.concatenate([without, number[other]])
            waiting.append((halves[own], inside, hidden, np.concatenate([number[own], having])))
    return {"members": members, "before": before, "after": after}
