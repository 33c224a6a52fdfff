"""The parts of an image in the order in which its equations are solved: nested dissection.

A line of pixels cuts the image in two, each half is cut again, and a line's turn comes after what
it cuts (George 1973): n pixels a side cost about n^3 operations then, n^4 where a band is as wide
as a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SMALL = 36
"""Pixels that are not cut any further."""
Integers = NDArray[np.int64]
Box = tuple[int, int, int, int]


class Parts(NamedTuple):
    """The parts of an image in their turn: each after the two that it lies between.

    Pixels are numbered in their turn: `pixels` (P,) are their places in the image, `near` (P, 8)
    the numbers of their neighbours, -1 outside. Part i has the pixels `first[i]` to `first[i + 1]`,
    those around all that it has cut are in `rim` from `begin[i]` to `begin[i + 1]`, and it lies
    between the parts `halves[i]` (2), -1 for none.
    """

    pixels: Integers
    near: Integers
    first: Integers
    rim: Integers
    begin: Integers
    halves: Integers


@cache
def parts(height: int, width: int, steps: tuple[tuple[int, int], ...]) -> Parts:
    """Of an image of this size, neighbours in the order of their steps (down, across)."""
    cuts = list(_cut((0, height, 0, width), 0))
    place = np.arange(height * width).reshape(height, width)
    own = [place[top:bottom, left:right].ravel() for (top, bottom, left, right), _, _ in cuts]
    pixels = np.concatenate(own)
    turn = np.full((height + 2, width + 2), -1)
    turn[pixels // width + 1, pixels % width + 1] = np.arange(height * width)
    near = [turn[pixels // width + 1 + y, pixels % width + 1 + x] for y, x in steps]
    rims = [_rim(turn, region) for _, region, _ in cuts]
    first, begin = (np.cumsum([0, *(len(each) for each in of)]) for of in (own, rims))
    halves = np.array([each for _, _, each in cuts])
    return Parts(pixels, np.stack(near, axis=1), first, np.concatenate(rims), begin, halves)


def _cut(region: Box, start: int) -> Iterator[tuple[Box, Box, tuple[int, int]]]:
    """(Its own box, all that it has cut, its halves) of each part of a region, numbered on."""
    top, bottom, left, right = region
    middle, centre = (top + bottom) // 2, (left + right) // 2
    if (bottom - top) * (right - left) <= SMALL or max(bottom - top, right - left) < 3:
        yield region, region, (-1, -1)
        return
    if bottom - top >= right - left:
        line = middle, middle + 1, left, right
        sides = (top, middle, left, right), (middle + 1, bottom, left, right)
    else:
        line = top, bottom, centre, centre + 1
        sides = (top, bottom, left, centre), (top, bottom, centre + 1, right)
    one = list(_cut(sides[0], start))
    other = list(_cut(sides[1], start + len(one)))
    yield from one
    yield from other
    yield line, region, (start + len(one) - 1, start + len(one) + len(other) - 1)


def _rim(turn: Integers, region: Box) -> Integers:
    """The numbers of the pixels around a region, in their turn (of an image with a frame of -1)."""
    top, bottom, left, right = region
    sides = turn[top + 1 : bottom + 1, left], turn[top + 1 : bottom + 1, right + 1]
    around = [turn[top, left : right + 2], turn[bottom + 1, left : right + 2], *sides]
    found: Integers = np.sort(np.concatenate(around))
    return found[found >= 0]
