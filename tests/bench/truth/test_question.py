"""What the oracle is asked once for all layers is what it answers for each."""

from __future__ import annotations

import numpy as np
import pytest

from bench.truth.question import Question
from implementations.architecture import graph
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3,
     "padding": "same"},
    {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
    {"name": "relu1", "kind": "relu", "inputs": "norm1"},
    {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 4, "kernel": 3,
     "padding": "same"},
    {"name": "added", "kind": "add", "inputs": ["relu1", "conv2"]},
    {"name": "relu2", "kind": "relu", "inputs": "added"},
    {"name": "conv3", "kind": "conv", "inputs": "relu2", "filters": 5, "kernel": 2},
    {"name": "relu3", "kind": "relu", "inputs": "conv3"},
    {"name": "mean1", "kind": "global_average_pool", "inputs": "relu3"},
    {"name": "dense1", "kind": "dense", "inputs": "mean1", "units": 5},
]  # fmt: skip
ARCHITECTURE = graph.parse({"input_shape": [8, 8, 3], "classes": 5, "nodes": NODES}, "forked")
IMAGES = np.random.default_rng(3).random((4, 8, 8, 3))


def question() -> Question:
    network = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
    return Question(
        network, IMAGES, np.array([0, 3, 1, 4]), np.zeros((4, 8, 8)), "relu3", "grad_cam"
    )


@pytest.mark.parametrize("rule", ["plain", "guided", "deconvolution"])
@pytest.mark.parametrize("kept", ["as given", "batch statistics in norms"])
@pytest.mark.parametrize("score", ["logit", "log_probability"])
@pytest.mark.parametrize("node", ["conv1", "relu1", "conv2", "added"])
def test_all_layers_at_once(node: str, score: str, kept: str, rule: str) -> None:
    asked = question()
    activations, gradients = asked.answer("as given", kept, "given", score, node, rule)
    network = asked.taken(kept)
    assert network is not None
    network = network if rule == "plain" else network.with_relu(rule)
    own, rest = network.features(node, IMAGES)
    expected = network.pull_back(node, own, rest, asked.targets, score)
    np.testing.assert_array_equal(activations, own)
    np.testing.assert_allclose(gradients, expected, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("node", ["conv1", "added", "relu3"])
def test_the_sum_of_all_logits_is_pulled_back_at_once(node: str) -> None:
    asked = question()
    plain = ("as given", "as given", "given")
    _, gradients = asked.answer(*plain, "sum of all logits", node, "plain")
    own, rest = asked.network.features(node, IMAGES)
    each = [
        asked.network.pull_back(node, own, rest, np.full(len(IMAGES), k), "logit") for k in range(5)
    ]
    expected = np.sum(each, axis=0)
    np.testing.assert_allclose(gradients, expected, atol=1e-13 * np.abs(expected).max())
