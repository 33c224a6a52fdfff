"""How many images a library sends through a network: what its maps cost on any machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any


class Evaluations:
    """How many images have passed through a network's forward pass."""

    def __init__(self) -> None:
        self.images = 0


@contextmanager
def count_evaluations(network: Any) -> Iterator[Evaluations]:
    """Count the images that reach the logits of a PyTorch or Keras network within the block.

    An image in a batch of a hundred perturbed ones counts as one each. Backward passes are not
    counted, nor what a function compiled by JAX or PyTorch does. Do not time within the block: the
    counting costs.
    """
    evaluations = Evaluations()

    def count(logits: Any) -> None:
        evaluations.images += len(logits)

    watched = _hooked if hasattr(network, "register_forward_hook") else _wrapped
    with watched(network, count):
        yield evaluations


@contextmanager
def _hooked(network: Any, count: Callable[[Any], None]) -> Iterator[None]:
    handle = network.register_forward_hook(lambda module, arguments, logits: count(logits))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _wrapped(network: Any, count: Callable[[Any], None]) -> Iterator[None]:
    """Count at the Keras layer that gives the logits.

    Libraries make models of their own, but of the same layers: every model's pass goes through it.
    """
    from implementations.frameworks.keras.backends import NAME

    layer = network.model.get_layer(network.architecture.output)
    call = layer.call

    def counted(*arguments: Any, **settings: Any) -> Any:
        logits = call(*arguments, **settings)
        count(logits)
        return logits

    layer.call = counted
    try:
        with _untraced() if NAME == "tensorflow" else nullcontext():
            yield
    finally:
        del layer.call


@contextmanager
def _untraced() -> Iterator[None]:
    """Every `tf.function` runs as plain Python: a traced one calls its layers only once."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
