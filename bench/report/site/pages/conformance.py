"""Conformance: every library's offers by condition, each cell opening to what was found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from bench.report.site import grids
from bench.report.site.code import coloured
from bench.report.site.material import Material
from bench.report.site.shell import Page, coded
from bench.report.tables.conformance import PROBES, as_shipped, current
from bench.subject import stated

ORDER = 25
PATH = "conformance.html"
TITLE = "Conformance"
TABLES = ("conventions",)
FURTHER = ("conformance", "conventions")
OWN = "this suite"
"""What stands for a library where our own builders were examined."""
USERS = "your function"
"""The same of a user's own."""
BASE, NOT_RUN = "base", "not run"
VERDICTS = (
    ("same", "=", "good", "the float64 oracle's map"),
    ("same up to", "≈", "near", "the oracle's map once conventions are taken into account"),
    ("other formula", "ƒ", "near", "the map of another formula, which is named"),
    ("differs", "≠", "far", "neither the oracle's map nor what the base run leads to expect"),
    ("raises", "✗", "far", "an error from within"),
    ("refuses", "⊘", "told", "a clear error of the library's own"),
    ("void", "∅", "gone", "the network as written is not the oracle's, so nothing is said"),
    ("not offered", "–", "gone", "the library, or this suite, does not go there"),
    (NOT_RUN, "?", "gone", "the run ended without an answer, with its reason"),
)
"""A verdict's word, its mark, how it is coloured, and what it says of the map."""
SHOWN = (
    "explainer", "library", "offer", "settings", "framework", "column", "machine", "kind", "label",
    "condition", "verdict", "conventions", "first", "size", "heard", "notes", "line", "reason",
    "host", "probe", "inputs", "node", "precision", "like", "version", "stated", "same_with",
    "difference", "reproducer", "source", "run_id", "stale",
)  # fmt: skip
LONGEST = 50_000
"""Bytes of a reproducer, at the most: those that the suite writes have some thousands."""


def make(material: Material) -> Iterator[Page]:
    """The one page, with every run as its data and every reproducer as its source."""
    found = _runs(material)
    sources: dict[str, tuple[str, Any]] = {}
    for name in sorted(set(found["reproducer"]) - {""}):
        if (text := _source(material, name)) is not None:
            sources[name] = (f"source-{len(sources)}", coloured(text, numbers=False))
    told = {name: place for name, (place, _) in sources.items()}
    data = {"conform_runs": coded(found.assign(source=found["reproducer"].map(told))[list(SHOWN)])}
    verdicts = pd.DataFrame(VERDICTS, columns=["word", "mark", "kind", "says"])
    data["conform_verdicts"] = coded(verdicts)
    table = material.table("conformance")
    context = {
        **grids.context(material, *TABLES), "further": grids.further(material, *FURTHER),
        "there": True, "runs": len(found), "note": table.note if table else "",
        "verdicts": VERDICTS, "sources": list(sources.values()),
    }  # fmt: skip
    foot = grids.foot(material, "conformance", *TABLES)
    yield Page(PATH, TITLE, "conformance.html", context, data, ("conformance.js",), foot)


def _runs(material: Material) -> pd.DataFrame:
    """A line a run of an explainer, in texts, with NaN for a size that there is not."""
    frame = material.frame
    every = as_shipped(frame[frame["stage"] == "conform"].to_dict("records"))
    named = ("library", "method", "options", "column", "explainer", "architecture")
    examined = [{**row, "explainer": tuple(row[name] for name in named)} for row in every]
    newest = {id(row) for row in current(examined)}
    rows = [row for row, it in zip(every, examined, strict=True) if id(it) in newest]
    based = {row["cell_id"] for row in rows if row["condition"] == BASE}
    for row in rows:
        row["condition"] = row["condition"] or (NOT_RUN if row["cell_id"] in based else BASE)
    shipped = stated.shipped() if rows else {}
    found = pd.DataFrame([_line(row, shipped) for row in rows], columns=list(SHOWN))
    return found.astype({"size": float})


def _line(row: dict[Any, Any], shipped: dict[tuple[str, str], str]) -> dict[str, Any]:
    offer = row["explainer"] or row["method"]
    library = row["library"] or (USERS if row["explainer"] else OWN)
    said = f"{library}.{offer}" if row["library"] else offer
    options = f" ({row['options']})" if row["options"] else ""
    machine = row["machine_id"] + (f", {row['device']}" if row["device"] != "cpu" else "")
    on = "" if row["architecture"] == PROBES else f" on {row['architecture']}"
    kind, label = _kind(row)
    return {
        **row, "explainer": said + options + on, "library": library, "offer": offer,
        "settings": row["options"], "machine": machine, "kind": kind, "label": label,
        "verdict": row["verdict"] or NOT_RUN,
        "stated": shipped.get((row["library"], offer), ""),
    }  # fmt: skip


def _kind(row: dict[Any, Any]) -> tuple[str, str]:
    """What a run varies, and the run's name under that heading."""
    words = str(row["condition"])
    if words in (BASE, NOT_RUN):
        return BASE, words
    if ", " in words:
        return "two at once", words
    if words.endswith(" host"):
        return "host", words.removesuffix(" host")
    if words.startswith("probe "):
        return "probe", words.removeprefix("probe ")
    return ("layer", words.removeprefix("layer ")) if "layer" in words else ("images", words)


def _source(material: Material, name: str) -> str | None:
    """The file of a reproducer, each line without what moves a cursor; None where it is not."""
    path = material.reproducers / Path(name).name if material.reproducers else None
    if path is None or path.is_symlink() or not path.is_file() or path.stat().st_size > LONGEST:
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "".join("".join(c if c.isprintable() else " " for c in line) + "\n" for line in lines)
