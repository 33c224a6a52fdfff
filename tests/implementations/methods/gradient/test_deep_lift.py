"""DeepLIFT: complete on every network, a gradient where nothing bends, by hand where it does."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture import registered
from implementations.architecture.weights import randomise
from implementations.errors import BadInput, Unavailable
from implementations.oracle import runtime

TARGETS = np.array([2, 0, 1], np.int32)
READ = [{"kind": "flatten"}, {"kind": "dense", "units": 3}]
EVERYTHING = [
    {"kind": "normalise", "mean": [0.4, 0.5, 0.6], "deviation": [0.2, 0.3, 0.4]},
    {"name": "first", "kind": "conv", "filters": 4, "kernel": 3},
    {"kind": "batch_norm"},
    {"name": "six", "kind": "relu6"},
    {"name": "third", "kind": "max_pool", "size": 3, "stride": 2, "padding": 1},
    {"kind": "conv", "filters": 4, "kernel": 3, "groups": 2},
    {"kind": "relu"},
    {"name": "sum", "kind": "add", "inputs": ["third", "node6"]},
    {"name": "half", "kind": "max_pool", "size": 2, "stride": 2, "rounding": "ceil"},
    {"name": "mean", "kind": "average_pool", "size": 2, "stride": 2, "inputs": "sum",
     "rounding": "ceil"},
    {"kind": "concat", "inputs": ["half", "mean"]},
    *READ,
]  # fmt: skip


@pytest.mark.parametrize("baseline", ["0", "0.37", "1"])
def test_it_is_complete_on_a_network_of_all_that_bends(chain, baseline: str) -> None:
    network = chain(EVERYTHING, (9, 8, 3))
    network.tensors["node2.scale"] *= 6  # so that a good part of the ReLU6 clips
    images = np.random.default_rng(1).random((3, 9, 8, 3))
    clipped = (network.values(images)["six"] == 6).mean()
    assert 0.05 < clipped < 0.95
    found = explained("deep_lift", network, images, TARGETS, baseline=baseline)
    start = network(np.full_like(images, float(baseline)))
    rise = (network(images) - start)[[0, 1, 2], TARGETS]
    assert np.abs(rise).max() > 0.1
    peak = np.abs(found["signed"]).sum(axis=(1, 2)).max()
    assert np.abs(found["signed"].sum(axis=(1, 2)) - rise).max() < 1e-13 * peak
    assert np.abs(found["completeness_gap"]).max() < 1e-13 * peak


def test_where_nothing_switches_it_is_the_gradient_times_the_change(chain) -> None:
    # No max-pool: at a grey picture all its windows are ties of rounding.
    network = chain([*EVERYTHING[:4], *READ], (9, 8, 3))
    images = 0.5 + 1e-9 * np.random.default_rng(1).random((3, 9, 8, 3))
    found = explained("deep_lift", network, images, TARGETS, baseline="0.5")
    gradients = explained("saliency", network, images, TARGETS)["gradients"]
    np.testing.assert_allclose(found["multipliers"], gradients, rtol=1e-6, atol=1e-12)
    same = explained("deep_lift", network, np.full_like(images, 0.5), TARGETS, baseline="0.5")
    np.testing.assert_allclose(same["multipliers"], gradients, rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(same["heatmap"], 0)


def test_without_biases_it_is_the_gradient_times_the_image(chain) -> None:
    conv = {"kind": "conv", "filters": 3, "kernel": 3, "bias": False}
    pool = {"kind": "max_pool", "size": 2, "stride": 2}
    nodes = [conv, {"kind": "relu"}, pool, conv, {"kind": "relu"}, {"kind": "flatten"}]
    network = chain([*nodes, {"kind": "dense", "units": 3, "bias": False}], (6, 8, 2))
    images = np.random.default_rng(3).random((3, 6, 8, 2))
    gradients = explained("saliency", network, images, TARGETS)["gradients"]
    found = explained("deep_lift", network, images, TARGETS)
    np.testing.assert_allclose(
        found["heatmap"], (images * gradients).sum(axis=-1), rtol=1e-10, atol=1e-13
    )


def test_of_a_linear_network_it_is_the_weights_times_the_change() -> None:
    architecture = registered.get("mlp-512-100", (3, 4, 2), 3)
    network = runtime.build(architecture, randomise(architecture, 1))
    images = np.random.default_rng(3).random((3, 3, 4, 2))
    kernel = network.tensor("dense1.kernel") @ network.tensor("dense2.kernel")
    weights = (kernel @ network.tensor("dense3.kernel"))[:, TARGETS].T.reshape(images.shape)
    found = explained("deep_lift", network, images, TARGETS, baseline="0.25")
    expected = ((images - 0.25) * weights).sum(axis=-1)
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-10, atol=1e-13)


def test_a_relu_by_hand(chain) -> None:
    # The baseline reads 1 everywhere, the image 3, 1, 1/2, -2 and 9.
    network = chain([{"kind": "relu6"}, {"kind": "flatten"}, {"kind": "dense", "units": 2}],
                    (1, 5, 1), 2)  # fmt: skip
    weights = network.tensor("node2.kernel")[:, 1]
    image = np.array([3, 1, 0.5, -2, 9.0]).reshape(1, 1, 5, 1)
    found = explained("deep_lift", network, image, np.array([1]), baseline="1")
    expected = weights * [1, 1, 1, 1 / 3, 5 / 8]
    np.testing.assert_allclose(found["multipliers"].ravel(), expected, rtol=1e-14)


def test_a_max_pool_by_hand(chain) -> None:
    pool = {"kind": "max_pool", "size": [1, 3], "stride": [1, 2]}
    network = chain([{"kind": "conv", "filters": 1, "kernel": 1}, pool, *READ], (1, 7, 1), 3)
    network.tensors["node0.kernel"][:] = 1
    # What the pool reads at the baseline 0 is the bias, here one number: all windows are ties.
    network.tensors["node0.bias"][:] = 2
    first, second, third = network.tensor("node3.kernel")[:, 1]
    image = np.array([1, 0, 5, 5, 0, -4, -3.0]).reshape(1, 1, 7, 1)
    found = explained("deep_lift", network, image, np.array([1]))
    # Windows 3 2 7 | 7 7 2 | 2 -2 -1: two share their largest, the third is of no rise at a tie.
    expected = [0, 0, first + second, 0, third, 0, 0]
    np.testing.assert_allclose(found["multipliers"].ravel(), expected, rtol=1e-14)
    below = np.array([0, 0, 0, 0, -1, -4, -3.0]).reshape(1, 1, 7, 1)
    found = explained("deep_lift", network, below, np.array([1]))
    # The third falls from 2 to 1, and it is the baseline's first largest that pays: 1 / 1.
    np.testing.assert_allclose(found["multipliers"].ravel(), [first, 0, second, 0, third, 0, 0])


def test_it_is_of_a_logit_only() -> None:
    with pytest.raises(BadInput, match="not defined for score probability; use logit"):
        methods.load("deep_lift").resolve({}, "probability")


def test_a_network_with_a_kind_that_has_no_rule_is_refused(chain) -> None:
    network = chain([{"kind": "conv", "filters": 2, "kernel": 3}, {"kind": "silu"}, *READ])
    with pytest.raises(Unavailable, match="no rule for nodes of kind silu, as 'node1' is"):
        methods.load("deep_lift").layer(network.architecture, None)
