"""Values of images as rows: mean and interval, correct and wrong classifications apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.subject.heatmaps import constant, peak, zero_maps

Row = dict[str, Any]
PerImage = NDArray[np.float64]
RESAMPLES = 5000
CORRECT = "correct"
"""The subset that headlines and curves are of."""
FEWEST = 2
"""Images for an interval: the mean of one has none."""


@cache
def resamples(images: int) -> NDArray[np.float32]:
    """How often each image is in each bootstrap resample (B, N), the same for every table."""
    drawn = np.random.PCG64(images).random_raw(RESAMPLES * images) % np.uint64(images)
    places = drawn.astype(np.int64) + images * np.repeat(np.arange(RESAMPLES), images)
    counts = np.bincount(places, minlength=RESAMPLES * images)
    return counts.reshape(RESAMPLES, images).astype(np.float32)


def intervals(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower and upper ends (2, C) of the 95 % interval of the means of columns (N, C).

    By bootstrap over images, all columns in one resample, so that differences between them are
    paired. NaN is no value; where fewer than two images have one, the ends are NaN.
    """
    ends = np.full((2, values.shape[1]), np.nan)
    enough = np.isfinite(values).sum(axis=0) >= FEWEST
    if enough.any():
        some, drawn = values[:, enough], resamples(len(values))
        defined = np.isfinite(some)
        with np.errstate(invalid="ignore"):  # a resample may have no image with a value
            means = (drawn @ np.where(defined, some, 0)) / (drawn @ defined)
        percentile = np.nanpercentile if np.isnan(means).any() else np.percentile
        ends[:, enough] = percentile(means, [2.5, 97.5], axis=0)
    return ends


def listed() -> list[dict[str, Any]]:
    """The metrics there are, and what each needs: what `list` shows."""
    return [
        {"metric": each.name, "title": each.card.title, "needs": sorted(each.card.needs),
         "better": each.card.better, "unit": each.card.unit}
        for each in map(metrics.load, metrics.names())
    ]  # fmt: skip


def summarise(
    values: Mapping[str, PerImage], subsets: Mapping[str, NDArray[np.bool_]], maps: NDArray[Any]
) -> Iterator[Row]:
    """A row for each metric's values (N,) and each subset of the images, of maps (N, H, W).

    A subset without images has no row; one without a value has a row with no value.
    """
    parts = [(name, subset) for name in values for subset, mine in subsets.items() if mine.any()]
    table = [np.where(subsets[subset], values[name], np.nan) for name, subset in parts]
    if not parts:
        return
    ends = intervals(np.stack(table, axis=1))
    flat = zero_maps(maps) | constant(maps)
    for (name, subset), column, (low, high) in zip(parts, table, ends.T, strict=True):
        mine = subsets[subset]
        known = column[np.isfinite(column)]
        without = mine & ~np.isfinite(column)
        yield {
            "metric": name, "unit": metrics.load(name).card.unit, "subset": subset,
            "statistic": "mean", "value": float(known.mean()) if len(known) else None,
            "ci_lo": float(low), "ci_hi": float(high), "n": len(known),
            "undefined": int(without.sum()), "zero_map_share": float(flat[mine].mean()),
            "notes": _causes(maps, flat, without),
        }  # fmt: skip


def curves(
    found: Mapping[str, metrics.Curve], subsets: Mapping[str, NDArray[np.bool_]], maps: NDArray[Any]
) -> Iterator[Row]:
    """A row for each place of each curve, of the images classified correctly."""
    correct = {name: subset for name, subset in subsets.items() if name == CORRECT}
    for name, curve in found.items():
        for at, values in zip(curve.at, curve.values.T, strict=True):
            for row in summarise({name: values}, correct, maps):
                yield {**row, "at": float(at)}


def _causes(maps: NDArray[Any], flat: NDArray[np.bool_], without: NDArray[np.bool_]) -> str | None:
    """Why a metric is undefined for these images, with their number; None where it is not."""
    broken = ~np.isfinite(peak(maps))
    found = {
        "not finite": broken,
        "zero or constant map": flat & ~broken,
        "undefined by the image": ~flat & ~broken,
    }
    told = [
        f"{cause}: {n}" for cause, which in found.items() if (n := int((which & without).sum()))
    ]
    return ", ".join(told) or None


def correctness(targets: NDArray[Any], labels: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
    """Images classified correctly and wrongly, never pooled: what they show differs."""
    correct = targets == labels
    return {CORRECT: correct, "wrong": ~correct}
