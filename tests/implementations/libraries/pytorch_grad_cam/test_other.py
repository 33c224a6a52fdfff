"""pytorch-grad-cam's components, masked channels and maps at the image, against our own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytorch_maps import (
    CONV1,
    IMAGES,
    LINEAR,
    TARGETS,
    architecture,
    build,
    explain,
    ours,
    scores,
    weights_of,
)

from bench.subject.heatmaps import normalise, relative_error
from experiments.matched.formulas import kpca_cam
from experiments.matched.passes import Passes
from implementations import libraries
from implementations.contract import Options
from implementations.frameworks.evaluations import count_evaluations
from implementations.oracle import runtime as oracle

if libraries.describe("pytorch_grad_cam").missing:
    pytest.skip("pytorch-grad-cam is not installed", allow_module_level=True)

LAYER = "relu2"


@pytest.fixture(scope="module")
def network() -> Any:
    return build(precision="float64")


def theirs(network: Any, offer: str, **options: str) -> np.ndarray:
    return explain("pytorch_grad_cam", network, offer, LAYER, scaled="false", **options)


@pytest.fixture(scope="module")
def stages(network: Any) -> dict[str, np.ndarray]:
    return ours("grad_cam", network, LAYER)


@pytest.mark.parametrize("offer", ["eigen_cam", "eigen_grad_cam", "seg_eigen_cam"])
def test_the_first_component_is_centred(network: Any, stages: Any, offer: str) -> None:
    activations, gradients = stages["activations"], stages["gradients"]
    read = {
        "eigen_cam": activations,
        "eigen_grad_cam": activations * gradients,
        "seg_eigen_cam": activations * np.abs(gradients),
    }[offer]
    found = theirs(network, offer)
    for map_, values in zip(found, read, strict=True):
        rows = values.reshape(-1, values.shape[-1])
        rows = rows - rows.mean(axis=0)
        component = (rows @ np.linalg.svd(rows)[2][0]).reshape(map_.shape)
        either = [np.maximum(sign * component, 0) for sign in (1, -1)]
        if offer == "seg_eigen_cam":
            either = [max(either, key=np.max)]
        errors = [np.abs(map_ - each).max() / np.abs(component).max() for each in either]
        assert min(errors) <= 1e-5


def test_kernel_components_are_a_map_and_repeat(network: Any) -> None:
    one, again = theirs(network, "kpca_cam"), theirs(network, "kpca_cam")
    np.testing.assert_array_equal(one, again)
    assert (one.max(axis=(1, 2)) > 0).all() and (one >= 0).all()


def test_the_largest_magnitude_of_a_kernel_component_is_positive(network: Any) -> None:
    twin = oracle.build(network.architecture, weights_of(network.architecture))
    expected = kpca_cam(Passes(twin, IMAGES.astype(float), TARGETS, LAYER, Options()))
    found = explain("pytorch_grad_cam", network, "kpca_cam", LAYER)
    assert (relative_error(found, expected, expected) <= 1e-5).all()


def test_fem_weighs_a_channel_by_the_share_of_places_above(network: Any, stages: Any) -> None:
    activations = stages["activations"]
    mean, deviation = (f(activations, axis=(1, 2), keepdims=True) for f in (np.mean, np.std))
    shares = (activations > mean + 2 * deviation).mean(axis=(1, 2))
    expected = np.einsum("nhwc,nc->nhw", activations, shares)
    found = theirs(network, "fem")
    assert (relative_error(found, expected, expected) <= 1e-5).all()


def test_score_cam_aligns_corners(network: Any) -> None:
    import torch

    expected = ours("score_cam", network, LAYER)
    activations = ours("grad_cam", network, LAYER)["activations"]
    channels = torch.from_numpy(activations.transpose(0, 3, 1, 2))
    resized = torch.nn.functional.interpolate(
        channels, IMAGES.shape[1:3], mode="bilinear", align_corners=True
    ).numpy()
    low, high = (f(resized, axis=(2, 3), keepdims=True) for f in (np.min, np.max))
    masks = (resized - low) / (high - low + 1e-8)
    values = np.stack(
        [scores(network, IMAGES * masks[:, c, ..., None]) for c in range(masks.shape[1])], axis=1
    )
    weights = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    aligned = np.einsum("nhwc,nc->nhw", activations, weights)
    found = theirs(network, "score_cam")
    assert (relative_error(found, aligned, aligned) <= 1e-5).all()
    assert (relative_error(found, expected["heatmap"], expected["signed"]) > 1e-3).all()


def test_ablation_cam_is_divided_by_the_score(network: Any) -> None:
    signed = ours("ablation_cam", network, LAYER)["signed"]
    score = scores(network, IMAGES)
    assert (score < 0).any()
    expected = signed / score[:, None, None]
    found = theirs(network, "ablation_cam")
    assert (relative_error(found, np.maximum(expected, 0), expected) <= 1e-5).all()


def test_the_nth_removed_channel_is_n_times_ten_million_less() -> None:
    flat = architecture(CONV1, {**LINEAR[0], "inputs": "conv1"}, LINEAR[1])
    network, twin = build(flat, "float64"), oracle.build(flat, weights_of(flat))
    activations, _ = twin.features("conv1", IMAGES.astype(float))
    least = activations.min(axis=(1, 2, 3), keepdims=True)
    assert (least != 0).all()
    rows, channels, score = np.arange(len(IMAGES)), activations.shape[-1], scores(network, IMAGES)
    expected = np.zeros(activations.shape[:3])
    for channel in range(channels):
        removed = np.arange(channels) == channel
        without = np.where(removed, least - 1e7 * (channel + 1), activations)
        weight = (score - twin.head("conv1", without, {})[rows, TARGETS]) / score
        expected += weight[:, None, None] * activations[..., channel]
    found = explain("pytorch_grad_cam", network, "ablation_cam", "conv1", scaled="false")
    assert (relative_error(found, np.maximum(expected, 0), expected) <= 1e-5).all()


def test_random_cam_is_the_channels_by_random_weights(network: Any, stages: Any) -> None:
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    activations = stages["activations"]
    weights = np.random.uniform(-1, 1, (len(IMAGES), activations.shape[-1]))  # noqa: NPY002
    np.random.set_state(state)  # noqa: NPY002
    signed = np.einsum("nhwc,nc->nhw", activations, weights)
    found = theirs(network, "random_cam", seed="5")
    assert (relative_error(found, np.maximum(signed, 0), signed) <= 1e-12).all()


def test_full_grad_is_ours_rescaled_by_channel(network: Any) -> None:
    expected = normalise(ours("full_grad", network, rescale="channel")["heatmap"], "min_max")
    found = explain("pytorch_grad_cam", network, "full_grad")
    # 1e-7 is added to each channel's range, and all is float32.
    assert (relative_error(found, expected, expected) <= 2e-3).all()
    other = normalise(ours("full_grad", network)["heatmap"], "min_max")
    assert (relative_error(found, other, other) > 0.01).all()


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_guided_backprop_is_ours(precision: str, tolerance: float) -> None:
    small = build(precision=precision)
    before = dict(small.layers)
    expected = ours("guided_backprop", small)["heatmap"]
    found = explain("pytorch_grad_cam", small, "guided_backprop")
    assert (relative_error(found, expected, expected) <= tolerance).all()
    assert all(small.layers[name] is module for name, module in before.items())


def test_progress_is_not_shown(network: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for offer in ("score_cam", "ablation_cam"):
        theirs(network, offer)
    assert capsys.readouterr() == ("", "")


def test_model_evaluations(network: Any) -> None:
    counted = {}
    for offer in ("eigen_cam", "score_cam", "ablation_cam"):
        with count_evaluations(network) as evaluations:
            theirs(network, offer)
        counted[offer] = evaluations.images / len(IMAGES)
    assert counted == {"eigen_cam": 1, "score_cam": 1 + 8, "ablation_cam": 2 + 8}
