"""Agreement with the float64 oracle, and every image above the tolerance with its kink distance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pandas as pd

from bench.report.clock import STALE
from bench.report.files import Section, Table
from bench.report.frame import Row, groups, label, records
from bench.report.text import ABSENT, listed, number, share

TITLE = "Agreement with the oracle"
STAGES = ("agree",)
ORDER = ("logits", "activations", "gradients", "weights", "signed", "heatmap", "upsampled")
MAPS = ("signed", "heatmap", "upsampled")
NETWORK = ("dataset", "architecture", "layer", "mode")
EXPLAINER = ("method", "library", "options", "score", "task")
WIDE = ("device", "precision", "weights", "column", *EXPLAINER)
NOTE = (
    "Error: the worst image's max |a - b| / max |reference signed map|, over every layer, mode, "
    "architecture and data set measured; agreement.csv has each layer apart. Images within the "
    "tolerance are counted over all of these, the maps as they are (signed) and as they are shown. "
    "A map that is zero everywhere agrees with nothing: the highest share of such maps is given."
)
WITHIN = "images within (worst error)"
SHOWN = 60
BROKEN = ("wrong", "failed", "timeout", "oom")
USED = (
    "cell_id", "compared", "status", "reason", "agree", "stale", "nan_count", "n_images", "max_rel",
    "median_rel", "tolerance", "share_within", "pearson_min", "spearman_min", "topk_iou",
    "zero_map_share",
)  # fmt: skip


def make(frame: pd.DataFrame) -> list[Table]:
    """`agreement` and, where an image is above the tolerance, `agreement_kinks`."""
    by = (*WIDE, *NETWORK, "machine_id")
    rows = frame.loc[frame["stage"] == "agree", [*by, *USED, "kinks"]]
    if rows.empty:
        return []
    data = pd.DataFrame([{**key, **summary(mine)} for key, mine in records(rows, by)])
    sections: list[Section] = []
    for key, mine in groups(rows, ("device", "precision", "weights")):
        sections += _sections(
            f"{key['device']}, {key['precision']}, {key['weights']} weights", mine
        )
    skipped = _not_compared(rows)
    table = Table("agreement", TITLE, data, [*sections, *skipped], NOTE)
    return [table, *_kinks(rows)]


def summary(rows: list[Row]) -> Row:
    """The worst of rows. `passed` is None where no gate applies; NaN never passes."""
    measured = [row for row in rows if row["compared"]]
    shown = [row for row in measured if row["compared"] in MAPS] or measured
    failed = {row["compared"] for row in measured if row["agree"] is False}
    gates = [bool(row["agree"]) for row in measured if row["agree"] in (True, False)]
    not_finite = int(sum(row["nan_count"] for row in measured if row["nan_count"] > 0))
    if not_finite or any(row["status"] in BROKEN for row in rows):
        gates.append(False)
    return {
        "cells": len({row["cell_id"] for row in rows}),
        "images": _of(measured, "n_images", min),
        "max_rel": math.inf if not_finite else _of(shown, "max_rel", max),
        "median_rel": _of(shown, "median_rel", max),
        "tolerance": _of(shown, "tolerance", max),
        "share_within": _of(shown, "share_within", min),
        "share_of_all": _pooled(shown),
        "pearson_min": _of(shown, "pearson_min", min),
        "spearman_min": _of(shown, "spearman_min", min),
        "topk_iou": _of(shown, "topk_iou", min),
        "zero_map_share": _of(shown, "zero_map_share", max),
        "not_finite": not_finite,
        "first_out": next((name for name in ORDER if name in failed), ""),
        "passed": all(gates) if gates else None,
        "stale": any(row["stale"] for row in rows),
        "reason": "; ".join(dict.fromkeys(row["reason"] for row in rows if row["reason"])),
    }


def _of(rows: list[Row], name: str, worst: Callable[[list[float]], float]) -> float:
    """The worst of the values that were measured; an infinite error counts, NaN is no value."""
    values = [row[name] for row in rows if not math.isnan(row[name])]
    return float(worst(values)) if values else math.nan


def _pooled(rows: list[Row]) -> float:
    """Images within the tolerance, of those of all rows together."""
    judged = [row for row in rows if not math.isnan(row["share_within"])]
    images = sum(row["n_images"] for row in judged)
    within = sum(row["share_within"] * row["n_images"] for row in judged)
    return float(within / images) if images else math.nan


def _sections(title: str, rows: pd.DataFrame) -> Iterator[Section]:
    """Images within and the worst error, methods down and columns across, then the details."""
    measured = rows[rows["compared"] != ""]
    if measured.empty:
        return
    found = [(key, summary(mine)) for key, mine in records(rows, (*EXPLAINER, "column"))]
    columns = sorted(rows["column"].unique())
    matrix: dict[str, dict[str, str]] = {}
    details = []
    for key, worst in found:
        start = {WITHIN: label(key), "tolerance": number(worst["tolerance"])}
        line = matrix.setdefault(label(key), start | dict.fromkeys(columns, ABSENT))
        line[key["column"]] = _cell(worst)
        details.append(
            {
                "method": label(key),
                "column": key["column"],
                "tolerance": number(worst["tolerance"]),
                "images within": share(worst["share_of_all"]),
                "of the worst cell": share(worst["share_within"]),
                "lowest Pearson": number(worst["pearson_min"]),
                "lowest Spearman": number(worst["spearman_min"]),
                "zero maps": share(worst["zero_map_share"]),
                "first stage out": worst["first_out"] or ABSENT,
                "gate": {True: "passed", False: "**not passed**", None: "none"}[worst["passed"]],
            }
        )
    stale = (STALE,) if rows["stale"].any() else ()
    yield Section(title, pd.DataFrame(list(matrix.values())), stale)
    yield Section(f"{title}: details", pd.DataFrame(details))


def _cell(worst: Row) -> str:
    mark = " †" if worst["stale"] else ""
    if math.isnan(worst["max_rel"]):
        return f"*absent*{mark}"
    error = "not finite" if worst["not_finite"] else number(worst["max_rel"])
    if not worst["not_finite"] and not math.isnan(worst["share_of_all"]):
        error = f"{share(worst['share_of_all'])} ({error})"
    return (f"**{error}** ✗" if worst["passed"] is False else error) + mark


def _not_compared(rows: pd.DataFrame) -> list[Section]:
    lines = []
    left = rows[~rows["status"].isin(["ok", "wrong"])]
    for key, mine in groups(left, ("column", *EXPLAINER, "status", "reason")):
        lines.append(
            {
                "column": key["column"],
                "method": label(key),
                "cells": str(mine["cell_id"].nunique()),
                "status": key["status"],
                "reason": key["reason"],
            }
        )
    return [Section("Not compared", pd.DataFrame(lines))] if lines else []


def _kinks(rows: pd.DataFrame) -> list[Table]:
    """Every image above the tolerance: its error and the oracle's distance to the nearest kink."""
    lines = []
    for row in rows.to_dict("records"):
        for image, *numbers in row["kinks"] or ():
            known = [math.nan if each is None else each for each in numbers]
            error, distance, bound, followed = (*known, math.nan)[:4]
            names = ("column", *EXPLAINER[:4], *NETWORK, "weights", "precision", "device")
            line = {str(name): row[name] for name in names}
            found = {"image": int(image), "error": error, "kink_distance": distance}
            found |= {"rounding_bound": bound, "error_followed": followed}
            lines.append(
                line | {"compared": row["compared"]} | found | {"tolerance": row["tolerance"]}
            )
    if not lines:
        return []
    data = pd.DataFrame(lines)
    texts = [
        f"{line['column']}, {label({**line, 'task': ''})}, {line['architecture']} on "
        f"{line['dataset']} ({line['weights']}), {line['layer']}, {line['mode']}, "
        f"{line['precision']}: {line['compared']} of image {line['image']}, "
        f"error {number(line['error'])}, kink at {number(line['kink_distance'])}, "
        f"rounding up to {number(line['rounding_bound'])}, "
        f"{number(line['error_followed'])} where the oracle follows"
        for line in sorted(lines, key=lambda line: -line["kink_distance"])
    ]
    counts = data.groupby(["column", "precision", "compared"]).size().rename("images").reset_index()
    section = Section("How many", counts, tuple(listed(texts, SHOWN)))
    note = (
        "An image above the tolerance is excused only where it is within the tolerance of an "
        "oracle that follows the column at exact ties and kinks, and there only; where the oracle "
        "is within 1e-6 (relative to the node's largest magnitude) of a kink, a ReLU or max-pool "
        "about to switch; or where the error is no more than rounding may cause in a sum whose "
        "terms cancel (Higham & Mary 2019)."
    )
    return [Table("agreement_kinks", "Images above the tolerance", data, [section], note)]
