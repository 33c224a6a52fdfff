from __future__ import annotations

from dataclasses import replace

import pytest

from bench.record.cell import Cell
from bench.stages.time import operations
from implementations.architecture.registered import get

CELL = Cell(
    stage="time", task="forward", framework="jax", dataset="digits", architecture="cnn-48-32-16",
    batch=64,
)  # fmt: skip
PLACES = 28 * 28
CONV1, CONV2, CONV3 = (2 * PLACES * 9 * a * b for a, b in ((1, 48), (48, 32), (32, 16)))
DENSE = 2 * PLACES * 16 * 10
FORWARD = CONV1 + CONV2 + CONV3 + DENSE


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, FORWARD),
        # Every kernel costs its gradient, every layer but the first that of its input.
        ({"task": "train_step"}, 3 * FORWARD - CONV1),
        ({"task": "heatmap", "method": "grad_cam"}, FORWARD + DENSE),
        ({"task": "heatmap", "method": "grad_cam", "layer": "conv3:pre"}, FORWARD + DENSE),
        ({"task": "heatmap", "method": "grad_cam", "layer": "relu1"}, 2 * FORWARD - CONV1),
        ({"task": "heatmap", "method": "grad_cam_all_classes"}, FORWARD + 10 * DENSE),
        (
            {"task": "heatmap", "method": "grad_cam_all_classes", "layer": "relu2"},
            FORWARD + 10 * (CONV3 + DENSE),
        ),
    ],
    ids=str,
)
def test_operations_are_counted_by_hand(changes: dict[str, str], expected: int) -> None:
    assert operations.of(replace(CELL, **changes), get("cnn-48-32-16")) == 64 * expected


def test_what_is_not_counted_is_none() -> None:
    architecture = get("cnn-48-32-16")
    for changes in ({"method": "occlusion"}, {"method": "layer_grad_cam", "library": "captum"}):
        assert operations.of(replace(CELL, task="heatmap", **changes), architecture) is None
