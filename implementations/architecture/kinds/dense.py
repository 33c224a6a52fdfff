"""x K + b of a vector x: kernel K is (in, out)."""

from __future__ import annotations

import math
from typing import Any

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import COUNT, FLAG
from implementations.arrays import Floats, Tensors

SETTINGS = {"units": COUNT, "bias": FLAG.otherwise(True)}


def shape(node: Node, inputs: list[Shape]) -> Shape:
    """The units."""
    if len(inputs[0]) != 1:
        raise ValueError("a dense node reads a vector; put a flatten before it")
    return (node["units"],)


def parameters(node: Node, read: Shape) -> dict[str, Shape]:
    """Kernel (in, out), bias (out,)."""
    units = node["units"]
    kernel: dict[str, Shape] = {"kernel": (read[-1], units)}
    return {**kernel, "bias": (units,)} if node["bias"] else kernel


def operations(node: Node, read: Shape, made: Shape) -> int:
    """Two a multiply-add."""
    return 2 * math.prod(made[:-1]) * math.prod(parameters(node, read)["kernel"])


def forward(node: Node, tensors: Tensors, inputs: list[Floats]) -> Floats:
    """The product."""
    output = inputs[0] @ tensors["kernel"]
    return output + tensors["bias"] if node["bias"] else output


def backward(node: Node, tensors: Tensors, inputs: list[Floats], gradient: Floats) -> list[Floats]:
    """Through the transposed kernel."""
    return [gradient @ tensors["kernel"].T]


def jax(node: Node, read: Shape, types: dict[str, Any]) -> Any:
    """The layer."""
    from flax import nnx

    return nnx.Linear(read[-1], node["units"], use_bias=node["bias"], **types)


def pytorch(node: Node, read: Shape) -> Any:
    """The module."""
    from torch import nn

    return nn.Linear(read[-1], node["units"], bias=node["bias"])


def keras(node: Node, read: Shape, dtype: str) -> Any:
    """The layer."""
    import keras as library

    class Dense(library.layers.Dense):  # type: ignore[misc]
        """On PyTorch the kernel (in, out) lies in memory as PyTorch's own does, (out, in).

        The product that this makes is the one `torch.nn.Linear` has; the other is as fast, but of
        long rows on some CPUs, and of one image on all, several times less exact.
        """

        def build(self, input_shape: Any) -> None:
            """Make the variables."""
            super().build(input_shape)
            if library.backend.backend() == "torch":
                held = self.kernel.value
                held.data = held.data.T.contiguous().T

    return Dense(
        node["units"],
        use_bias=node["bias"],
        kernel_initializer="zeros",
        dtype=dtype,
        name=node.name,
    )
