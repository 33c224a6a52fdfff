"""ShapleyCAM: its second-order term by differences, and the game whose Shapley values it gives."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from oracle_maps import explained, whole

from implementations import methods
from implementations.architecture.graph import parse
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.arrays import Floats
from implementations.errors import BadInput, Unavailable
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-32-16-8", (8, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((3, 8, 6, 3))
TARGETS = np.array([3, 0, 2], np.int32)


def small(classes: int, scale: float = 1.0) -> runtime.Reference:
    nodes = [
        {"name": "conv1", "kind": "conv", "filters": 6, "kernel": 3, "inputs": "input"},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "units": classes, "inputs": "gap1"},
    ]
    form = {"name": "small", "input_shape": [8, 6, 3], "classes": classes, "nodes": nodes}
    tensors = randomise(parse(form, "small"), 3)
    tensors["dense1.kernel"] = tensors["dense1.kernel"] * scale
    return runtime.build(parse(form, "small"), tensors)


@pytest.mark.parametrize("layer", ["relu1", "relu2", "relu3"])
@pytest.mark.parametrize("score", ["log_probability", "probability"])
def test_the_second_order_term_is_the_change_of_the_gradient_along_the_activations(
    score: str, layer: str
) -> None:
    found = explained("shapley_cam", NETWORK, IMAGES, TARGETS, layer, score)
    activations, rest = NETWORK.features(layer, IMAGES)

    def gradient(factor: float) -> Floats:
        return NETWORK.pull_back(layer, factor * activations, rest, TARGETS, score)

    step = 1e-4
    change = (gradient(1 + step) - gradient(1 - step)) / (2 * step)
    expected = gradient(1) - change / 2
    assert np.abs(change).max() > 0.01 * np.abs(expected).max()
    atol = 1e-7 * np.abs(expected).max()
    np.testing.assert_allclose(found["gradients"], expected, rtol=0, atol=atol)
    np.testing.assert_allclose(found["weights"], expected.mean(axis=(1, 2)), rtol=0, atol=atol)
    at = explained("shapley_cam", NETWORK, IMAGES, TARGETS, layer, score, position="true")
    by_hand = (found["gradients"] * activations).sum(axis=-1)
    np.testing.assert_allclose(at["signed"], by_hand, rtol=1e-12, atol=1e-15)


def test_of_a_logit_it_is_grad_cam_and_residual_adds_that() -> None:
    plain = explained("grad_cam", NETWORK, IMAGES, TARGETS, "relu2")["signed"]
    atol = 1e-13 * np.abs(plain).max()
    logit = explained("shapley_cam", NETWORK, IMAGES, TARGETS, "relu2", "logit")["signed"]
    np.testing.assert_allclose(logit, plain, rtol=0, atol=atol)
    found = explained("shapley_cam", NETWORK, IMAGES, TARGETS, "relu2")["signed"]
    both = explained("shapley_cam", NETWORK, IMAGES, TARGETS, "relu2", residual="true")["signed"]
    np.testing.assert_allclose(both, found + plain, rtol=0, atol=10 * atol)
    assert not np.allclose(found, plain, rtol=0.1)


def test_channels_have_their_shapley_values_in_the_game_of_second_order() -> None:
    """Of 6 channels, by all 32 coalitions that each may join."""
    network = small(4)
    found = explained("shapley_cam", network, IMAGES, TARGETS, "relu1", position="true")
    activations = found["activations"]
    kernel = network.tensor("dense1.kernel")
    moved = activations.mean(axis=(1, 2))[:, :, None] * kernel
    exponentials = np.exp(network(IMAGES))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)

    def worth(n: int, present: tuple[int, ...]) -> float:
        q = probabilities[n]
        absent = -moved[n, [c for c in range(6) if c not in present]].sum(axis=0)
        slope, curvature = (np.arange(4) == TARGETS[n]) - q, np.outer(q, q) - np.diag(q)
        return float(slope @ absent + absent @ curvature @ absent / 2)

    for n in range(3):
        for channel in range(6):
            others = [c for c in range(6) if c != channel]
            value = sum(
                (worth(n, (*present, channel)) - worth(n, present)) / (6 * comb(5, size))
                for size in range(6)
                for present in combinations(others, size)
            )
            own = (found["gradients"][n] * activations[n])[..., channel].sum()
            np.testing.assert_allclose(own, value, rtol=1e-10, atol=1e-14)


def test_a_sure_class_keeps_its_digits() -> None:
    """Of two classes d = z_1 - z_0: G = (1 - q_1) (1 + q_1 d' / 2) dd/dA, d' = <dd/dA, A>."""
    network = small(2, scale=300)
    difference = network(IMAGES) @ [-1, 1]
    targets = (difference > 0).astype(np.int32)
    sign = np.where(targets == 1, 1, -1)
    assert np.abs(difference).max() > 30
    found = explained("shapley_cam", network, IMAGES, targets)
    slope = sign[:, None] * (network.tensor("dense1.kernel") @ [-1, 1])
    along = (slope * found["activations"].mean(axis=(1, 2))).sum(axis=1)
    odds = np.exp(-sign * difference)
    expected = slope * (odds / (1 + odds) * (1 + along / (1 + odds) / 2))[:, None]
    height, width = found["activations"].shape[1:3]
    np.testing.assert_allclose(found["weights"], expected / (height * width), rtol=1e-10)


def test_a_residual_of_another_score_is_bad_input() -> None:
    method = methods.load("shapley_cam")
    options = method.resolve({"residual": "true"}, "probability")
    with pytest.raises(BadInput, match="residual is of log_probability"):
        method.builder("reference")(NETWORK, "relu2", options, whole)


def test_a_curved_node_is_refused_past_the_layer_and_taken_before_it() -> None:
    nodes = [
        {"name": "conv1", "kind": "conv", "filters": 4, "kernel": 3, "inputs": "input"},
        {"name": "silu1", "kind": "silu", "inputs": "conv1"},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "silu1"},
        {"name": "dense1", "kind": "dense", "units": 4, "inputs": "gap1"},
    ]
    curved = parse({"input_shape": [8, 8, 1], "classes": 4, "nodes": nodes}, "curved")
    method = methods.load("shapley_cam")
    assert method.layer(curved, "silu1") == "silu1"
    with pytest.raises(Unavailable, match="piecewise linear; 'silu1' is silu"):
        method.layer(curved, "conv1:pre")
