"""Where a gradient goes one way or another: the corner of a ReLU, the largest value of a max-pool.

How near the oracle is to such a kink, and what it does when another implementation is allowed to
decide what only rounding decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Node
from implementations.architecture.shapes import window
from implementations.oracle.nodes import Floats, forward, padded, taps

SWITCHES = ("relu", "relu6", "max_pool")
"""The kinds of node that send a gradient one way or another."""


def margin(node: Node, read: Floats) -> Floats:
    """Per image (N,), how near a node that reads (N, H, W, C) or (N, C) is to switching.

    The smallest distance from a ReLU's corner, or between the two largest values that differ in
    a window, over the largest magnitude of the image.
    """
    if node.kind == "max_pool":
        gaps = _gaps(node, read)
    else:
        gaps = np.min([_unless_zero(np.abs(read - corner)) for corner in _corners(node)], axis=0)
    smallest = gaps.reshape(len(read), -1).min(axis=1)
    largest = _largest(read).reshape(-1)
    ratio: Floats = np.divide(smallest, largest, out=np.full(len(read), np.inf), where=largest > 0)
    return ratio


def followed(node: Node, ours: Floats, theirs: Floats, near: float) -> Floats:
    """What a node reads, theirs in place of ours where they differ in nothing but rounding.

    That is where ours is within `near` of a ReLU's corner, or of the largest of a window, over the
    largest magnitude of the image. Everywhere else it is ours, whatever theirs may be.
    """
    slack = near * _largest(ours)
    if node.kind == "max_pool":
        tossed = _contenders(node, ours, slack)
    else:
        tossed = np.any([np.abs(ours - corner) <= slack for corner in _corners(node)], axis=0)
    return np.where(tossed, theirs, ours)


def _corners(node: Node) -> tuple[float, ...]:
    return (0.0, 6.0) if node.kind == "relu6" else (0.0,)


def _largest(read: Floats) -> Floats:
    largest: Floats = np.abs(read).max(axis=tuple(range(1, read.ndim)), keepdims=True)
    return largest


def _gaps(node: Node, read: Floats) -> Floats:
    """The gap, in every window, between its largest value and the next one that differs."""
    place = window(node, read.shape[1:])
    images = padded(read, place, -np.inf)
    largest = forward(node, {}, [read])
    gaps = np.full(largest.shape, np.inf)
    for _, _, tap in taps(place):
        gaps = np.minimum(gaps, _unless_zero(largest - images[tap]))
    return gaps


def _contenders(node: Node, read: Floats, slack: Floats) -> NDArray[np.bool_]:
    """Which values are within the slack of the largest of a window, beside another one that is."""
    place = window(node, read.shape[1:])
    images = padded(read, place, -np.inf)
    largest = forward(node, {}, [read])
    near = [images[tap] >= largest - slack for _, _, tap in taps(place)]
    several = np.sum(near, axis=0) > 1
    found = np.zeros(images.shape, bool)
    for (_, _, tap), close in zip(taps(place), near, strict=True):
        found[tap] |= close & several
    (top, _), (left, _) = place.pads
    return found[:, top : top + read.shape[1], left : left + read.shape[2]]


def _unless_zero(distances: Floats) -> Floats:
    return np.where(distances > 0, distances, np.inf)
