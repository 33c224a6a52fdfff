import numpy as np
import pytest
from sklearn.datasets import load_digits

from implementations.architecture import weights
from implementations.architecture.graph import parse
from implementations.architecture.recipes import Recipe

pytest.importorskip("torch")

import torch

from implementations.frameworks.pytorch import runtime, training

TRAINED = parse(
    {
        "input_shape": (8, 8, 1), "classes": 10,
        "nodes": [
            {"name": "c1", "kind": "conv", "inputs": "input", "filters": 8, "kernel": 3},
            {"name": "r1", "kind": "relu", "inputs": "c1"},
            {"name": "drop", "kind": "dropout", "inputs": "r1", "rate": 0.1},
            {"name": "f", "kind": "flatten", "inputs": "drop"},
            {"name": "d", "kind": "dense", "inputs": "f", "units": 10},
        ],
    },
    "trained",
)  # fmt: skip
PLAIN = parse(
    {
        "input_shape": (8, 8, 1), "classes": 10,
        "nodes": [{"name": "f", "kind": "flatten", "inputs": "input"},
                  {"name": "d", "kind": "dense", "inputs": "f", "units": 10}],
    },
    "plain",
)  # fmt: skip


def _digits():
    digits = load_digits()
    images = (digits.images[:500, :, :, None] / 16).astype(np.float32)
    return images, digits.target[:500].astype(np.int32)


def _trainer(mode, optimizer="matched", loss="mean", architecture=TRAINED, seed=7):
    network = runtime.build(architecture, weights.initialise(architecture, 0), "cpu", "float32")
    recipe = Recipe(learning_rate=1e-2, loss=loss, warm_up=4)
    return training.trainer(network, recipe, optimizer, *_digits(), seed, mode)


@pytest.mark.parametrize(
    ("optimizer", "loss"),
    [("matched", "mean"), ("matched", "sum"), ("native", "mean"), ("sgd", "mean")],
)
def test_loss_falls(optimizer, loss):
    trainer = _trainer("eager", optimizer, loss)
    order = np.arange(500)
    first = trainer.epoch(order, 64)
    last = [trainer.epoch(order, 64) for _ in range(4)][-1]
    assert first.shape == (8,) and first.dtype == np.float64
    assert first[0] == pytest.approx(np.log(10), abs=0.5)
    assert last.mean() < (0.9 if optimizer == "sgd" else 0.7) * first.mean()


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_going_on_equals_training_in_one_go(mode):
    orders = [np.random.default_rng(i).permutation(500) for i in range(2)]
    whole = _trainer(mode)
    before = runtime.compilations()
    losses = [whole.epoch(order, 128) for order in orders]
    assert runtime.compilations() - before == (1 if mode == "compiled" else 0)
    first = _trainer(mode)
    np.testing.assert_array_equal(first.epoch(orders[0], 128), losses[0])
    state = {name: np.array(array) for name, array in first.state().items()}
    first.epoch(orders[1], 128)
    second = _trainer(mode, seed=99)
    second.restore(state)
    torch.rand(3)
    np.testing.assert_array_equal(second.epoch(orders[1], 128), losses[1])
    for name, array in whole.state().items():
        np.testing.assert_array_equal(second.state()[name], array)


def test_compiled_and_eager_train_alike():
    order = np.arange(500)
    losses = [_trainer(m, architecture=PLAIN).epoch(order, 64) for m in ("eager", "compiled")]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_matched_adam_is_the_formula():
    start = {k: v.astype(np.float64) for k, v in weights.initialise(PLAIN, 0).items()}
    network = runtime.build(PLAIN, weights.initialise(PLAIN, 0), "cpu", "float64")
    recipe = Recipe(learning_rate=1e-2, epsilon=1e-3, warm_up=1)
    images, labels = _digits()
    trainer = training.trainer(network, recipe, "matched", images, labels, 0, "eager")
    trainer.epoch(np.arange(500), 500)
    pixels = images.reshape(500, -1).astype(np.float64)
    logits = pixels @ start["d.kernel"]
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(500), labels] -= 1
    gradient = pixels.T @ p / 500
    wanted = start["d.kernel"] - 1e-2 * gradient / (np.abs(gradient) + 1e-3)
    # The loss is taken in float32, so the gradient has its rounding: 1e-7 of a step of 1e-2.
    np.testing.assert_allclose(trainer.state()["d.kernel"], wanted, atol=2e-9)


def test_training_leaves_the_network_and_the_process_alone():
    network = runtime.build(TRAINED, weights.initialise(TRAINED, 0), "cpu", "float32")
    torch.manual_seed(5)
    wanted = torch.rand(4)
    torch.manual_seed(5)
    trainer = training.trainer(network, Recipe(), "matched", *_digits(), 0, "eager")
    trainer.epoch(np.arange(500), 250)
    assert torch.equal(torch.rand(4), wanted)
    assert not network.training
    np.testing.assert_array_equal(
        runtime.weights(network)["d.kernel"], weights.initialise(TRAINED, 0)["d.kernel"]
    )
    assert (trainer.weights()["d.kernel"] != runtime.weights(network)["d.kernel"]).any()
    assert all(array.dtype == np.float32 for array in trainer.weights().values())
