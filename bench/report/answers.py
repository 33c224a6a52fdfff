"""Answers: one line a question, made from the numbers of the tables.

Each says how sure it is: of which machine it is, how many processes it is the median of, and
whether other work was seen. A question that no row answers says so.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench.report.forms import number
from bench.report.worth import good_enough

ABSENT = "not measured"
Answer = tuple[str, str]


class Place(NamedTuple):
    """Of whose times answers are; `layer` is its last, as tables name it that name layers."""

    dataset: str
    architecture: str
    device: str
    precision: str
    batch: int
    layer: str | None


MEASURED = (
    "ms", "ms_low", "ms_high", "ms_per_image", "eager_ms", "break_even_calls", "real", "to_best",
    "like", "library", "layer", "passed", "median_rel", "max_rel", "tolerance", "options",
)  # fmt: skip
"""Columns that a table goes without where no row of it has a value."""
OWN = Place("digits", "cnn-48-32-16", "cpu", "float32", 64, "relu3")
"""That of the README."""


def read(path: Path) -> pd.DataFrame:
    """The numbers of a table, without its footer; empty where it was not written."""
    if not path.exists():
        return pd.DataFrame()
    rows, _, _ = path.read_text(encoding="utf-8").partition("\n# ")
    return pd.read_csv(io.StringIO(rows), keep_default_na=False, na_values=[""])


def ask(
    answer: Callable[[pd.DataFrame, Place], Answer | None], numbers: pd.DataFrame, of: Place
) -> Answer | None:
    """What a table's numbers answer; None where they have no such row."""
    if numbers.empty:
        return None
    absent = [name for name in MEASURED if name not in numbers]
    return answer(numbers.reindex(columns=[*numbers.columns, *absent]), of)


def batches(frame: pd.DataFrame, of: Place) -> Answer | None:
    """The fastest column at Grad-CAM in batches."""
    return _fastest(_of(frame, of, "grad_cam"), "ms_per_image", "an image")


def training(frame: pd.DataFrame, of: Place) -> Answer | None:
    """The fastest column at a step of training."""
    steps = frame[frame["task"] == "train_step"]
    return _fastest(_of(steps, of, ""), "ms_per_image", "an image of a step")


def one_image(frame: pd.DataFrame, of: Place) -> Answer | None:
    """The fastest column and mode at Grad-CAM of one image."""
    return _fastest(_of(frame, of._replace(batch=1), "grad_cam"), "ms", "a call")


def few_calls(frame: pd.DataFrame, of: Place) -> Answer | None:
    """The fastest column without compiling, and how soon compiling pays at the soonest."""
    mine = _of(frame, of, "grad_cam").dropna(subset=["eager_ms"])
    if mine.empty:
        return None
    best = mine.sort_values("eager_ms").iloc[0]
    told = f"{best['column']}, eager: {number(best['eager_ms'])} ms a call of {of.batch} images"
    real = mine[mine["real"].astype(bool) & (mine["break_even_calls"].astype(float) > 0)]
    if len(real):
        soon = real.sort_values("break_even_calls").iloc[0]
        calls = math.ceil(soon["break_even_calls"])
        told += f"; compiling pays at the soonest after {calls} calls ({soon['column']})"
    return told, f"machine {best['machine_id']}{_doubt(best)}"


def library(frame: pd.DataFrame, of: Place) -> Answer | None:
    """The library that gives the same Grad-CAM the soonest, or any Grad-CAM where none does."""
    mine = frame[(frame["like"] == "grad_cam") & frame["library"].notna() & frame["ms"].notna()]
    timed = mine[mine["architecture"] == of.architecture].dropna(subset=["to_best"])
    same = timed[timed["max_rel"].astype(float) <= timed["tolerance"].astype(float)]
    ranked = _best_known(same if len(same) else timed)
    if ranked.empty:
        return None
    best = ranked.sort_values("to_best").iloc[0]
    options = "" if pd.isna(best["options"]) else f" ({best['options']})"
    told = f"{best['library']}{options} in {best['column']}: ×{number(best['to_best'])} of our own"
    return f"{told}, {'the same' if len(same) else 'another'} map", _sure(best)


def agreement(frame: pd.DataFrame, of: Place) -> Answer | None:
    """Whether the framework is why heatmaps differ."""
    found = passed(frame, of)
    return (f"not by the framework: {found[0]}", found[1]) if found else None


def passed(frame: pd.DataFrame, of: Place) -> Answer | None:
    """How far the columns' heatmaps are from the oracle's, with trained weights.

    Counted are comparisons of the code as it is, or, where there is none, all.
    """
    mine = frame[
        (frame["device"] == of.device)
        & (frame["precision"] == of.precision)
        & (frame["weights"] == "trained")
        & frame["library"].isna()
        & (frame["method"] == "grad_cam")
        & frame["passed"].notna()
    ]
    if mine.empty:
        return None
    fresh = mine[~mine["stale"].astype(bool)]
    since = "" if len(fresh) else "; the code has changed since"
    mine = fresh if len(fresh) else mine
    within = mine["passed"].astype(bool).sum()
    told = f"{within} of {len(mine)} comparisons of Grad-CAM pass"
    middle = f"median error {number(mine['median_rel'].median())} of the peak"
    sure = f"{mine['column'].nunique()} columns against a float64 oracle{since}"
    return f"{told}, {middle}", sure


def gpu(frame: pd.DataFrame, of: Place) -> Answer | None:
    """The fastest column on a GPU."""
    mine = frame[(frame["device"] == "gpu") & (frame["method"] == "grad_cam")]
    return _fastest(mine, "ms_per_image", "an image")


QUESTIONS: tuple[tuple[str, str, Callable[[pd.DataFrame, Place], Answer | None]], ...] = (
    ("I explain batches on a CPU", "choose", batches),
    ("I make a few calls only", "price_of_jit", few_calls),
    ("I explain one image at a time", "batch_scaling", one_image),
    ("I train", "choose", training),
    ("Is Grad-CAM good enough, or SHAP or integrated gradients?", "contrast", good_enough),
    ("Which library for Grad-CAM?", "libraries", library),
    ("My heatmap differs: who is right?", "agreement", agreement),
    ("I have a GPU", "choose", gpu),
)


def _of(frame: pd.DataFrame, of: Place, method: str) -> pd.DataFrame:
    """Our own method's rows of a place that are known the best."""
    mine = frame[frame["library"].isna()]
    for name in ("dataset", "architecture", "device", "precision", "batch"):
        mine = mine[mine[name] == getattr(of, name)]
    mine = mine[mine["method"] == method] if method else mine
    mine = mine[mine["layer"].isna() | (mine["layer"] == of.layer)]
    return _best_known(mine)


def _best_known(rows: pd.DataFrame) -> pd.DataFrame:
    """Of these those that are not stale, and of several processes, each where there are any."""
    fresh = rows[~rows["stale"].astype(bool)]
    rows = fresh if len(fresh) else rows
    several = rows[rows["processes"] > 1] if "processes" in rows else rows
    return several if len(several) else rows


def _fastest(frame: pd.DataFrame, what: str, unit: str) -> Answer | None:
    timed = frame.dropna(subset=[what])
    if timed.empty:
        return None
    ranked = timed.sort_values(what)
    best = ranked.iloc[0]
    told = f"{best['column']}, {best['mode']}: {number(best[what])} ms {unit}"
    others = ranked[ranked["column"] != best["column"]]
    if len(others):
        second = others.iloc[0]
        overlap = second["ms_low"] <= best["ms_high"]
        told += f" (next {second['column']}, {number(second[what])} ms"
        told += "; intervals overlap)" if overlap else ")"
    return told, _sure(best)


def _sure(row: pd.Series) -> str:
    return f"{int(row['processes'])} processes, machine {row['machine_id']}{_doubt(row)}"


def _doubt(row: pd.Series) -> str:
    doubt = "" if bool(row["stable"]) else "; other work was seen"
    return doubt + ("; the code has changed since" if bool(row["stale"]) else "")
