"""From runs to one table of rows: typed columns, the newest of each cell, stale rows marked.

Text columns hold strings (empty: does not apply), counts integers (0: does not apply), all others
but the nested ones floats (NaN: not measured).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from bench.record.schema import COLUMNS, COUNTS, NESTED, NUMBERS
from bench.report.statistics import quick
from implementations.errors import BadInput, Unavailable

Row = dict[str, Any]
Run = tuple[Mapping[str, Any], Sequence[Row]]
CodeHash = Callable[[str, str, str, str, str, str, str], str]

GONE = "gone"
NOT_HERE = "not here"
"""In place of the code's hash: removed since; not installed here, so that nothing can be said."""
ADDED = ("machine_id", "made_with", "stale", "quick_ms")
"""Columns that come from the run's head, whether the code has changed since, and what a call takes
where little disturbs it."""
APART = ("allocator", "memory_format")
"""Toggles, and the grid laid for one of them: what they taught is in `docs/lessons.md`."""
_CODE = ("framework", "method", "library", "task", "architecture", "dataset", "stage")
"""What tells which code made a row."""
_WITHIN = (
    "task", "compared", "metric", "explainer", "against", "subset", "at", "epoch", "weights",
    "condition", "statistic",
)  # fmt: skip
"""What tells the rows of one cell and round from each other."""


def gather(runs: Sequence[Run], code_hash: CodeHash | None = None) -> pd.DataFrame:
    """All rows that count. `code_hash` is the code's as it is now.

    Of a cell on a machine the rows of the newest code and versions count (of conformance those of
    every version of a library, as what was fixed in which), and of each of its
    rounds those of the newest run; but of times all do, for those of two runs are never mixed.
    Rows whose code has changed since are `stale`; they give way to rows that are not, whatever
    their age, and rows of agreement on whatever machine: what older code answered is no news there.
    Times under a toggle that no table has (`APART`) are left out.
    """
    if code_hash is None:
        from bench.subject.fingerprint import code_hash as code_hash_now

        code_hash = code_hash_now
    current = cache(_or_gone(code_hash))
    rows: list[Row] = []
    for head, measured in sorted(runs, key=_time):
        added = {"machine_id": str(head.get("machine_id", "")), "made_with": _digest(head)}
        for row in measured:
            if row["stage"] == "time" and _apart(row):
                continue
            mine = {**_typed(row), **added}
            mine["machine_id"] = str(row.get("machine_id") or added["machine_id"])
            mine["run_id"] = mine["run_id"] or str(head["run_id"])
            if mine["stage"] == "time" and mine["node"]:
                mine["layer"] = mine["node"]  # the default and its name are one cell
            code = current(*(str(mine[name]) for name in _CODE))
            stale = code not in (mine["code_hash"], NOT_HERE)
            rows.append({**mine, "stale": stale, "quick_ms": _quick(mine)})
    names = list(dict.fromkeys((*COLUMNS, *COUNTS, *ADDED)))
    frame = pd.DataFrame(_newest(rows), columns=names)
    return frame.astype(dict.fromkeys(NUMBERS, float) | dict.fromkeys(COUNTS, int))


def groups(frame: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[Row, pd.DataFrame]]:
    """The rows that share the values of some columns, with these values, sorted by them."""
    for values, rows in frame.groupby(list(by), sort=True, dropna=False):
        yield dict(zip(by, values, strict=True)), rows


def records(frame: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[Row, list[Row]]]:
    """The same with each row as a dictionary: many times as quick where the groups are many."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in frame.to_dict("records"):
        mine = {str(name): value for name, value in row.items()}
        found.setdefault(tuple(mine[name] for name in by), []).append(mine)
    for values in sorted(found):
        yield dict(zip(by, values, strict=True)), found[values]


def label(row: Mapping[str, Any]) -> str:
    """What was done, for a person: `grad_cam`, `captum.saliency (steps=20)`, `forward pass`."""
    if row["method"]:
        name = f"{row['library']}.{row['method']}" if row["library"] else str(row["method"])
    else:
        name = {"forward": "forward pass", "train_step": "training step"}.get(
            row["task"], row["task"]
        )
    extra = [row["options"]] if row["options"] else []
    extra += [row["score"]] if row["score"] not in ("", "logit") else []
    return f"{name} ({', '.join(extra)})" if extra else name


def named(what: Mapping[str, Any], toggles: Sequence[str]) -> str:
    """What was done, and the toggles that are to be told: `grad_cam, relu1, batch 8`."""
    extra = [f"batch {what['batch']}" if name == "batch" else str(what[name]) for name in toggles]
    return ", ".join([label(what), *(text for text in extra if text not in ("", "0"))])


def place(key: Mapping[str, Any], machines: int) -> str:
    """A section's heading: data set, architecture, device; the machine where there are several."""
    parts = [key["dataset"], key["architecture"], key.get("device", "")]
    parts += [f"machine {key['machine_id']}"] if machines > 1 else []
    return ", ".join(part for part in parts if part)


def _apart(row: Row) -> bool:
    return row.get("grid") in APART or any(row.get(toggle) for toggle in APART)


def _quick(row: Row) -> float:
    """Milliseconds of the faster half of a row's samples; the median where it has none."""
    return quick(row["samples_ns"]) / 1e6 if row["samples_ns"] else float(row["median_ms"])


def _time(run: Run) -> list[str]:
    return str(run[0]["run_id"]).split("-")[1:2]


def _digest(head: Mapping[str, Any]) -> str:
    text = json.dumps(head.get("versions", {}), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _or_gone(code_hash: CodeHash) -> CodeHash:
    def current(*made: str) -> str:
        try:
            return code_hash(*made)
        except (BadInput, OSError, ValueError):  # the latter: names that no file can have
            return GONE
        except Unavailable:
            return NOT_HERE

    return current


def _typed(row: Row) -> Row:
    had = {name: _TYPES[name](value) for name, value in row.items() if name in _TYPES}
    return {**_EMPTY, **had}


def _type(name: str) -> Callable[[Any], Any]:
    """What makes a column's value of what a row has, which may be None."""
    if name in COUNTS:
        return lambda value: int(value or 0)
    if name in NUMBERS:
        return lambda value: math.nan if value is None else float(value)
    if name in NESTED:
        return lambda value: value
    if name == "options":
        return lambda value: ", ".join(f"{option}={text}" for option, text in value or ())
    return lambda value: "" if value is None else str(value)


_TYPES = {name: _type(name) for name in dict.fromkeys((*COLUMNS, *COUNTS))}
_EMPTY = {name: typed(None) for name, typed in _TYPES.items()}


def _newest(rows: list[Row]) -> list[Row]:
    """Of rows in order of time, those that no later row replaces."""
    fresh_last = sorted(rows, key=lambda row: not row["stale"])

    def cell(row: Row) -> Hashable:
        run = row["run_id"] if row["stage"] == "time" else ""
        # One cell likens all networks that a run has trained, and no two runs need have the same.
        trained = row["stage"] == "train" and row["task"] == "likeness"
        pair = (row["weights"], row["against"]) if trained else ()
        of = row["version"] if row["stage"] == "conform" and row["library"] else ""
        return row["machine_id"], row["cell_id"], run, of, *pair

    def made(row: Row) -> Hashable:
        return row["code_hash"], row["made_with"]

    last_made = {cell(row): made(row) for row in fresh_last}
    rows = [row for row in fresh_last if made(row) == last_made[cell(row)]]
    last_run = {(cell(row), row["round"]): row["run_id"] for row in rows}
    rows = [row for row in rows if row["run_id"] == last_run[cell(row), row["round"]]]
    kept = {(cell(row), row["round"], *(row[name] for name in _WITHIN)): row for row in rows}
    return _agreeing_today(list(kept.values()))


def _agreeing_today(rows: list[Row]) -> list[Row]:
    """The rows without those of agreement that newer code has answered, here or elsewhere."""

    def compared(row: Row) -> Hashable:
        return row["stage"], row["cell_id"], row["status"]

    fresh = {compared(row) for row in rows if not row["stale"] and row["stage"] == "agree"}
    return [
        row
        for row in rows
        if not row["stale"] or fresh.isdisjoint({compared(row), compared({**row, "status": "ok"})})
    ]
