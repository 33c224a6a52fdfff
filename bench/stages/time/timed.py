"""What is put under the stopwatch: a forward pass, or a heatmap, ours or a library's.

Inputs, targets and weights are arguments, never closed over, and every task knows how to check its
answer against the oracle before the clock runs.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages.time import operations
from bench.stages.time.drawn import Drawn, Fresh
from bench.subject import explainer as explaining
from bench.subject.heatmaps import relative_error
from bench.subject.inputs import Subject, convolves
from bench.truth import answers, tolerance
from implementations import libraries
from implementations.architecture import registered
from implementations.arrays import Array, Intermediates
from implementations.contract import Framework, Network

AUDIT = 5
"""Of methods of many evaluations one in so many, by chance, is held against the oracle after
the clock too, which takes it longer than all its samples; the others against themselves."""
UNSOUND: Row = {"agree": False, "max_rel": float("nan"), "tolerance": None}
ITSELF = 0.01
"""How far an answer may be from its own to the same image in another batch."""


def folded(one: NDArray[Any], other: NDArray[Any]) -> str:
    """Why the answers to two inputs are none; empty where they may be."""
    same = np.array_equal(one, other)
    return "two different inputs gave the same output: it was computed beforehand" if same else ""


@dataclass
class Timed:
    """What is put under the stopwatch.

    `call(given)` runs on an input and returns device arrays; `inputs` are the two that it is
    checked with before the clock, `fresh` makes those that it is timed with; `check(value)`
    compares what the first gave with the oracle; `network` is what it evaluates, where that can be
    counted; `parts` is what one call is divided by; `doubt` says why the answers to the two inputs
    cannot be right, if they cannot.
    """

    framework: Framework
    call: Callable[[Any], Any]
    inputs: Sequence[Any]
    fresh: Fresh
    check: Callable[[Any], Row]
    cost: Row
    network: Any = None
    parts: int = 1
    doubt: Callable[[NDArray[Any], NDArray[Any]], str] = folded

    def barriered(self, given: Any) -> Any:
        """One call with all its work done when it returns; a NumPy array is done already."""
        value = self.call(given)
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
    """The heatmap of one class for each image, by our method or a library's.

    Two inputs may have the same answer where the oracle says so: a deconvolution through no
    pooling depends on the class alone.
    """
    like, alone = our_cell(cell), bool(cell.library and not _like(cell))
    about, expected = answers.timed_batch(like, context)
    explainer = explaining.build(
        cell, about.architecture, about.weights, background=about.background
    )
    inputs = [
        explainer.put(images, expected["targets"]) for images in (about.images, _other(about))
    ]

    few = alone or answers.evaluations(like) > answers.CHEAP

    def compared(about: Subject, expected: explaining.Arrays, values: NDArray[Any]) -> Row:
        if alone:  # No answer is known to be right, but that all of it is finite.
            broken = int((~np.isfinite(values)).sum())
            return {"nan_count": broken, **(UNSOUND if broken else {})}
        name = "heatmap" if values.shape == expected["heatmap"].shape else "upsampled"
        gate = _gate(like, about, expected, context)
        if cell.library:
            # Its own conventions are no error: the difference is published beside the time.
            canonical = tolerance.LIBRARY if _canonical(cell) else None
            gate = replace(gate, tolerance=canonical, typical=None)
        found = {name: np.asarray(values, np.float64)}
        return tolerance.compare(name, found, expected, gate)

    def check(heatmap: Any) -> Row:
        return compared(about, expected, explaining.to_host(explainer.framework, heatmap))

    def again(images: NDArray[Any], targets: NDArray[Any], values: NDArray[Any]) -> Row:
        spared = few and secrets.randbelow(AUDIT) > 0
        if spared or (cell.library and not _canonical(cell)):
            return _as_untimed(explainer, images, targets, values)
        some = replace(about, images=images, labels=targets)
        return compared(some, answers.computed(like, some, targets), values)

    cost: Row = {"import_s": explainer.import_s, "build_s": explainer.build_s}
    cost["evaluations"] = explainer.evaluations
    cost["layout"] = layout_of(explainer.network)
    cost["flops"] = operations.of(cell, about.architecture)
    if cell.library and (note := libraries.load(cell.library).note()):
        cost["notes"] = note

    def doubt(one: NDArray[Any], other: NDArray[Any]) -> str:
        why = folded(one, other)
        if not why or alone:
            return why
        second = answers.computed(like, replace(about, images=_other(about)), expected["targets"])
        return "" if np.allclose(second["heatmap"], expected["heatmap"], atol=0) else why

    fresh = Drawn(about.images, expected["targets"], explainer.framework, explainer.put, again, few)
    return Timed(
        explainer.framework, lambda given: explainer.call(*given)["heatmap"], inputs, fresh, check,
        cost, explainer.network, doubt=doubt,
    )  # fmt: skip


def _as_untimed(
    explainer: explaining.Explainer,
    images: NDArray[Any],
    targets: NDArray[Any],
    values: NDArray[Any],
) -> Row:
    """What was answered while timed, beside what is answered now.

    Where it draws at random, and so answers otherwise each time or at another place of a batch,
    nothing is said.
    """

    def explained(images: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
        heatmap = explainer.call(*explainer.put(images, targets))["heatmap"]
        return explaining.to_host(explainer.framework, heatmap)

    one = explained(images, targets)
    two = explained(np.concatenate([images] * 2), np.concatenate([targets] * 2))[len(images) :]
    if np.median(relative_error(one, two, two)) > ITSELF:
        return {}
    error = relative_error(values, one, one)
    return {"max_rel": float(error.max()), "agree": bool(np.median(error) <= ITSELF)}


def layout_of(network: Network) -> str:
    """How images lie in memory; a network that says nothing of it has their channels last."""
    return str(getattr(network, "layout", "channels_last"))


def _gate(
    cell: Cell, about: Subject, expected: explaining.Arrays, context: Mapping[str, Any]
) -> tolerance.Gate:
    """The gate before the clock: no answer is timed without one."""
    gate = tolerance.gate_of(cell, about, expected, Path(context["oracle"]))
    return replace(gate, typical=tolerance.COARSE.get(cell.precision))


def _canonical(cell: Cell) -> bool:
    canonical = libraries.describe(cell.library).offers[cell.method].canonical
    return canonical is not None and dict(cell.options) == dict(canonical)


def _like(cell: Cell) -> str:
    """Our method that a library's offer is like; empty where there is none."""
    return libraries.describe(cell.library).offers[cell.method].like


def our_cell(cell: Cell) -> Cell:
    """The cell of our own method whose answer is the right one; any method's has the logits too.

    Those of a forward pass, a training step and an offer that is like none of ours are Grad-CAM's,
    saliency's without a convolution.
    """
    if cell.library:
        cell = replace(cell, library="", method=_like(cell), options=())
        if cell.method:
            return cell
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

    def compared(about: Subject, expected: explaining.Arrays, values: NDArray[Any]) -> Row:
        gate = _gate(our_cell(cell), about, expected, context)
        return tolerance.compare("logits", {"logits": values.astype(np.float64)}, expected, gate)

    def check(value: Any) -> Row:
        return compared(about, expected, framework.to_numpy(value))

    def again(images: NDArray[Any], targets: NDArray[Any], values: NDArray[Any]) -> Row:
        some = replace(about, images=images, labels=targets)
        return compared(some, answers.computed(our_cell(cell), some, targets), values)

    def put(images: NDArray[Any], targets: NDArray[Any]) -> Any:
        return framework.put(network, images, targets)

    cost: Row = {"import_s": import_s, "build_s": build_s, "layout": layout_of(network)}
    cost["flops"] = operations.of(cell, about.architecture)
    fresh = Drawn(about.images, targets, framework, put, again)
    return Timed(
        framework, lambda given: call(*given)["logits"], inputs, fresh, check, cost, network
    )


def _logits(network: Network, images: Array, targets: Array) -> Intermediates:
    return {"logits": network(images)}
