"""The scoreboard: what every library's offer computes, condition by condition."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import pandas as pd

from bench.report.forms import number, text
from bench.report.table import ABSENT, Shown, Table, View
from bench.subject.stated import cause, reported

STAGES = ("conform",)
BASE, PROBES = "base", "probes"
NOTE = (
    "A verdict on the maps of a probe network of which every number is known. Same: the float64 "
    "oracle's map, to 1e-5 of the signed map's peak (float64: 1e-9; of a score through the softmax "
    "what rounding the logits costs, where that is more). Same up to: with these "
    "conventions. Differs: not what the explainer gave in the base run, with the first stage that "
    "differs, the error of the worst image and what gives the maps where anything does. Other "
    "formula: the one named gives the maps. Loud: it raised or warned. Void: the host's own output "
    "is not the oracle's. Because: what the library's code does, and where; that float32 has lost "
    "1 - p, or a model was left in training mode, is no library's doing. Reproducer: a file that "
    "shows it by itself, at other settings that of the offer as shipped. Reported: what the "
    "library's issues have of the symptom, where it was looked for. The CSV has a line for each "
    "run."
)
SIGN = {"same": "=", "same up to": "≈", "differs": "≠", "other formula": "f", "void": "void"}
LEGEND = {
    "=": "= same", "≈": "≈ same up to the conventions of its base", "≠": "≠ differs",
    "f": "f another formula",
}  # fmt: skip
KEPT = (
    "explainer", "column", "version", "like", "condition", "host", "probe", "inputs", "node",
    "precision", "verdict", "conventions", "first", "size", "heard", "line", "reproducer",
    "fixed_in", "cause", "reported", "reason", "notes", "stale", "run_id", "machine_id",
)  # fmt: skip
CONDITION = Shown("condition", text, ("condition",))
EXPLAINER = Shown("explainer", text, ("explainer",))
RIGHT = ("same", "same up to", "other formula")
"""The verdicts that are no deviation."""
DEVIATIONS = ("differs", "raises", "refuses")
COUNTED = ("same", "same up to", "differs", "other formula", "raises", "refuses")


def _cell(verdict: str, heard: str) -> str:
    return SIGN.get(verdict, verdict) + (" loud" if heard == "loud" and verdict in SIGN else "")


def _found(verdict: str, conventions: str, first: str, size: float, line: str) -> str:
    parts = [verdict, conventions, f"first at {first}" if first else ""]
    if verdict == "differs":
        parts.append(f"error {number(size)} of the peak")
    return "; ".join(filter(None, [*parts, text(line)]))


def _counted(*counts: float) -> str:
    return ", ".join(
        f"{count:.0f} {word}" for word, count in zip(COUNTED, counts, strict=True) if count
    ) or ABSENT  # fmt: skip


DIFFERENT = (
    EXPLAINER,
    CONDITION,
    Shown("verdict", _found, ("verdict", "conventions", "first", "size", "line")),
    Shown("because", text, ("cause",)),
    Shown("heard", text, ("heard",)),
    Shown("said", text, ("notes",)),
    Shown("version", text, ("version",)),
    Shown("fixed in", text, ("fixed_in",)),
    Shown("reproducer", text, ("reproducer",)),
    Shown("reported", text, ("reported",)),
)
SUMMARY = (
    EXPLAINER,
    Shown("version", text, ("version",)),
    Shown("like", text, ("like",)),
    Shown("base", _found, ("verdict", "conventions", "first", "size", "line")),
    Shown("runs", _counted, COUNTED),
)


def make(frame: pd.DataFrame) -> Table:
    """Offers with their base and counts; what differs; then every condition and offer."""
    lines = fixed([_line(row) for row in as_shipped(frame.to_dict("records"))])
    data = pd.DataFrame(lines, columns=KEPT)
    newest = pd.DataFrame(current(lines), columns=KEPT)
    unsaid = newest[(newest["verdict"] == "not offered") & (newest["reason"] != "")]
    why = unsaid.groupby(["explainer", "reason"], sort=True)["condition"].agg(", ".join)
    views = [
        View((), SUMMARY, data=_summary(newest), title="Offers"),
        View((), DIFFERENT, where=_telling, title="What differs"),
        View((), (EXPLAINER,), "condition", Shown("", _cell, ("verdict", "heard")), data=newest,
             title="Every run"),
        View((), (EXPLAINER, Shown("why", text, ("reason",)), Shown("where", text, ("condition",))),
             data=why.reset_index(), title="What is not compared"),
    ]  # fmt: skip
    return Table("conformance", "Conformance of the libraries", data, views, NOTE, LEGEND)


def fixed(rows: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
    """Rows with `fixed_in`: of a run that deviates, the next version in which it does not."""
    runs: dict[Hashable, list[dict[Any, Any]]] = {}
    for row in rows:
        runs.setdefault((row["explainer"], row["machine_id"], row["condition"]), []).append(row)
    for mine in runs.values():
        mine.sort(key=_release)
        for place, row in enumerate(mine):
            later = (each["version"] for each in mine[place + 1 :] if each["verdict"] in RIGHT)
            row["fixed_in"] = "" if row["verdict"] in RIGHT else next(later, "")
    return rows


def as_shipped(rows: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
    """Rows where a deviation at settings of an offer that has no reproducer has that as shipped."""
    named = (
        "library", "version", "method", "condition", "verdict", "architecture", "machine_id",
    )  # fmt: skip
    files = {tuple(row[name] for name in named): row["reproducer"] for row in rows
             if row["library"] and row["reproducer"] and not row["options"]}  # fmt: skip
    return [
        {**row, "reproducer": row["reproducer"] or files.get(tuple(row[n] for n in named), "")}
        for row in rows
    ]


def current(rows: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
    """Rows of the newest version of each explainer that was examined."""
    newest: dict[Hashable, Any] = {}
    for row in rows:
        of = row["explainer"], row["machine_id"]
        newest[of] = max(newest.get(of, _release(row)), _release(row))
    return [row for row in rows if _release(row) == newest[row["explainer"], row["machine_id"]]]


def _release(row: dict[Any, Any]) -> tuple[int, ...]:
    """What orders versions: their numbers."""
    return tuple(map(int, re.findall(r"\d+", str(row["version"]))))


def _line(row: dict[Any, Any]) -> dict[str, Any]:
    own = row["explainer"] or row["method"]
    name = f"{row['library']}.{row['method']}" if row["library"] else own
    options = f" ({row['options']})" if row["options"] else ""
    column = "" if row["library"] else f" ({row['column']})"
    on = "" if row["architecture"] == PROBES else f" on {row['architecture']}"
    line = {**row, "explainer": f"{name}{options}{column}{on}"}
    line |= {"fixed_in": "", "cause": "", "reported": ""}
    if row["library"] and row["verdict"] in DEVIATIONS:
        line["cause"] = cause(row["library"], row["method"], row["condition"])
    if row["library"] and row["verdict"] in (*DEVIATIONS, "other formula"):
        line["reported"] = reported(row["library"], row["method"], row["condition"])
    return {key: line[key] for key in KEPT}


def _telling(data: pd.DataFrame) -> Any:
    """Runs that tell something: all but those that are as the base, or cannot be."""
    return data["verdict"].isin([*DEVIATIONS, "void"])


def _summary(data: pd.DataFrame) -> pd.DataFrame:
    lines: list[dict[Any, Any]] = []
    for _, mine in data.groupby("explainer", sort=True):
        first = mine[mine["condition"] == BASE]
        if len(first):
            counts = mine["verdict"].value_counts()
            counted = {word: float(counts.get(word, 0)) for word in COUNTED}
            lines.append({**first.to_dict("records")[0], **counted})
    return pd.DataFrame(lines)
