"""The table of what was imported, from the rows that were kept: `imports.csv` and `imports.md`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.imports import condition
from experiments.imports.networks import SOURCES
from implementations import frameworks

GATES = {"float32": 1e-4, "float64": 1e-6}
"""Largest difference of a logit, of the largest logit."""
MAPS = {"float32": 2e-6, "float64": 1e-12}
"""The same of Grad-CAM, of an image's largest value; in float32 also what rounding alone moves."""
TIMES = 4
"""What rounding alone moves the oracle by, so many times, is no error: as `agree` has it."""
NOT_YET = "not tried"
LISTED = {
    "torchvision": ("torchvision, legacy", "torchvision, dynamo"),
    "keras.applications": ("keras[torch]", "keras[tensorflow]"),
    "timm": ("timm, legacy",),
    "onnx zoo": ("onnx zoo",),
}
"""Library -> the exporters that its networks are tried with: one that imports is enough."""
FIRST = (
    "source", "network", "status", "reason", "image", "parameters", "nodes",
    "evaluator_float64", "onnxruntime_float32",
)  # fmt: skip
ROUNDING = tuple(f"rounding_{way}{what}" for what in ("", "_grad_cam") for way in condition.WAYS)
MOVED = ROUNDING[len(condition.WAYS) :]
NOTE = """\
Networks that people use, with random weights, exported by each framework's own exporter, or as the
package onnx ships them, and imported. Errors are the largest difference of a logit over the largest
logit, of two random images: of the oracle on what was imported from onnx's own evaluator in float64
and from onnxruntime in float32, then of the columns from the oracle, the worst of those that were
run (how many is in brackets). `same top` says that all of them rank the same class first, or one
that is no further from it than twice their own error. Grad-CAM is of the last convolution and the
top class, its error of the image's largest value, the worse of two images: 1e-12 is its gate in
float64, 2e-6 in float32, or four times what rounding alone moves it by where that is more.

`rounding alone` is how far Grad-CAM of the oracle itself moves, in three ways: where every value
between nodes is stored as float32, all arithmetic exact; where each pixel and weight is moved by
2^-24 of itself, in float64; and where its NumPy computes in float32, products summed in a row. No
framework has a part in these. Random weights make them large: batch norms of a random network
magnify small differences exponentially in depth (Yang et al. 2019, arXiv 1902.08129), and where all
weights are alike, as in the files of the package onnx, so are the errors of all sums.

Images are 64 x 64 where the network allows it, and scikit-learn's two photographs from 200 x 200
on. Made by `nox -s imports`; `imports.csv` has each column by itself.
"""


def rows(work: Path) -> list[dict[str, Any]]:
    """One a network and source, with each column's errors in both precisions."""
    found = []
    for path in sorted(work.glob("*/row.json")):
        row = json.loads(path.read_text())
        tops = []
        for column in frameworks.columns():
            for precision in GATES:
                kept = path.with_name(f"{column.label}-{precision}.json")
                told = json.loads(kept.read_text()) if kept.exists() else {}
                row[f"{column.label}_{precision}"] = told.get("error", told.get("reason"))
                row[f"{column.label}_{precision}_grad_cam"] = told.get("grad_cam")
                if "same_top" in told:
                    tops.append(told["same_top"] or told["lost"] <= 2 * told["error"])
        if tops:
            row["same_top"] = all(tops)
        kept = path.with_name(condition.NAME)
        told = json.loads(kept.read_text()) if kept.exists() else {}
        found.append({**row, **{f"rounding_{what}": value for what, value in told.items()}})
    there = {(row["source"], row["network"]) for row in found}
    found += [
        {"source": source, "network": name, "status": NOT_YET, "reason": ""}
        for source, (names, _, _) in SOURCES.items()
        for name in names()
        if (source, name) not in there
    ]
    return sorted(found, key=lambda row: (row["source"], row["network"].lower()))


def wrong(row: dict[str, Any]) -> bool:
    """Whether what was imported is not what the file is, in any column."""
    errors = {
        "float64": [row.get("evaluator_float64")], "float32": [row.get("onnxruntime_float32")]
    }  # fmt: skip
    for column in frameworks.columns():
        for precision, held in errors.items():
            held.append(row.get(f"{column.label}_{precision}"))
    beyond = [
        isinstance(error, str) or not error <= GATES[precision]
        for precision, held in errors.items()
        for error in held
        if error is not None
    ]
    exact = [row.get(f"{column.label}_float64_grad_cam") for column in frameworks.columns()]
    beyond += [not off <= MAPS["float64"] for off in exact if off is not None]
    if MOVED[-1] in row:
        single = [row.get(f"{column.label}_float32_grad_cam") for column in frameworks.columns()]
        beyond += [not off <= bound(row) for off in single if off is not None]
    return any(beyond) or row.get("same_top") is False


def bound(row: dict[str, Any]) -> float:
    """What an error of Grad-CAM in float32 is held to, for this network."""
    moved: list[float] = [row.get(name) or 0.0 for name in MOVED]
    return max(MAPS["float32"], TIMES * max(moved))


def write(work: Path, results: Path) -> None:
    """Both files."""
    found = rows(work)
    columns = [
        f"{c.label}_{p}{what}"
        for c in frameworks.columns()
        for p in GATES
        for what in ("", "_grad_cam")
    ]
    named = [*FIRST, *columns, "same_top", *ROUNDING]
    with (results / "imports.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, named, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    (results / "imports.md").write_text(markdown(found), encoding="utf-8")


def markdown(found: list[dict[str, Any]]) -> str:
    """Counts by source, then every network."""
    lines = [
        "# Imported networks",
        "",
        NOTE,
        *_head("source listed tried imported wrong refused other"),
    ]
    for source in [*dict.fromkeys(row["source"] for row in found), ""]:
        listed = [row for row in found if source in ("", row["source"])]
        mine = [row for row in listed if row["status"] != NOT_YET]
        imported = [row for row in mine if row["status"] == "imported"]
        refused = sum(row["status"] == "refused" for row in mine)
        counts = (
            len(listed), len(mine), len(imported), sum(map(wrong, imported)), refused,
            len(mine) - len(imported) - refused,
        )  # fmt: skip
        lines.append(_line([source or "**all**", *counts]))
    lines += ["", *_within(found)]
    heads = (
        "network,source,parameters,evaluator float64,onnxruntime float32,columns float64,"
        "columns float32,Grad-CAM float64,Grad-CAM float32,rounding alone,held to,same top"
    )
    lines += ["", "## Imported", "", *_head(heads, ",")]
    for row in found:
        if row["status"] == "imported":
            worst = [
                _worst(row, f"{precision}{what}")
                for what in ("", "_grad_cam")
                for precision in ("float64", "float32")
            ]
            lines.append(
                _line(
                    [
                        row["network"], row["source"], f"{row['parameters']:,}",
                        _number(row["evaluator_float64"]), _number(row["onnxruntime_float32"]),
                        *worst, _rounding(row), _number(bound(row)) if MOVED[-1] in row else "",
                        {True: "yes", False: "no"}.get(row.get("same_top"), ""),
                    ]
                )
            )  # fmt: skip
    lines += ["", "## Not imported", "", *_head("network,source,why", ",")]
    lines += [
        _line([row["network"], row["source"], f"{row['status']}: {row.get('reason', '')}"])
        for row in found
        if row["status"] not in ("imported", NOT_YET)
    ]
    waiting = [row for row in found if row["status"] == NOT_YET]
    for source in dict.fromkeys(row["source"] for row in waiting):
        names = ", ".join(row["network"] for row in waiting if row["source"] == source)
        lines += ["", f"Not tried yet of {source}: {names}."]
    return "\n".join(lines) + "\n"


def _within(found: list[dict[str, Any]]) -> list[str]:
    """Networks by library, whatever the exporter; and how many columns are within each bound."""
    listed, here = 0, 0
    for sources in LISTED.values():
        mine = [row for row in found if row["source"] in sources]
        listed += len({row["network"] for row in mine})
        here += len({row["network"] for row in mine if row["status"] == "imported"})
    lines = [f"Of the {listed} networks of {', '.join(LISTED)}, {here} were imported.", ""]
    labels = [column.label for column in frameworks.columns()]
    has = [name for name in (f"{c}_{p}" for c in labels for p in GATES)
           if any(row.get(name) is not None for row in found)]  # fmt: skip
    whole = [f"{label}_float32" for label in labels]
    everywhere = sum(
        all(isinstance(row.get(name), float) for name in {*has, *whole}) for row in found
    )
    imported = sum(row["status"] == "imported" for row in found)
    lines += [
        f"Computed in all {len(labels)} columns, in float64 in those that have it (Keras on JAX "
        f"and on PyTorch computes some layers in float32): {everywhere} of {imported} networks; "
        "any others in those columns that the tables name.",
        "",
    ]
    lines += _head(
        "column,precision,networks,logits within,Grad-CAM of,within 2e-6 (1e-12),"
        "within what it is held to",
        ",",
    )
    for label in labels:
        for precision in GATES:
            lines.append(_counted(found, label, precision))
    return lines


def _counted(found: list[dict[str, Any]], label: str, precision: str) -> str:
    """How many networks of a column are within the bounds of its logits and its maps."""
    errors = [row.get(f"{label}_{precision}") for row in found]
    there = [error for error in errors if error is not None]
    right = sum(isinstance(error, float) and error <= GATES[precision] for error in there)
    told = [
        (off, bound(row) if precision == "float32" else MAPS[precision])
        for row in found
        if isinstance(off := row.get(f"{label}_{precision}_grad_cam"), float)
    ]
    fine = sum(off <= MAPS[precision] for off, _ in told)
    held = sum(off <= most for off, most in told)
    return _line([label, precision, len(there), right, len(told), fine, held])


def _rounding(row: dict[str, Any]) -> str:
    """Of the oracle's Grad-CAM: stored in float32, pixels and weights moved, sums in float32."""
    held = [row.get(name) for name in MOVED]
    return "" if None in held else " / ".join(map(_number, held))


def _worst(row: dict[str, Any], what: str) -> str:
    """Of the columns that were run: the largest error, and how many columns it is of."""
    held = [row.get(f"{column.label}_{what}") for column in frameworks.columns()]
    errors = [error for error in held if isinstance(error, float)]
    broken = sum(isinstance(error, str) for error in held)
    told = f"{_number(max(errors))} ({len(errors)})" if errors else ""
    return told + (f", {broken} broken" if broken else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0e}".replace("e-0", "e-")


def _head(names: str, by: str | None = None) -> list[str]:
    heads = names.split(by)
    return [_line(heads), _line(["---"] * len(heads))]


def _line(cells: Iterable[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
