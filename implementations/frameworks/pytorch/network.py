"""PyTorch's network: an `nn.Module` that runs an architecture's graph, whole or in two parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from implementations.architecture import kinds
from implementations.architecture.graph import Architecture, Node, cut
from implementations.architecture.shapes import capacity
from implementations.arrays import Array
from implementations.contract import RELU_RULES, SCORES, NodeFunction
from implementations.errors import BadInput, unknown
from implementations.frameworks.pytorch.layers import RuledReLU
from implementations.frameworks.pytorch.weights import AXES, feature_orders, neutral

LAYOUT = {"cpu": "channels_last", "gpu": "contiguous"}
"""How images lie in memory. On a CPU channels last was the faster, eager and compiled."""

Step = tuple[str, tuple[str, ...], tuple[str, ...]]


class Network(nn.Module):  # type: ignore[misc]
    """The modules by node name in `layers`, each used once, and the graph that reads them."""

    def __init__(
        self,
        architecture: Architecture,
        layers: Mapping[str, nn.Module],
        device: str,
        precision: str,
        functions: Mapping[str, NodeFunction] | None = None,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.device, self.precision = device, precision
        self.layout = LAYOUT[device]
        self.layers = nn.ModuleDict()
        # Past `add_module`, which refuses names of its own attributes, as `type` and `forward`.
        self.layers._modules.update(layers)
        self.functions = dict(functions or {})
        self.nodes = {node.name: node for node in architecture.nodes}
        names = ["input", *(node.name for node in architecture.nodes)]
        # Made here and not in `features`: torch.compile warns when it meets a cached function.
        self.cuts = {name: cut(architecture, name).rest for name in names}
        self.plans = {name: _plans(architecture, name) for name in names}
        self.orders = feature_orders(architecture) or {}

    @property
    def capacity(self) -> int:
        """How many images one pass may hold."""
        return capacity(self.architecture, self.device == "gpu")

    def forward(self, images: Array) -> Array:
        """Logits (N, K) of images (N, C, H, W)."""
        return self.head("input", images, {})

    def features(self, layer: str, images: Array) -> tuple[Array, dict[str, Array]]:
        """Activations (N, C, h, w) at the layer, and what else `head` reads."""
        values = self._run(self.plans[layer][0], {"input": images})
        return values[layer], {name: values[name] for name in self.cuts[layer]}

    def head(self, layer: str, activations: Array, rest: dict[str, Array]) -> Array:
        """Logits (N, K) from the activations at the layer."""
        values = self._run(self.plans[layer][1], {layer: activations, **rest})
        logits: Array = values[self.architecture.output]
        return logits

    def _run(
        self,
        plan: tuple[Step, ...],
        values: dict[str, Array],
        offsets: Mapping[str, Array] | None = None,
    ) -> dict[str, Array]:
        for name, inputs, finished in plan:
            node, read = self.nodes[name], [values[read] for read in inputs]
            changed = self.functions.get(node.kind)
            values[name] = changed(self, node, read) if changed else self.layers[name](*read)
            if offsets and name in offsets:
                values[name] = values[name] + offsets[name]
            for last in finished:
                del values[last]
        return values

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """Per-image score (N,) of the target class, sound where it saturates."""
        if name not in SCORES:
            raise BadInput(unknown("score", name, SCORES))
        chosen = torch.arange(logits.shape[1], device=logits.device) == targets[:, None]
        logit = logits.gather(1, targets.long()[:, None])[:, 0]
        if name == "logit":
            return logit
        margin = logit - logits.masked_fill(chosen, -torch.inf).logsumexp(1)
        log_probability = F.logsigmoid(margin)
        return log_probability.exp() if name == "probability" else log_probability

    def tensor(self, name: str) -> Array:
        """A weight by its neutral name, in the neutral layout."""
        return neutral(self, name)

    def tapped(self, images: Array, offsets: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
        """Logits, and the outputs of the nodes named, each with its offset added."""
        plan = _plan(self.architecture.nodes, {self.architecture.output, *offsets})
        values = self._run(plan, {"input": images}, offsets)
        return values[self.architecture.output], {name: values[name] for name in offsets}

    def resize(self, maps: Array, size: tuple[int, int]) -> Array:
        """Bilinear, half-pixel centres, no antialias: (N, h, w) to (N, H, W)."""
        return F.interpolate(
            maps[:, None], size, mode="bilinear", align_corners=False, antialias=False
        )[:, 0]

    def with_relu(self, rule: str) -> Network:
        """The same weights behind ReLUs with another backward pass."""
        if rule not in RELU_RULES:
            raise BadInput(unknown("ReLU rule", rule, RELU_RULES))
        ceilings = {"relu": None, "relu6": 6.0}
        replaced = {
            node.name: RuledReLU(rule, ceilings[node.kind])
            for node in self.architecture.nodes
            if node.kind in ceilings
        }
        layers = {**self.layers, **replaced}
        return self._but(layers, self.functions)

    def apply(self, node: Node, inputs: Sequence[Array], kernel: Array | None = None) -> Array:
        """The output of a node for these inputs, by its own module; or with another kernel."""
        module: Any = self.layers[node.name]
        if kernel is None:
            return module(*inputs)
        (read,) = inputs
        if isinstance(module, nn.Sequential):
            read, module = module[0](read), module[1]
        rows = self.orders.get(node.inputs[0])
        weight = kernel.permute(AXES[kernel.ndim][0])
        if isinstance(module, nn.Linear):
            return F.linear(read, weight if rows is None else weight[:, torch.from_numpy(rows)])
        settings = module.stride, module.padding, module.dilation, module.groups
        return F.conv2d(read, weight, None, *settings)

    def with_nodes(self, functions: Mapping[str, NodeFunction]) -> Network:
        """The same weights, nodes of these kinds computed by other functions."""
        kinds.check(functions)
        return self._but(self.layers, {**self.functions, **functions})

    def _but(
        self, layers: Mapping[str, nn.Module], functions: Mapping[str, NodeFunction]
    ) -> Network:
        changed = Network(self.architecture, layers, self.device, self.precision, functions)
        changed.eval()
        return changed


def _plans(architecture: Architecture, layer: str) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """What `features` and `head` run: node, what it reads, what nobody reads any more."""
    parts = cut(architecture, layer)
    kept = {layer, *parts.rest}
    return _plan(parts.features, kept), _plan(parts.head, {architecture.output})


def _plan(nodes: Sequence[Node], kept: set[str]) -> tuple[Step, ...]:
    last = {read: node.name for node in nodes for read in node.inputs}
    return tuple(
        (
            node.name,
            node.inputs,
            tuple(r for r in dict.fromkeys(node.inputs) if last[r] == node.name and r not in kept),
        )
        for node in nodes
    )
