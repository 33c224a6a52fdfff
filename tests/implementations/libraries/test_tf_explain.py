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
    assert "use logit" in found[f"float32 relu2 probability {DEFAULT}"]
    assert "use_guided_grads=false" in found[f"float64 relu2 logit {DEFAULT}"]
    reasons = set(explained("tf_explain", "jax").found.values())
    assert reasons == {
        "tf-explain works on TensorFlow only, and Keras is on jax here",
        "tf_explain.grad_cam is not defined for score probability; use logit",
    }


CASES = {
    "gradient": "float32 vanilla_gradients input",
    "product": "float32 gradients_inputs input",
    "path": "float32 integrated_gradients input",
    "smooth": "float32 smooth_grad input num_samples=2 noise=0.0",
    "noisy": "float32 smooth_grad input seed=3",
    "again": "float32 smooth_grad input seed=3 ",
    "occlusion": "float32 occlusion_sensitivity input",
    "double": "float64 vanilla_gradients input",
}


@pytest.fixture(scope="module")
def others(offered: Any) -> Any:
    return offered("tf_explain", *CASES.values())


@pytest.fixture(scope="module")
def slopes(example: Any) -> Any:
    """The oracle's network, and from images and targets to gradients of its logits."""
    from implementations.oracle import runtime

    network = runtime.build(*example[:2])

    def gradient(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
        pixels, rest = network.features("input", np.asarray(images, np.float64))
        return np.asarray(network.pull_back("input", pixels, rest, targets, "logit"))

    return network, gradient


def near(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> bool:
    return bool((relative_error(found, expected, expected) <= tolerance).all())


def test_gradients_are_taken_before_they_are_drawn(others: Any, slopes: Any, example: Any) -> None:
    (_, gradient), (*_, images, targets) = slopes, example
    plain = gradient(images, targets)
    assert near(others.maps[CASES["gradient"]], np.abs(plain).max(axis=-1))
    assert near(others.maps[CASES["product"]], (images * plain).sum(axis=-1))
    path = np.mean([gradient(images * step / 9, targets) for step in range(10)], axis=0)
    assert near(others.maps[CASES["path"]], np.abs(path).max(axis=-1))


def test_smooth_grad_takes_logits_for_probabilities(others: Any, slopes: Any, example: Any) -> None:
    (network, gradient), (*_, images, targets) = slopes, example
    logits = network(images.astype(np.float64))
    each = [gradient(images, np.full(len(images), label, np.int32)) for label in range(4)]
    total, own = logits.sum(axis=1), logits[np.arange(len(images)), targets]
    share = own / total
    slope = np.stack([each[target][i] for i, target in enumerate(targets)])
    inside = (share > 1e-7) & (share < 1 - 1e-7)
    expected = np.zeros_like(slope)
    column = (slice(None), None, None, None)
    expected[inside] = (sum(each) / total[column] - slope / own[column])[inside]
    found = others.maps[CASES["smooth"]]
    scale = np.abs(expected).max(axis=-1)
    assert inside.any() and not inside.all()
    assert near(found[inside], scale[inside], 1e-4) and not found[~inside].any()
    np.testing.assert_array_equal(others.maps[CASES["noisy"]], others.maps[CASES["again"]])


def test_what_the_others_cannot_explain_is_said(others: Any) -> None:
    assert "26 x 15 is not square" in others.found[CASES["occlusion"]]
    assert "casts images to float32, not to float64" in others.found[CASES["double"]]
