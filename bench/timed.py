"""What is put under the stopwatch: a forward pass, training steps, a heatmap; ours or a library's.

Inputs, targets and weights are arguments, never closed over, and every task knows how to check its
answer against the oracle before the clock runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bench import explaining, gates, operations, oracle
from bench.cells import Cell
from bench.inputs import Subject, batch_of, convolves
from bench.worker import Row
from implementations import architectures, libraries
from implementations.contract import Array, Framework, Network, Stages, Unavailable
from implementations.recipes import recipe

UNCOMPILED = {"keras[torch]": "not compiled: Keras on PyTorch steps eagerly, data on the device"}
"""Columns whose training step is never compiled, and why."""
STEPS = 2
"""Training steps a sample: the cost of fetching the losses is shared as it is in training."""


def folded(one: NDArray[Any], other: NDArray[Any]) -> str:
    """Why the answers to two inputs are none; empty where they may be."""
    same = np.array_equal(one, other)
    return "two different inputs gave the same output: it was computed beforehand" if same else ""


def unlearned(one: NDArray[Any], other: NDArray[Any]) -> str:
    """Why the losses of two batches, and of the same turned round, are none; or empty."""
    same = np.allclose(one, other[::-1], rtol=1e-6, atol=0)
    return "the same batches had the same losses again: nothing was learned" if same else ""


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
    about, expected = oracle.timed_batch(like, context)
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
            canonical = gates.LIBRARY if _canonical(cell) else None
            gate = replace(gate, tolerance=canonical, typical=None)
        found = {name: np.asarray(values, np.float64)}
        return gates.compare(name, found, expected, gate, likeness=False)

    cost: Row = {"import_s": explainer.import_s, "build_s": explainer.build_s}
    cost["evaluations"] = explainer.evaluations
    cost["layout"] = _layout(explainer.network)
    cost["flops"] = operations.of(cell, about.architecture)
    if cell.library and (note := libraries.load(cell.library).note()):
        cost["notes"] = note
    return Timed(explainer.framework, lambda i: explainer.call(*inputs[i])["heatmap"], check, cost)


def _layout(network: Network) -> str:
    """How images lie in memory; a network that says nothing of it has their channels last."""
    return str(getattr(network, "layout", "channels_last"))


def _gate(cell: Cell, about: Subject, expected: explaining.Arrays) -> gates.Gate:
    """The gate before the clock: no answer is timed without one."""
    gate = gates.gate_of(cell, about, expected)
    return replace(gate, typical=gates.COARSE.get(cell.precision))


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
        flat = not convolves(architectures.get(cell.architecture))
        cell = replace(cell, method="saliency" if flat else "grad_cam")
    return replace(cell, task="heatmap", optimizer="")


def forward(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """The logits of a batch."""
    about, expected = oracle.timed_batch(our_cell(cell), context)
    framework, import_s = explaining.load_framework(cell)
    began = time.perf_counter()
    network = explaining.network_of(cell, framework, about.architecture, about.weights)
    call = framework.prepare(network, _logits, ("logits",), cell.mode)
    build_s = time.perf_counter() - began
    targets = expected["targets"].astype(np.int32)
    inputs = [framework.put(network, images, targets) for images in (about.images, _other(about))]

    def check(value: Any) -> Row:
        found = {"logits": framework.to_numpy(value).astype(np.float64)}
        gate = _gate(our_cell(cell), about, expected)
        return gates.compare("logits", found, expected, gate)

    cost: Row = {"import_s": import_s, "build_s": build_s, "layout": _layout(network)}
    cost["flops"] = operations.of(cell, about.architecture)
    return Timed(framework, lambda i: call(*inputs[i])["logits"], check, cost)


def _logits(network: Network, images: Array, targets: Array) -> Stages:
    return {"logits": network(images)}


def train_step(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """Training steps at the cell's batch size; the first loss is checked against the oracle's.

    Raises Unavailable for a compiled step of a column that has none.
    """
    if cell.mode != "eager" and cell.column.label in UNCOMPILED:
        raise Unavailable(UNCOMPILED[cell.column.label])
    about = batch_of(replace(cell, batch=cell.batch * STEPS), context)
    first = replace(about, images=about.images[: cell.batch], labels=about.labels[: cell.batch])
    expected = oracle.answer(our_cell(cell), first, Path(context["oracle"]))
    logits = expected["logits"]
    picked = logits[np.arange(len(logits)), first.labels]
    loss = (logsumexp(logits, axis=1) - picked).mean()
    framework, import_s = explaining.load_framework(cell)
    began = time.perf_counter()
    network = framework.build(about.architecture, about.weights, cell.device, cell.precision)
    trainer = framework.trainer(
        network, recipe(cell.architecture, cell.dataset), "native", about.images, about.labels,
        cell.seed, cell.mode,
    )  # fmt: skip
    build_s = time.perf_counter() - began
    orders = [np.arange(len(about.images)), np.arange(len(about.images))[::-1].copy()]

    def call(number: int) -> NDArray[np.float64]:
        return trainer.epoch(orders[number], cell.batch)

    def check(losses: NDArray[np.float64]) -> Row:
        error = float(abs(losses[0] - loss) / np.abs(logits).max())
        # Where training computes something else than inference, the oracle has no loss to compare.
        other = {node.kind for node in about.architecture.nodes} & {"dropout", "batch_norm"}
        gate = None if other else gates.tolerance(our_cell(cell), logits)
        passed = error <= gate if gate is not None else None if np.isfinite(error) else False
        return {"max_rel": error, "tolerance": gate, "agree": passed, "against": "reference"}

    cost: Row = {"import_s": import_s, "build_s": build_s, "layout": _layout(network)}
    cost["flops"] = operations.of(cell, about.architecture)
    return Timed(framework, call, check, cost, STEPS, unlearned)


TASKS = {"heatmap": heatmap, "forward": forward, "train_step": train_step}
