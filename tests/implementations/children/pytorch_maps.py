"""A small network in PyTorch and in the oracle, and what a library makes of it: for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from oracle_maps import explained, whole

from implementations import libraries
from implementations.architecture import graph, weights
from implementations.architecture.graph import Architecture
from implementations.oracle import runtime as oracle

SHAPE = (14, 15, 3)
IMAGES = np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)
TARGETS = np.array([0, 2, 1, 3], np.int32)
CONV1 = {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 6, "kernel": 3}
RELU1 = {"name": "relu1", "kind": "relu", "inputs": "conv1"}
TAIL = [
    {"name": "pool1", "kind": "max_pool", "inputs": "relu1", "size": 2, "stride": 2},
    {"name": "conv2", "kind": "conv", "inputs": "pool1", "filters": 8, "kernel": 3},
    {"name": "relu2", "kind": "relu", "inputs": "conv2"},
    {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
    {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 4},
]
LINEAR = [
    {"name": "flatten1", "kind": "flatten", "inputs": "input"},
    {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 4},
]


def architecture(*nodes: dict[str, Any]) -> Architecture:
    """Of these nodes; without any two convolutions with a max-pooling between, and a dense one."""
    form = {"input_shape": SHAPE, "classes": 4, "nodes": list(nodes) or [CONV1, RELU1, *TAIL]}
    return graph.parse(form, "small")


def weights_of(small: Architecture) -> dict[str, np.ndarray]:
    """Random weights, biases too."""
    return weights.randomise(small, 0)


def build(small: Architecture | None = None, precision: str = "float32") -> Any:
    """The network in PyTorch."""
    from implementations.frameworks.pytorch import runtime

    small = small or architecture()
    return runtime.build(small, weights_of(small), "cpu", precision)


def explain(
    library: str, network: Any, offer: str, layer: str = "", score: str = "", **options: str
) -> np.ndarray:
    """The map that a library makes of the images; these and the weights stay as they are."""
    from implementations.frameworks.pytorch import runtime

    method = libraries.load(library).method(offer)
    place = layer or method.layer(network.architecture, None)
    build = method.builder("pytorch")(network, place, method.resolve(options, score), whole)
    images, targets = runtime.put(network, IMAGES, TARGETS)
    heatmap = build(network, images, targets)["heatmap"]
    assert not images.requires_grad
    np.testing.assert_array_equal(runtime.to_numpy(images), IMAGES)
    after = runtime.weights(network)
    for name, tensor in weights_of(network.architecture).items():
        np.testing.assert_array_equal(after[name], tensor)
    if isinstance(heatmap, np.ndarray):
        return heatmap
    assert not heatmap.requires_grad
    array: np.ndarray = runtime.to_numpy(heatmap)
    return array


def ours(
    method: str, network: Any, layer: str | None = None, score: str = "", **options: str
) -> dict[str, np.ndarray]:
    """All that the oracle makes of the same images for our method."""
    small = network.architecture
    twin = oracle.build(small, weights_of(small))
    placed = oracle.put(twin, IMAGES, TARGETS)
    return explained(method, twin, *placed, layer=layer, score=score, **options)


def scores(network: Any, images: np.ndarray) -> np.ndarray:
    """The oracle's logits (N,) of the targets."""
    small = network.architecture
    twin = oracle.build(small, weights_of(small))
    logits = oracle.to_numpy(twin(oracle.put(twin, images)))
    chosen: np.ndarray = logits[np.arange(len(images)), TARGETS]
    return chosen
