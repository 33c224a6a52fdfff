"""Training in Keras: the data on the device, one compiled step, losses fetched once an epoch.

`model.fit` reports running means and fetches them at every step, so the step is written out with
each backend's own gradient, as the Keras guides on custom training loops do. On PyTorch the step is
not compiled: Keras itself does not by default, and dropout's generator cannot be traced.
Mode `eager` is the plain way, a `train_on_batch` loop over NumPy batches with Keras' defaults.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from implementations.architecture.recipes import OPTIMIZERS, Recipe
from implementations.architecture.shapes import parameters
from implementations.arrays import Array, Images, Targets
from implementations.errors import BadInput, unknown
from implementations.frameworks.keras.backends import BACKEND, NAME, own_code
from implementations.frameworks.keras.network import Network
from implementations.frameworks.keras.runtime import build, put, weights
from implementations.frameworks.keras.weights import assign

ACCUMULATED = 32
"""Images whose gradients are formed at a time by JAX on a CPU, and summed over the batch.

XLA's gradient by a convolution's kernel costs more than in proportion to the batch there.
"""

Epoch = Callable[[Array, Array, Sequence[NDArray[np.int32]]], list[Array]]
"""(images, labels, the images of each step) -> the mean loss per image of each step."""


class MatchedAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Kingma & Ba 2015, algorithm 1: epsilon after the bias correction. Keras' own is before it.

    `1 - beta ** t` is formed as `-expm1(t log beta)`: by subtraction it has lost four of float32's
    seven digits at the first step. The rate grows over the first `warm_up` steps.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe.learning_rate, recipe.beta_1, recipe.beta_2, recipe.epsilon)
        self.warm_up = recipe.warm_up

    def update_step(self, gradient: Array, variable: Any, learning_rate: Array) -> None:
        """One step of one variable."""
        step = ops.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign(mean, self.beta_1 * mean + (1 - self.beta_1) * gradient)
        self.assign(square, self.beta_2 * square + (1 - self.beta_2) * ops.square(gradient))
        corrected = mean / -ops.expm1(step * math.log(self.beta_1))
        scale = ops.sqrt(square / -ops.expm1(step * math.log(self.beta_2))) + self.epsilon
        rate = ops.cast(learning_rate, variable.dtype) * ops.minimum(step / self.warm_up, 1)
        self.assign_sub(variable, rate * corrected / scale)


def make_optimizer(name: str, recipe: Recipe) -> Any:
    """One of `OPTIMIZERS`; `native` is Keras' own Adam with Keras' epsilon. Raises BadInput."""
    if name == "matched":
        return MatchedAdam(recipe)
    if name == "native":
        return keras.optimizers.Adam(recipe.learning_rate)
    if name == "sgd":
        return keras.optimizers.SGD(recipe.sgd_learning_rate)
    raise BadInput(unknown("optimizer", name, OPTIMIZERS))


class KerasTrainer:
    """Training of a copy of a network."""

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        optimizer: str,
        images: Images,
        labels: Targets,
        seed: int,
        mode: str,
    ) -> None:
        device = "gpu" if BACKEND.gpu() else "cpu"
        network = build(network.architecture, weights(network), device, network.precision)
        self.network = network
        self._optimizer = make_optimizer(optimizer, recipe)
        self._optimizer.build(network.model.trainable_variables)
        self._state = _state_variables(network, self._optimizer, seed)
        self._data: tuple[Array, Array]
        if mode == "eager":
            self._data = images, labels
            self._epoch = _plain(network.model, self._optimizer, recipe.loss)
        else:
            self._data = put(network, images, labels)
            make = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[NAME]
            self._epoch = make(network.model, self._optimizer, recipe.loss, mode)

    def epoch(self, order: NDArray[np.int64], batch: int) -> NDArray[np.float64]:
        """Run the images in this order; the mean loss per image of every step, the last partial."""
        chosen = np.asarray(order, np.int32)
        batches = [chosen[start : start + batch] for start in range(0, len(chosen), batch)]
        losses = self._epoch(*self._data, batches)
        return np.asarray(BACKEND.to_host(ops.stack(losses)), np.float64)

    def state(self) -> dict[str, NDArray[Any]]:
        """Neutral weights, and as `optimizer/...` the optimiser and the dropout generators."""
        kept = {name: BACKEND.to_host(v.value) for name, v in self._state.items()}
        return {**weights(self.network), **kept}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state. Raises BadInput where a part of it is not there."""
        names = list(parameters(self.network.architecture))
        for name in [*names, *self._state]:
            if name not in state:
                raise BadInput(f"the training state has no {name!r}: it is another training's")
        assign(self.network, {name: state[name] for name in names})
        for name, variable in self._state.items():
            variable.assign(state[name])

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The neutral weights now."""
        return weights(self.network)


def _state_variables(network: Network, optimizer: Any, seed: int) -> dict[str, Any]:
    """The optimiser's variables and the dropout generators, these seeded, by name."""
    found = {f"optimizer/{v.path.split('/', 1)[1]}": v for v in optimizer.variables}
    for position, node in enumerate(network.architecture.nodes):
        if node.kind == "dropout" and node["rate"] > 0:
            generator = network.model.get_layer(node.name).seed_generator.state
            first = int(np.random.SeedSequence([seed, position]).generate_state(1)[0])
            generator.assign(np.array([first, 0], np.uint32))
            found[f"optimizer/{node.name}.generator"] = generator
    return found


def _losses(labels: Array, logits: Array, kind: str) -> tuple[Array, Array]:
    """What is differentiated, by the recipe's loss, and the mean per image."""
    each = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    total = ops.sum(each)
    mean = total / each.shape[0]
    return (total if kind == "sum" else mean), mean


def _tensorflow(model: Any, optimizer: Any, kind: str, mode: str) -> Epoch:
    import tensorflow as tf

    variables = model.trainable_variables

    def step(images: Array, labels: Array, chosen: Array) -> Array:
        with tf.GradientTape() as tape:
            logits = model(tf.gather(images, chosen), training=True)
            loss, mean = _losses(tf.gather(labels, chosen), logits, kind)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return mean

    compiled = tf.function(own_code(step), autograph=False, jit_compile=mode == "xla")
    return lambda images, labels, batches: [
        compiled(images, labels, tf.constant(chosen)) for chosen in batches
    ]


def _jax(model: Any, optimizer: Any, kind: str, mode: str) -> Epoch:
    import jax

    groups = model.trainable_variables, model.non_trainable_variables, optimizer.variables
    # Batch normalisation needs its whole batch at once.
    whole = BACKEND.gpu() or any(
        isinstance(n, keras.layers.BatchNormalization) for n in model.layers
    )

    def loss(trainable: list[Array], kept: Any, images: Array, labels: Array) -> tuple[Array, Any]:
        logits, kept = model.stateless_call(trainable, kept, images, training=True)
        return _losses(labels, logits, "sum")[0], kept

    def step(state: Any, images: Array, labels: Array, chosen: Array) -> tuple[Any, Array]:
        trainable, kept, optimizer_state = state
        batch, total = len(chosen), 0.0
        gradients = jax.tree.map(ops.zeros_like, trainable)
        size = batch if whole else ACCUMULATED
        for start in range(0, batch, size):  # unrolled: XLA's loops are slow on a CPU
            part = chosen[start : start + size]
            (lost, kept), added = jax.value_and_grad(loss, has_aux=True)(
                trainable, kept, images[part], labels[part]
            )
            gradients = jax.tree.map(ops.add, gradients, added)
            # One part after the other: all at once they fill the caches and the memory.
            trainable, gradients = jax.lax.optimization_barrier((trainable, gradients))
            total += lost
        if kind == "mean":
            gradients = [gradient / batch for gradient in gradients]
        trainable, optimizer_state = optimizer.stateless_apply(
            optimizer_state, gradients, trainable
        )
        return (trainable, kept, optimizer_state), total / batch

    compiled = jax.jit(step, donate_argnums=0)

    def epoch(images: Array, labels: Array, batches: Sequence[NDArray[np.int32]]) -> list[Array]:
        state = tuple([v.value for v in group] for group in groups)
        losses = []
        for chosen in batches:
            state, mean = compiled(state, images, labels, chosen)
            losses.append(mean)
        for group, values in zip(groups, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return losses

    return epoch


def _torch(model: Any, optimizer: Any, kind: str, mode: str) -> Epoch:
    import torch

    variables = model.trainable_variables

    def step(images: Array, labels: Array, chosen: Array) -> Array:
        logits = model(images[chosen], training=True)
        loss, mean = _losses(labels[chosen], logits, kind)
        gradients = torch.autograd.grad(loss, [v.value for v in variables])
        with torch.no_grad():
            optimizer.apply(list(gradients), variables)
        return mean.detach()

    return lambda images, labels, batches: [
        step(images, labels, torch.as_tensor(chosen, device=images.device)) for chosen in batches
    ]


def _plain(model: Any, optimizer: Any, kind: str) -> Epoch:
    reduction = "sum" if kind == "sum" else "sum_over_batch_size"
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
    model.compile(optimizer=optimizer, loss=loss)

    def epoch(images: Array, labels: Array, batches: Sequence[NDArray[np.int32]]) -> list[Array]:
        losses = []
        for chosen in batches:
            logs = model.train_on_batch(images[chosen], labels[chosen], return_dict=True)
            losses.append(logs["loss"] / (len(chosen) if kind == "sum" else 1))
        return losses

    return epoch


trainer = KerasTrainer
