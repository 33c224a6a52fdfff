"""The PyTorch module of every node, and ReLUs with another backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from implementations.architecture.graph import Architecture
from implementations.architecture.kinds import KINDS
from implementations.architecture.node import Node
from implementations.arrays import Array
from implementations.frameworks.pytorch.weights import feature_orders


def layer(node: Node, architecture: Architecture) -> nn.Module:
    """The module of a node; one that needs padding of its own is a Sequential of the two."""
    shape = architecture.shapes[node.inputs[0]]
    module: nn.Module = KINDS[node.kind].builder("pytorch")(node, shape)
    reorder = node.kind == "flatten" and len(shape) == 3 and feature_orders(architecture) is None
    return nn.Sequential(ChannelsLast(), module) if reorder else module


class ChannelsLast(nn.Module):  # type: ignore[misc]
    """(N, C, H, W) to (N, H, W, C)."""

    def forward(self, activations: Array) -> Array:
        """Move the channels to the end."""
        return activations.permute(0, 2, 3, 1)


# ReLUs with another backward pass


class _Ruled(torch.autograd.Function):  # type: ignore[misc]
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Array, guided: bool, ceiling: float | None) -> Array:
        return x.clamp(0, ceiling)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Array, bool, float | None], output: Array) -> None:
        x, ctx.guided, ctx.ceiling = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, gradient: Array) -> tuple[Array, None, None]:
        (x,) = ctx.saved_tensors
        passed = gradient > 0
        if ctx.guided:
            passed = passed & (x > 0)
            if ctx.ceiling is not None:
                passed = passed & (x < ctx.ceiling)
        return torch.where(passed, gradient, 0), None, None


def _rectify(x: Array, guided: bool, ceiling: float | None) -> Array:
    rectified: Array = _Ruled.apply(x, guided, ceiling)
    return rectified


class RuledReLU(nn.Module):  # type: ignore[misc]
    """A ReLU (up to a ceiling) whose backward pass is guided or a deconvolution's."""

    def __init__(self, rule: str, ceiling: float | None) -> None:
        super().__init__()
        self.guided, self.ceiling = rule == "guided", ceiling
        # Dynamo would trace into an autograd.Function under torch.func.grad and drop its backward
        # pass without a word (pytorch/pytorch#193279); left whole, AOTAutograd honours it.
        torch.compiler.allow_in_graph(_rectify)

    def forward(self, x: Array) -> Array:
        """The ReLU itself."""
        return _rectify(x, self.guided, self.ceiling)
