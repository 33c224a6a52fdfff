"""Xplique in the environment it has to itself: our Grad-CAM, at the image's size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.engine import processes
from bench.engine.environment import environment
from bench.record.cell import Cell
from bench.subject.heatmaps import relative_error
from implementations import libraries
from implementations.arrays import resize

SIZE = (26, 15)
XPLIQUE = libraries.describe("xplique")


@pytest.mark.parametrize("layer", ["relu1", "pool1", "relu2"])
def test_grad_cam_is_ours_resized(explained: Any, oracle: Any, layer: str) -> None:
    maps = explained("xplique", "tensorflow").maps
    heatmap = maps[f"float32 {layer} logit"]
    assert heatmap.shape == (5, *SIZE) and heatmap.dtype == np.float32
    # Bicubic goes through the values of a map of one value, and near those of any other.
    ours = oracle(layer, "logit")["heatmap"]
    near = resize(ours, SIZE)
    if layer == "relu1":  # of the image's own size: nothing is resized
        assert ours.shape[1:] == SIZE
        signed = oracle(layer, "logit")["signed"]
        assert (relative_error(heatmap, ours, signed) <= 1e-5).all()
    assert (relative_error(heatmap, near, near) < 0.35).all()
    centres = relative_error(heatmap.mean(axis=(1, 2)), near.mean(axis=(1, 2)), near)
    assert (centres < 0.1).all()


def test_what_it_cannot_explain_is_said(explained: Any) -> None:
    found = explained("xplique", "tensorflow").found
    assert "'pad1' is not the output of one Keras layer" in found["float32 pad1 logit"]
    assert "use logit" in found["float32 relu1 probability"]
    assert found["float64 relu1 logit"] == "Xplique is asked for logits in float32 only"
    assert found["float32 relu1 logit"] == 5


def test_its_cells_run_in_its_environment() -> None:
    cell = Cell(
        stage="time", framework="keras", backend="tensorflow", library="xplique", method="grad_cam",
        dataset="digits", architecture="cnn-32-16-8",
    )  # fmt: skip
    python = environment(cell).get("CAMPARISON_PYTHON")
    assert python == (str(XPLIQUE.python) if XPLIQUE.python else None)
    other = Cell(
        stage="time", framework="keras", backend="tensorflow", library="eli5", method="grad_cam",
        dataset="digits", architecture="cnn-32-16-8",
    )  # fmt: skip
    assert "CAMPARISON_PYTHON" not in environment(other)
    jobs = processes.plan("bench.stages.time.timing", [cell, other], {}, 1, isolate=False)
    assert len(jobs) == (2 if XPLIQUE.python else 1)


CASES = {
    "grad_cam_plus_plus": "float32 grad_cam_plus_plus relu1",
    "fem": "float32 fem relu1",
    "gradient_input": "float32 gradient_input input reducer=sum",
    "guided": "float32 guided_backprop input",
    "deconvolution": "float32 deconvolution input",
    "noise": "float32 smooth_grad input nb_samples=3",
    "same noise": "float32 smooth_grad input nb_samples=3 ",
    "rise": "float32 rise input nb_samples=8",
    "same masks": "float32 rise input nb_samples=8 ",
    "lime": "float32 lime input nb_samples=60",
    "kernel_shap": "float32 kernel_shap input nb_samples=60",
    "sobol": "float32 sobol input nb_design=2",
    "hsic": "float32 hsic input nb_design=20",
    "double": "float64 lime input",
}


@pytest.fixture(scope="module")
def others(offered: Any) -> Any:
    return offered("xplique", *CASES.values())


def near(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool((relative_error(found, expected, expected) <= 1e-4).all())


def test_gradients_are_taken_together_over_colours(others: Any, example: Any) -> None:
    from implementations.oracle import runtime

    architecture, weights, images, targets = example
    network = runtime.build(architecture, weights)

    def slopes(rule: str = "") -> np.ndarray:
        ruled = network.with_relu(rule) if rule else network
        pixels, rest = ruled.features("input", images.astype(np.float64))
        return np.asarray(ruled.pull_back("input", pixels, rest, targets, "logit"))

    assert near(others.maps[CASES["gradient_input"]], (images * slopes()).sum(axis=-1))
    assert near(others.maps[CASES["guided"]], slopes("guided").mean(axis=-1))
    assert near(others.maps[CASES["deconvolution"]], slopes("deconvolution").mean(axis=-1))


def test_its_own_weights_at_a_layer(others: Any, oracle: Any) -> None:
    stages = oracle("relu1", "logit")
    activations, gradients = stages["activations"], stages["gradients"]
    mean, deviation = (f(activations, axis=(1, 2), keepdims=True) for f in (np.mean, np.std))
    denominators = 2 * gradients**2 + gradients**3 * mean
    quotients = np.divide(
        gradients**2, denominators, where=denominators != 0, out=np.zeros_like(gradients)
    )
    weights = (quotients * np.maximum(gradients, 0)).mean(axis=(1, 2))
    expected = np.maximum(np.einsum("nhwc,nc->nhw", activations, weights), 0)
    assert near(others.maps[CASES["grad_cam_plus_plus"]], expected)
    kept = (activations >= mean + 2 * deviation) * mean
    assert near(others.maps[CASES["fem"]], kept.sum(axis=-1))


def test_what_it_draws_is_drawn_again_alike(others: Any) -> None:
    maps = {name: others.maps.get(case) for name, case in CASES.items()}
    np.testing.assert_array_equal(maps["noise"], maps["same noise"])
    np.testing.assert_array_equal(maps["rise"], maps["same masks"])
    for name in ("lime", "kernel_shap", "sobol", "hsic"):
        assert maps[name].shape == (5, *SIZE) and np.isfinite(maps[name]).all()
    assert others.found[CASES["double"]] == "Xplique is asked for logits in float32 only"
