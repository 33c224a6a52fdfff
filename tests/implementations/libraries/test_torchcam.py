"""TorchCAM's class activation methods against our own and against what its lines compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytorch_maps import CONV1, IMAGES, RELU1, TARGETS, architecture, build, explain, ours, scores

from bench.subject.heatmaps import relative_error
from implementations.errors import BadInput, Unavailable
from implementations.oracle import runtime as oracle

pytest.importorskip("torchcam")
torch = pytest.importorskip("torch")

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
POOLED = [
    CONV1,
    RELU1,
    {"name": "gap1", "kind": "global_average_pool", "inputs": "relu1"},
    {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 4},
]
LAYERS = ["conv1", "relu1", "pool1", "relu2"]


@pytest.fixture(params=TOLERANCES)
def network(request: pytest.FixtureRequest) -> Any:
    return build(precision=request.param)


def bare(network: Any, offer: str, layer: str = "relu2", **options: str) -> np.ndarray:
    return explain("torchcam", network, offer, layer, normalized="false", **options)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("offer", ["grad_cam", "layer_cam", "finer_cam"])
def test_the_bare_map_is_ours(network: Any, offer: str, layer: str) -> None:
    stages = ours(offer, network, layer)
    error = relative_error(bare(network, offer, layer), stages["heatmap"], stages["signed"])
    assert (error <= TOLERANCES[network.precision]).all()
    whole = explain("torchcam", network, offer, layer)
    low, high = (f(stages["heatmap"], axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    expected = (stages["heatmap"] - low) / (high - low + 1e-8)
    assert (relative_error(whole, expected, expected) <= 1e-4).all()


@pytest.mark.parametrize("layer", LAYERS)
def test_xgrad_cam_is_ours_but_for_an_epsilon(network: Any, layer: str) -> None:
    stages = ours("xgrad_cam", network, layer)
    found = bare(network, "xgrad_cam", layer)
    assert (relative_error(found, stages["heatmap"], stages["signed"]) <= 1e-5).all()


@pytest.mark.parametrize("precision", TOLERANCES)
def test_cam_is_ours(precision: str) -> None:
    pooled = build(architecture(*POOLED), precision)
    expected = ours("cam", pooled, "relu1")["heatmap"]
    error = relative_error(bare(pooled, "cam", "relu1"), expected, expected)
    assert (error <= TOLERANCES[precision]).all()
    with pytest.raises(Unavailable, match=r"CAM cannot explain small: .*give --layer relu1"):
        bare(pooled, "cam", "conv1")
    with pytest.raises(Unavailable, match="CAM cannot explain small: its graph does not end in"):
        bare(build(), "cam")
    with pytest.raises(Unavailable, match="no dense layer is behind"):
        bare(build(architecture({**CONV1, "filters": 4}, RELU1, POOLED[2])), "cam", "relu1")


@pytest.mark.parametrize("layer", LAYERS)
def test_grad_cam_plus_plus_loses_its_division(network: Any, layer: str) -> None:
    stages = ours("grad_cam", network, layer)
    weights = (np.maximum(stages["gradients"], 0) ** 3).sum(axis=(1, 2))
    expected = np.maximum(np.einsum("nhwc,nc->nhw", stages["activations"], weights), 0)
    found = bare(network, "grad_cam_plus_plus", layer)
    assert (relative_error(found, expected, expected) <= 1e-4).all()


def test_smooth_grad_cam_plus_plus_reads_its_last_copy() -> None:
    network = build(precision="float64")
    count, layer = 3, "relu2"
    with torch.random.fork_rng([]):
        torch.manual_seed(4)
        shape = (len(IMAGES), 3, *IMAGES.shape[1:3])
        normal = torch.distributions.normal.Normal(0, 0.3)
        noise = [normal.sample(shape).numpy().transpose(0, 2, 3, 1) for _ in range(count)]
    twin = oracle.build(network.architecture, _weights(network))

    def read(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        activations, rest = twin.features(layer, images.astype(np.float64))
        return activations, twin.pull_back(layer, activations, rest, TARGETS, "logit")

    activations, _ = read(IMAGES)
    copies = [read(IMAGES + each) for each in noise]
    square, cube = (np.mean([g**power for _, g in copies], axis=0) for power in (2, 3))
    sums = (cube * activations).sum(axis=(1, 2), keepdims=True)
    alphas = square / (2 * square + sums + 1e-8)
    last, gradient = copies[-1]
    weights = (alphas * np.maximum(gradient, 0)).sum(axis=(1, 2))
    expected = np.maximum(np.einsum("nhwc,nc->nhw", last, weights), 0)
    given = {"num_samples": str(count), "seed": "4"}
    found = bare(network, "smooth_grad_cam_plus_plus", **given)
    assert (relative_error(found, expected, expected) <= 1e-6).all()


def _weights(network: Any) -> dict[str, np.ndarray]:
    from implementations.frameworks.pytorch import runtime

    found: dict[str, np.ndarray] = runtime.weights(network)
    return found


def masks(network: Any) -> tuple[np.ndarray, np.ndarray]:
    """Activations, and each channel's masks at the layer's size."""
    activations = ours("grad_cam", network, "relu2")["activations"]
    low, high = (f(activations, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    return activations, (activations - low) / (high - low + 1e-8)


def weighed(network: Any, activations: np.ndarray, score: Any) -> np.ndarray:
    values = np.stack([score(c) for c in range(activations.shape[-1])], axis=1)
    weights = np.exp(values - values.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    summed: np.ndarray = np.einsum("nhwc,nc->nhw", activations, weights)
    return summed


def test_score_cam_rescales_before_it_resizes(network: Any) -> None:
    from implementations.arrays import resize

    activations, rescaled = masks(network)

    def score(channel: int) -> np.ndarray:
        mask = resize(rescaled[..., channel], IMAGES.shape[1:3])
        return scores(network, IMAGES * mask[..., None])

    expected = weighed(network, activations, score)
    found = bare(network, "score_cam")
    assert (relative_error(found, expected, expected) <= 1e-5).all()
    stages = ours("score_cam", network, "relu2")
    assert (relative_error(found, stages["heatmap"], stages["signed"]) > 1e-4).all()


def test_is_cam_goes_beyond_the_image(network: Any) -> None:
    from implementations.arrays import resize

    activations, rescaled = masks(network)
    steps = np.cumsum(np.arange(1, 5) / 4)
    assert steps[-1] > 1

    def score(channel: int) -> np.ndarray:
        mask = resize(rescaled[..., channel], IMAGES.shape[1:3])
        each = [scores(network, step * IMAGES * mask[..., None]) for step in steps]
        mean: np.ndarray = np.mean(each, axis=0)
        return mean

    expected = weighed(network, activations, score)
    found = bare(network, "is_cam", num_samples="4")
    assert (relative_error(found, expected, expected) <= 1e-5).all()


def test_ss_cam_without_noise_is_score_cam_and_has_a_seed(network: Any) -> None:
    score_cam = bare(network, "score_cam")
    still = bare(network, "ss_cam", num_samples="1", std="1e-9")
    assert (relative_error(still, score_cam, score_cam) <= 1e-5).all()
    one, again, other = (bare(network, "ss_cam", num_samples="1", seed=seed) for seed in "112")
    np.testing.assert_array_equal(one, again)
    assert (relative_error(other, one, one) > 1e-3).all()


def test_logits_only(network: Any) -> None:
    with pytest.raises(BadInput, match="not defined for score probability; use logit"):
        explain("torchcam", network, "grad_cam", "relu2", score="probability")
