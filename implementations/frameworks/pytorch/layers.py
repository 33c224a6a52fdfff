"""The PyTorch module of every kind of node, its padding made explicit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from implementations.architecture.graph import Architecture, Node, Pads, Shape
from implementations.architecture.shapes import Window, window
from implementations.arrays import Array
from implementations.frameworks.pytorch.weights import feature_orders


def layer(node: Node, architecture: Architecture) -> nn.Module:
    """The module of a node; one that needs padding of its own is a Sequential of the two."""
    shapes = architecture.shapes
    shape = shapes[node.inputs[0]]
    channels = shape[-1]
    if node.kind == "conv":
        return _conv(node, shape)
    if node.kind == "max_pool":
        return _max_pool(node, shape)
    if node.kind == "average_pool":
        return _average_pool(node, shape)
    if node.kind == "dense":
        return nn.Linear(channels, node["units"], bias=node["bias"])
    if node.kind == "batch_norm":
        make = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
        return make(channels, eps=node["epsilon"], momentum=1 - node["momentum"])
    if node.kind == "flatten":
        reorder = len(shape) == 3 and feature_orders(architecture) is None
        return nn.Sequential(ChannelsLast(), nn.Flatten()) if reorder else nn.Flatten()
    if node.kind == "pad":
        (top, bottom), (left, right) = node["spatial"]
        return nn.ConstantPad3d((left, right, top, bottom, *node["channels"]), 0.0)
    if node.kind == "normalise":
        return Normalise(node["mean"], node["deviation"], node["order"])
    return _PLAIN[node.kind](node)


_PLAIN: dict[str, Callable[[Node], nn.Module]] = {
    "relu": lambda node: nn.ReLU(),
    "relu6": lambda node: nn.ReLU6(),
    "global_average_pool": lambda node: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "dropout": lambda node: nn.Dropout(node["rate"]),
    "add": lambda node: Add(),
    "concat": lambda node: Concat(),
}


def _conv(node: Node, shape: Shape) -> nn.Module:
    w = window(node, shape)
    native = _same_windows(node, w, shape, ceil=False)
    conv = nn.Conv2d(
        shape[-1],
        node["filters"],
        w.kernel,
        stride=w.stride,
        padding=_before(w) if native else 0,
        dilation=w.dilation,
        groups=node["groups"],
        bias=node["bias"],
    )
    return conv if native else nn.Sequential(nn.ZeroPad2d(_sides(w)), conv)


def _max_pool(node: Node, shape: Shape) -> nn.Module:
    w = window(node, shape)
    for ceil in (False, True):
        if _same_windows(node, w, shape, ceil):
            return nn.MaxPool2d(w.kernel, w.stride, _before(w), ceil_mode=ceil)
    return nn.Sequential(nn.ConstantPad2d(_sides(w), -math.inf), nn.MaxPool2d(w.kernel, w.stride))


def _average_pool(node: Node, shape: Shape) -> nn.Module:
    w = window(node, shape)
    counted = node["count_padding"]
    for ceil in (False,) if counted else (False, True):
        if _same_windows(node, w, shape, ceil):
            return nn.AvgPool2d(w.kernel, w.stride, _before(w), ceil, count_include_pad=counted)
    pool = nn.AvgPool2d(w.kernel, w.stride)
    return nn.Sequential(nn.ZeroPad2d(_sides(w)), pool, Share(w, _counted(node, w, shape)))


def _counted(node: Node, w: Window, shape: Shape) -> Pads:
    """The cells along each axis that an average counts, from and up to: never ceil mode's own."""
    (top, bottom), (left, right) = ((0, 0), (0, 0))
    if node["count_padding"] and node["padding"] != "valid":
        (top, bottom), (left, right) = w.pads if node["padding"] == "same" else node["padding"]
    return (-top, shape[0] + bottom), (-left, shape[1] + right)


def _before(w: Window) -> tuple[int, int]:
    return w.pads[0][0], w.pads[1][0]


def _sides(w: Window) -> tuple[int, int, int, int]:
    """The padding as PyTorch writes it: left, right, top, bottom."""
    return (*w.pads[1], *w.pads[0])


def _same_windows(node: Node, w: Window, shape: Shape, ceil: bool) -> bool:
    """Whether the module's own symmetric padding gives just these windows.

    Windows start at minus the padding before, and beyond the end there is only padding: so they
    are the same ones if there are as many. A pool takes no more padding than half its window.
    """
    for axis in (0, 1):
        n, before, stride = shape[axis], w.pads[axis][0], w.stride[axis]
        span = n + 2 * before - (w.kernel[axis] - 1) * w.dilation[axis] - 1
        out = (math.ceil(span / stride) if ceil else span // stride) + 1
        if ceil and (out - 1) * stride >= n + before:
            out -= 1
        if span < 0 or out != w.size[axis] or (node.kind != "conv" and 2 * before > w.kernel[axis]):
            return False
    return True


class Add(nn.Module):  # type: ignore[misc]
    """The sum of its inputs."""

    def forward(self, *inputs: Array) -> Array:
        """Add them in order."""
        total = inputs[0]
        for value in inputs[1:]:
            total = total + value
        return total


class Concat(nn.Module):  # type: ignore[misc]
    """Its inputs, channel after channel."""

    def forward(self, *inputs: Array) -> Array:
        """Concatenate along axis 1."""
        return torch.cat(inputs, dim=1)


class ChannelsLast(nn.Module):  # type: ignore[misc]
    """(N, C, H, W) to (N, H, W, C)."""

    def forward(self, activations: Array) -> Array:
        """Move the channels to the end."""
        return activations.permute(0, 2, 3, 1)


class Normalise(nn.Module):  # type: ignore[misc]
    """Channels put in order, then (x - mean) / deviation."""

    def __init__(
        self, mean: tuple[float, ...], deviation: tuple[float, ...], order: tuple[int, ...] | None
    ) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("deviation", deviation)):
            column = torch.tensor(values, dtype=torch.float64)[:, None, None]
            self.register_buffer(name, column, persistent=False)
        self.order = list(order) if order is not None else None

    def forward(self, images: Array) -> Array:
        """Normalise images (N, C, H, W)."""
        ordered = images if self.order is None else images[:, self.order]
        return (ordered - self.mean) / self.deviation


class Share(nn.Module):  # type: ignore[misc]
    """Corrects an average over whole windows to one over the cells that count."""

    def __init__(self, w: Window, counted: Pads) -> None:
        super().__init__()
        counts = []
        for axis in (0, 1):
            start = np.arange(w.size[axis]) * w.stride[axis] - w.pads[axis][0]
            stop = np.minimum(start + w.kernel[axis], counted[axis][1])
            counts.append(stop - np.maximum(start, counted[axis][0]))
        factor = math.prod(w.kernel) / np.multiply.outer(*counts)
        self.register_buffer("factor", torch.from_numpy(factor), persistent=False)

    def forward(self, averages: Array) -> Array:
        """Multiply by window size over number of cells."""
        return averages * self.factor


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
