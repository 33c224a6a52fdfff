"""Where a gradient goes one way or another: the corner of a ReLU, the largest value of a max-pool.

How near the oracle is to such a kink, and what it does when another implementation is allowed to
decide what only rounding decides.
"""

from __future__ import annotations

import numpy as np

from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node
from implementations.arrays import Floats

SWITCHES = tuple(name for name, kind in KINDS.items() if kind.switches)
"""The kinds of node that send a gradient one way or another."""


def margin(node: Node, read: Floats) -> Floats:
    """Per image (N,), how near a node that reads (N, H, W, C) or (N, C) is to switching.

    The smallest distance from a ReLU's corner, or between the two largest values that differ in
    a window, over the largest magnitude of the image.
    """
    kind = KINDS[node.kind]
    if kind.gaps:
        gaps = kind.gaps(node, read)
    else:
        gaps = np.min([_unless_zero(np.abs(read - corner)) for corner in kind.corners], axis=0)
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
    kind = KINDS[node.kind]
    if kind.contenders:
        tossed = kind.contenders(node, ours, slack)
    else:
        tossed = np.any([np.abs(ours - corner) <= slack for corner in kind.corners], axis=0)
    return np.where(tossed, theirs, ours)


def _largest(read: Floats) -> Floats:
    largest: Floats = np.abs(read).max(axis=tuple(range(1, read.ndim)), keepdims=True)
    return largest


def _unless_zero(distances: Floats) -> Floats:
    return np.where(distances > 0, distances, np.inf)
