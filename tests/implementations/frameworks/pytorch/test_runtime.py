from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from oracle_maps import kinks

from implementations import methods
from implementations.architecture import registered, weights
from implementations.architecture.graph import Architecture, parse
from implementations.errors import BadInput
from implementations.oracle import runtime as reference

pytest.importorskip("torch")

import torch

from implementations.frameworks.pytorch import runtime

STAGES = ("activations", "gradients", "weights", "signed", "heatmap")


def _graph(name: str, shape: tuple[int, int, int], classes: int, *nodes: dict) -> Architecture:
    form = {"name": name, "input_shape": shape, "classes": classes, "nodes": nodes}
    return parse(form, name)


BRANCHES = _graph(
    "branches", (11, 9, 3), 5,
    {"name": "n", "kind": "normalise", "inputs": "input", "order": [2, 0, 1],
     "mean": [0.4, 0.5, 0.6], "deviation": [0.2, 0.3, 0.4]},
    {"name": "c1", "kind": "conv", "inputs": "n", "filters": 6, "kernel": 3, "stride": 2},
    {"name": "b1", "kind": "batch_norm", "inputs": "c1"},
    {"name": "r1", "kind": "relu6", "inputs": "b1"},
    {"name": "c2", "kind": "conv", "inputs": "r1", "filters": 6, "kernel": [3, 1],
     "groups": 3, "dilation": [2, 1], "bias": False},
    {"name": "r2", "kind": "relu", "inputs": "c2"},
    {"name": "sum", "kind": "add", "inputs": ["r1", "r2"]},
    {"name": "p1", "kind": "max_pool", "inputs": "sum", "size": 2, "stride": 2, "rounding": "ceil"},
    {"name": "p2", "kind": "average_pool", "inputs": "sum", "size": 3, "stride": 2,
     "padding": [[0, 1], [1, 1]]},
    {"name": "p3", "kind": "max_pool", "inputs": "sum", "size": 3, "stride": 2,
     "padding": [[0, 2], [1, 1]]},
    {"name": "p4", "kind": "average_pool", "inputs": "sum", "size": 3, "stride": 2,
     "padding": [[1, 0], [1, 1]], "count_padding": True, "rounding": "ceil"},
    {"name": "wide", "kind": "pad", "inputs": "p1", "channels": [1, 2]},
    {"name": "cat", "kind": "concat", "inputs": ["wide", "p2", "p3", "p4"]},
    {"name": "c3", "kind": "conv", "inputs": "cat", "filters": 7, "kernel": 1, "padding": 1},
    {"name": "r3", "kind": "relu", "inputs": "c3"},
    {"name": "f1", "kind": "flatten", "inputs": "r3"},
    {"name": "f2", "kind": "flatten", "inputs": "p1"},
    {"name": "both", "kind": "concat", "inputs": ["f1", "f2"]},
    {"name": "b2", "kind": "batch_norm", "inputs": "both"},
    {"name": "d1", "kind": "dense", "inputs": "b2", "units": 5},
)  # fmt: skip
"""Every kind of node, asymmetric and ceil padding, and two flattened tensors read as one."""

MIXED = _graph(
    "mixed", (4, 4, 3), 12,
    {"name": "c1", "kind": "conv", "inputs": "input", "filters": 3, "kernel": 3, "stride": 2},
    {"name": "f1", "kind": "flatten", "inputs": "c1"},
    {"name": "d1", "kind": "dense", "inputs": "f1", "units": 12},
    {"name": "sum", "kind": "add", "inputs": ["f1", "d1"]},
)  # fmt: skip
"""A flattened tensor is added to a dense one, so no reordering of kernels can serve."""

SMALL = _graph(
    "small", (6, 6, 1), 4,
    {"name": "c1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
    {"name": "r1", "kind": "relu", "inputs": "c1"},
    {"name": "c2", "kind": "conv", "inputs": "r1", "filters": 3, "kernel": 3},
    {"name": "r2", "kind": "relu", "inputs": "c2"},
    {"name": "f", "kind": "flatten", "inputs": "r2"},
    {"name": "d", "kind": "dense", "inputs": "f", "units": 4},
)  # fmt: skip

TESTED = [
    pytest.param(registered.get(name), id=name)
    for name in ("cnn-32-16-8", "cnn-pool-dropout", "cnn-32-64-128", "cnn-gap", "mlp-512-100")
] + [pytest.param(a, id=a.name) for a in (BRANCHES, MIXED, SMALL)]


def _data(architecture: Architecture, count: int, seed: int = 0):
    generator = np.random.default_rng(seed)
    images = generator.random((count, *architecture.input_shape), dtype=np.float32)
    return images, (np.arange(count) % architecture.classes).astype(np.int32)


def _explain(module, network, architecture, layer, images, targets, mode="eager"):
    method = methods.load("grad_cam")
    name = "reference" if module is reference else "pytorch"
    prepared = method.bind(name, module, network, layer, method.resolve({}), STAGES, mode)
    stages = prepared(*module.put(network, images, targets))
    return {name: module.to_numpy(stage) for name, stage in stages.items()}


@pytest.mark.parametrize("architecture", TESTED)
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 2e-6)])
def test_agrees_with_the_oracle(architecture, precision, tolerance):
    tensors = weights.randomise(architecture, 1)
    images, targets = _data(architecture, 6)
    network = runtime.build(architecture, tensors, "cpu", precision)
    oracle = reference.build(architecture, tensors, "cpu", "float64")
    logits = runtime.to_numpy(network(runtime.put(network, images)))
    expected = oracle(reference.put(oracle, images))
    assert logits.dtype == precision
    assert np.abs(logits - expected).max() <= tolerance * np.abs(expected).max()
    names = [n.name for n in architecture.nodes if n.kind in ("conv", "max_pool")]
    for layer in names:
        ours = _explain(runtime, network, architecture, layer, images, targets)
        theirs = _explain(reference, oracle, architecture, layer, images, targets)
        kinked = np.asarray(kinks(oracle, layer, reference.put(oracle, images))) < 1e-6
        for stage in STAGES:
            scale = np.abs(theirs["signed" if stage == "heatmap" else stage]).max()
            error = np.abs(ours[stage] - theirs[stage])[~kinked].max()
            assert ours[stage].dtype == precision
            assert error <= tolerance * scale, (layer, stage)


@pytest.mark.parametrize("architecture", TESTED)
def test_weights_come_back_as_they_went(architecture):
    tensors = weights.randomise(architecture, 2)
    network = runtime.build(architecture, tensors, "cpu", "float32")
    back = runtime.weights(network)
    assert back.keys() == tensors.keys()
    for name, array in tensors.items():
        assert back[name].dtype == np.float32
        np.testing.assert_array_equal(back[name], array)
    own = [*network.parameters(), *(b for n, b in network.named_buffers() if "running" in n)]
    assert len(own) == len(tensors)
    for node in architecture.nodes:
        if node.kind == "dense":
            kernel = runtime.to_numpy(network.tensor(f"{node.name}.kernel"))
            np.testing.assert_array_equal(kernel, tensors[f"{node.name}.kernel"])


def test_other_weights_are_refused():
    tensors = weights.randomise(SMALL, 0)
    with pytest.raises(BadInput, match="no tensor"):
        runtime.build(SMALL, {k: v for k, v in tensors.items() if k != "d.bias"}, "cpu", "float32")
    with pytest.raises(BadInput, match="belongs to no node"):
        runtime.build(SMALL, {**tensors, "x.bias": np.zeros(3, np.float32)}, "cpu", "float32")


def test_layout_is_set_even_with_one_channel():
    network = runtime.build(SMALL, weights.randomise(SMALL, 0), "cpu", "float32")
    images, _ = _data(SMALL, 3)
    assert network.layout == "channels_last"
    assert runtime.put(network, images).stride() == (36, 1, 6, 1)
    network.layout = "contiguous"
    assert runtime.put(network, images).stride() == (36, 36, 6, 1)


def test_compiled_equals_eager_and_compiles_once():
    network = runtime.build(SMALL, weights.randomise(SMALL, 3), "cpu", "float32")
    targets = _data(SMALL, 5)[1]
    method = methods.load("grad_cam")
    eager, compiled = (
        method.bind("pytorch", runtime, network, "r1", method.resolve({}), STAGES, mode)
        for mode in ("eager", "compiled")
    )
    before = runtime.compilations()
    outputs = []
    for seed in (0, 1, 2):
        placed = runtime.put(network, _data(SMALL, 5, seed)[0], targets)
        wanted, got = eager(*placed), compiled(*placed)
        runtime.wait(got)
        for stage in STAGES:
            scale = wanted[stage].abs().max()
            assert (wanted[stage] - got[stage]).abs().max() <= 1e-6 * scale
        outputs.append(got["signed"])
    assert runtime.compilations() == before + 1
    assert not torch.equal(outputs[0], outputs[1])
    with torch.no_grad():
        network.layers["c2"].weight.mul_(2.0)
    assert not torch.equal(compiled(*placed)["signed"], outputs[2])
    assert runtime.compilations() == before + 1


def test_only_the_outputs_asked_for():
    network = runtime.build(SMALL, weights.randomise(SMALL, 3), "cpu", "float32")
    method = methods.load("grad_cam")
    prepared = method.bind("pytorch", runtime, network, "r1", method.resolve({}))
    stages = prepared(*runtime.put(network, *_data(SMALL, 2)))
    assert list(stages) == ["heatmap"]
    assert not stages["heatmap"].requires_grad


def test_more_functions_than_dynamo_lets_one_code_object_have():
    network = runtime.build(SMALL, weights.randomise(SMALL, 3), "cpu", "float32")
    placed = runtime.put(network, *_data(SMALL, 2))

    prepared = []
    with torch._dynamo.config.patch(recompile_limit=1):
        for factor in (2, 3):

            def explain(network, images, targets, factor=factor):
                return {"heatmap": images[:, 0] * factor}

            prepared.append(runtime.compiler(network, ("heatmap",), "compiled")(explain))
            prepared[-1](network, *placed)
        for factor, run in zip((2, 3), prepared, strict=True):
            assert torch.equal(run(network, *placed)["heatmap"], placed[0][:, 0] * factor)


def test_resize_is_bilinear_with_half_pixel_centres():
    network = runtime.build(SMALL, weights.randomise(SMALL, 3), "cpu", "float32")
    heatmap = torch.tensor([[[0.0, 1.0]]])
    assert network.resize(heatmap, (1, 4)).tolist() == [[[0.0, 0.25, 0.75, 1.0]]]


def test_bfloat16_crosses_to_numpy_as_float32():
    network = runtime.build(SMALL, weights.randomise(SMALL, 3), "cpu", "bfloat16")
    logits = network(runtime.put(network, _data(SMALL, 2)[0]))
    assert logits.dtype == torch.bfloat16
    assert runtime.to_numpy(logits).dtype == np.float32


def test_what_is_not_here_has_a_reason():
    assert runtime.probe("cpu", "float32", "eager") is None
    assert runtime.probe("cpu", "float32", "compiled") is None
    assert "XLA" in runtime.probe("cpu", "float32", "xla")
    assert "GPU" in runtime.probe("cpu", "tf32", "eager")
    if not torch.cuda.is_available():
        assert "no GPU" in runtime.probe("gpu", "float32", "eager")
    assert runtime.versions()["torch"] == torch.__version__


def test_loads_no_other_framework():
    code = (
        "import sys; import implementations.frameworks.pytorch.runtime; "
        "print(sorted({'jax', 'tensorflow', 'keras', 'flax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nodes_may_bear_the_names_of_module_attributes() -> None:
    architecture = _graph(
        "odd", (8, 8, 1), 3,
        {"name": "type", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
        {"name": "forward", "kind": "relu", "inputs": "type"},
        {"name": "keys", "kind": "flatten", "inputs": "forward"},
        {"name": "train", "kind": "dense", "inputs": "keys", "units": 3},
    )  # fmt: skip
    images = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    tensors = weights.initialise(architecture, 0)
    network = runtime.build(architecture, tensors, "cpu", "float64")
    found = runtime.to_numpy(network(runtime.put(network, images)))
    expected = reference.build(architecture, tensors)(images.astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert runtime.weights(network).keys() == tensors.keys()
