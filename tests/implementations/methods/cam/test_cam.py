"""Class activation mapping: its map adds up to the logit, and where it can be had."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.graph import Architecture, parse, resolve_layer
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.errors import Unavailable
from implementations.oracle import runtime
from implementations.oracle.network import Reference

CAM = methods.load("cam")
ARCHITECTURE = get("cnn-gap", (8, 8, 1), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 2], np.int32)


def ends_in(*kinds: dict[str, object]) -> Architecture:
    """A small network with these nodes after its last ReLU."""
    nodes = [
        {"name": "conv1", "kind": "conv", "filters": 4, "kernel": 3, "inputs": "input"},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    ]
    for position, node in enumerate(kinds):
        nodes.append({"name": f"end{position}", "inputs": nodes[-1]["name"], **node})
    form = {"name": "small", "input_shape": [6, 6, 1], "classes": 4, "nodes": nodes}
    return parse(form, "small")


def signed(network: Reference, layer: str, **options: str) -> np.ndarray:
    images = IMAGES[:, :6, :6] if layer == "relu1" else IMAGES
    stages = explained("cam", network, images, TARGETS, layer=layer, **options)
    assert stages["heatmap"] is stages["signed"]
    return np.asarray(stages["signed"])


def test_mean_of_the_map_and_the_bias_is_the_logit() -> None:
    layer = CAM.layer(ARCHITECTURE, None)
    assert layer == "relu4"
    bias = NETWORK.tensors["dense1.bias"][TARGETS]
    logits = NETWORK(IMAGES)[np.arange(3), TARGETS]
    np.testing.assert_allclose(signed(NETWORK, layer).mean(axis=(1, 2)) + bias, logits, rtol=1e-12)


GAP: dict[str, object] = {"kind": "global_average_pool"}
DENSE: dict[str, object] = {"kind": "dense", "units": 4}
DROPOUT: dict[str, object] = {"kind": "dropout", "rate": 0.5}


@pytest.mark.parametrize("end", [(GAP,), (GAP, DENSE), (GAP, DROPOUT, DENSE), (GAP, DROPOUT)])
def test_ends_it_serves(end: tuple[dict[str, object], ...]) -> None:
    architecture = ends_in(*end)
    network = runtime.build(architecture, randomise(architecture, 3))
    layer = CAM.layer(architecture, None)
    logits = network(IMAGES[:, :6, :6])[np.arange(3), TARGETS]
    bias = [v for name, v in network.tensors.items() if name.startswith("end") and v.ndim == 1]
    offset = bias[0][TARGETS] if bias else 0.0
    np.testing.assert_allclose(signed(network, layer).mean(axis=(1, 2)) + offset, logits)


def test_a_network_that_ends_in_the_pooling_shows_its_own_channel() -> None:
    architecture = ends_in(GAP)
    network = runtime.build(architecture, randomise(architecture, 3))
    activations, _ = network.features("relu1", IMAGES[:, :6, :6])
    expected = activations[np.arange(3), :, :, TARGETS]
    np.testing.assert_array_equal(signed(network, "relu1"), expected)
    assert CAM.layer(get("squeezenet-1.0"), None) == "relu10"


@pytest.mark.parametrize(
    ("architecture", "layer", "says"),
    [
        (get("cnn-48-32-16"), None, "global average pooling"),
        (ends_in(GAP, DENSE, DENSE), None, "global average pooling"),
        (ends_in(GAP, DENSE, {"kind": "relu"}), None, "global average pooling"),
        (get("cnn-gap"), "conv3", "give --layer relu4"),
        (get("cnn-gap"), "conv4:pre", "give --layer relu4"),
    ],
)
def test_where_it_cannot_serve(architecture: Architecture, layer: str | None, says: str) -> None:
    assert says in CAM.card.applies(architecture, resolve_layer(architecture, layer))
    with pytest.raises(Unavailable, match=says):
        CAM.layer(architecture, layer)


def test_a_network_without_pooling_at_all_gives_the_reason() -> None:
    assert "global average pooling" in CAM.card.applies(get("mlp-512-100"), "input")


def test_top_keeps_the_channels_of_highest_mean() -> None:
    activations, _ = NETWORK.features("relu4", IMAGES)
    weights = NETWORK.tensor("dense1.kernel").T[TARGETS]
    expected = np.zeros(activations.shape[:3])
    for row in range(3):
        best = sorted(range(128), key=lambda c: (-activations[row, :, :, c].mean(), c))[:5]
        expected[row] = activations[row][:, :, best] @ weights[row, best]
    np.testing.assert_allclose(signed(NETWORK, "relu4", top="5"), expected, rtol=1e-12)
    np.testing.assert_array_equal(signed(NETWORK, "relu4", top="128"), signed(NETWORK, "relu4"))


def test_of_equal_channels_the_first_are_kept() -> None:
    architecture = ends_in(GAP, DENSE)
    weights = randomise(architecture, 3)
    weights["conv1.kernel"][:] = weights["conv1.kernel"][..., :1]
    weights["conv1.bias"][:] = 1.0
    network = runtime.build(architecture, weights)
    activations, _ = network.features("relu1", IMAGES[:, :6, :6])
    kept = network.tensor("end1.kernel").T[TARGETS][:, :2]
    expected = np.einsum("nhwc,nc->nhw", activations[..., :2], kept)
    np.testing.assert_allclose(signed(network, "relu1", top="2"), expected, rtol=1e-12)


def test_bytes_are_the_range_of_each_map() -> None:
    found = explained("cam", NETWORK, IMAGES, TARGETS, form="bytes")
    plain = signed(NETWORK, "relu4")
    for row, one in zip(found["heatmap"], plain, strict=True):
        assert (row.min(), row.max()) == (0, 255)
        np.testing.assert_allclose(row, 255 * (one - one.min()) / np.ptp(one), rtol=1e-12)
    assert "signed" not in found


def test_bytes_of_a_constant_map_are_zero() -> None:
    architecture = ends_in(GAP)
    weights = {name: value * 0 + 1 for name, value in randomise(architecture, 3).items()}
    weights["conv1.kernel"][:] = 0
    network = runtime.build(architecture, weights)
    images = IMAGES[:, :6, :6]
    assert signed(network, "relu1").all()
    found = explained("cam", network, images, TARGETS, layer="relu1", form="bytes")
    assert not found["heatmap"].any()
