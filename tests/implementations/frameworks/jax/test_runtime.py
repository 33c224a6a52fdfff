from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from implementations import methods
from implementations.architecture import graph, registered, weights
from implementations.arrays import resize
from implementations.errors import BadInput, Unavailable
from implementations.oracle import runtime

jax = pytest.importorskip("jax")

from implementations.frameworks.jax import runtime as framework  # noqa: E402

ROOT = Path(__file__).parents[4]
BRANCHES = graph.parse(
    {
        "name": "branches",
        "input_shape": [11, 13, 4],
        "classes": 5,
        "nodes": [
            {
                "name": "normalise1", "kind": "normalise", "inputs": "input",
                "mean": [0.1, 0.2, 0.3, 0.4], "deviation": [0.5, 0.6, 0.7, 0.8],
                "order": [2, 0, 1, 3],
            },
            {
                "name": "conv1", "kind": "conv", "inputs": "normalise1", "filters": 6,
                "kernel": [3, 2], "stride": 2, "padding": "same", "groups": 2, "bias": False,
            },
            {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
            {"name": "relu1", "kind": "relu", "inputs": "norm1"},
            {
                "name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 6, "kernel": 3,
                "dilation": 2, "padding": [[2, 2], [1, 3]],
            },
            {"name": "relu2", "kind": "relu6", "inputs": "conv2"},
            {"name": "add1", "kind": "add", "inputs": ["relu1", "relu2"]},
            {
                "name": "pool1", "kind": "max_pool", "inputs": "add1", "size": 3, "stride": 2,
                "padding": 1, "rounding": "ceil",
            },
            {
                "name": "pool2", "kind": "average_pool", "inputs": "add1", "size": 3, "stride": 2,
                "padding": 1, "rounding": "ceil", "count_padding": True,
            },
            {
                "name": "pool3", "kind": "average_pool", "inputs": "add1", "size": 2, "stride": 2,
                "padding": "same",
            },
            {"name": "pad1", "kind": "pad", "inputs": "pool3", "spatial": [[1, 0], [0, 0]],
             "channels": [1, 2]},
            {"name": "conv3", "kind": "conv", "inputs": "pad1", "filters": 3, "kernel": [2, 1],
             "padding": "valid"},
            {"name": "dropout1", "kind": "dropout", "inputs": "conv3", "rate": 0.5},
            {"name": "gap1", "kind": "global_average_pool", "inputs": "pool1"},
            {"name": "gap2", "kind": "global_average_pool", "inputs": "pool2"},
            {"name": "flatten1", "kind": "flatten", "inputs": "dropout1"},
            {"name": "concat1", "kind": "concat", "inputs": ["gap1", "gap2", "flatten1"]},
            {"name": "dense1", "kind": "dense", "inputs": "concat1", "units": 5},
        ],
    },
    "branches",
)  # fmt: skip
COMPARED = [
    (BRANCHES, "relu1", "logit"),
    (BRANCHES, "conv1", "probability"),
    (registered.get("cnn-48-32-16", (8, 8, 1)), "relu3", "logit"),
    (registered.get("cnn-pool-dropout", (14, 14, 3)), "relu1", "log_probability"),
    (registered.get("cnn-gap", (8, 8, 3)), "relu4", "probability"),
]


def inputs(architecture, count=4, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.random((count, *architecture.input_shape), np.float32)
    return images, generator.integers(0, architecture.classes, count).astype(np.int32)


def explained(module, architecture, layer, score, column, precision, mode):
    """Logits and Grad-CAM's stages of random weights, in NumPy."""
    network = module.build(architecture, weights.randomise(architecture, 1), "cpu", precision)
    method = methods.load("grad_cam")
    outputs = ("activations", "gradients", "signed")
    explain = method.bind(column, module, network, layer, method.resolve({}, score), outputs, mode)
    arrays = module.put(network, *inputs(architecture))
    stages = {**explain(*arrays), "logits": network(arrays[0])}
    return {name: module.to_numpy(values) for name, values in stages.items()}


def largest_error(precision):
    """Over all architectures and stages: the error relative to the stage's largest magnitude."""
    errors = {}
    for case in COMPARED:
        given = explained(runtime, *case, "reference", "float64", "eager")
        got = explained(framework, *case, "jax", precision, "compiled")
        assert got.keys() == given.keys()
        for stage, values in given.items():
            assert got[stage].dtype == precision
            error = np.abs(got[stage] - values).max() / np.abs(values).max()
            errors[f"{case[0].name} {case[1:]} {stage}"] = float(error)
    worst = max(errors, key=errors.__getitem__)
    return worst, errors[worst]


def python(code, **environment):
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_agrees_with_the_oracle_in_float32():
    worst, error = largest_error("float32")
    assert error < 2e-6, worst


def test_agrees_with_the_oracle_in_float64():
    code = (
        "import importlib.util, json\n"
        f"spec = importlib.util.spec_from_file_location('compared', {str(Path(__file__))!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(json.dumps(module.largest_error('float64')))\n"
    )
    worst, error = json.loads(python(code, JAX_ENABLE_X64="1"))
    assert error < 1e-12, worst


def test_loads_no_other_framework():
    code = (
        "import sys, implementations.frameworks.jax.training\n"
        "print(sorted({'torch', 'tensorflow', 'keras'} & set(sys.modules)))\n"
    )
    assert python(code).strip() == "[]"


def test_probe_gives_reasons():
    assert framework.probe("cpu", "float32", "compiled") is None
    assert framework.probe("cpu", "bfloat16", "eager") is None
    assert "compiled" in framework.probe("cpu", "float32", "xla")
    assert "JAX_ENABLE_X64" in framework.probe("cpu", "float64", "eager")
    assert "TF32" in framework.probe("cpu", "tf32", "eager")
    with pytest.raises(Unavailable, match="JAX_ENABLE_X64"):
        framework.build(BRANCHES, weights.randomise(BRANCHES, 0), "cpu", "float64")


@pytest.mark.parametrize(
    "architecture", [BRANCHES, registered.get("cnn-gap")], ids=lambda a: a.name
)
def test_weights_come_back_exactly(architecture):
    given = weights.randomise(architecture, 3)
    back = framework.weights(framework.build(architecture, given, "cpu", "float32"))
    assert back.keys() == given.keys()
    for name, values in given.items():
        assert back[name].dtype == values.dtype
        np.testing.assert_array_equal(back[name], values)


def test_build_refuses_the_weights_of_another_architecture():
    given = weights.randomise(BRANCHES, 0)
    lacking = {name: array for name, array in given.items() if name != "dense1.bias"}
    with pytest.raises(BadInput, match=r"dense1\.bias"):
        framework.build(BRANCHES, lacking, "cpu", "float32")
    with pytest.raises(BadInput, match="extra"):
        framework.build(BRANCHES, {**given, "extra": np.zeros(1)}, "cpu", "float32")


def test_compiled_equals_eager_and_depends_on_input_and_weights():
    architecture = registered.get("cnn-48-32-16", (8, 8, 1))
    networks = [
        framework.build(architecture, weights.randomise(architecture, seed), "cpu", "float32")
        for seed in (0, 1)
    ]
    method = methods.load("grad_cam")
    maps = {}
    for mode in ("eager", "compiled"):
        for which, network in enumerate(networks):
            options = method.resolve({})
            run = method.bind("jax", framework, network, "relu2", options, ("signed",), mode)
            for seed in (0, 1):
                stages = run(*framework.put(network, *inputs(architecture, seed=seed)))
                framework.wait(stages)
                assert stages.keys() == {"signed"}
                maps[mode, which, seed] = framework.to_numpy(stages["signed"])
            compiled = framework.compilations()
            run(*framework.put(network, *inputs(architecture, seed=2)))
            assert framework.compilations() == compiled
    scale = np.abs(maps["eager", 0, 0]).max()
    for which in (0, 1):
        for seed in (0, 1):
            np.testing.assert_allclose(
                maps["compiled", which, seed], maps["eager", which, seed], atol=1e-6 * scale
            )
    assert np.abs(maps["compiled", 0, 0] - maps["compiled", 0, 1]).max() > 0.01 * scale
    assert np.abs(maps["compiled", 0, 0] - maps["compiled", 1, 0]).max() > 0.01 * scale


def test_features_and_head_make_the_whole_at_every_layer():
    network = framework.build(BRANCHES, weights.randomise(BRANCHES, 0), "cpu", "float32")
    images = framework.put(network, inputs(BRANCHES)[0])
    for layer in ("input", *graph.layers(BRANCHES)):
        logits = network.head(layer, *network.features(layer, images))
        np.testing.assert_allclose(logits, network(images), rtol=1e-6)
    np.testing.assert_array_equal(
        network.tensor("dense1.kernel"), weights.randomise(BRANCHES, 0)["dense1.kernel"]
    )


def test_resize_agrees_with_the_oracle_growing_and_shrinking():
    network = framework.build(BRANCHES, weights.randomise(BRANCHES, 0), "cpu", "float32")
    heatmaps = np.random.default_rng(0).random((2, 5, 9), np.float32)
    for size in ((28, 28), (3, 4)):
        np.testing.assert_allclose(
            network.resize(heatmaps, size), resize(heatmaps, size), atol=1e-6
        )
