"""Channels put in another order, then (x - mean) / deviation, each channel its own numbers.

What a network trained on standardised, or on BGR, images does first with images in [0, 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import (
    LARGEST,
    SMALLEST,
    Setting,
    integer,
    number,
    several,
)
from implementations.arrays import Array, Floats, Tensors


def _read_order(value: Any) -> Any:
    return None if value is None else several(integer(0))(value)


SETTINGS = {
    "mean": Setting("a list of finite numbers", several(number(-LARGEST))),
    "deviation": Setting("a list of numbers above 0, in float32 too", several(number(SMALLEST))),
    "order": Setting("null or a list of channels, counted from 0", _read_order, None),
}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """Unchanged."""
    if len(inputs[0]) != 3:
        raise ValueError("it needs (height, width, channels)")
    channels = inputs[0][-1]
    if not len(node["mean"]) == len(node["deviation"]) == channels:
        raise ValueError(f"mean and deviation need {channels} values")
    if node["order"] is not None and sorted(node["order"]) != list(range(channels)):
        raise ValueError(f"order must rearrange 0..{channels - 1}")
    return inputs[0]


def _order(node: Node) -> list[int]:
    return list(node["order"] if node["order"] is not None else range(len(node["mean"])))


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """In order, then standardised."""
    centred: Floats = inputs[0][..., _order(node)] - np.array(node["mean"])
    scaled: Floats = centred / np.array(node["deviation"])
    return scaled


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Divided, and each channel back in its place."""
    back = np.empty_like(gradient)
    back[..., _order(node)] = gradient / np.array(node["deviation"])
    return [back]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """A function."""
    import jax.numpy as jnp

    def normalised(x: Array) -> Array:
        x = x if node["order"] is None else x[..., jnp.array(node["order"])]
        mean, deviation = jnp.array([node["mean"], node["deviation"]], x.dtype)
        return (x - mean) / deviation

    return normalised


def pytorch(node: Node, read: Shape) -> Any:
    """A module whose numbers go to the device with it; images are (N, C, H, W)."""
    import torch

    class Normalise(torch.nn.Module):  # type: ignore[misc]
        """Channels put in order, then (x - mean) / deviation."""

        def __init__(self) -> None:
            super().__init__()
            for name in ("mean", "deviation"):
                column = torch.tensor(node[name], dtype=torch.float64)[:, None, None]
                self.register_buffer(name, column, persistent=False)
            self.order = list(node["order"]) if node["order"] is not None else None

        def forward(self, images: Array) -> Array:
            """Normalise images (N, C, H, W)."""
            ordered = images if self.order is None else images[:, self.order]
            return (ordered - self.mean) / self.deviation

    return Normalise()


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """Operations; a gather does not compile everywhere, slices do."""
    from keras import ops

    mean = ops.convert_to_tensor(np.array(node["mean"]), dtype)
    deviation = ops.convert_to_tensor(np.array(node["deviation"]), dtype)
    order = node["order"]

    def apply(inputs: Any) -> Any:
        if order is not None:
            inputs = ops.concatenate([inputs[..., c : c + 1] for c in order], axis=-1)
        return ops.divide(ops.subtract(inputs, mean), deviation)

    return apply
