"""Captum's offers against our own Grad-CAM and against direct computations in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle_maps import whole

from bench.subject.heatmaps import relative_error
from implementations import libraries, methods
from implementations.architecture import graph, weights
from implementations.errors import BadInput
from implementations.frameworks.evaluations import count_evaluations

pytest.importorskip("captum")
torch = pytest.importorskip("torch")

SHAPE = (14, 15, 3)
IMAGES = np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)
TARGETS = np.array([0, 2, 1, 3], np.int32)
DOCUMENT = {
    "input_shape": SHAPE,
    "classes": 4,
    "nodes": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 6, "kernel": 3},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "pool1", "kind": "max_pool", "inputs": "relu1", "size": 2, "stride": 2},
        {"name": "conv2", "kind": "conv", "inputs": "pool1", "filters": 8, "kernel": 3},
        {"name": "relu2", "kind": "relu", "inputs": "conv2"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 4},
    ],
}


@pytest.fixture(params=["float32", "float64"])
def network(request: pytest.FixtureRequest) -> Any:
    from implementations.frameworks.pytorch import runtime

    architecture = graph.parse(DOCUMENT, "small")
    return runtime.build(architecture, weights.randomise(architecture, 0), "cpu", request.param)


def explain(network: Any, offer: str, layer: str = "input", **options: str) -> np.ndarray:
    from implementations.frameworks.pytorch import runtime

    method = libraries.load("captum").method(offer)
    score = options.pop("score", "logit")
    build = method.builder("pytorch")(network, layer, method.resolve(options, score), whole)
    images, targets = runtime.put(network, IMAGES, TARGETS)
    heatmap = build(network, images, targets)["heatmap"]
    assert not heatmap.requires_grad
    assert not images.requires_grad
    return runtime.to_numpy(heatmap)


def score_of(network: Any, score: str = "logit") -> Callable[[Any], Any]:
    """The score (N,) as a function of float64 images (N, C, H, W)."""
    twin = network
    if network.precision != "float64":
        from implementations.frameworks.pytorch import runtime

        twin = runtime.build(network.architecture, runtime.weights(network), "cpu", "float64")
    targets = torch.from_numpy(TARGETS).long()
    return lambda images: twin.score(score, twin(images), targets)


def pixels() -> Any:
    return torch.from_numpy(IMAGES).double().permute(0, 3, 1, 2)


def gradient(network: Any, images: Any, score: str = "logit") -> Any:
    scores = score_of(network, score)
    return torch.func.grad(lambda x: scores(x).sum())(images)


def tolerance(network: Any) -> float:
    return 1e-12 if network.precision == "float64" else 1e-5


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "relu2"])
@pytest.mark.parametrize("score", ["logit", "probability"])
def test_layer_grad_cam_is_our_grad_cam(network: Any, layer: str, score: str) -> None:
    from implementations.frameworks.pytorch import runtime

    method = methods.load("grad_cam")
    build = method.builder("pytorch")(network, layer, method.resolve({}, score), whole)
    ours = build(network, *runtime.put(network, IMAGES, TARGETS))
    signed, heatmap = runtime.to_numpy(ours["signed"]), runtime.to_numpy(ours["heatmap"])
    theirs = explain(network, "layer_grad_cam", layer, relu_attributions="true", score=score)
    assert (relative_error(theirs, heatmap, signed) <= tolerance(network)).all()
    unclipped = explain(network, "layer_grad_cam", layer, score=score)
    assert (relative_error(unclipped, signed, signed) <= tolerance(network)).all()
    assert (unclipped < 0).any()


def test_saliency_is_the_gradients_largest_channel(network: Any) -> None:
    expected = gradient(network, pixels()).abs().amax(dim=1).numpy()
    error = relative_error(explain(network, "saliency"), expected, expected)
    assert (error <= tolerance(network)).all()
    signed = explain(network, "saliency", abs="false")
    assert (signed < 0).any()
    assert (relative_error(abs(signed), expected, expected) <= tolerance(network)).all()


@pytest.mark.parametrize("score", ["logit", "log_probability"])
def test_integrated_gradients_is_the_quadrature(network: Any, score: str) -> None:
    nodes, quadrature = np.polynomial.legendre.leggauss(50)
    steps = zip((nodes + 1) / 2, quadrature / 2, strict=True)
    images = pixels()
    mean = sum(w * gradient(network, a * images, score) for a, w in steps)
    expected = (images * mean).sum(dim=1).numpy()
    theirs = explain(network, "integrated_gradients", score=score)
    error = relative_error(theirs, expected, expected)
    # Captum's quadrature weights are float32 in every precision.
    assert (error <= 1e-5).all()
    if network.precision == "float64":
        assert (error > 1e-12).all()
    assert theirs.dtype == (np.float64 if network.precision == "float64" else np.float32)


def test_integrated_gradients_in_small_batches_are_the_same(network: Any) -> None:
    whole = explain(network, "integrated_gradients", internal_batch_size="100000")
    small = explain(network, "integrated_gradients", internal_batch_size="1")
    assert (relative_error(small, whole, whole) <= tolerance(network)).all()


@pytest.mark.parametrize(("window", "stride"), [(7, 3), (5, 4)])
def test_occlusion_is_the_mean_over_windows(network: Any, window: int, stride: int) -> None:
    """Windows start at 0, stride, ...; the last one reaches over the far edge and is cut off."""
    images, score = pixels(), score_of(network)
    height, width, _ = SHAPE
    total, count = np.zeros((4, height, width)), np.zeros((height, width))
    for top in range(0, height - window + stride, stride):
        for left in range(0, width - window + stride, stride):
            hidden = images.clone()
            region = (slice(top, top + window), slice(left, left + window))
            hidden[:, :, *region] = 0
            total[:, *region] += (score(images) - score(hidden)).numpy()[:, None, None]
            count[region] += 1
    theirs = explain(network, "occlusion", window=str(window), stride=str(stride))
    assert theirs.dtype == np.float32
    assert (relative_error(theirs, total / count, total / count) <= 1e-5).all()


def test_windows_that_do_not_fit_are_refused(network: Any) -> None:
    with pytest.raises(BadInput, match="larger than the image"):
        explain(network, "occlusion", window="15")
    with pytest.raises(BadInput, match="at most the window"):
        explain(network, "occlusion", window="2")


def test_model_evaluations(network: Any) -> None:
    counted = {}
    for offer in ("layer_grad_cam", "saliency", "integrated_gradients", "occlusion"):
        layer = "conv2" if offer == "layer_grad_cam" else "input"
        with count_evaluations(network) as evaluations:
            explain(network, offer, layer)
        counted[offer] = evaluations.images / len(IMAGES)
    windows = 4 * 4
    assert counted == {
        "layer_grad_cam": 1,
        "saliency": 1,
        "integrated_gradients": 50,
        "occlusion": 1 + windows,
    }
