"""Ablation-CAM: closed forms of its weights, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.graph import parse
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.methods.ablating import ablated, copies
from implementations.oracle import runtime

POOLED = get("cnn-gap", (8, 6, 3), 4)
FLAT = get("cnn-32-16-8", (8, 6, 3), 4)
IMAGES = np.random.default_rng(2).random((2, 8, 6, 3))
TARGETS = np.array([3, 0], np.int32)


def test_behind_a_pool_and_a_dense_layer_a_weight_is_the_channels_share_of_the_logit() -> None:
    network = runtime.build(POOLED, randomise(POOLED, 1))
    found = explained("ablation_cam", network, IMAGES, TARGETS)
    kernel, bias = network.tensor("dense1.kernel"), network.tensor("dense1.bias")
    expected = kernel.T[TARGETS] * found["activations"].mean(axis=(1, 2))
    peak = np.abs(expected).max()
    np.testing.assert_allclose(found["weights"], expected, rtol=0, atol=1e-12 * peak)
    logits = network(IMAGES)[np.arange(2), TARGETS]
    np.testing.assert_allclose(found["weights"].sum(axis=1), logits - bias[TARGETS], rtol=1e-12)


def test_behind_a_linear_head_a_weight_is_the_sum_of_gradient_times_activation() -> None:
    network = runtime.build(FLAT, randomise(FLAT, 1))
    found = explained("ablation_cam", network, IMAGES, TARGETS)
    gradients = explained("grad_cam", network, IMAGES, TARGETS)["gradients"]
    expected = (gradients * found["activations"]).sum(axis=(1, 2))
    atol = 1e-12 * np.abs(expected).max()
    np.testing.assert_allclose(found["weights"], expected, rtol=0, atol=atol)


@pytest.mark.parametrize("layer", ["relu1", "relu2"])
def test_channels_are_removed_one_by_one_before_a_head_that_is_not_linear(layer: str) -> None:
    network = runtime.build(FLAT, randomise(FLAT, 1))
    found = explained("ablation_cam", network, IMAGES, TARGETS, layer, "log_probability")
    activations, rest = network.features(layer, IMAGES)
    for channel in (0, 7):
        kept = np.arange(activations.shape[-1]) != channel
        logits = [network.head(layer, a, rest) for a in (activations, activations * kept)]
        logs = [z - np.log(np.exp(z).sum(axis=1, keepdims=True)) for z in logits]
        lost = (logs[0] - logs[1])[np.arange(2), TARGETS]
        np.testing.assert_allclose(found["weights"][:, channel], lost, rtol=1e-9, atol=1e-14)
    signed = (activations * found["weights"][:, None, None, :]).sum(axis=-1)
    np.testing.assert_array_equal(found["heatmap"], np.maximum(signed, 0))


def test_a_dead_channel_weighs_nothing_and_a_constant_at_all_logits_nothing_either() -> None:
    tensors = randomise(FLAT, 1)
    tensors["conv2.bias"][5] = -100
    network = runtime.build(FLAT, tensors)
    found = explained("ablation_cam", network, IMAGES, TARGETS, "relu2")
    assert not found["weights"][:, 5].any() and found["weights"][:, 4].all()
    moved = runtime.build(FLAT, {**tensors, "dense1.bias": tensors["dense1.bias"] + 3})
    again = explained("ablation_cam", moved, IMAGES, TARGETS, "relu2")
    atol = 1e-12 * np.abs(found["signed"]).max()
    np.testing.assert_allclose(again["signed"], found["signed"], rtol=0, atol=atol)


def test_only_a_pool_that_alone_reads_the_layer_is_looked_through() -> None:
    nodes = [
        {"name": "conv1", "kind": "conv", "filters": 4, "kernel": 3, "inputs": "input"},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "conv1"},
        {"name": "conv2", "kind": "conv", "filters": 4, "kernel": 3, "inputs": "conv1"},
        {"name": "gap2", "kind": "global_average_pool", "inputs": "conv2"},
        {"name": "add1", "kind": "add", "inputs": ["gap1", "gap2"]},
    ]
    both = parse({"input_shape": [8, 8, 1], "classes": 4, "nodes": nodes}, "both")
    assert [ablated(both, layer) for layer in ("conv1", "conv2")] == ["conv1", "gap2"]
    assert ablated(POOLED, "relu4") == "gap1" and ablated(FLAT, "relu3") == "relu3"


def test_a_pass_holds_the_more_copies_the_smaller_the_head_is() -> None:
    network = runtime.build(POOLED, randomise(POOLED, 1))
    values = {place: copies(network, place, 2) for place in ("relu1", "relu4", "gap1")}
    assert values["relu1"] == network.capacity // 2 < values["relu4"] < values["gap1"]
    method = methods.load("ablation_cam")
    assert method.cost(method.resolve({}), POOLED, "relu4") == (1, 0, 128)
