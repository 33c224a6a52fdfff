"""Training in JAX: Optax, one jitted step with donated state, the data on the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from implementations.architecture.recipes import Recipe
from implementations.arrays import Array, Images, Targets
from implementations.errors import BadInput
from implementations.frameworks.jax.network import Network
from implementations.frameworks.jax.runtime import put, to_numpy
from implementations.frameworks.jax.weights import filled, variables

State = dict[str, Any]

GENERATOR = "rbg"  # JAX's own, threefry, takes XLA seconds to compile for every dropout on a CPU
ACCUMULATED = 32
"""Images whose gradients are formed at a time on a CPU, and summed over the batch.

XLA's gradient by a convolution's kernel costs more than in proportion to the batch there: 13 ms for
32 images, 550 ms for 256 (32 to 16 channels, 28 x 28). The sum over a batch's parts is the same.
"""


def transformation(recipe: Recipe, optimizer: str) -> optax.GradientTransformation:
    """The Optax optimiser: `matched` by the recipe, `native` by Optax's defaults, or `sgd`."""
    match optimizer:
        case "matched":
            rate, steps = recipe.learning_rate, recipe.warm_up
            warming = optax.linear_schedule(rate / steps, rate, steps - 1)
            return optax.adam(warming, recipe.beta_1, recipe.beta_2, recipe.epsilon)
        case "native":
            return optax.adam(recipe.learning_rate)
        case "sgd":
            return optax.sgd(recipe.sgd_learning_rate)
    raise BadInput(f"unknown optimizer {optimizer!r}; one of: matched, native, sgd")


class JaxTrainer:
    """Training of one network.

    A Python loop over one jitted step: as a `lax.scan` the epoch is about five times slower on a
    CPU. Mode `compiled` gathers a batch on the device inside the step; mode `eager` is the plain
    loop of a tutorial, which slices on the host and sends every batch - its step is jitted too,
    because nobody trains in JAX without.
    """

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
        optimiser = transformation(recipe, optimizer)
        # Copies, for the step gives its state's memory away.
        arrays = {name: jnp.array(v[...], copy=True) for name, v in variables(network).items()}
        kept = (".mean", ".variance")
        parameters = {name: a for name, a in arrays.items() if not name.endswith(kept)}
        self._device = network.device
        key = jax.random.key_data(jax.random.key(seed, impl=GENERATOR))
        progress = {"optax": optimiser.init(parameters), "dropout": key, "steps": jnp.int32(0)}
        self._state: State = {
            "parameters": parameters,
            "statistics": {name: a for name, a in arrays.items() if name.endswith(kept)},
            "optimizer": jax.device_put(progress, self._device),
        }
        self._resident = mode != "eager"
        self._images, self._labels = put(network, images, labels)
        if not self._resident:
            self._images, self._labels = np.asarray(self._images), np.asarray(self._labels)
        together = self._device.platform == "cpu" and not self._state["statistics"]
        size = ACCUMULATED if together and self._resident else None
        self._step = _compile_step(network, recipe, optimiser, self._resident, size)

    def epoch(self, order: NDArray[np.int64], batch: int) -> NDArray[np.float64]:
        """Run the images in this order; the mean loss per image of every step, fetched once."""
        losses = []
        for data in self._batches(order.astype(np.int32), batch):
            self._state, loss = self._step(self._state, *data)
            losses.append(loss)
        return np.array(jax.device_get(losses), np.float64)

    def _batches(self, order: NDArray[np.int32], batch: int) -> Iterator[tuple[Array, ...]]:
        chunks = [order[start : start + batch] for start in range(0, len(order), batch)]
        if self._resident:
            chunks = jax.device_put(chunks, self._device)
        for chunk in chunks:
            if self._resident:
                yield self._images, self._labels, chunk
            else:
                host = (self._images[chunk], self._labels[chunk])
                yield jax.device_put(host, self._device)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The neutral weights now."""
        return {name: a.astype(np.float32) for name, a in self._tensors().items()}

    def _tensors(self) -> dict[str, NDArray[Any]]:
        arrays = {**self._state["parameters"], **self._state["statistics"]}
        return {name: to_numpy(array) for name, array in arrays.items()}

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on: the neutral weights and, as `optimizer/...`, the rest.

        That is Optax's state by its paths, the key of the dropout and the number of steps.
        """
        paths = jax.tree_util.tree_leaves_with_path(self._state["optimizer"])
        return {**self._tensors(), **{_path(path): to_numpy(leaf) for path, leaf in paths}}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state. Raises BadInput for one of another network or optimiser."""
        here = self.state()
        differing = here.keys() ^ state.keys()
        if differing:
            raise BadInput(
                f"the training state and this trainer differ in {min(differing)!r}; "
                "resume with the architecture and optimizer it was saved with"
            )

        def place(name: str, leaf: Array) -> Array:
            # A file turns a scalar into an array of one.
            if state[name].size != leaf.size:
                raise BadInput(f"training state: {name!r} has another shape than {leaf.shape}")
            value = np.reshape(state[name], leaf.shape).astype(leaf.dtype)
            return jax.device_put(value, self._device)

        self._state = {
            **{
                part: {name: place(name, leaf) for name, leaf in self._state[part].items()}
                for part in ("parameters", "statistics")
            },
            "optimizer": jax.tree_util.tree_map_with_path(
                lambda path, leaf: place(_path(path), leaf), self._state["optimizer"]
            ),
        }


def _path(path: Any) -> str:
    return f"optimizer/{jax.tree_util.keystr(path, simple=True, separator='/')}"


def _compile_step(
    network: Network,
    recipe: Recipe,
    optimiser: optax.GradientTransformation,
    resident: bool,
    size: int | None,
) -> Any:
    """(state, images, labels[, indices]) -> (state, mean loss per image), the state donated.

    The gradient is formed `size` images at a time and summed, or of the whole batch at once: batch
    normalisation needs that.
    """

    def loss(
        parameters: State, statistics: State, images: Array, labels: Array, key: Array
    ) -> tuple[Array, State]:
        model = filled(network, {**parameters, **statistics})
        model.train()
        logits = model(images, nnx.Rngs(dropout=key))
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        after = variables(model)
        return losses.sum(), {name: after[name][...] for name in statistics}

    def step(state: State, images: Array, labels: Array) -> tuple[State, Array]:
        parameters, progress = state["parameters"], state["optimizer"]
        key = jax.random.fold_in(
            jax.random.wrap_key_data(progress["dropout"], impl=GENERATOR), progress["steps"]
        )
        batch, statistics = len(images), state["statistics"]
        total, gradients = jnp.float32(0), jax.tree.map(jnp.zeros_like, parameters)
        for start in range(0, batch, size or batch):  # unrolled: XLA's loops are slow on a CPU
            part = slice(start, start + (size or batch))
            (lost, statistics), added = jax.value_and_grad(loss, has_aux=True)(
                parameters, statistics, images[part], labels[part], jax.random.fold_in(key, start)
            )
            gradients = jax.tree.map(jnp.add, gradients, added)
            # One part after the other: all at once they fill the caches and the memory.
            parameters, gradients = jax.lax.optimization_barrier((parameters, gradients))
            total += lost
        if recipe.loss == "mean":
            gradients = jax.tree.map(lambda gradient: gradient / batch, gradients)
        updates, moments = optimiser.update(gradients, progress["optax"], parameters)
        progress = {**progress, "optax": moments, "steps": progress["steps"] + 1}
        after = {
            "parameters": optax.apply_updates(parameters, updates),
            "statistics": statistics,
            "optimizer": progress,
        }
        return after, total / batch

    def gathered(state: State, images: Array, labels: Array, indices: Array) -> tuple[State, Array]:
        return step(state, images[indices], labels[indices])

    return jax.jit(gathered if resident else step, donate_argnums=0)


trainer = JaxTrainer
