"""Rows published before they said what they are of (`described.py`): filled in when they are read.

`older.json` has what they were of, by the code that measured them. It was made once, by
`python -m bench.record.older`, from the runs that lay in `results/runs/`, and is not made again:
what a layer's name means may change, and what was measured does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bench.record.described import layer, network, offer, varies

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


def make(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """What `older.json` holds, for these rows, by the code as it is now."""
    import datasets
    from implementations.architecture import registered

    found: dict[str, dict[str, Row]] = {"networks": {}, "places": {}, "offers": {}}
    graphs = {}
    for row in {_key(row, PLACE): row for row in rows if row["architecture"]}.values():
        name = _key(row, NETWORK)
        if name not in graphs:
            data = datasets.load(row["dataset"], allow_unverified=True)
            height, width, channels = data.test_images.shape[1:]
            classes = len(data.class_names)
            graphs[name] = registered.get(row["architecture"], (height, width, channels), classes)
            found["networks"][name] = network(graphs[name])
        if at := layer(graphs[name], row["layer"], row["method"], row["library"]):
            found["places"][_key(row, PLACE)] = at
        if said := offer(row["library"], row["method"]):
            found["offers"][_key(row, PLACE[3:])] = said
    return found


if __name__ == "__main__":
    import gzip

    from bench.record.runs import RESULTS

    runs = [gzip.decompress(path.read_bytes()).splitlines() for path in RESULTS.glob("runs/*.gz")]
    made = make(json.loads(line) for run in runs for line in run[1:])
    PATH.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
