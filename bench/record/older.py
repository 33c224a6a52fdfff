"""Rows published before they said what they are of (`described.py`): filled in when they are read.

`older.json` has what they were of, by the code that measured them. It was made once, and is not
made again: what a layer's name means may change, and what was measured does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bench.record.grid import varies

Row = dict[str, Any]
PATH = Path(__file__).with_name("older.json")
NETWORK = ("dataset", "architecture")
PLACE = (*NETWORK, "layer", "method", "library")


def fill(head: Mapping[str, Any], rows: Iterable[Row]) -> None:
    """Give rows the columns they lack, in place; those that have them stay as they are."""
    known = _known()
    base: dict[str, Any] = {}
    lacking = [row for row in rows if "image_hw" not in row]
    if any(row.get("stage") == "time" for row in lacking):
        base = _base(lacking)
    asked = head.get("asked")
    asked = asked if isinstance(asked, Mapping) else {}
    for row in lacking:
        for part, name in (("networks", NETWORK), ("places", PLACE), ("offers", PLACE[3:])):
            row.update(known[part].get(_key(row, name), {}))
        if row.get("stage") == "time" and base:
            asked_batch = str(asked.get("batch", ""))
            batch = int(asked_batch) if asked_batch.isdecimal() else base.get("batch", 0)
            away = varies(row, base["dataset"], base["architecture"], batch)
            row.update(grid=str(asked.get("grid", "quick")), varies=away)


def _base(rows: Iterable[Row]) -> dict[str, Any]:
    """Data set and architecture of most timed cells, as they laid a grid around them."""
    cells: dict[str, set[str]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        if row.get("stage") == "time":
            cells.setdefault(_key(row, NETWORK), set()).add(str(row["cell_id"]))
            first.setdefault(_key(row, NETWORK), row)
    return first[max(cells, key=lambda name: len(cells[name]))]


def _key(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return "/".join(str(row.get(name) or "") for name in names)


@cache
def _known() -> dict[str, dict[str, Row]]:
    known: dict[str, dict[str, Row]] = json.loads(PATH.read_text(encoding="utf-8"))
    return known
