"""FullGrad: the logit is what image and biases contribute, whatever the network is made of."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.arrays import resize
from implementations.errors import BadInput
from implementations.oracle import runtime

EVERYTHING = [
    {
        "kind": "normalise", "mean": [0.4, 0.5, 0.6], "deviation": [0.2, 0.3, 0.4],
        "order": [2, 0, 1],
    },
    {"name": "first", "kind": "conv", "filters": 4, "kernel": 3},
    {"kind": "batch_norm"},
    {"name": "six", "kind": "relu6"},
    {"kind": "conv", "filters": 4, "kernel": 3, "bias": False},
    {"kind": "batch_norm"},
    {"name": "sum", "kind": "add", "inputs": ["six", "node5"]},
    {"kind": "max_pool", "size": 3, "stride": 2},
    {"kind": "flatten"},
    {"kind": "dense", "units": 3},
]  # fmt: skip
TARGETS = np.array([2, 0, 1], np.int32)


def test_the_logit_is_complete_on_a_network_of_all_that_adds(chain) -> None:
    network = chain(EVERYTHING, (8, 6, 3))
    for name in ("node2.scale", "node2.offset"):
        network.tensors[name] *= 6  # so that a good part of the ReLU6 clips
    images = np.random.default_rng(1).random((3, 8, 6, 3))
    clipped = (network.values(images)["six"] == 6).mean()
    assert 0.05 < clipped < 0.95
    found = explained("full_grad", network, images, TARGETS)
    logits = np.abs(network(images)).max()
    assert np.abs(found["completeness_gap"]).max() < 1e-13 * max(logits, 1)


def test_without_biases_it_is_the_rescaled_gradient_times_the_image(chain) -> None:
    bare = {"kind": "conv", "filters": 3, "kernel": 3, "bias": False}
    nodes = [bare, {"kind": "relu"}, {"kind": "flatten"}]
    network = chain([*nodes, {"kind": "dense", "units": 3, "bias": False}], (5, 7, 2))
    images = np.random.default_rng(1).random((3, 5, 7, 2))
    product = np.abs(images * explained("saliency", network, images, TARGETS)["gradients"])
    found = explained("full_grad", network, images, TARGETS)
    lowest = product.min(axis=(1, 2, 3), keepdims=True)
    extent = product.max(axis=(1, 2, 3), keepdims=True) - lowest
    expected = ((product - lowest) / extent).sum(axis=-1)
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-12)
    raw = explained("full_grad", network, images, TARGETS, rescale="none")
    np.testing.assert_allclose(raw["heatmap"], product.sum(axis=-1), rtol=1e-12)


@pytest.mark.parametrize("rescale", ["node", "channel", "none"])
def test_what_every_node_adds_lies_where_central_differences_have_it(
    chain, central_differences, rescale: str
) -> None:
    network = chain(EVERYTHING, (8, 6, 3))
    for name in ("node2.scale", "node2.offset"):
        network.tensors[name] *= 6  # so that a good part of the ReLU6 clips
    image = np.random.default_rng(1).random((1, 8, 6, 3))
    values = network.values(image)

    def shift(name: str) -> np.ndarray:
        scale, offset, mean, variance = (
            network.tensor(f"{name}.{part}") for part in ("scale", "offset", "mean", "variance")
        )
        return offset - mean * scale / np.sqrt(variance + 1e-3)

    added = {
        "input": image,
        "node0": -np.divide(EVERYTHING[0]["mean"], EVERYTHING[0]["deviation"]),
        "first": network.tensor("first.bias"),
        "node2": shift("node2"),
        "six": 6.0 * (values["six"] == 6),
        "node5": shift("node5"),
    }
    assert network.architecture.nodes[2]["epsilon"] == 1e-3
    expected = np.zeros((1, 8, 6))
    for name, bias in added.items():
        place, rest = network.features(name, image)

        def logit(places: np.ndarray, name: str = name, rest: object = rest) -> np.ndarray:
            return np.array([network.head(name, each[None], rest)[0, 2] for each in places])

        product = np.abs(bias * central_differences(logit, place, 1e-6))
        axes = {"node": (1, 2, 3), "channel": (1, 2), "none": ()}[rescale]
        if axes:
            product = product - product.min(axis=axes, keepdims=True)
            extent = product.max(axis=axes, keepdims=True)
            product = product / np.where(extent > 0, extent, 1)
        expected += resize(product.sum(axis=-1), (8, 6))
    found = explained("full_grad", network, image, TARGETS[:1], rescale=rescale)
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-6)


@pytest.mark.parametrize("rescale", ["node", "channel", "none"])
def test_the_map_is_not_negative(rescale: str) -> None:
    architecture = get("cnn-gap", (8, 8, 3), 4)
    network = runtime.build(architecture, randomise(architecture, 1))
    images = np.random.default_rng(2).random((3, 8, 8, 3))
    found = explained("full_grad", network, images, TARGETS, rescale=rescale)
    assert found["heatmap"].shape == (3, 8, 8)
    assert (found["heatmap"] >= 0).all()


def test_it_is_of_a_logit_only() -> None:
    with pytest.raises(BadInput, match="not defined for score probability; use logit"):
        methods.load("full_grad").resolve({}, "probability")
