"""What is put under the stopwatch: a forward pass, or a heatmap, ours or a library's.

Inputs, targets and weights are arguments, never closed over, and every task knows how to check its
answer against the oracle before the clock runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages.time import operations
from bench.subject import explainer as explaining
from bench.subject.inputs import Subject, convolves
from bench.truth import answers, tolerance
from implementations import libraries
from implementations.architecture import registered
from implementations.arrays import Array, Intermediates
from implementations.contract import Framework, Network


def folded(one: NDArray[Any], other: NDArray[Any]) -> str:
    """Why the answers to two inputs are none; empty where they may be."""
    same = np.array_equal(one, other)
    return "two different inputs gave the same output: it was computed beforehand" if same else ""


@dataclass
class Timed:
    """What is put under the stopwatch.

    `call(i)` runs on the i-th of two inputs and returns device arrays; `check(value)` compares what
    the first gave with the oracle; `parts` is what one call is divided by; `doubt` says why the two
    answers cannot be right, if they cannot.
    """

    framework: Framework
    call: Callable[[int], Any]
    check: Callable[[Any], Row]
    cost: Row
    parts: int = 1
    doubt: Callable[[NDArray[Any], NDArray[Any]], str] = folded

    def barriered(self, number: int) -> Any:
        """One call with all its work done when it returns; a NumPy array is done already."""
        value = self.call(number)
        if not isinstance(value, np.ndarray):
            self.framework.wait(value)
        return value


def unfinished(value: Any) -> bool:
    """Whether an array says that it is not computed yet: JAX's can tell, PyTorch's on a GPU."""
    if getattr(value, "is_cuda", False):
        import torch

        return not torch.cuda.current_stream(value.device).query()
    ready = getattr(value, "is_ready", None)
    return ready is not None and not ready()


def _other(about: Subject) -> NDArray[np.float32]:
    """A second input of the same shape, alike in nothing."""
    return np.random.default_rng(0).random(about.images.shape, np.float32)


def heatmap(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """The heatmap of one class for each image, by our method or a library's."""
    like = our_cell(cell)
    about, expected = answers.timed_batch(like, context)
    explainer = explaining.build(cell, about.architecture, about.weights)
    inputs = [
        explainer.put(images, expected["targets"]) for images in (about.images, _other(about))
    ]

    def check(heatmap: Any) -> Row:
        values = explaining.to_host(explainer.framework, heatmap)
        name = "heatmap" if values.shape == expected["heatmap"].shape else "upsampled"
        gate = _gate(like, about, expected)
        if cell.library:
            # Its own conventions are no error: the difference is published beside the time.
            canonical = tolerance.LIBRARY if _canonical(cell) else None
            gate = replace(gate, tolerance=canonical, typical=None)
        found = {name: np.asarray(values, np.float64)}
        return tolerance.compare(name, found, expected, gate, likeness=False)

    cost: Row = {"import_s": explainer.import_s, "build_s": explainer.build_s}
    cost["evaluations"] = explainer.evaluations
    cost["layout"] = layout_of(explainer.network)
    cost["flops"] = operations.of(cell, about.architecture)
    if cell.library and (note := libraries.load(cell.library).note()):
        cost["notes"] = note
    return Timed(explainer.framework, lambda i: explainer.call(*inputs[i])["heatmap"], check, cost)


def layout_of(network: Network) -> str:
    """How images lie in memory; a network that says nothing of it has their channels last."""
    return str(getattr(network, "layout", "channels_last"))


def _gate(cell: Cell, about: Subject, expected: explaining.Arrays) -> tolerance.Gate:
    """The gate before the clock: no answer is timed without one."""
    gate = tolerance.gate_of(cell, about, expected)
    return replace(gate, typical=tolerance.COARSE.get(cell.precision))


def _canonical(cell: Cell) -> bool:
    canonical = libraries.describe(cell.library).offers[cell.method].canonical
    return canonical is not None and dict(cell.options) == dict(canonical)


def our_cell(cell: Cell) -> Cell:
    """The cell of our own method whose answer is the right one; any method's has the logits too.

    Those of a forward pass and a training step are Grad-CAM's, saliency's without a convolution.
    """
    if cell.library:
        like = libraries.describe(cell.library).offers[cell.method].like
        return replace(cell, library="", method=like, options=())
    if not cell.method:
        flat = not convolves(registered.get(cell.architecture))
        cell = replace(cell, method="saliency" if flat else "grad_cam")
    return replace(cell, task="heatmap", optimizer="")


def forward(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """The logits of a batch."""
    about, expected = answers.timed_batch(our_cell(cell), context)
    framework, import_s = explaining.load_framework(cell)
    began = time.perf_counter()
    network = framework.build(about.architecture, about.weights, cell.device, cell.precision)
    call = partial(framework.compiler(network, (), cell.mode)(_logits), network)
    build_s = time.perf_counter() - began
    targets = expected["targets"].astype(np.int32)
    inputs = [framework.put(network, images, targets) for images in (about.images, _other(about))]

    def check(value: Any) -> Row:
        found = {"logits": framework.to_numpy(value).astype(np.float64)}
        gate = _gate(our_cell(cell), about, expected)
        return tolerance.compare("logits", found, expected, gate)

    cost: Row = {"import_s": import_s, "build_s": build_s, "layout": layout_of(network)}
    cost["flops"] = operations.of(cell, about.architecture)
    return Timed(framework, lambda i: call(*inputs[i])["logits"], check, cost)


def _logits(network: Network, images: Array, targets: Array) -> Intermediates:
    return {"logits": network(images)}
