"""Time: agree, then clock. What one cell costs in one fresh process.

pytest-benchmark is the stopwatch (`bench/stopwatch.py`, run by `serve`). Added here: the barrier
inside the timed region, inputs and weights as arguments, the check against the oracle before the
clock, the count of compilations, CPU time and the load of the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from scipy.special import logsumexp

from bench import explaining, gates, oracle
from bench.cells import Cell
from bench.inputs import Subject, subject
from bench.stages import Ask
from bench.worker import Reporter, Row
from implementations.contract import MODES, Array, Framework, Network, Stages
from implementations.recipes import recipe

BUDGET_S = 0.4
"""Seconds of samples a cell, within 5 to 50 samples."""
STEPS = 4
"""Training steps a sample: the cost of fetching the losses is shared as it is in training."""


@dataclass
class Timed:
    """What is put under the stopwatch.

    `call(i)` runs on the i-th of two inputs and returns device arrays; `check()` compares the first
    with the oracle; `parts` is what one call is divided by.
    """

    framework: Framework
    call: Callable[[int], Any]
    check: Callable[[], Row]
    cost: Row
    parts: int = 1

    def barriered(self, number: int) -> None:
        """One call with all its work done when it returns; a NumPy array is done already."""
        value = self.call(number)
        if not isinstance(value, np.ndarray):
            self.framework.wait(value)


class Wrong(Exception):
    """The cell's answer is wrong: it is published with its error and without a time."""

    def __init__(self, row: Row, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def cells(ask: Ask, dataset: str, architecture: str) -> Iterator[Cell]:
    """Forward, a training step and each method at its last layer; every mode there is."""
    for column, mode in product(ask.columns, MODES):
        same = Cell(
            stage="time", framework=column.framework, backend=column.backend, dataset=dataset,
            architecture=architecture, batch=ask.batch, device=ask.device, mode=mode,
            precision=ask.precisions[0], threads=ask.threads,
        )  # fmt: skip
        yield replace(same, task="forward")
        if mode != "xla":
            yield replace(same, task="train_step", optimizer="native")
        yield from (replace(same, task="heatmap", method=method) for method in ask.methods)


def batch_of(cell: Cell, context: Mapping[str, Any]) -> Subject:
    """The cell's images: the first of the test set, repeated where the set is smaller."""
    about = subject(cell, context)
    turns = np.arange(cell.batch) % len(about.images)
    return replace(about, images=about.images[turns], labels=about.labels[turns], masks=None)


def _other(about: Subject) -> NDArray[np.float32]:
    """A second input of the same shape, alike in nothing."""
    return np.random.default_rng(0).random(about.images.shape, np.float32)


def heatmap(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """The heatmap of one class for each image, by our method or a library's."""
    about = batch_of(cell, context)
    like = replace(cell, library="", method=context["like"].get(cell.method, cell.method))
    expected = oracle.answer(like, about, Path(context["oracle"]))
    explainer = explaining.build(cell, about.architecture, about.weights)
    inputs = [
        explainer.put(images, expected["targets"]) for images in (about.images, _other(about))
    ]

    def check() -> Row:
        heatmap = explainer.call(*inputs[0])["heatmap"]
        values = explaining.to_host(explainer.framework, heatmap)
        found = {"heatmap": np.asarray(values, np.float64)}
        return gates.compare("heatmap", found, expected, gates.gate_of(like, about, expected))

    cost = {"import_s": explainer.import_s, "build_s": explainer.build_s}
    cost["evaluations"] = explainer.evaluations
    return Timed(explainer.framework, lambda i: explainer.call(*inputs[i])["heatmap"], check, cost)


def forward(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """The logits of a batch."""
    about = batch_of(cell, context)
    expected = oracle.answer(replace(cell, method="grad_cam"), about, Path(context["oracle"]))
    framework, import_s = explaining.load_framework(cell)
    began = time.perf_counter()
    network = framework.build(about.architecture, about.weights, cell.device, cell.precision)
    call = framework.prepare(network, _logits, ("logits",), cell.mode)
    build_s = time.perf_counter() - began
    targets = expected["targets"].astype(np.int32)
    inputs = [framework.put(network, images, targets) for images in (about.images, _other(about))]

    def check() -> Row:
        found = {"logits": framework.to_numpy(call(*inputs[0])["logits"]).astype(np.float64)}
        gate = gates.gate_of(replace(cell, method="grad_cam"), about, expected)
        return gates.compare("logits", found, expected, gate)

    cost = {"import_s": import_s, "build_s": build_s}
    return Timed(framework, lambda i: call(*inputs[i])["logits"], check, cost)


def _logits(network: Network, images: Array, targets: Array) -> Stages:
    return {"logits": network(images)}


def train_step(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """Training steps at the cell's batch size; the first loss is checked against the oracle's."""
    about = batch_of(replace(cell, batch=cell.batch * STEPS), context)
    first = replace(about, images=about.images[: cell.batch], labels=about.labels[: cell.batch])
    expected = oracle.answer(replace(cell, method="grad_cam"), first, Path(context["oracle"]))
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
    started: list[NDArray[np.float64]] = []

    def call(number: int) -> NDArray[np.float64]:
        started.append(trainer.epoch(orders[number], cell.batch))
        return started[-1]

    def check() -> Row:
        error = float(abs(started[0][0] - loss) / np.abs(logits).max())
        # Where training computes something else than inference, the oracle has no loss to compare.
        other = {node.kind for node in about.architecture.nodes} & {"dropout", "batch_norm"}
        gate = None if other else gates.tolerance(replace(cell, method="grad_cam"), logits)
        passed = error <= gate if gate is not None else None if np.isfinite(error) else False
        return {"max_rel": error, "tolerance": gate, "agree": passed, "against": "reference"}

    return Timed(framework, call, check, {"import_s": import_s, "build_s": build_s}, STEPS)


TASKS = {"heatmap": heatmap, "forward": forward, "train_step": train_step}


def measure(cell: Cell, context: Mapping[str, Any], benchmark: Any) -> Iterator[Row]:
    """One row: agreement first, then the samples."""
    timed = TASKS[cell.task](cell, context)
    began = time.perf_counter()
    timed.barriered(0)
    first_s = time.perf_counter() - began
    checked = _checked(timed)
    began = time.perf_counter()
    timed.barriered(0)
    steady_s = time.perf_counter() - began
    compiled = timed.framework.compilations()
    rounds = int(min(max(BUDGET_S / steady_s, 5), 50))
    before, process = psutil.getloadavg()[0], psutil.Process()
    cpu, wall, system = sum(process.cpu_times()[:2]), time.perf_counter(), _busy()
    benchmark.pedantic(timed.barriered, args=(0,), rounds=rounds, iterations=1, warmup_rounds=1)
    wall = time.perf_counter() - wall
    cpu = sum(process.cpu_times()[:2]) - cpu
    others = max((_busy() - system - cpu) / wall, 0.0)
    recompiled = timed.framework.compilations() - compiled
    if recompiled:
        raise Wrong(checked, f"compiled {recompiled} times while timed")
    samples = np.array(benchmark.stats.stats.data) / timed.parts
    median = float(np.median(samples))
    low, high = np.percentile(samples, [25, 75])
    yield {
        **checked,
        **timed.cost,
        "compile_s": max(first_s - steady_s, 0.0) if cell.mode != "eager" else None,
        "compile_count": compiled,
        "cache": "cold",
        "samples_ns": [round(1e9 * sample) for sample in samples],
        "median_ms": 1e3 * median,
        "iqr_ms": 1e3 * float(high - low),
        "min_ms": 1e3 * float(samples.min()),
        "p95_ms": 1e3 * float(np.percentile(samples, 95)),
        "images_per_s": cell.batch / median,
        "cores_in_use": cpu / wall,
        "load_before": before,
        "load_after": psutil.getloadavg()[0],
        "busy_others": others,
        "cpu_mhz": getattr(psutil.cpu_freq(), "current", None),
        "stable": others < 0.25,
    }


def _checked(timed: Timed) -> Row:
    """The row of the check. Raises Wrong where the answer is not the oracle's."""
    row = timed.check()
    if row.get("agree") is False:
        error = f"max_rel {row['max_rel']:.3g} against a tolerance of {row['tolerance']}"
        raise Wrong(row, f"disagrees with the oracle: {error}")
    one, other = (explaining.to_host(timed.framework, timed.call(number)) for number in (0, 1))
    if not one.any() and not other.any():
        # Maps after ReLU may be zero for a whole batch: then equality says nothing.
        return {**row, "notes": "every map is zero: that inputs are not folded in went unchecked"}
    if np.array_equal(one, other):
        raise Wrong(row, "two different inputs gave the same output: it was computed beforehand")
    return row


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system)


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry: pytest runs `bench/stopwatch.py`, a test a cell."""
    import pytest

    from bench.stopwatch import Cells

    here = Path(__file__).parent
    pytest.main(
        ["-q", "-p", "no:cacheprovider", "-c", str(here / "stopwatch.ini"),
         f"--rootdir={here}", "--benchmark-warmup=off", str(here / "stopwatch.py")],
        plugins=[Cells(cells, context, report)],
    )  # fmt: skip
