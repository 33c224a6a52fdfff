"""The gate: how two answers are compared, and what an error is held against.

Errors, zero maps, kinks and tolerances are as in the rules of measurement: float64 shows that the
code is right, float32 shows rounding. What is not finite never agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from bench.record.runs import Row
from bench.subject.explainer import Arrays, asked, method_of
from bench.subject.heatmaps import relative_error, zero_maps
from bench.subject.inputs import Subject
from bench.truth import again, rounding, tie_breaking
from bench.truth.scale import MAPS, scale

KINK = {"float32": 1e-6, "float64": 1e-14}
"""A gradient may go another way only where the oracle is nearer than this to a kink."""
SURPRISE = 1e-4
"""So many images near a kink that chance has them less often than this are not excused."""
LIBRARY = 1e-5
"""The tolerance of a library at the settings that make it compute our map, in float32."""
EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}
COARSE = {"bfloat16": 0.1, "tf32": 0.025}
"""Before the clock: what the median image's error may be where single images have no gate.

Some 25 units of rounding; medians of right answers of small networks in bfloat16 were up to 0.008.
"""


def tolerance(cell: Cell, logits: NDArray[Any]) -> float | None:
    """The gate on max_rel, or None where the error is published without one (TF32, bfloat16)."""
    if cell.precision not in EPSILON:
        return None
    card = method_of(cell).card
    if cell.precision == "float64":
        return card.exact
    if cell.score != "logit":
        return 1e-5 + 4 * EPSILON[cell.precision] * float(np.abs(logits).max())
    return card.tolerance


@dataclass(frozen=True)
class Gate:
    """What an error is held against: the tolerance, and what excuses an image above it.

    An image may be above it where rounding of a cancelling sum carries it (`bounds`, by stage);
    where it agrees with the oracle once that `follow`s the column at what only rounding decides;
    where the oracle is within `near` of a kink, past which a gradient goes another way; or, farther
    than `decided` from one and without a tie, where the error is no more than four times what
    rounding alone has `moved` the oracle by.
    `chance` is that an image is so near: a unit in a million is within 1e-6 of its kink.
    """

    tolerance: float | None
    bounds: Mapping[str, NDArray[np.float64]]
    near: float
    chance: float
    kinks: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    follow: Callable[[NDArray[np.int64]], Arrays | None] = lambda chosen: None
    moved: Callable[[int], Mapping[str, float]] = lambda number: {}
    decided: float = np.inf
    typical: float | None = None
    """What the median over images is held against, those of no zero map, without `tolerance`."""

    def few(self, n: int) -> int:
        """How many of n images may be near a kink: more have less than 1e-4 of probability."""
        from scipy.stats import binom

        return max(int(binom.ppf(1 - SURPRISE, n, self.chance)), 1)


def gate_of(cell: Cell, about: Subject, expected: Arrays, folder: Path, chunk: int = 0) -> Gate:
    """The gate of a cell that is given `chunk` images at a time, or 0 for all at once.

    What the oracle is asked again is kept in the `folder` of its answers.
    Scores through the softmax are excused no kink; but near one they too are held against the
    oracle that follows the column, which is no excuse: the rest must then agree.
    """
    decided = KINK.get(cell.precision, 0.0)
    near = decided if cell.score == "logit" else 0.0
    known = cell.precision in rounding.UNIT
    method, options, place = asked(replace(cell, library=""), about.architecture)
    layer = method.differentiated(place)
    cost = method.cost(options, about.architecture, place)
    points, lost = cost.backward, cost.head > 0 and not cost.backward
    bounds: Mapping[str, NDArray[np.float64]] = {}
    if known:
        bounds = rounding.bounds(
            expected, cell.precision, cell.score, about.architecture, layer, points > 0, lost
        )
    units = rounding.switches(about.architecture, layer)
    switched = units * (min(points, 1) if method.every_class else points)
    own = method.card.thresholds(about.architecture, place)
    chance = min(near * (switched + own), 1.0)
    gate = tolerance(cell, expected["logits"])

    @cache  # the stages of a heatmap ask for the same images, one after another
    def follow(chosen: tuple[int, ...]) -> Arrays | None:
        size = chunk or len(about.images)
        return tie_breaking.answer(
            cell, about, expected["targets"], np.array(chosen), decided, size, folder
        )

    return Gate(
        gate, bounds, near, chance,
        lambda chosen: again.kinks(cell, about, expected["targets"], chosen, folder),
        lambda chosen: follow(tuple(chosen.tolist())),
        lambda i: again.farthest(cell, about, expected, i, folder) if known else {}, decided,
    )  # fmt: skip


def compare(name: str, found: Arrays, expected: Arrays, gate: Gate) -> Row:
    """One stage compared: the agreement columns of a row. What is not finite never agrees."""
    a, b = found[name], expected[name]
    size = scale(name, expected)
    error = relative_error(a, b, size)
    zero = zero_maps(b) if name in MAPS else np.zeros(len(a), bool)
    rows: Row = {
        "compared": name,
        "against": "reference",
        "n_images": len(a),
        "max_abs": float(np.abs(a - b).max()),
        "max_rel": float(error.max()),
        "worst_image": int(error.argmax()),  # the first that is not a number, where there is one
        "median_rel": float(np.median(error)),
        "rmse": float(np.sqrt(np.mean((a - b) ** 2))),
        "zero_map_share": float(zero.mean()),
        "nan_count": int((~np.isfinite(a)).sum()),
        "tolerance": gate.tolerance,
    }
    if gate.tolerance is not None:
        bound = gate.bounds.get(name, np.zeros(len(error)))[: len(error)].copy()

        def led(above: NDArray[np.int64]) -> NDArray[np.float64]:
            followed = gate.follow(above) or {}
            if name not in followed:
                return np.full(len(above), np.nan)
            return relative_error(a[above], followed[name], size[above])

        def moves(left: NDArray[np.int64]) -> NDArray[np.float64]:
            each = [gate.moved(int(i)).get(name, 0.0) for i in left]
            return rounding.LAMBDA * np.array(each)

        rows |= _judge(error, gate.tolerance, bound, gate, led, moves)
    elif rows["nan_count"]:
        rows["agree"] = False
    elif gate.typical is not None:
        shown = error if zero.all() else error[~zero]
        rows["agree"] = bool(np.median(shown) <= gate.typical)
    return rows


def _judge(
    error: NDArray[np.float64],
    tolerance: float,
    bound: NDArray[np.float64],
    gate: Gate,
    again: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    moves: Callable[[NDArray[np.int64]], NDArray[np.float64]],
) -> Row:
    above = np.flatnonzero(~(error <= tolerance))  # NaN is above
    row: Row = {"share_within": 1 - len(above) / len(error), "kinks": [], "agree": True}
    if len(above):
        kinks, followed = gate.kinks(above), again(above)
        within = (error[above] <= bound[above]) | (followed <= tolerance)
        # Where a tie is broken otherwise, the oracle that follows says what is right.
        untied = np.isnan(followed) & (kinks > gate.decided)
        left = above[~within & untied & np.isfinite(error[above])]
        if len(left):
            bound[left] = np.maximum(bound[left], moves(left))
        rounded = (error[above] <= bound[above]) | (followed <= tolerance)
        row["kinks"] = [
            [int(i), float(error[i]), float(kink), float(bound[i]), float(after)]
            for i, kink, after in zip(above, kinks, followed, strict=True)
        ]
        excused = np.isfinite(error[above]) & (rounded | (kinks <= gate.near))
        row["agree"] = bool(excused.all() and (~rounded).sum() <= gate.few(len(error)))
    return row
