"""What the suite must know of Keras on each of its backends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from implementations.frameworks.jax import traits as jax
from implementations.frameworks.pytorch import traits as torch
from implementations.traits import Count, Traits

ONE_OPERATION = "__wrapped__"
"""How TensorFlow names the function that it makes of each operation which runs eagerly."""


def functions() -> Count:
    """How many functions TensorFlow was seen to have traced; each has a name of its own."""
    from tensorflow.python.eager import context

    seen: set[str] = set()

    def traced() -> int:
        names = context.context().list_function_names()
        seen.update(name for name in names if not name.startswith(ONE_OPERATION))
        return len(seen)

    return traced


@contextmanager
def uncompiled() -> Iterator[None]:
    """Every `tf.function` runs as the Python that it was made of."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def reset_pool() -> float | None:
    """Forget the peak of TensorFlow's pool on the host; what is in use now, in MB."""
    import tensorflow as tf

    try:
        tf.config.experimental.reset_memory_stats("CPU:0")
        return float(tf.config.experimental.get_memory_info("CPU:0")["current"]) / 2**20
    except ValueError:  # its allocator does not count
        return None


def pool_peak() -> float:
    """The most that was in use of TensorFlow's pool on the host since `reset_pool`, in MB."""
    import tensorflow as tf

    return float(tf.config.experimental.get_memory_info("CPU:0")["peak"]) / 2**20


TRAITS = {
    "tensorflow": Traits(
        "tensorflow",
        step_counter=functions,
        uncompiled=uncompiled,
        reset_pool=reset_pool,
        pool_peak=pool_peak,
    ),
    "jax": jax.TRAITS[""],
    "torch": torch.TRAITS[""]._replace(
        every_seed=False,
        eager_step="not compiled: Keras on PyTorch steps eagerly, data on the device",
    ),
}
