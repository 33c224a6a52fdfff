"""ONNX Runtime's column: every kind of node forward, parts of a network, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from kind_answers import images, network_of
from node_cases import SETTINGS

from implementations import frameworks, methods
from implementations.architecture import graph, weights
from implementations.errors import Unavailable
from implementations.oracle import runtime as oracle

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from implementations.frameworks.onnxruntime import runtime as framework

SKIPS = graph.parse(
    {
        "name": "skips", "input_shape": [9, 7, 3], "classes": 4,
        "nodes": [
            {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 3, "kernel": 3},
            {"name": "relu1", "kind": "relu", "inputs": "conv1"},
            {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 3, "kernel": 3},
            {"name": "add1", "kind": "add", "inputs": ["conv2", "relu1", "input"]},
            {"name": "flatten1", "kind": "flatten", "inputs": "add1"},
            {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 4},
        ],
    },
    "skips",
)  # fmt: skip


def off(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


LACKING = "local_response_norm even"
"""The case that the runtime has no form of."""


def test_what_the_runtime_cannot_run_has_a_reason() -> None:
    architecture = network_of(LACKING)
    network = framework.build(architecture, weights.randomise(architecture, 7), "cpu", "float32")
    with pytest.raises(Unavailable, match="onnxruntime cannot run this network"):
        network(framework.put(network, images()))


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("case", [case for case in SETTINGS if case != LACKING])
def test_every_kind_agrees_with_the_oracle(case: str, optimised: bool) -> None:
    architecture = network_of(case)
    tensors = weights.randomise(architecture, 7)
    reference = oracle.build(architecture, tensors)
    network = framework.build(architecture, tensors, "cpu", "float32").optimising(optimised)
    expected, rest = reference.features("before", oracle.put(reference, images()))
    found, more = network.features("before", framework.put(network, images()))
    assert found.dtype == np.float32 and off(found, expected) < 5e-6
    logits = reference.head("before", expected, rest)
    assert off(network(framework.put(network, images())), logits) < 5e-6
    assert off(network.head("before", found, more), logits) < 5e-6


def test_a_part_reads_what_passes_it_by() -> None:
    tensors = weights.randomise(SKIPS, 3)
    network, reference = framework.build(SKIPS, tensors, "cpu", "float32"), oracle.build(
        SKIPS, tensors
    )  # fmt: skip
    given = np.random.default_rng(0).random((2, 9, 7, 3), np.float32)
    expected = reference(given.astype(np.float64))
    for layer in ("input", *graph.layers(SKIPS)):
        activations, rest = network.features(layer, given)
        assert rest.keys() == set(graph.cut(SKIPS, layer).rest)
        assert off(network.head(layer, activations, rest), expected) < 5e-6, layer
    back = framework.weights(network)
    assert back.keys() == tensors.keys()
    assert all(np.array_equal(back[name], tensors[name]) for name in tensors)


def test_scores_are_sound_where_they_saturate() -> None:
    network = framework.build(SKIPS, weights.randomise(SKIPS, 3), "cpu", "float32")
    logits = np.array([[90.0, 0, -3, 1], [-90, 5, 4, 0]], np.float32)
    targets = np.array([0, 0])
    for name in ("logit", "probability", "log_probability"):
        expected = oracle.build(SKIPS, weights.randomise(SKIPS, 3)).score(
            name, logits.astype(np.float64), targets
        )
        assert np.allclose(network.score(name, logits, targets), expected, rtol=1e-12, atol=0)


def test_optimising_is_counted_once_a_part() -> None:
    network = framework.build(SKIPS, weights.randomise(SKIPS, 3), "cpu", "float32")
    given = np.zeros((2, 9, 7, 3), np.float32)
    forward = framework.compiler(network, (), "compiled")(lambda network, images: network(images))
    before = framework.compilations()
    forward(network, given)
    assert framework.compilations() == before + 1
    forward(network, given)
    forward(network, given[:1])
    framework.compiler(network, (), "eager")(lambda network, images: network(images))(
        network, given
    )
    assert framework.compilations() == before + 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("gpu", "float32", "eager"), "CPU provider"),
        (("cpu", "float64", "eager"), "no float64 convolution"),
        (("cpu", "bfloat16", "eager"), "no bfloat16"),
        (("cpu", "float32", "xla"), "no mode xla"),
    ],
)
def test_what_it_has_not_has_a_reason(asked: tuple[str, str, str], said: str) -> None:
    assert said in str(framework.probe(*asked))
    assert framework.probe("cpu", "float32", "compiled") is None
    tensors = weights.randomise(SKIPS, 3)
    if asked[2] == "eager":
        with pytest.raises(Unavailable, match=said):
            framework.build(SKIPS, tensors, *asked[:2])
    else:
        network = framework.build(SKIPS, tensors, "cpu", "float32")
        with pytest.raises(Unavailable, match=said):
            framework.compiler(network, (), asked[2])


def test_a_method_that_needs_a_gradient_is_grey() -> None:
    with pytest.raises(Unavailable, match="grad_cam needs a gradient, which onnxruntime does not"):
        methods.load("grad_cam").builder("onnxruntime")
    here = {name for name in methods.names() if methods.load(name).has("onnxruntime")}
    assert {"cam", "occlusion", "rise", "score_cam", "ablation_cam"} <= here
    assert not here & {"saliency", "shapley_cam", "lrp", "expected_gradients"}
    with pytest.raises(Unavailable, match="trains no network"):
        frameworks.trainers("onnxruntime")
    network = framework.build(SKIPS, weights.randomise(SKIPS, 3), "cpu", "float32")
    with pytest.raises(Unavailable, match="needs a gradient"):
        network.tapped(np.zeros((1, 9, 7, 3), np.float32), {})


def test_it_runs_where_it_is_asked_for() -> None:
    from bench.subject import names

    labels = [column.label for column in names.pick_columns(())]
    assert "onnxruntime" not in labels and len(labels) == len(frameworks.columns())
    assert [column.label for column in names.pick_columns(["onnxruntime"])] == ["onnxruntime"]
