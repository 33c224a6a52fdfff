"""pytorch-grad-cam's methods of one gradient: ours, and ours divided by its range and resized."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytorch_maps import IMAGES, SHAPE, build, explain, ours

from bench.subject.heatmaps import normalise, relative_error
from implementations import libraries
from implementations.arrays import resize
from implementations.errors import BadInput, Unavailable

if libraries.describe("pytorch_grad_cam").missing:
    pytest.skip("pytorch-grad-cam is not installed", allow_module_level=True)

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
SAME = {
    "grad_cam": "grad_cam",
    "hires_cam": "hires_cam",
    "layer_cam": "layer_cam",
    "grad_cam_element_wise": "layer_cam[positive=product]",
}


@pytest.fixture(params=TOLERANCES)
def network(request: pytest.FixtureRequest) -> Any:
    return build(precision=request.param)


def theirs(network: Any, offer: str, layer: str, **options: str) -> np.ndarray:
    return explain("pytorch_grad_cam", network, offer, layer, **options)


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "relu2"])
@pytest.mark.parametrize("offer", SAME)
def test_the_bare_map_is_ours(network: Any, offer: str, layer: str) -> None:
    stages = ours(SAME[offer], network, layer)
    found = theirs(network, offer, layer, scaled="false")
    error = relative_error(found, stages["heatmap"], stages["signed"])
    assert (error <= TOLERANCES[network.precision]).all()


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "relu2"])
def test_xgrad_cam_is_ours_but_for_an_epsilon(network: Any, layer: str) -> None:
    stages = ours("xgrad_cam", network, layer)
    found = theirs(network, "xgrad_cam", layer, scaled="false")
    assert (relative_error(found, stages["heatmap"], stages["signed"]) <= 1e-5).all()


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "relu2"])
def test_grad_cam_plus_plus_has_an_epsilon_in_its_denominator(network: Any, layer: str) -> None:
    stages = ours("grad_cam_plus_plus", network, layer)
    activations, gradients = (
        ours("grad_cam", network, layer)[name] for name in ("activations", "gradients")
    )
    square, sums = gradients**2, activations.sum(axis=(1, 2), keepdims=True)
    alphas = square / (2 * square + sums * square * gradients + 1e-6)
    weights = (np.maximum(gradients, 0) * alphas).sum(axis=(1, 2))
    expected = np.maximum(np.einsum("nhwc,nc->nhw", activations, weights), 0)
    found = theirs(network, "grad_cam_plus_plus", layer, scaled="false")
    tolerance = 1e-4 if network.precision == "float32" else 1e-12
    assert (relative_error(found, expected, expected) <= tolerance).all()
    assert (relative_error(found, stages["heatmap"], stages["signed"]) > 1e-4).all()


@pytest.mark.parametrize("frozen", ["false", "true"])
def test_grad_cam_as_shipped_is_ours_normalised_and_upsampled(network: Any, frozen: str) -> None:
    expected = normalise(
        resize(ours("grad_cam", network, "relu2")["heatmap"], SHAPE[:2]), "min_max"
    )
    found = theirs(network, "grad_cam", "relu2", frozen=frozen)
    assert all((p.grad is None) is (frozen == "true") for p in network.parameters())
    assert found.shape == IMAGES.shape[:3] and found.dtype == np.float32
    assert (relative_error(found, expected, expected) <= 1e-4).all()


def test_shapley_cam_of_the_logit_is_grad_cam(network: Any) -> None:
    stages = ours("grad_cam", network, "pool1")
    found = theirs(network, "shapley_cam", "pool1", scaled="false")
    error = relative_error(found, stages["heatmap"], stages["signed"])
    assert (error <= TOLERANCES[network.precision]).all()
    for target in ("softmax", "rest"):
        other = theirs(network, "shapley_cam", "pool1", scaled="false", target=target)
        assert (relative_error(other, found, stages["signed"]) > 1e-3).all()


def test_shapley_cam_where_flattening_reads_the_layer_says_why_not(network: Any) -> None:
    with pytest.raises(Unavailable, match=r"Can't detach views.*relu2; choose another"):
        theirs(network, "shapley_cam", "relu2")


def test_finer_cam_without_comparison_is_grad_cam(network: Any) -> None:
    stages = ours("grad_cam", network, "relu2")
    found = theirs(network, "finer_cam", "relu2", scaled="false", alpha="0")
    # The weights' sum is divided by itself and 1e-9.
    assert (relative_error(found, stages["heatmap"], stages["signed"]) <= 1e-5).all()
    finer = theirs(network, "finer_cam", "relu2", scaled="false")
    assert (relative_error(finer, stages["heatmap"], stages["signed"]) > 0.01).all()


def test_logits_only(network: Any) -> None:
    with pytest.raises(BadInput, match="not defined for score probability; use logit"):
        explain("pytorch_grad_cam", network, "grad_cam", "relu2", score="probability")
