"""Networks with a size of their own see the photographs at it."""

from pathlib import Path

import numpy as np

from bench.job.plans import planned, source
from bench.record.cell import Cell
from bench.subject import inputs
from bench.subject.request import Request
from implementations.architecture import registered


def cell(architecture: str) -> Cell:
    return Cell(
        stage="agree", framework="jax", dataset="photographs", architecture=architecture,
        weights="random",
    )  # fmt: skip


def test_each_network_sees_its_own_size(tmp_path: Path) -> None:
    path = inputs.prepare_images("photographs", 2, tmp_path, None, False)
    context = {"images": {"photographs": str(path)}}
    seen = {
        name: inputs.subject(cell(name), context).images
        for name in ("squeezenet-1.0", "efficientnet-lite0", "cnn-gap")
    }
    assert [images.shape[1:3] for images in seen.values()] == [(227, 227), (224, 224), (227, 227)]
    # One pixel further in on the one side, two on the other.
    np.testing.assert_array_equal(seen["squeezenet-1.0"][:, 2:-1, 2:-1], seen["efficientnet-lite0"])
    assert inputs.architecture_for("resnet-18", path).input_shape == (224, 224, 3)


def test_they_are_planned_with_the_photographs() -> None:
    named = {"architectures": ("efficientnet-lite0", "resnet-18"), "results": Path("none")}
    asked = Request(command="agree", datasets=("photographs",), **named)
    found = planned("agree", asked)
    assert [tuple(each) for each in found] == [
        ("photographs", "efficientnet-lite0", "given"), ("photographs", "resnet-18", "given"),
    ]  # fmt: skip
    timed = planned("time", Request(command="time", **named))
    assert ("photographs", "resnet-18", "all") in [tuple(each) for each in timed]
    assert "import" in source("photographs", "resnet-18")
    assert not registered.fixed("cnn-gap") and registered.fixed("squeezenet-1.0")
