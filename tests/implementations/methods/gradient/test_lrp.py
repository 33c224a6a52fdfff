"""LRP: by its loops, conserved where nothing takes a share, gradient x input where it must be."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.errors import BadInput, Unavailable
from implementations.methods.folding import folded, rectified

TARGETS = np.array([2, 0, 1], np.int32)
CONV = {"kind": "conv", "filters": 4, "kernel": 3}
READ = [{"kind": "flatten"}, {"kind": "dense", "units": 3}]
BARE = {**CONV, "bias": False}
UNBIASED = [
    {"name": "first", **BARE},
    {"name": "open", "kind": "relu"},
    {"name": "pool", "kind": "max_pool", "size": 3, "stride": 2, "padding": 1},
    {**BARE, "groups": 2, "stride": 1, "padding": "same"},
    {"name": "second", "kind": "relu"},
    {"name": "sum", "kind": "add", "inputs": ["pool", "second"]},
    {"name": "half", "kind": "max_pool", "size": 2, "stride": 2, "rounding": "ceil"},
    {"name": "mean", "kind": "average_pool", "size": 2, "stride": 2, "inputs": "sum",
     "rounding": "ceil"},
    {"kind": "concat", "inputs": ["half", "mean"]},
    {"kind": "flatten"},
    {"kind": "dense", "units": 6, "bias": False},
    {"kind": "relu"},
    {"kind": "dense", "units": 3, "bias": False},
]  # fmt: skip


def loops(a, kernel, bias, above, rule, epsilon):
    """What the inputs (i,) of a product of matrices get of the relevance (j,) of its outputs."""
    parts = a[:, None] * kernel
    if rule == "epsilon":
        y = parts.sum(axis=0) + bias
        return (parts * (above / (y + epsilon * np.where(y < 0, -1, 1)))).sum(axis=1)
    given = np.zeros_like(a)
    for factor, half in {"epsilon_plus": [(1, 1)], "alpha2_beta1": [(2, 1), (-1, -1)]}[rule]:
        kept = np.where(half * parts > 0, parts, 0)
        y = kept.sum(axis=0) + np.where(half * bias > 0, bias, 0)
        given += factor * (kept * np.where(y == 0, 0, above / np.where(y == 0, 1, y))).sum(axis=1)
    return given


@pytest.mark.parametrize("rule", ["epsilon_plus", "epsilon", "alpha2_beta1"])
@pytest.mark.parametrize("biased", [True, False])
def test_it_is_its_rules_in_loops(chain, rule: str, biased: bool) -> None:
    conv = {"kind": "conv", "filters": 4, "kernel": 1}
    network = chain([{**conv, "filters": 5}, conv, {"kind": "relu"}, *READ], (1, 1, 3))
    image = np.array([[0.5, 0.2, 0.9]]).reshape(1, 1, 1, 3)
    values = network.values(image)
    relevance = np.zeros(3)
    relevance[1] = values["node4"][0, 1]
    for name, read, used in (
        ("node4", "node2", "epsilon"),
        ("node1", "node0", rule),
        ("node0", "input", rule),
    ):
        kernel = network.tensor(f"{name}.kernel")
        kernel = kernel.reshape(-1, kernel.shape[-1])
        bias = network.tensor(f"{name}.bias") * biased
        relevance = loops(values[read].ravel(), kernel, bias, relevance, used, 0.03)
    # The second convolution reads values of both signs, which the first one's are.
    assert values["node0"].min() < 0 < values["node0"].max()
    options = {"composite": rule, "epsilon": "0.03", "bias": str(biased)}
    found = explained("lrp", network, image, TARGETS[2:], **options)
    np.testing.assert_allclose(found["relevance"].ravel(), relevance, rtol=1e-12)
    np.testing.assert_allclose(found["heatmap"].ravel(), relevance.sum(), rtol=1e-12)
    lost = found["completeness_gap"][0] - (relevance.sum() - values["node4"][0, 1])
    assert abs(lost) < 1e-13


def test_epsilon_0_is_the_gradient_times_the_image(chain) -> None:
    """With biases too: each takes its share of y, and R over y is the gradient again."""
    nodes = [{k: v for k, v in node.items() if k != "bias"} for node in UNBIASED]
    nodes.insert(1, {"kind": "batch_norm"})
    network = chain(nodes, (9, 8, 3))
    images = np.random.default_rng(3).normal(0, 1, (3, 9, 8, 3))
    gradients = explained("saliency", network, images, TARGETS)["gradients"]
    found = explained("lrp", network, images, TARGETS, composite="epsilon", epsilon="0")
    expected = (images * gradients).sum(axis=-1)
    error = np.abs(found["heatmap"] - expected).max() / np.abs(expected).max()
    assert error < 1e-12


@pytest.mark.parametrize("rule", ["epsilon_plus", "epsilon", "alpha2_beta1"])
def test_relevance_is_conserved_where_nothing_takes_a_share(chain, rule: str) -> None:
    # Behind a ReLU a window may have no part of a sign, and alpha2_beta1 loses what y = 0 is given.
    short = [BARE, {"kind": "relu"}, {"kind": "flatten"}, UNBIASED[-1]]
    network = chain(short if rule == "alpha2_beta1" else UNBIASED, (9, 8, 3))
    images = np.random.default_rng(3).random((3, 9, 8, 3))
    found = explained("lrp", network, images, TARGETS, composite=rule, epsilon="0")
    logits = network(images)[[0, 1, 2], TARGETS]
    total = np.abs(found["relevance"]).sum(axis=(1, 2, 3))
    assert np.abs(found["signed"].sum(axis=(1, 2)) - logits).max() < 1e-12 * total.max()
    assert np.abs(found["completeness_gap"]).max() < 1e-12 * total.max()
    network.tensors[f"{network.architecture.output}.kernel"] *= 10
    again = explained("lrp", network, images, TARGETS, composite=rule, epsilon="0")
    np.testing.assert_allclose(again["heatmap"], 10 * found["heatmap"], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("biased", ["true", "false"])
@pytest.mark.parametrize("rule", ["epsilon_plus", "epsilon", "alpha2_beta1"])
def test_a_batch_norm_is_folded_into_what_it_alone_reads(chain, rule: str, biased: str) -> None:
    norm, relu = {"kind": "batch_norm"}, {"kind": "relu"}
    hidden, flatten = {"kind": "dense", "units": 16}, {"kind": "flatten"}
    last = {"kind": "dense", "units": 3}
    apart = chain([CONV, norm, relu, flatten, hidden, norm, relu, last], (5, 4, 2))
    whole = chain([CONV, relu, flatten, hidden, relu, last], (5, 4, 2))
    for made, own, normed in (("node0", "node0", "node1"), ("node3", "node4", "node5")):
        scale, offset, mean, variance = (
            apart.tensor(f"{normed}.{part}") for part in ("scale", "offset", "mean", "variance")
        )
        factor = scale / np.sqrt(variance + 1e-3)
        factor[0] *= -1  # a negative factor exchanges the signs of its filter
        apart.tensors[f"{normed}.scale"][0] *= -1
        whole.tensors[f"{made}.kernel"] = apart.tensor(f"{own}.kernel") * factor
        whole.tensors[f"{made}.bias"] = (apart.tensor(f"{own}.bias") - mean) * factor + offset
    for part in ("kernel", "bias"):
        whole.tensors[f"node5.{part}"] = apart.tensor(f"node7.{part}")
    images = np.random.default_rng(3).random((3, 5, 4, 2))
    options = {"composite": rule, "bias": biased}
    found = explained("lrp", apart, images, TARGETS, **options)["relevance"]
    expected = explained("lrp", whole, images, TARGETS, **options)["relevance"]
    assert np.abs(expected).max() > 0.01
    assert np.abs(found - expected).max() < 1e-11 * np.abs(expected).max()


def test_what_is_folded_and_what_is_never_below_0(chain) -> None:
    nodes = [
        {"name": "a", **CONV}, {"name": "b", "kind": "batch_norm"},
        {"name": "c", "kind": "add", "inputs": ["a", "b"]},
        {"name": "d", **CONV}, {"name": "e", "kind": "batch_norm"},
        {"name": "f", "kind": "batch_norm"}, {"name": "g", "kind": "relu6"},
        {"name": "h", "kind": "pad", "spatial": 1}, {"name": "i", "kind": "flatten"},
        {"name": "j", "kind": "dense", "units": 3},
    ]  # fmt: skip
    architecture = chain(nodes).architecture
    assert {name: norm.name for name, norm in folded(architecture).items()} == {"d": "e"}
    assert rectified(architecture) == {"g", "h", "i"}


def test_an_image_of_zeros_and_a_head_of_zeros_have_maps_of_zeros(chain) -> None:
    network = chain(UNBIASED, (9, 8, 3))
    zeros = explained("lrp", network, np.zeros((3, 9, 8, 3)), TARGETS, epsilon="0")
    np.testing.assert_array_equal(zeros["heatmap"], 0)
    network.tensors["node12.kernel"][:] = 0
    images = np.random.default_rng(3).random((3, 9, 8, 3))
    zeros = explained("lrp", network, images, TARGETS, epsilon="0")
    np.testing.assert_array_equal(zeros["heatmap"], 0)


def test_what_it_cannot_do_it_says(chain) -> None:
    with pytest.raises(BadInput, match="not defined for score probability; use logit"):
        methods.load("lrp").resolve({}, "probability")
    network = chain([CONV, {"kind": "silu"}, *READ])
    with pytest.raises(Unavailable, match="no rule for nodes of kind silu, as 'node1' is"):
        methods.load("lrp").layer(network.architecture, None)
