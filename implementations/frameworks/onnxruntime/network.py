"""ONNX Runtime's network: parts of our own ONNX export, each in a session, and NumPy around them.

A part is made when it is first asked for: the whole network, its features up to a layer, or its
head past one. Arrays are float32 NumPy, channels last; the sessions transpose.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture, Node, cut
from implementations.architecture.shapes import capacity
from implementations.arrays import Array, resize
from implementations.contract import SCORES, NodeFunction
from implementations.errors import BadInput, Unavailable, unknown
from implementations.frameworks.onnxruntime.write import part

WITHOUT = "needs a gradient, which onnxruntime does not give"
Sessions = dict[tuple[Any, ...], onnxruntime.InferenceSession]


class Network:
    """The sessions so far, shared with the same network `optimised`: its graphs fused, or not."""

    optimisations = 0
    """How many graphs this process has optimised."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, NDArray[np.float32]],
        sessions: Sessions | None = None,
        optimised: bool = False,
    ) -> None:
        self.architecture, self.weights = architecture, weights
        self.sessions: Sessions = {} if sessions is None else sessions
        self.optimised = optimised

    def optimising(self, optimised: bool) -> Network:
        """The same network behind the runtime's graph optimisations, or op by op."""
        return Network(self.architecture, self.weights, self.sessions, optimised)

    @property
    def capacity(self) -> int:
        """How many images one pass may hold."""
        return capacity(self.architecture)

    def __call__(self, images: Array) -> Array:
        """Logits (N, K) of images (N, H, W, C)."""
        return self.head("input", images, {})

    def features(self, layer: str, images: Array) -> tuple[Array, dict[str, Array]]:
        """Activations (N, h, w, c) at the layer, and what else `head` reads."""
        parts = cut(self.architecture, layer)
        values = self._run(parts.features, {"input": images}, (layer, *parts.rest))
        return values[layer], {name: values[name] for name in parts.rest}

    def head(self, layer: str, activations: Array, rest: dict[str, Array]) -> Array:
        """Logits (N, K) from the activations at the layer."""
        nodes, output = cut(self.architecture, layer).head, self.architecture.output
        return self._run(nodes, {layer: activations, **rest}, (output,))[output]

    def _run(
        self, nodes: Sequence[Node], given: Mapping[str, Array], wanted: Sequence[str]
    ) -> dict[str, Array]:
        made = [name for name in wanted if name not in given]
        values = {name: given[name] for name in wanted if name in given}
        if made:
            key = (tuple(given), tuple(made), self.optimised)
            if key not in self.sessions:
                content = part(self.architecture, self.weights, nodes, [*given], made)
                self.sessions[key] = _session(content, self.optimised)
                Network.optimisations += self.optimised
            session = self.sessions[key]
            names = [argument.name for argument in session.get_inputs()]
            arrays = (np.ascontiguousarray(array, np.float32) for array in given.values())
            found = session.run(None, dict(zip(names, arrays, strict=True)))
            values.update(zip(made, found, strict=True))
        return values

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """Per-image score (N,) of the target class, sound where it saturates."""
        if name not in SCORES:
            raise BadInput(unknown("score", name, SCORES))
        rows = np.arange(len(logits))
        target = logits[rows, targets].astype(np.float64)
        if name == "logit":
            return target
        others = logits.astype(np.float64)
        others[rows, targets] = -np.inf
        log_probability = -np.logaddexp(0, np.logaddexp.reduce(others, axis=1) - target)
        return np.exp(log_probability) if name == "probability" else log_probability

    def tensor(self, name: str) -> Array:
        """A weight by its neutral name."""
        return self.weights[name]

    def resize(self, maps: Array, size: tuple[int, int]) -> Array:
        """Bilinear, half-pixel centres, no antialias: (N, h, w) to (N, H, W)."""
        return resize(maps, size)

    def note_margin(self, margins: Array) -> None:
        """What a reference notes of its jumps is the oracle's to keep."""

    def pull_back(self, *arguments: Any) -> Array:
        """Raises Unavailable."""
        raise Unavailable(WITHOUT)

    def gradients(self, *arguments: Any) -> dict[str, Array]:
        """Raises Unavailable."""
        raise Unavailable(WITHOUT)

    def tapped(self, images: Array, offsets: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
        """Raises Unavailable."""
        raise Unavailable(WITHOUT)

    def with_relu(self, rule: str) -> Network:
        """Raises Unavailable."""
        raise Unavailable(WITHOUT)

    def apply(self, node: Node, inputs: Sequence[Array], kernel: Array | None = None) -> Array:
        """Raises Unavailable."""
        raise Unavailable(WITHOUT)

    def with_nodes(self, functions: Mapping[str, NodeFunction]) -> Network:
        """Raises Unavailable."""
        raise Unavailable(WITHOUT)


def _session(content: bytes, optimised: bool) -> onnxruntime.InferenceSession:
    """A session on as many threads as this process may have, one operator at a time.

    Raises Unavailable where the runtime has not what the graph needs.
    """
    settings = onnxruntime.SessionOptions()
    cores = len(os.sched_getaffinity(0))
    settings.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or cores)
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 4
    levels = onnxruntime.GraphOptimizationLevel
    settings.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    )
    try:
        return onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # classes of its own, that it does not export
        told = str(error).partition("\n")[0].rpartition(" : ")[2]
        raise Unavailable(f"onnxruntime cannot run this network: {told}") from error
