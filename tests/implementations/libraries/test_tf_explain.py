"""tf-explain's Grad-CAM: our signed map, and by default that of guided gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.subject.heatmaps import relative_error

LAYERS = ["conv1", "relu1", "pool1", "conv2", "relu2"]
DEFAULT = "use_guided_grads=true"
PLAIN = "use_guided_grads=false"


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("layer", LAYERS)
def test_without_guiding_it_is_our_signed_map(
    explained: Any, oracle: Any, layer: str, precision: str, tolerance: float
) -> None:
    signed = oracle(layer, "logit")["signed"]
    heatmap = explained("tf_explain", "tensorflow").maps[f"{precision} {layer} logit {PLAIN}"]
    assert heatmap.dtype == precision
    assert (relative_error(heatmap, signed, signed) <= tolerance).all()
    assert (heatmap < 0).any()


@pytest.mark.parametrize("layer", LAYERS)
def test_by_default_the_gradients_are_guided(explained: Any, oracle: Any, layer: str) -> None:
    stages = oracle(layer, "logit")
    activations, gradients = stages["activations"], stages["gradients"]
    guided = np.where((activations > 0) & (gradients > 0), gradients, 0)
    expected = np.einsum("nhwc,nc->nhw", activations, guided.mean(axis=(1, 2)))
    heatmap = explained("tf_explain", "tensorflow").maps[f"float32 {layer} logit {DEFAULT}"]
    assert (relative_error(heatmap, expected, expected) <= 1e-5).all()
    assert (relative_error(heatmap, stages["signed"], stages["signed"]) > 0.01).all()


def test_an_image_goes_through_the_model_once(explained: Any) -> None:
    found = explained("tf_explain", "tensorflow").found
    assert found[f"float32 relu2 logit {DEFAULT}"] == 5


def test_what_it_cannot_explain_is_said(explained: Any) -> None:
    found = explained("tf_explain", "tensorflow").found
    assert "'pad1' is not the output of one Keras layer" in found[f"float32 pad1 logit {DEFAULT}"]
    assert "logits only" in found[f"float32 relu2 probability {DEFAULT}"]
    assert "use_guided_grads=false" in found[f"float64 relu2 logit {DEFAULT}"]
    reasons = set(explained("tf_explain", "jax").found.values())
    assert reasons == {"tf-explain works on TensorFlow only, and Keras is on jax here"}
