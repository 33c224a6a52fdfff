"""Captum's maps at a layer against our own."""

from __future__ import annotations

from typing import Any

import pytest
from pytorch_maps import build, explain, ours

from bench.subject.heatmaps import relative_error

pytest.importorskip("captum")
pytest.importorskip("torch")

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}


@pytest.fixture(params=TOLERANCES)
def network(request: pytest.FixtureRequest) -> Any:
    return build(precision=request.param)


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "relu2"])
@pytest.mark.parametrize("score", ["logit", "probability"])
def test_layer_grad_cam_is_our_grad_cam(network: Any, layer: str, score: str) -> None:
    stages = ours("grad_cam", network, layer, score)
    signed, heatmap = stages["signed"], stages["heatmap"]
    given = {"layer": layer, "score": score}
    clipped = explain("captum", network, "layer_grad_cam", **given, relu_attributions="true")
    tolerance = TOLERANCES[network.precision]
    assert (relative_error(clipped, heatmap, signed) <= tolerance).all()
    unclipped = explain("captum", network, "layer_grad_cam", **given)
    assert (relative_error(unclipped, signed, signed) <= tolerance).all()
    assert (unclipped < 0).any()


@pytest.mark.parametrize("layer", ["conv1", "pool1", "relu2"])
def test_layer_gradient_x_activation_is_summed_over_channels(network: Any, layer: str) -> None:
    stages = ours("grad_cam", network, layer)
    expected = (stages["activations"] * stages["gradients"]).sum(axis=-1)
    theirs = explain("captum", network, "layer_gradient_x_activation", layer=layer)
    assert (relative_error(theirs, expected, expected) <= TOLERANCES[network.precision]).all()
