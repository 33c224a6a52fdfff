"""Training: accuracy, loss of the first and last epoch, and the time of a step."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bench.report.curves import PLACE, Curve, curves
from bench.report.forms import count, missing, number, stale_text
from bench.report.measured import started
from bench.report.same_run import places
from bench.report.statistics import middle
from bench.report.table import ABSENT, Shown, Table, View

STAGES = ("train", "time")
EAGER = "eager"
NO_LOOP = dict.fromkeys(("plain_loop_ratio", "eager_step_ms", "compiled_step_ms"), math.nan)
NOTE = (
    "`matched` is one Adam in every column, its rate growing over the first steps; `native` each "
    "framework's own; `sgd` without momentum. Medians over seeds, the range in brackets. "
    "Milliseconds per step: median over epochs, the first left out where there is another (it "
    "compiles); trainings of a run share the machine, a core or more each, so the "
    "time stage's step is the one to compare. A data set too small for twenty steps an "
    "epoch is cut into smaller batches. Plain loop: an eager step's time "
    "over a compiled step's, both from the time stage, at the largest batch that was timed."
)


def _accuracy(value: float, low: float, high: float, seeds: int) -> str:
    if missing(value):
        return ABSENT
    return f"{value:.4f}" + (f" ({low:.4f}–{high:.4f})" if seeds > 1 else "")


def _optimizer(name: str, mode: str, eager: bool, steps: int) -> str:
    parts = [name, EAGER if eager else mode, f"{steps} steps" if steps else ""]
    return ", ".join(filter(None, parts))


def _loop(ratio: float, eager: float, compiled: float) -> str:
    return ABSENT if missing(ratio) else f"{number(eager)} / {number(compiled)} = ×{number(ratio)}"


SHOWN = (
    Shown("column", stale_text, ("column", "stale")),
    Shown("optimizer", _optimizer, ("optimizer", "mode", "eager_step", "steps")),
    Shown("epochs", count, ("epochs_run",)),
    Shown("seeds", count, ("seeds",)),
    Shown(
        "test accuracy", _accuracy,
        ("test_accuracy", "test_accuracy_min", "test_accuracy_max", "seeds"),
    ),
    Shown("loss, first epoch", number, ("first_epoch_loss",)),
    Shown("last epoch", number, ("last_epoch_loss",)),
    Shown("ms per step", number, ("step_ms",)),
    Shown("plain loop, ms", _loop, ("plain_loop_ratio", "eager_step_ms", "compiled_step_ms")),
)  # fmt: skip


def make(frame: pd.DataFrame) -> Table:
    """A line for each column, optimizer and number of epochs."""
    by_group: dict[tuple[Any, ...], list[Curve]] = {}
    for curve in curves(frame):
        key = {name: curve.setting[name] for name in curve.setting if name != "seed"}
        by_group.setdefault((*key.items(), ("column", curve.column)), []).append(curve)
    ratios = plain_loop(frame)
    eager = uncompiled(frame)
    data = pd.DataFrame(
        _line(dict(key), found, ratios) | {"eager_step": dict(key)["column"] in eager}
        for key, found in by_group.items()
    )
    return Table("training", "Training", data, [View(PLACE, SHOWN)], NOTE)


def uncompiled(frame: pd.DataFrame) -> set[str]:
    """The columns whose training step is never compiled, as rows of `time` say."""
    steps = frame[(frame["task"] == "train_step") & (frame["mode"] != EAGER)]
    return set(steps["column"]) - set(steps.loc[steps["status"] != "skipped", "column"])


def plain_loop(frame: pd.DataFrame) -> dict[tuple[str, ...], dict[str, float]]:
    """The eager and the fastest compiled training step, ms, and their ratio; by `PLACE`, column.

    Of the newest run that has both, at its largest batch.
    """
    found: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for here in places(frame[frame["task"] == "train_step"]):
        for timing in (cell.timing for cell in here.cells):
            eager = here.like(timing, mode=EAGER)
            if not eager or not timing.estimate or timing.mode == EAGER:
                continue
            key = (*(here.key[name] for name in PLACE), timing.column)
            assert eager.timing.estimate is not None
            slow, fast = eager.timing.estimate.value, timing.estimate.value
            rank = (started(here.key["run_id"]), timing.what["batch"], slow / fast, slow, fast)
            found[key] = max(rank, found.get(key, rank))
    names = ("plain_loop_ratio", "eager_step_ms", "compiled_step_ms")
    return {key: dict(zip(names, rank[2:], strict=True)) for key, rank in found.items()}


def step_ms(curve: Curve) -> float:
    """Median over epochs of the time of a step; the first epoch only where it is the only one."""
    times = [row["step_ms"] for row in curve.epochs if math.isfinite(row["step_ms"])]
    return middle(times[1:] or times)


def _line(
    key: dict[str, Any], found: list[Curve], ratios: dict[tuple[str, ...], dict[str, float]]
) -> dict[str, Any]:
    accuracies = [curve.epochs[-1]["test_accuracy"] for curve in found]
    known = [value for value in accuracies if math.isfinite(value)]
    where = (*(key[name] for name in PLACE), key["column"])
    whole = key["optimizer"] == "native" and not key["steps"]  # what the loop was timed beside
    return {
        **key,
        "seeds": len(found),
        "test_accuracy": middle(known),
        "test_accuracy_min": min(known, default=math.nan),
        "test_accuracy_max": max(known, default=math.nan),
        "first_epoch_loss": middle(c.epochs[0]["train_loss"] for c in found),
        "last_epoch_loss": middle(c.epochs[-1]["train_loss"] for c in found),
        "epochs_run": max(len(curve.epochs) for curve in found),
        "step_ms": middle(step_ms(curve) for curve in found),
        **(ratios.get(where, NO_LOOP) if whole else NO_LOOP),
        "stale": any(curve.stale for curve in found),
    }
