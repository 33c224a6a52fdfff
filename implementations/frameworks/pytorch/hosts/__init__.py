"""PyTorch: a network as users write one, and what they do to it before they explain it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Weights
from implementations.contract import Framework
from implementations.frameworks.hosts import Host
from implementations.frameworks.pytorch import layers as own
from implementations.frameworks.pytorch import runtime
from implementations.frameworks.pytorch.network import LAYOUT, Network
from implementations.frameworks.pytorch.weights import feature_orders, load

HOSTS = {
    "plain": "a module a node, ReLUs out of place, weights that train",
    "inplace": "nn.ReLU(inplace=True)",
    "reused": "one nn.ReLU object for all ReLUs",
    "functional": "ReLUs by torch.relu, no module",
    "softmax": "the model ends in a softmax",
    "frozen": "requires_grad_(False)",
    "train": "left in training mode: batch norm by the batch, dropout at work",
    "compiled": "torch.compile before the library sees it (backend aot_eager)",
    "strided_input": "images with strides of their own: channels last, every second of a larger",
    "no_grad": "explained inside torch.no_grad()",
    "float64": "double precision",
}
LAYERLESS = ("functional",)
DTYPES = {"float64": torch.float64}


class Written(nn.Module):  # type: ignore[misc]
    """The network as a user would write it: what is in `layers` is called in order.

    A ReLU that is not there is a function. `softmax` ends it in probabilities.
    """

    written = True
    """That its weights are left as they are: a user has frozen them, or has not."""

    def __init__(
        self,
        architecture: Architecture,
        layers: Mapping[str, nn.Module],
        device: str = "cpu",
        precision: str = "float32",
        softmax: bool = False,
    ) -> None:
        super().__init__()
        self.architecture, self.device, self.precision = architecture, device, precision
        self.softmax, self.layout = softmax, LAYOUT[device]
        self.layers = nn.ModuleDict(dict(layers))
        self.orders = feature_orders(architecture) or {}

    def forward(self, images: Array) -> Array:
        """Logits (N, K), or probabilities, of images (N, C, H, W)."""
        values = {"input": images}
        for node in self.architecture.nodes:
            read = [values[name] for name in node.inputs]
            missing = node.name not in self.layers
            values[node.name] = torch.relu(*read) if missing else self.layers[node.name](*read)
        logits = values[self.architecture.output]
        return logits.softmax(dim=1) if self.softmax else logits

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """What a user differentiates: the output of a class (N,)."""
        scored: Array = Network.score(self, name, logits, targets)
        return scored


def _modules(name: str, architecture: Architecture) -> dict[str, nn.Module]:
    found: dict[str, nn.Module] = {}
    shared = nn.ReLU()
    for node in architecture.nodes:
        relu = node.kind == "relu"
        if relu and name == "functional":
            continue
        if relu and name == "reused":
            found[node.name] = shared
        elif relu:
            found[node.name] = nn.ReLU(inplace=name == "inplace")
        else:
            found[node.name] = own.layer(node, architecture)
    return found


def make(name: str, architecture: Architecture, weights: Weights) -> Host:
    """A host by name."""
    precision = "float64" if name == "float64" else "float32"
    dtype = DTYPES.get(precision, torch.float32)
    written = Written(
        architecture, _modules(name, architecture), precision=precision, softmax=name == "softmax"
    )
    written.to(dtype).eval()
    load(written, weights)
    if name == "frozen":
        written.requires_grad_(False)
    if name == "compiled":
        torch.compiler.reset()  # a process of a user has not compiled other probes before
    model = torch.compile(written, backend="aot_eager") if name == "compiled" else written

    def evaluated(images: Array) -> Array:
        with torch.no_grad():
            return model(images)

    def layer(node: str) -> nn.Module:
        found: nn.Module = written.layers[node]
        return found

    return Host(
        name, model, model, cast(Framework, runtime), layer, partial(_put, name, dtype),
        torch.no_grad if name == "no_grad" else nullcontext, evaluated,
        written.train if name == "train" else lambda: None,
        "probability" if name == "softmax" else "logit", precision,
    )  # fmt: skip


def _put(
    name: str, dtype: torch.dtype, images: NDArray[Any], targets: NDArray[Any]
) -> tuple[Array, Array]:
    placed = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(dtype)
    if name == "strided_input":
        wide = torch.zeros(*placed.shape[:3], 2 * placed.shape[3], dtype=dtype)
        wide = wide.to(memory_format=torch.channels_last)
        wide[..., ::2] = placed
        placed = wide[..., ::2]
    return placed, torch.from_numpy(np.asarray(targets, np.int64))
