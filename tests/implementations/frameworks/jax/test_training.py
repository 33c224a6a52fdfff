import numpy as np
import pytest

from implementations.architecture import graph, recipes, registered, weights
from implementations.errors import BadInput

pytest.importorskip("jax")

from implementations.frameworks.jax import runtime as framework
from implementations.frameworks.jax import training

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


def digits():
    from sklearn.datasets import load_digits

    bundled = load_digits()
    images = (bundled.images / 16).astype(np.float32)[..., None]
    return images, bundled.target.astype(np.int32)


def started(architecture, recipe, optimizer, data, seed=0, mode="compiled"):
    network = framework.build(architecture, weights.initialise(architecture, 0), "cpu", "float32")
    return training.trainer(network, recipe, optimizer, *data, seed, mode)


@pytest.mark.parametrize("optimizer", recipes.OPTIMIZERS)
def test_loss_falls(optimizer):
    architecture, data = registered.get("cnn-32-16", (8, 8, 1)), digits()
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
            registered.get("mlp-512-100", (8, 8, 1)),
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
    generator = np.random.default_rng(0)
    images = generator.random((6, 2, 2, 1), np.float32)
    labels = generator.integers(0, 3, 6).astype(np.int32)
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
        trainer = training.trainer(network, recipes.Recipe(), "sgd", *data, seed, "compiled")
        losses.setdefault(seed, []).append(trainer.epoch(np.arange(64), 64)[0])
    assert losses[0][0] == losses[0][1] != losses[1][0]
    inner = framework.to_numpy(network.features("conv1", framework.put(network, data[0][:64]))[0])
    after = trainer.weights()
    np.testing.assert_allclose(after["norm1.mean"], 0.1 * inner.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(after["norm1.variance"], 0.9 + 0.1 * inner.var((0, 1, 2)), rtol=1e-4)
    np.testing.assert_array_equal(network(images), logits)
    assert weights.digest(framework.weights(network)) == weights.digest(before)
