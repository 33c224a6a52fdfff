"""Which axis of the file is which of ours: every axis is a list of atoms, and nothing is guessed.

A value of ours is (batch, height, width, channels) or (batch, features); a file's may lie in any
order, split and merged. An atom is a part of an axis of ours: `size` steps of `stride` along it. An
axis of the file is a tuple of atoms, the slowest first; one of size 1 has none, and the axis of the
batch has one whatever its size. Transposing permutes the axes, reshaping regroups the atoms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BATCH, HEIGHT, WIDTH, CHANNELS = "N", "H", "W", "C"
"""Axes of ours; the features of a vector are its channels."""


class Atom(NamedTuple):
    """A part of an axis of ours: `size` steps of `stride`."""

    axis: str
    size: int
    stride: int


Axis = tuple[Atom, ...]
Axes = tuple[Axis, ...]


def whole(axis: str, size: int) -> Axis:
    """A whole axis of ours."""
    return (Atom(axis, size, 1),) if size != 1 or axis == BATCH else ()


def length(axis: Axis) -> int:
    """The size of an axis of the file."""
    return math.prod(atom.size for atom in axis)


def merged(axis: Sequence[Atom]) -> Axis:
    """The same axis, in the fewest atoms."""
    found: list[Atom] = []
    for part in axis:
        last = found[-1] if found else None
        if last and last.axis == part.axis and last.stride == part.size * part.stride:
            found[-1] = Atom(part.axis, last.size * part.size, part.stride)
        else:
            found.append(part)
    return tuple(found)


def regroup(axes: Axes, sizes: Sequence[int]) -> Axes:
    """The axes after a reshape to these sizes, all positive.

    All values may become one row, images one after the other. Raises ValueError where the batch
    would be split or merged otherwise, or an axis is cut unevenly.
    """
    waiting = [atom for axis in axes for atom in axis]
    found: list[Axis] = []
    if [*sizes] == [length(tuple(waiting))] and waiting and waiting[0].axis == BATCH:
        return (merged(waiting),)
    for size in sizes:
        axis: list[Atom] = []
        if waiting and waiting[0].axis == BATCH:
            if size != waiting[0].size:
                raise ValueError("it reshapes the batch; export the network with a free batch")
            found.append((waiting.pop(0),))
            continue
        while length(tuple(axis)) < size:
            if not waiting or waiting[0].axis == BATCH:
                raise ValueError("it reshapes to sizes that do not fit")
            atom = waiting.pop(0)
            left = size // length(tuple(axis))
            if atom.size > left:
                if atom.size % left or size % length(tuple(axis)):
                    raise ValueError("it cuts an axis unevenly")
                rest = atom.size // left
                waiting.insert(0, Atom(atom.axis, rest, atom.stride))
                atom = Atom(atom.axis, left, atom.stride * rest)
            axis.append(atom)
        if length(tuple(axis)) != size:
            raise ValueError("it cuts an axis unevenly")
        found.append(merged(axis))
    if waiting:
        raise ValueError("it reshapes to sizes that do not fit")
    return tuple(found)


def places(axis: Axis, steps: dict[str, int]) -> NDArray[np.intp]:
    """For every position along an axis of the file its place in ours.

    `steps` are how far apart neighbours of each axis of ours lie: {"H": W * C, "W": C, "C": 1}.
    """
    found = np.zeros(1, np.intp)
    for atom in axis:
        along = np.arange(atom.size) * atom.stride * steps[atom.axis]
        found = (found[:, None] + along).ravel()
    return found


def only(axis: Axis, allowed: str) -> bool:
    """Whether an axis has parts of these axes of ours alone."""
    return all(atom.axis in allowed for atom in axis)
