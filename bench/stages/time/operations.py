"""Floating-point operations of what is timed, counted from the architecture.

A multiply-add of a convolution or dense node is two; everything else is nothing beside them. A
pull-back through a node costs its forward pass again for its input, and again for its kernel.
"""

from __future__ import annotations

from bench.record.cell import Cell
from implementations import methods
from implementations.architecture.graph import Architecture, cut
from implementations.architecture.shapes import operations

PULLED_BACK = ("grad_cam", "grad_cam_all_classes")
"""The methods that go forward once and back from the score to their layer."""


def of(cell: Cell, architecture: Architecture) -> int | None:
    """Operations of one call of a cell on its batch; None where they are not counted."""
    forward = operations(architecture)
    if cell.task == "forward":
        return cell.batch * forward
    if cell.task == "train_step":
        first = [node for node in architecture.nodes if node.inputs == ("input",)]
        return cell.batch * (3 * forward - operations(architecture, first))
    if cell.task != "heatmap" or cell.library or cell.method not in PULLED_BACK:
        return None
    method = methods.load(cell.method)
    head = cut(architecture, method.layer(architecture, cell.layer or None)).head
    times = architecture.classes if method.every_class else 1
    return cell.batch * (forward + times * operations(architecture, head))
