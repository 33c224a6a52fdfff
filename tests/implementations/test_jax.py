from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from implementations import architectures, graph, methods, recipes, reference, weights
from implementations.contract import BadInput, Unavailable

jax = pytest.importorskip("jax")

from implementations.frameworks import jax as framework  # noqa: E402
from implementations.frameworks.jax_layers import rectifier  # noqa: E402

ROOT = Path(__file__).parents[2]
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
LINEAR = graph.parse(
    {
        "name": "linear", "input_shape": [2, 2, 1], "classes": 3,
        "nodes": [
            {"name": "flatten1", "kind": "flatten", "inputs": "input"},
            {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 3},
        ],
    },
    "linear",
)  # fmt: skip
NOISY = graph.parse(
    {
        "name": "noisy", "input_shape": [8, 8, 1], "classes": 10,
        "nodes": [
            {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
            {"name": "norm1", "kind": "batch_norm", "inputs": "conv1", "momentum": 0.9},
            {"name": "relu1", "kind": "relu", "inputs": "norm1"},
            {"name": "dropout1", "kind": "dropout", "inputs": "relu1", "rate": 0.5},
            {"name": "flatten1", "kind": "flatten", "inputs": "dropout1"},
            {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 10},
        ],
    },
    "noisy",
)  # fmt: skip
COMPARED = [
    (BRANCHES, "relu1", "logit"),
    (BRANCHES, "conv1", "probability"),
    (architectures.get("cnn-48-32-16", (8, 8, 1)), "relu3", "logit"),
    (architectures.get("cnn-pool-dropout", (14, 14, 3)), "relu1", "log_probability"),
    (architectures.get("cnn-gap", (8, 8, 3)), "relu4", "probability"),
]


def inputs(architecture, count=4, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.random((count, *architecture.input_shape), np.float32)
    return images, generator.integers(0, architecture.classes, count).astype(np.int32)


def explained(module, architecture, layer, score, column, precision, mode):
    """Logits and Grad-CAM's stages of random weights, in NumPy."""
    network = module.build(architecture, weights.randomise(architecture, 1), "cpu", precision)
    method = methods.load("grad_cam")
    grad_cam = method.builder(column)(network, layer, method.resolve({}, score))

    def explain(network, images, targets):
        return {**grad_cam(network, images, targets), "logits": network(images)}

    outputs = ("logits", "activations", "gradients", "signed")
    arrays = module.put(network, *inputs(architecture))
    stages = module.prepare(network, explain, outputs, mode)(*arrays)
    return {name: module.to_numpy(values) for name, values in stages.items()}


def largest_error(precision):
    """Over all architectures and stages: the error relative to the stage's largest magnitude."""
    errors = {}
    for case in COMPARED:
        given = explained(reference, *case, "reference", "float64", "eager")
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
        "import sys, implementations.frameworks.jax, implementations.frameworks.jax_training\n"
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
        framework.build(LINEAR, weights.randomise(LINEAR, 0), "cpu", "float64")


@pytest.mark.parametrize("architecture", [BRANCHES, NOISY], ids=lambda a: a.name)
def test_weights_come_back_exactly(architecture):
    given = weights.randomise(architecture, 3)
    back = framework.weights(framework.build(architecture, given, "cpu", "float32"))
    assert back.keys() == given.keys()
    for name, values in given.items():
        assert back[name].dtype == values.dtype
        np.testing.assert_array_equal(back[name], values)


def test_build_refuses_the_weights_of_another_architecture():
    given = weights.randomise(LINEAR, 0)
    with pytest.raises(BadInput, match=r"dense1\.bias"):
        framework.build(LINEAR, {"dense1.kernel": given["dense1.kernel"]}, "cpu", "float32")
    with pytest.raises(BadInput, match="extra"):
        framework.build(LINEAR, {**given, "extra": np.zeros(1)}, "cpu", "float32")


def test_compiled_equals_eager_and_depends_on_input_and_weights():
    architecture = architectures.get("cnn-48-32-16", (8, 8, 1))
    networks = [
        framework.build(architecture, weights.randomise(architecture, seed), "cpu", "float32")
        for seed in (0, 1)
    ]
    method = methods.load("grad_cam")
    maps = {}
    for mode in ("eager", "compiled"):
        for which, network in enumerate(networks):
            explain = method.builder("jax")(network, "relu2", method.resolve({}))
            run = framework.prepare(network, explain, ("signed",), mode)
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
        network.kernel("dense1"), weights.randomise(BRANCHES, 0)["dense1.kernel"]
    )


def test_changed_relus_worked_by_hand():
    nodes = [
        {"name": "relu1", "kind": "relu", "inputs": "input"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 2, "bias": False},
    ]
    form = {"input_shape": [1, 5, 1], "classes": 2, "nodes": nodes}
    architecture = graph.parse(form, "relus")
    kernel = np.array([[3, 1], [3, 1], [-3, 1], [-3, 1], [3, 1]], np.float32)
    plain = framework.build(architecture, {"dense1.kernel": kernel}, "cpu", "float32")
    images = framework.put(plain, np.array([1, -1, 2, -2, 0], np.float32).reshape(1, 1, 5, 1))

    def gradient(network, images):
        return jax.grad(lambda x: network(x)[:, 0].sum())(images).reshape(-1).tolist()

    def changed(rule):
        return lambda x: plain.with_relu(rule)(x)[:, 0].sum()

    assert gradient(plain, images) == [3, 0, -3, 0, 0]
    assert gradient(plain.with_relu("guided"), images) == [3, 0, 0, 0, 0]
    assert gradient(plain.with_relu("deconvolution"), images) == [3, 3, 0, 0, 3]
    compiled = jax.jit(jax.grad(changed("guided")))(images)
    assert compiled.reshape(-1).tolist() == [3, 0, 0, 0, 0]
    np.testing.assert_array_equal(plain.with_relu("guided")(images), plain(images))
    assert gradient(plain, images) == [3, 0, -3, 0, 0]
    with pytest.raises(BadInput, match="guided"):
        plain.with_relu("guide")


def test_relu6_keeps_its_own_bounds_under_a_rule():
    gradients = {
        rule: jax.vmap(jax.grad(rectifier("relu6", rule)))(np.float32([-1, 0, 3, 6, 7]))
        for rule in (None, "guided", "deconvolution")
    }
    assert gradients[None].tolist() == [0, 0, 1, 0, 0]
    assert gradients["guided"].tolist() == [0, 0, 1, 0, 0]
    assert gradients["deconvolution"].tolist() == [1, 1, 1, 1, 1]


def test_max_pool_pads_with_minus_infinity_and_gives_ties_to_the_first():
    pool = {"name": "pool1", "kind": "max_pool", "inputs": "input", "size": 2, "stride": 2}
    flatten = {"name": "flatten1", "kind": "flatten", "inputs": "pool1"}
    nodes = [{**pool, "padding": [[0, 0], [1, 1]]}, flatten]
    form = {"input_shape": [2, 2, 1], "classes": 2, "nodes": nodes}
    network = framework.build(graph.parse(form, "pool"), {}, "cpu", "float32")
    images = framework.put(network, np.full((1, 2, 2, 1), -1, np.float32))
    assert network(images).tolist() == [[-1, -1]]
    gradients = jax.grad(lambda x: network(x).sum())(images)
    assert gradients[0, :, :, 0].tolist() == [[1, 1], [0, 0]]


def test_scores_and_their_gradients_where_the_softmax_saturates():
    network = framework.build(LINEAR, weights.randomise(LINEAR, 0), "cpu", "float32")
    logits, targets = jax.numpy.float32([[40, 0, 0], [1, 2, 3]]), jax.numpy.int32([0, 1])

    def values_and_gradients(name):
        run = jax.vjp(lambda z: network.score(name, z, targets), logits)
        return run[0], run[1](jax.numpy.ones(2))[0]

    softmax = np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum()
    tiny = np.exp(-40.0)
    values, gradients = values_and_gradients("logit")
    assert values.tolist() == [40, 2]
    assert gradients.tolist() == [[1, 0, 0], [0, 1, 0]]
    values, gradients = values_and_gradients("probability")
    np.testing.assert_allclose(values, [1, softmax[1]], rtol=1e-6)
    np.testing.assert_allclose(gradients[0], [2 * tiny, -tiny, -tiny], rtol=1e-5)
    np.testing.assert_allclose(
        gradients[1], softmax[1] * (np.array([0, 1, 0]) - softmax), rtol=1e-5
    )
    values, gradients = values_and_gradients("log_probability")
    np.testing.assert_allclose(values, [-2 * tiny, np.log(softmax[1])], rtol=1e-5)
    np.testing.assert_allclose(gradients[0], [2 * tiny, -tiny, -tiny], rtol=1e-5)
    with pytest.raises(BadInput, match="logit"):
        network.score("logits", logits, targets)


def test_resize_agrees_with_the_oracle_growing_and_shrinking():
    heatmaps = np.random.default_rng(0).random((2, 5, 9), np.float32)
    for size in ((28, 28), (3, 4)):
        np.testing.assert_allclose(
            framework.resize(heatmaps, size), reference.resize(heatmaps, size), atol=1e-6
        )


def digits():
    from sklearn.datasets import load_digits

    bundled = load_digits()
    images = (bundled.images / 16).astype(np.float32)[..., None]
    return images, bundled.target.astype(np.int32)


def started(architecture, recipe, optimizer, data, seed=0, mode="compiled"):
    network = framework.build(architecture, weights.initialise(architecture, 0), "cpu", "float32")
    return framework.trainer(network, recipe, optimizer, *data, seed, mode)


@pytest.mark.parametrize("optimizer", recipes.OPTIMIZERS)
def test_loss_falls(optimizer):
    architecture, data = architectures.get("cnn-32-16", (8, 8, 1)), digits()
    recipe = recipes.Recipe(sgd_learning_rate=0.3, warm_up=1)
    trainer = started(architecture, recipe, optimizer, data)
    losses = np.array([trainer.epoch(np.arange(230), 64) for _ in range(6)])
    assert losses.shape == (6, 4)
    assert losses.dtype == np.float64
    assert losses[-1].mean() < 0.9 * losses[0].mean()


def test_both_modes_train_alike():
    order = np.random.default_rng(0).permutation(128)
    losses = {}
    for mode in ("compiled", "eager"):
        trainer = started(
            architectures.get("mlp-512-100", (8, 8, 1)),
            recipes.Recipe(warm_up=1),
            "matched",
            digits(),
            mode=mode,
        )
        losses[mode] = np.concatenate([trainer.epoch(order, 64) for _ in range(3)])
    np.testing.assert_allclose(losses["eager"], losses["compiled"], rtol=1e-5)
    assert losses["eager"][-1] < losses["eager"][0]


@pytest.mark.parametrize("optimizer", recipes.OPTIMIZERS)
def test_resumed_training_is_the_training_in_one_go(optimizer, tmp_path):
    data, recipe = digits(), recipes.Recipe()
    orders = [np.random.default_rng(e).permutation(160) for e in (0, 1)]
    whole = started(NOISY, recipe, optimizer, data, seed=5)
    first = started(NOISY, recipe, optimizer, data, seed=5)
    whole.epoch(orders[0], 80)
    first.epoch(orders[0], 80)
    weights.save(tmp_path / "state.safetensors", first.state())
    second = started(NOISY, recipe, optimizer, data, seed=6)
    second.restore(weights.load(tmp_path / "state.safetensors"))
    np.testing.assert_array_equal(second.epoch(orders[1], 80), whole.epoch(orders[1], 80))
    assert weights.digest(second.state()) == weights.digest(whole.state())
    assert second.weights().keys() == weights.initialise(NOISY, 0).keys()
    assert weights.digest(second.weights()) != weights.digest(first.weights())


def test_restore_refuses_the_state_of_another_optimizer():
    data = digits()
    trainer = started(NOISY, recipes.Recipe(), "matched", data)
    with pytest.raises(BadInput, match="optimizer"):
        trainer.restore(started(NOISY, recipes.Recipe(), "sgd", data).state())


@pytest.mark.parametrize("loss", ["mean", "sum"])
def test_one_step_is_the_formula(loss):
    images, labels = inputs(LINEAR, 6)
    before = weights.initialise(LINEAR, 0)
    flat = images.reshape(6, 4)
    logits = flat @ before["dense1.kernel"] + before["dense1.bias"]
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gradient = flat.T @ (softmax - np.eye(3)[labels]) / (6 if loss == "mean" else 1)
    recipe = recipes.Recipe(loss=loss, learning_rate=0.1, epsilon=0.05, warm_up=4)
    step = {
        "sgd": 0.05 * gradient,
        "matched": 0.1 / 4 * gradient / (np.abs(gradient) + 0.05),
        "native": 0.1 * gradient / (np.abs(gradient) + 1e-8),
    }
    for optimizer, expected in step.items():
        trainer = started(LINEAR, recipe, optimizer, (images, labels))
        reported = trainer.epoch(np.arange(6), 6)
        np.testing.assert_allclose(reported, -np.log(softmax[range(6), labels]).mean(), rtol=1e-5)
        moved = before["dense1.kernel"] - trainer.weights()["dense1.kernel"]
        np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-7)


def test_training_moves_the_statistics_draws_dropout_and_keeps_the_network():
    data, before = digits(), weights.initialise(NOISY, 0)
    network = framework.build(NOISY, before, "cpu", "float32")
    images = framework.put(network, data[0][:8])
    logits = np.array(network(images))
    losses = {}
    for seed in (0, 1, 0):
        trainer = framework.trainer(network, recipes.Recipe(), "sgd", *data, seed, "compiled")
        losses.setdefault(seed, []).append(trainer.epoch(np.arange(64), 64)[0])
    assert losses[0][0] == losses[0][1] != losses[1][0]
    inner = framework.to_numpy(network.features("conv1", framework.put(network, data[0][:64]))[0])
    after = trainer.weights()
    np.testing.assert_allclose(after["norm1.mean"], 0.1 * inner.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(after["norm1.variance"], 0.9 + 0.1 * inner.var((0, 1, 2)), rtol=1e-4)
    np.testing.assert_array_equal(network(images), logits)
    assert weights.digest(framework.weights(network)) == weights.digest(before)
