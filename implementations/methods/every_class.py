"""The maps of every class in one call: the option `targets=all` of cards that say how they do it.

    pulled: one pass through the trunk, then the method past the layer for each class
    scored: scores of masked images are taken of all classes at once, and go on as more images do

Maps are (N, h, w, K), the targets are not read. The oracle does one class after another. Methods
that pull back to the input have no such option, as a class costs them a whole pass, and neither has
Smooth Grad-CAM++, with a trunk pass for each noisy copy; what no target moves has one map for all.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from implementations.architecture.graph import cut
from implementations.arrays import Array, Intermediates
from implementations.contract import Builder, Compile, Explain, Options
from implementations.errors import Unavailable
from implementations.methods.card import Choice

TARGETS = Choice("given", ("given", "all"), "whose maps: the targets', or every class's")
MAPS = ("signed", "heatmap")


class Known:
    """A network that has its features at the layer already."""

    def __init__(self, network: Any, found: Any) -> None:
        self.network, self.found = network, found

    def features(self, layer: str, images: Array) -> Any:
        """What was found."""
        return self.found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    def __call__(self, images: Array) -> Array:
        """Logits (N, K)."""
        return self.network(images)


def pulled(framework: str, builder: Builder) -> Builder:
    """All classes of a builder whose one compiled function begins with the layer's features."""
    every = EVERY[framework]

    def build(network: Any, layer: str, options: Options, compile: Compile) -> Explain:
        one = builder(network, layer, options, lambda explain: explain)
        classes = network.architecture.classes
        batched = all(node.kind != "conv" for node in cut(network.architecture, layer).head)

        def explain(network: Any, images: Array, targets: Array, *draws: Any) -> Intermediates:
            found = network.features(layer, images)
            known = Known(network, found)

            def maps(target: Array) -> Intermediates:
                made = one(known, images, target, *draws)
                return {name: made[name] for name in MAPS if name in made}

            return {"activations": found[0], **every(maps, targets, classes, batched)}

        return compile(explain)

    return build


def _reference(maps: Any, targets: Array, classes: int, batched: bool) -> Intermediates:
    import numpy as np

    each = [maps(np.full_like(targets, k)) for k in range(classes)]
    return {name: np.stack([made[name] for made in each], axis=-1) for name in each[0]}


def _jax(maps: Any, targets: Array, classes: int, batched: bool) -> Intermediates:
    """`jax.vmap` over the class: what does not depend on it is done once."""
    import jax
    import jax.numpy as jnp

    every = jax.vmap(lambda k: maps(jnp.full_like(targets, k)), out_axes=-1)
    return every(jnp.arange(classes, dtype=targets.dtype))  # type: ignore[no-any-return]


def _pytorch(maps: Any, targets: Array, classes: int, batched: bool) -> Intermediates:
    """One class after another past a convolution, whose gradient `torch.vmap` makes slower."""
    import torch

    if batched:
        every = torch.vmap(lambda k: maps(k.expand(len(targets))), out_dims=1)
        return every(torch.arange(classes, device=targets.device))  # type: ignore[no-any-return]
    each = [maps(torch.full_like(targets, k)) for k in range(classes)]
    return {name: torch.stack([made[name] for made in each], dim=1) for name in each[0]}


def _keras(maps: Any, targets: Array, classes: int, batched: bool) -> Intermediates:
    from keras import ops

    each = [maps(ops.full_like(targets, k)) for k in range(classes)]
    return {name: ops.stack([made[name] for made in each], axis=-1) for name in each[0]}


class Scoring:
    """A network whose scores are of every class: (N K,), those of an image side by side."""

    def __init__(self, network: Any, rows: Any) -> None:
        self.network, self.rows = network, rows

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """The score of every class, each taken as a target's is."""
        return self.network.score(name, *self.rows(logits))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    def __call__(self, images: Array) -> Array:
        """Logits (N, K)."""
        return self.network(images)


def scored(framework: str, builder: Builder) -> Builder:
    """All classes of a builder that takes any number of scores for an image as so many images."""
    if framework == "reference":
        return pulled(framework, builder)
    rows, unfolded = ROWS[framework]

    def build(network: Any, layer: str, options: Options, compile: Compile) -> Explain:
        def scoring(function: Any) -> Any:
            return compile(lambda network, *arrays: function(Scoring(network, rows), *arrays))

        explain_rows = builder(network, layer, options, scoring)

        def explain(network: Any, images: Array, targets: Array, *draws: Any) -> Intermediates:
            made = explain_rows(network, images, targets, *draws)
            number = images.shape[0]
            return {
                name: unfolded(array, number) if name in MAPS else array
                for name, array in made.items()
                if name in (*MAPS, "activations")
            }

        return explain

    return build


def _jax_rows(logits: Array) -> tuple[Array, Array]:
    """A row of logits for each class, and this class."""
    import jax.numpy as jnp

    number, classes = logits.shape
    return jnp.repeat(logits, classes, axis=0), jnp.tile(jnp.arange(classes), number)


def _jax_maps(maps: Array, number: int) -> Array:
    """(N K, h, w) as (N, h, w, K)."""
    return maps.reshape(number, -1, *maps.shape[1:]).transpose(0, 2, 3, 1)


def _pytorch_rows(logits: Array) -> tuple[Array, Array]:
    """A row of logits for each class, and this class."""
    import torch

    number, classes = logits.shape
    every = torch.arange(classes, device=logits.device)
    return logits.repeat_interleave(classes, 0), every.repeat(number)


def _pytorch_maps(maps: Array, number: int) -> Array:
    """(N K, h, w) as (N, K, h, w)."""
    return maps.unflatten(0, (number, -1))


def _keras_rows(logits: Array) -> tuple[Array, Array]:
    """A row of logits for each class, and this class."""
    from keras import ops

    number, classes = logits.shape
    return ops.repeat(logits, classes, axis=0), ops.tile(ops.arange(classes, dtype="int32"), number)


def _keras_maps(maps: Array, number: int) -> Array:
    """(N K, h, w) as (N, h, w, K)."""
    from keras import ops

    return ops.transpose(ops.reshape(maps, (number, -1, *maps.shape[1:])), (0, 2, 3, 1))


HOW = {"pulled": pulled, "scored": scored}
"""By what a card says of its classes."""
EVERY = {"jax": _jax, "pytorch": _pytorch, "keras": _keras, "reference": _reference}
ROWS = {
    "jax": (_jax_rows, _jax_maps),
    "pytorch": (_pytorch_rows, _pytorch_maps),
    "keras": (_keras_rows, _keras_maps),
}


def served(framework: str, how: str, builder: Builder) -> Builder:
    """The builder of a method, which heeds the option `targets`. Raises Unavailable for all."""
    every = HOW[how](framework, builder) if framework in EVERY else None

    @wraps(builder)
    def build(network: Any, layer: str, options: Options, compile: Compile) -> Explain:
        chosen = every if options.targets == "all" else builder
        if chosen is None:
            raise Unavailable(f"all classes in one call are not written for {framework}")
        return chosen(network, layer, options, compile)

    return build
