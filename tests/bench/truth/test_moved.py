from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.record.cell import Cell
from bench.subject.heatmaps import relative_error
from bench.subject.inputs import Subject, subject
from bench.truth import answers, moved, rounding
from implementations.architecture import graph


@pytest.mark.parametrize(
    "method", ["grad_cam", "ablation_cam", "smooth_grad_cam_plus_plus", "expected_gradients"]
)
def test_rounding_alone_moves_the_oracle_a_little_and_otherwise_each_time(
    small: Any, method: str
) -> None:
    about = subject(small.cell, small.context)
    found: dict[str, list[float]] = {}
    for precision in ("float32", "float64"):
        layer = "" if method == "expected_gradients" else small.cell.layer
        cell = replace(small.cell, method=method, layer=layer, precision=precision)
        right = answers.answer(cell, about, Path(small.context["oracle"]))
        chosen = np.array([0, 2])
        plain, *others = moved.answers(cell, about, right["targets"], chosen)
        np.testing.assert_array_equal(plain["signed"], right["signed"][chosen])
        assert len(others) == moved.DRAWS
        for name in ("logits", "signed", "upsampled"):
            assert others[0][name].shape == right[name][chosen].shape
        signed = right["signed"][chosen]
        found[precision] = [
            float(relative_error(other["signed"], signed, signed).max()) for other in others
        ]
        assert len(set(found[precision])) > 1
    assert min(found["float32"]) > 1e-9 and max(found["float32"]) < 1e-4
    assert max(found["float64"]) < 1e-12


def test_a_quotient_of_differences_that_are_nearly_0_moves_far(small: Any) -> None:
    """DeepLIFT of a picture a hair from the baseline, whose filters see no grey at all."""
    about = subject(small.cell, small.context)
    cell = replace(
        small.cell, method="deep_lift", layer="", precision="float32",
        options=(("baseline", "0.5"),),
    )  # fmt: skip
    hair = np.random.default_rng(1).normal(0.5, 1e-5, about.images.shape).astype(np.float32)
    first = next(name for name in about.weights if name.endswith(".kernel"))
    kernel = about.weights[first]
    blind = {**about.weights, first: kernel - kernel.mean(axis=(0, 1, 2), keepdims=True)}
    chosen, sizes = np.arange(len(hair)), []
    for which in (about, replace(about, images=hair, weights=blind)):
        right = answers.computed(cell, which)
        sizes.append(
            max(
                relative_error(*(each["multipliers"] for each in (other, right, right))).max()
                for other in moved.answers(cell, which, right["targets"], chosen)
            )
        )
    assert sizes[1] > 100 * sizes[0]


def test_a_long_sum_that_cancels_is_rounded_no_farther_than_it_is_moved() -> None:
    """One after the other, as a plain loop adds: the worst of all orders that are used."""
    nodes = [
        {"name": "flatten1", "kind": "flatten", "inputs": "input"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 40},
    ]
    form = {"input_shape": [28, 28, 1], "classes": 40, "nodes": nodes}
    architecture = graph.parse(form, "long")
    generator = np.random.default_rng(0)
    images = generator.random((1, 28, 28, 1), np.float32)
    kernel = generator.normal(size=(784, 40)).astype(np.float32)
    tensors = {"dense1.kernel": kernel, "dense1.bias": np.zeros(40, np.float32)}
    about = Subject(
        architecture, tensors, images, np.zeros(1, np.int32), None, True, np.zeros(1, np.float32)
    )
    cell = Cell(
        stage="agree", framework="reference", method="saliency", dataset="digits", mode="eager",
        precision="float32", device="cpu", architecture="long", score="logit",
    )  # fmt: skip
    plain, *others = moved.answers(cell, about, np.zeros(1, np.int32), np.array([0]))
    farthest = np.max([np.abs(other["logits"] - plain["logits"]) for other in others], axis=0)
    looped = np.cumsum(images.reshape(784, 1) * kernel, axis=0, dtype=np.float32)[-1]
    error = np.abs(looped - plain["logits"])
    # Of each sum alone a draw may be near 0, so all are taken together.
    assert error.max() <= rounding.LAMBDA * farthest.max() < 100 * error.max()
    assert error.max() > rounding.LAMBDA * farthest.max() / np.sqrt(784)
