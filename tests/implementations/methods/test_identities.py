"""What holds of methods at a layer on any network: generated ones, on the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle_maps import explained

from implementations import methods
from implementations.architecture import graph
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.arrays import Floats
from implementations.oracle import runtime
from implementations.oracle.network import Reference

METHODS = [methods.load(name) for name in methods.names()]
LAYER = [method.name for method in METHODS if method.at == "layer"]
DRAWN = [method.name for method in METHODS if method.at == "layer" and method.card.draws]
AGNOSTIC = ["eigen_cam", "fem", "random_cam"]
"""What reads neither the target nor the head."""
CURVED = ["grad_cam_plus_plus", "score_cam", "smooth_grad_cam_plus_plus"]
"""What is not linear in the score."""
FEW = settings(max_examples=12, deadline=None, derandomize=True)


@st.composite
def networks(draw: Callable[[Any], Any], pooled: bool | None = None) -> Reference:
    """One or two blocks of convolutions, then a global pool and a dense layer, or two of these."""
    height, width, colours = draw(st.tuples(*[st.integers(4, 7)] * 2, st.integers(1, 3)))
    nodes: list[dict[str, Any]] = []

    def add(kind: str, *more: str, **settings: Any) -> None:
        name = f"{kind.replace('_', '')}{len(nodes)}"
        read = [nodes[-1]["name"] if nodes else "input", *more]
        nodes.append({"name": name, "kind": kind, "inputs": read, **settings})

    for _ in range(draw(st.integers(1, 2))):
        kernel = draw(st.sampled_from([1, 3]))
        add("conv", filters=draw(st.integers(1, 4)), kernel=kernel, padding="same")
        before = nodes[-1]["name"]
        if draw(st.booleans()):
            add("batch_norm")
        for kind in draw(st.sampled_from([["relu"], ["relu6"], ["relu", "relu6"]])):
            add(kind)
        if draw(st.booleans()):
            add("add", before)
    if draw(st.booleans()):
        add(draw(st.sampled_from(["max_pool", "average_pool"])), size=2, stride=2)
    classes = draw(st.integers(2, 4))
    if draw(st.booleans()) if pooled is None else pooled:
        add("global_average_pool")
    else:
        add("flatten")
        add("dense", units=draw(st.integers(1, 5)))
        add("relu")
    add("dense", units=classes)
    form = {"input_shape": [height, width, colours], "classes": classes, "nodes": nodes}
    architecture = graph.parse(form, "generated")
    return runtime.build(architecture, randomise(architecture, draw(st.integers(0, 999))))


class Case:
    """A method at a layer of a network, on three images."""

    def __init__(self, name: str, network: Reference, data: st.DataObject) -> None:
        self.name, self.network = name, network
        architecture, method = network.architecture, methods.load(name)
        served = graph.layers(architecture)
        where = [place for place in served if method.card.applies(architecture, place) is None]
        assume(where)
        self.layer = data.draw(st.sampled_from(where))
        generator = np.random.default_rng(data.draw(st.integers(0, 999)))
        self.images = generator.random((3, *architecture.input_shape))
        self.targets = generator.integers(0, architecture.classes, 3).astype(np.int32)
        self.options = {"samples": "3"} if "samples" in method.options else {}

    def stages(self, network: Reference | None = None, **asked: Any) -> dict[str, Floats]:
        asked = {"images": self.images, "targets": self.targets, **asked}
        network = network or self.network
        return explained(self.name, network, layer=self.layer, **asked, **self.options)

    def signed(self, network: Reference | None = None, **asked: Any) -> Floats:
        found = self.stages(network, **asked)
        return found.get("signed", found["heatmap"])

    def alike(self, found: Floats, expected: Floats) -> None:
        """To 1e-12 of an image's peak, and the less exact the nearer a divisor is to nothing."""
        margins: list[Floats] = []
        self.stages(self.network.watched(margins))
        rounding = 1e-12 / np.clip(np.min([*margins, np.ones(3)], axis=0) * 100, 1e-9, 1)
        peaks = np.abs(expected).reshape(3, -1).max(axis=1)
        errors = np.abs(found - expected).reshape(3, -1).max(axis=1)
        assert (errors <= rounding * peaks).all(), (errors, peaks, rounding)


def headed(network: Reference, factor: float) -> Reference:
    """The same network, whose logits are times a factor."""
    last = network.architecture.output
    changed = {f"{last}.{part}": network.tensor(f"{last}.{part}") for part in ("kernel", "bias")}
    changed = {name: factor * tensor for name, tensor in changed.items()}
    return runtime.build(network.architecture, {**network.tensors, **changed})


@FEW
@given(networks(pooled=True), st.data())
def test_before_a_global_pool_and_a_dense_layer(network: Reference, data: st.DataObject) -> None:
    case = Case("cam", network, data)
    plain = case.stages()
    height, width = plain["activations"].shape[1:3]
    for name in ("grad_cam", "hires_cam", "xgrad_cam"):
        case.name = name
        case.alike(case.signed() * height * width, plain["signed"])
    kernel, means = plain["weights"], plain["activations"].mean(axis=(1, 2))
    positive = np.maximum(kernel, 0)
    closed = {
        "ablation_cam": kernel * means,
        "grad_cam_plus_plus": positive / (2 + positive * means),
    }
    for name, expected in closed.items():
        case.name = name
        case.alike(case.stages()["weights"], expected)


@pytest.mark.parametrize("name", [name for name in LAYER if name not in CURVED])
@FEW
@given(networks(), st.data())
def test_a_method_linear_in_the_score_grows_with_the_head(
    name: str, network: Reference, data: st.DataObject
) -> None:
    case = Case(name, network, data)
    factor = 1.0 if name in AGNOSTIC else 10 ** data.draw(st.floats(-3, 3))
    larger = headed(network, 10.0 if name in AGNOSTIC else factor)
    case.alike(case.signed(larger, score="logit"), factor * case.signed(score="logit"))


@FEW
@given(networks(), st.data(), st.floats(-3, 3))
def test_grad_cam_plus_plus_follows_its_divisor(
    network: Reference, data: st.DataObject, power: float
) -> None:
    case = Case("grad_cam_plus_plus", network, data)
    factor, plain = 10**power, case.stages()
    positive = factor * np.maximum(plain["gradients"], 0)
    divisors = 2 + positive * plain["activations"].sum(axis=(1, 2), keepdims=True)
    assume(np.abs(divisors).min() > 0.1)
    weights = (positive / divisors).sum(axis=(1, 2))
    case.alike(case.stages(headed(network, factor))["weights"], weights)


@pytest.mark.parametrize("name", LAYER)
@FEW
@given(networks(), st.data())
def test_a_head_of_zeros_says_nothing_and_divides_by_nothing(
    name: str, network: Reference, data: st.DataObject
) -> None:
    case = Case(name, network, data)
    found = case.stages(headed(network, 0.0))
    for stage, array in found.items():
        assert np.isfinite(array).all(), stage
    if name == "score_cam":
        channels = found["weights"].shape[1]
        np.testing.assert_allclose(found["weights"], 1 / channels, rtol=1e-12)
    elif name not in AGNOSTIC:
        assert not found["signed"].any()


@pytest.mark.parametrize("name", LAYER)
@FEW
@given(networks(), st.data(), st.permutations(range(3)))
def test_an_image_is_explained_alike_alone_and_in_any_order(
    name: str, network: Reference, data: st.DataObject, order: list[int]
) -> None:
    case = Case(name, network, data)
    signed = case.signed()
    again = case.signed(images=case.images[order], targets=case.targets[order])
    case.alike(again[np.argsort(order)], signed)
    alone = [
        case.signed(images=case.images[n : n + 1], targets=case.targets[n : n + 1])
        for n in range(3)
    ]
    case.alike(np.concatenate(alone), signed)


@pytest.mark.parametrize("name", AGNOSTIC)
@FEW
@given(networks(), st.data())
def test_what_reads_neither_target_nor_head_is_the_same_for_any(
    name: str, network: Reference, data: st.DataObject
) -> None:
    case = Case(name, network, data)
    classes = network.architecture.classes
    signed = case.signed()
    np.testing.assert_array_equal(case.signed(targets=(case.targets + 1) % classes), signed)
    np.testing.assert_array_equal(case.signed(headed(network, -7.0)), signed)


@pytest.mark.parametrize("name", DRAWN)
def test_one_seed_is_one_map_and_another_seed_another(name: str) -> None:
    architecture = get("cnn-32-16-8", (6, 6, 1), 4)
    network = runtime.build(architecture, randomise(architecture, 0))
    images = np.random.default_rng(1).random((2, 6, 6, 1))
    asked = (name, network, images, np.array([1, 2], np.int32), "relu2")
    first, again, other = (explained(*asked, seed=seed)["signed"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
