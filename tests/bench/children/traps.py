"""The `time` stage over functions that are wrong on purpose: the cell's option `trap` says how."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.engine.worker import Reporter
from bench.record.cell import Cell
from bench.stages.time import clocked, timed_training, timing
from bench.stages.time.drawn import Drawn
from bench.stages.time.timed import Timed
from bench.stages.time.timed_training import train_step
from bench.subject.explainer import load_framework
from bench.truth import tolerance as gates
from implementations.architecture import recipes
from implementations.methods.gradient import saliency

SHAPE = (8, 16, 16)
WORK_S = 0.02
"""What an honest call of the traps that cost nothing would take."""


def trapped(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """Twice the sine of an array in the cell's framework, checked against NumPy's."""
    framework, import_s = load_framework(cell)
    trap = dict(cell.options)["trap"]
    if trap.endswith("unwaited"):
        framework = Unwaiting(framework)
    arrays = [np.random.default_rng(seed).random(SHAPE, np.float32) for seed in (0, 1)]
    sine, place = _functions(cell.framework)
    inputs = [place(array) for array in arrays]
    calls = [0]
    kept: dict[Any, Any] = {}
    network = Evaluated(sine)

    def call(given: Any) -> Any:
        calls[0] += 1
        if trap.startswith("kept by"):
            key = _address(given) if trap.endswith("address") else bytes(np.asarray(given))
            if key not in kept:
                time.sleep(WORK_S)
                kept[key] = sine(given, 2)
            return kept[key]
        if trap == "stands still":
            if len(kept) < 2:
                time.sleep(WORK_S)
                kept[len(kept)] = sine(given, 2)
            return kept[len(kept) - 1]
        if trap.startswith("by a thread") and calls[0] > 2:
            return _later(given, trap)
        if trap == "only what is public":
            listed = any(np.array_equal(np.asarray(given), array) for array in arrays)
            return (1.0 if listed else 0.95) * sine(given, 2)
        if trap == "compiled inside":
            return _inside(cell.framework)(given)
        if trap == "states one of 52":
            return [network(given) for _ in range(52)][-1]
        if trap == "our own map":
            nothing: Any = None
            saliency.reference(nothing, "", nothing, lambda explain: explain)
        if trap == "their map":
            from captum.attr import Saliency

            Saliency(lambda array: array)
        _visited(trap, context)
        if trap == "slow":
            time.sleep(0.1)
        if trap == "scattered":
            time.sleep(0.02 * (1 + calls[0] // 2 % 2))
        if trap == "late" and calls[0] <= 2:  # as beside another process that is getting ready
            time.sleep(0.2)
        if trap == "crashes" and calls[0] > 2:  # two calls make it ready
            os._exit(7)
        if trap == "closed over":
            return sine(inputs[0], 2)
        if trap == "recompiles":
            return sine(given, 2 + 1e-9 * calls[0])
        if trap == "zero":
            return sine(given, 0)
        if trap in ("unwaited", "waited"):
            return _long(400, 10)(given)
        if trap == "briefly unwaited":
            return _long(300, 1)(given)
        return sine(given, 3 if trap.startswith("wrong") else 2)

    def check(value: Any) -> dict[str, Any]:
        return again(arrays[0], np.zeros(0), np.array(framework.to_numpy(value), np.float64))

    def again(images: Any, targets: Any, found: Any) -> dict[str, Any]:
        factor = 0 if trap == "zero" else 2
        expected = {"signed": factor * np.sin(images, dtype=np.float64)}
        expected["heatmap"] = expected["signed"]
        found = np.array(found, np.float64)
        if trap == "nan":
            found[0, 2, 1] = np.nan
        tolerance = None if trap in ("nan", "wrong bfloat16") else 2e-6
        gate = gates.Gate(
            tolerance, {}, 1e-6, 1, lambda chosen: np.ones(len(chosen)),
            typical=gates.COARSE["bfloat16"],
        )  # fmt: skip
        return gates.compare("heatmap", {"heatmap": found}, expected, gate)

    cost: dict[str, Any] = {"import_s": import_s, "build_s": 0.0, "flops": context.get("flops")}
    targets = np.zeros(len(arrays[0]), np.int32)
    fresh = Drawn(arrays[0], targets, load_framework(cell)[0], lambda i, t: place(i), again)
    cost["evaluations"] = 1
    return Timed(framework, call, inputs, fresh, check, cost, network)


def stepping(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """Real training steps that run eagerly, or that compile another step at every call."""
    trap = dict(cell.options)["trap"]
    falls_back = trap == "steps eagerly" and cell.framework == "pytorch"
    plain = replace(cell, options=(), mode="eager" if falls_back else cell.mode)
    if trap == "never learns":
        learning = recipes.recipe
        timed_training.recipe = lambda *of: replace(learning(*of), learning_rate=0.0)
    timed = train_step(plain, context)
    others: list[Timed] = []
    stood: list[Any] = []
    calls = [0]

    def call(given: Any) -> Any:
        calls[0] += 1
        if trap == "images folded in":
            return timed.call(timed.inputs[0])
        if trap == "stands still":
            if calls[0] <= 3:
                stood.append(timed.call(given))
            return stood[-1]
        if trap == "steps eagerly" and cell.framework == "jax":
            import jax

            with jax.disable_jit():
                return timed.call(given)
        if trap == "other steps" and calls[0] > 2:  # two calls make it ready
            others.append(train_step(replace(plain, batch=calls[0]), context))  # as a cache would
            return others[-1].call(others[-1].inputs[0])
        return timed.call(given)

    return replace(timed, call=call)


class Evaluated:
    """A network whose forward pass is the sine."""

    def __init__(self, sine: Any) -> None:
        self.sine = sine

    def __call__(self, images: Any) -> Any:
        return self.sine(images, 2)


@cache
def _inside(framework: str) -> Any:
    """Twice the sine by a function that is compiled whole, though its cell is called eager."""
    if framework == "pytorch":
        import torch

        # Without a backend that compiles: what counts is that a graph was made of it.
        return torch.compile(lambda array: 2 * torch.sin(array), backend="eager")
    return _long(8, 4)


def _address(array: Any) -> int:
    pointer = getattr(array, "data_ptr", None) or array.unsafe_buffer_pointer
    return int(pointer())


def _later(given: Any, trap: str) -> Any:
    """An answer that a thread makes when the call is over: filled in, or waited for when read."""
    import threading

    answer = np.zeros(SHAPE, np.float32)

    def work() -> None:
        time.sleep(WORK_S)
        answer[:] = 2 * np.sin(np.asarray(given))

    thread = threading.Thread(target=work)
    thread.start()
    return answer if trap.endswith("filled in") else Awaited(answer, thread)


class Awaited:
    """An array that is there when it is read."""

    def __init__(self, answer: Any, thread: Any) -> None:
        self.answer, self.thread = answer, thread

    def __array__(self, *arguments: Any, **more: Any) -> Any:
        self.thread.join()
        return np.array(self.answer)

    def detach(self) -> Any:
        """As a tensor is read."""
        import torch

        return torch.from_numpy(np.asarray(self))


class Unwaiting:
    """A framework whose barrier does nothing."""

    def __init__(self, framework: Any) -> None:
        self.framework = framework

    def __getattr__(self, name: str) -> Any:
        return getattr(self.framework, name)

    def wait(self, value: Any) -> None:
        """Return at once."""


def _visited(trap: str, context: Mapping[str, Any]) -> None:
    """Write a cell's name down when the clock comes to it from another."""
    if "visited" in context:
        path = Path(context["visited"])
        before = path.read_text().split() if path.exists() else []
        if before[-1:] != [trap]:
            path.write_text("\n".join([*before, trap]))


def _functions(framework: str) -> tuple[Any, Any]:
    if framework == "pytorch":
        import torch

        return lambda array, factor: factor * torch.sin(array), torch.from_numpy
    import jax

    from implementations.frameworks.jax import runtime as module

    def sine(array: Any, factor: float) -> Any:
        module._traces["compiled"] += 1  # as in the functions it prepares: at each tracing
        return factor * jax.numpy.sin(array)

    return jax.jit(sine, static_argnums=1), jax.numpy.asarray


@cache
def _long(size: int, times: int) -> Any:
    """Twice the sine, after so many products of matrices of a size, which do not count."""
    import jax
    from jax import numpy as jnp

    @jax.jit
    def work(array: Any) -> Any:
        square = jnp.resize(array, (size, size))
        for _ in range(times):
            square = jnp.tanh(square @ square)
        return 2 * jnp.sin(array) + 0.0 * square.sum()

    return work


clocked.TASKS |= {"trap": trapped, "heatmap": trapped, "train_step": stepping}


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    timing.serve(cells, context, report)
