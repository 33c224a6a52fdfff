"""The table of what was imported, from the rows that were kept: `imports.csv` and `imports.md`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from implementations import frameworks

GATES = {"float32": 1e-4, "float64": 1e-6}
"""Largest difference of a logit, of the largest logit."""
FIRST = (
    "source", "network", "status", "reason", "image", "parameters", "nodes",
    "evaluator_float64", "onnxruntime_float32",
)  # fmt: skip
NOTE = """\
Networks that people use, with random weights, exported by each framework's own exporter, or as the
package onnx ships them, and imported. Errors are the largest difference of a logit over the largest
logit, of two random images: of the oracle on what was imported from onnx's own evaluator in float64
and from onnxruntime in float32, then of the columns from the oracle, the worst of those that were
run (how many is in brackets). `same top` says that all of them rank the same class first. Images
are 64 x 64 where the network allows it. Made by `nox -s imports`; `imports.csv` has each column by
itself.
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
                if "same_top" in told:
                    tops.append(told["same_top"])
        if tops:
            row["same_top"] = all(tops)
        found.append(row)
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
        isinstance(error, str) or error > GATES[precision]
        for precision, held in errors.items()
        for error in held
        if error is not None
    ]
    return any(beyond) or row.get("same_top") is False


def write(work: Path, results: Path) -> None:
    """Both files."""
    found = rows(work)
    columns = [f"{c.label}_{p}" for c in frameworks.columns() for p in GATES]
    named = [*FIRST, *columns, "same_top"]
    with (results / "imports.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, named, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    (results / "imports.md").write_text(markdown(found), encoding="utf-8")


def markdown(found: list[dict[str, Any]]) -> str:
    """Counts by source, then every network."""
    lines = ["# Imported networks", "", NOTE, *_head("source tried imported wrong refused other")]
    for source in [*dict.fromkeys(row["source"] for row in found), ""]:
        mine = [row for row in found if source in ("", row["source"])]
        imported = [row for row in mine if row["status"] == "imported"]
        refused = sum(row["status"] == "refused" for row in mine)
        counts = (
            len(mine), len(imported), sum(map(wrong, imported)), refused,
            len(mine) - len(imported) - refused,
        )  # fmt: skip
        lines.append(_line([source or "**all**", *counts]))
    heads = (
        "network,source,parameters,evaluator float64,onnxruntime float32,columns float64,"
        "columns float32,same top"
    )
    lines += ["", "## Imported", "", *_head(heads, ",")]
    for row in found:
        if row["status"] == "imported":
            worst = [_worst(row, precision) for precision in ("float64", "float32")]
            lines.append(
                _line(
                    [
                        row["network"], row["source"], f"{row['parameters']:,}",
                        _number(row["evaluator_float64"]), _number(row["onnxruntime_float32"]),
                        *worst, {True: "yes", False: "no"}.get(row.get("same_top"), ""),
                    ]
                )
            )  # fmt: skip
    lines += ["", "## Not imported", "", *_head("network,source,why", ",")]
    lines += [
        _line([row["network"], row["source"], f"{row['status']}: {row.get('reason', '')}"])
        for row in found
        if row["status"] != "imported"
    ]
    return "\n".join(lines) + "\n"


def _worst(row: dict[str, Any], precision: str) -> str:
    """Of the columns that were run: the largest error, and how many columns it is of."""
    held = [row.get(f"{column.label}_{precision}") for column in frameworks.columns()]
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
