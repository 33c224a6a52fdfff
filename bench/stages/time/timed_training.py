"""Training steps under the stopwatch, from the weights and images that all columns are given.

Two losses must be the oracle's: that of the first step, and that of the first step of a second call
on other images, from the weights that the steps before have led to. So neither the images nor the
weights are folded in, and every step learns. With dropout or batch normalisation, which compute
something else in training, the oracle has no loss.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages.time import operations
from bench.stages.time.drawn import Draw
from bench.stages.time.timed import Timed, layout_of, our_cell
from bench.subject import explainer
from bench.subject.inputs import batch_of
from bench.truth import answers, tolerance
from implementations import frameworks
from implementations.architecture.recipes import recipe
from implementations.errors import Unavailable

SLACK = 10
"""How much farther the loss may be than at first: it is of logits that have grown."""
STEPS = 2
"""Training steps a sample: the cost of fetching the losses is shared as it is in training."""
OTHERWISE = ("dropout", "batch_norm")
"""Kinds of nodes that compute something else in training."""


def unlearned(one: NDArray[Any], other: NDArray[Any]) -> str:
    """Why the losses of two batches, and of the same turned round, are none; or empty."""
    same = np.allclose(one, other[::-1], rtol=1e-6, atol=0)
    return "the same batches had the same losses again: nothing was learned" if same else ""


def cross_entropy(logits: NDArray[np.float64], labels: NDArray[np.int32]) -> float:
    """The mean over images of the negative log-probability of their class, in float64."""
    picked = logits[np.arange(len(logits)), labels]
    return float((logsumexp(logits, axis=1) - picked).mean())


def train_step(cell: Cell, context: Mapping[str, Any]) -> Timed:
    """Training steps at the cell's batch size.

    Raises Unavailable for a compiled step of a column that has none.
    """
    if cell.mode != "eager" and (why := cell.column.traits.eager_step):
        raise Unavailable(why)
    about = batch_of(replace(cell, batch=cell.batch * STEPS), context)
    first = replace(about, images=about.images[: cell.batch], labels=about.labels[: cell.batch])
    logits = answers.answer(our_cell(cell), first, Path(context["oracle"]))["logits"]
    otherwise = any(node.kind in OTHERWISE for node in about.architecture.nodes)
    gate = None if otherwise else tolerance.tolerance(our_cell(cell), logits)
    framework, import_s = explainer.load_framework(cell)
    began = time.perf_counter()
    network = framework.build(about.architecture, about.weights, cell.device, cell.precision)
    trainer = frameworks.trainers(cell.framework)(
        network, recipe(cell.architecture, cell.dataset), "native", about.images, about.labels,
        cell.seed, cell.mode,
    )  # fmt: skip
    build_s = time.perf_counter() - began
    orders = [np.arange(len(about.images)), np.arange(len(about.images))[::-1].copy()]
    second: list[float] = []

    def call(order: NDArray[np.int64]) -> NDArray[np.float64]:
        return trainer.epoch(order, cell.batch)

    def away(loss: float, expected: float) -> float:
        return float(abs(loss - expected) / np.abs(logits).max())

    def next_loss(order: NDArray[np.int64]) -> float:
        """The loss of the first step in an order, from the weights as they are, by the oracle."""
        chosen = order[: cell.batch]
        now = answers.network(about.architecture, trainer.weights())
        return cross_entropy(now(about.images[chosen].astype(np.float64)), about.labels[chosen])

    def check(losses: NDArray[np.float64]) -> Row:
        error = away(losses[0], cross_entropy(logits, first.labels))
        if gate is not None:
            second.append(next_loss(orders[1]))
        passed = error <= gate if gate is not None else None if np.isfinite(error) else False
        return {"max_rel": error, "tolerance": gate, "agree": passed, "against": "reference"}

    def doubt(one: NDArray[Any], other: NDArray[Any]) -> str:
        if second and gate is not None and away(other[0], second[0]) > gate:
            return "the loss of other images is not theirs: they were folded in, or the weights"
        return unlearned(one, other)

    cost: Row = {"import_s": import_s, "build_s": build_s, "layout": layout_of(network)}
    cost["flops"] = operations.of(cell, about.architecture)
    fresh = Orders(len(about.images), call, next_loss, gate)
    return Timed(framework, call, orders, fresh, check, cost, parts=STEPS, doubt=doubt)


class Orders:
    """The images of every call in a new order, and whether its losses were those of training."""

    def __init__(
        self,
        images: int,
        call: Callable[[NDArray[np.int64]], NDArray[np.float64]],
        next_loss: Callable[[NDArray[np.int64]], float],
        gate: float | None,
    ) -> None:
        self.images, self.call, self.next_loss, self.gate = images, call, next_loss, gate
        self.random = np.random.default_rng(secrets.randbits(128))
        self.losses: list[NDArray[np.float64]] = []

    def draw(self) -> Draw:
        """All images in an order that was not there before."""
        order = self.random.permutation(self.images)
        return Draw(order, order, order.astype(np.int32))

    def keep(self, draw: Draw, answer: NDArray[Any]) -> None:
        """Remember the losses of a call."""
        self.losses.append(answer)

    def again(self) -> Row:
        """One more call's first loss beside the oracle's, by the weights that the clock left.

        Without a gate, which dropout takes away, that no call had the losses of another.
        """
        told = np.unique(np.stack(self.losses), axis=0)
        row: Row = {"agree": bool(np.isfinite(told).all()) and len(told) == len(self.losses)}
        if self.gate is None:
            return row
        order = self.draw().input
        expected = self.next_loss(order)
        error = abs(float(self.call(order)[0]) - expected) / max(abs(expected), 1.0)
        return {"max_rel": error, "agree": row["agree"] and error <= SLACK * self.gate}
