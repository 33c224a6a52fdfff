"""The choosing table: frameworks across, what is done down, each in its best mode.

Milliseconds hold on the machine of the run only; the factors are what carries over. Of a grid of
times the table shows the base; the CSV has every line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from bench.record.schema import DEVICES
from bench.report import clock, wording
from bench.report.best_modes import forward_passes, lines_of
from bench.report.files import Section, Table
from bench.report.frame import groups, place
from bench.report.measured import (
    BATCH,
    PRECISION,
    Measured,
    measured,
    one_batch,
    plain,
    standing,
    things,
)
from bench.report.statistics import geometric_mean
from bench.report.text import ABSENT, number
from bench.report.wording import INTERVAL, absent, legend, named

TITLE = "Choosing a framework"
STAGES = ("time",)
NOTE = (
    "Milliseconds per image, in the best mode of each column: typical of the processes, its "
    "interval, the factor to the best column, and the mode. Shown are our own methods at the "
    "deepest layer, in float32 and at one batch, where there is that; libraries, all classes and "
    "other batches have tables of their own. " + INTERVAL
)
ELSEWHERE = "§"
SIGNS = (
    ("†", clock.STALE),
    ("~", clock.UNSTABLE),
    ("≈", wording.CLOSE.replace("×1", "the best")),
    (ELSEWHERE, f"{ELSEWHERE} timed in another run than the rest of its line: no factor."),
)
WHAT = "ms per image"
LEADS = "The fastest on every line, or not told apart from it"
OWN_TABLE = ("grad_cam_all_classes",)


def make(frame: pd.DataFrame) -> list[Table]:
    """`choose`: a section for each data set, architecture, device and machine."""
    found = list(networks(frame))
    if not found:
        return []
    lines = pd.DataFrame([{**each.key, **line} for each in found for line in each.lines])
    sections = [_section(each.title, each.shown, each.lines) for each in found]
    there = set(lines["device"])
    sections += [_unmeasured(device, lines) for device in DEVICES if device not in there]
    return [Table("choose", TITLE, lines, sections, NOTE)]


def _unmeasured(device: str, lines: pd.DataFrame) -> Section:
    """A device of which there is nothing: said, so that nobody looks for it."""
    reasons: dict[str, int] = {}
    why = f"no run in results/runs was made with --device {device}"
    cells = {c: absent("not measured", why, reasons) for c in sorted(set(lines["column"]))}
    texts = [{WHAT: "everything", **cells}]
    return Section(device, pd.DataFrame(texts), legend(texts, reasons, SIGNS))


class Chosen(NamedTuple):
    """A network in one place: what is shown of it, and a line for each thing done and column."""

    key: dict[str, Any]
    title: str
    shown: list[dict[str, Any]]
    lines: list[dict[str, Any]]


def networks(frame: pd.DataFrame) -> Iterator[Chosen]:
    """Every network that was timed, in one place after the other."""
    for key, rows in groups(standing(frame[frame["stage"] == "time"]), clock.PLACE):
        cells = [cell for _, mine in groups(rows, ("run_id",)) for cell in measured(mine)]
        found, passes = things(cells), forward_passes(cells)
        lines = [line for what, mine in found for line in lines_of(what, mine, passes)]
        title = place(key, frame["machine_id"].nunique())
        yield Chosen(key, title, _shown(cells) or [what for what, _ in found], lines)


def _shown(cells: list[Measured]) -> list[dict[str, Any]]:
    """What is shown of a grid; nothing where it has nothing of our own."""
    whats = [cell.timing.what for cell in cells]
    ours = [c for c in cells if not c.timing.what["library"]]
    ours = [c for c in ours if c.timing.what["method"] not in OWN_TABLE]
    kept = [cell.timing.what for cell in one_batch(plain(ours))]
    return [what for what, _ in things(cells) if what in kept and what in whats]


def _section(title: str, whats: list[dict[str, Any]], lines: list[dict[str, Any]]) -> Section:
    columns = sorted({line["column"] for line in lines})
    toggles = clock.varying([dict(what) for what in whats])
    counts = Counter(what["batch"] for what in whats)
    batch = BATCH if BATCH in counts else max(counts, key=lambda n: (counts[n], n), default=0)
    precisions = {what["precision"] for what in whats}
    reasons: dict[str, int] = {}
    texts, factors = [], []
    for what in whats:
        mine = {line["column"]: line for line in lines if line.items() >= what.items()}
        told = [*toggles, "batch"] if what["batch"] != batch else toggles
        text = {WHAT: named(what, dict.fromkeys(told))}
        text |= {column: _cell(mine.get(column), reasons) for column in columns}
        texts.append(text)
        factors.append({c: mine[c]["factor"] for c in mine if "factor" in mine[c]})
    texts.append(_means(factors, columns))
    notes = (*_verdict(whats, lines), *legend(texts, reasons, SIGNS))
    if precisions != {PRECISION} and len(precisions) == 1:
        title = f"{title}, {precisions.pop()}"
    if batch and "batch" not in toggles:
        title = f"{title}, batch {batch}"
    return Section(title, pd.DataFrame(texts), notes)


def _verdict(whats: list[dict[str, Any]], lines: list[dict[str, Any]]) -> tuple[str, ...]:
    """Which columns lead on every line that any was timed for; nothing of one column alone."""
    timed = [
        [line for line in lines if "factor" in line and line.items() >= what.items()]
        for what in whats
    ]
    columns = {line["column"] for mine in timed for line in mine}
    if len(columns) < 2:
        return ()
    for mine in filter(None, timed):
        columns &= {line["column"] for line in mine if _leads(line)}
    return (f"{LEADS}: {', '.join(sorted(columns)) or 'no column'}.",)


def _leads(line: dict[str, Any]) -> bool:
    """Whether a column is the fastest at one thing, or not told apart from the fastest."""
    return bool(line["factor"] == 1 or not line["differs_from_best"])


def _cell(line: dict[str, Any] | None, reasons: dict[str, int]) -> str:
    if line is None:
        return ABSENT
    if "ms_per_image" not in line:
        return absent(line["status"], line["reason"], reasons)
    middle, low, high = (number(line[name]) for name in ("ms_per_image", "ms_low", "ms_high"))
    time = middle if line["processes"] < 2 else f"{middle} ({low}–{high})"
    marks = (" †" if line["stale"] else "") + ("" if line["stable"] else " ~")
    if "factor" not in line:
        return f"{time} {ELSEWHERE} {line['mode']}{marks}"
    close = " ≈" if _leads(line) and line["factor"] != 1 else ""
    shown = f"**{time}**" if line["factor"] == 1 else time
    return f"{shown} ×{line['factor']:.2f}{close} {line['mode']}{marks}"


def _means(factors: list[dict[str, float]], columns: list[str]) -> dict[str, str]:
    """The geometric mean of factors, over the lines that every timed column has."""
    timed = [column for column in columns if any(column in line for line in factors)]
    shared = [line for line in factors if all(column in line for column in timed)]
    name = f"*geometric mean of factors ({len(shared)} lines that all have)*"
    means = {c: geometric_mean(line[c] for line in shared) for c in timed}
    return {WHAT: name} | {
        c: f"×{means[c]:.2f}" if c in timed and shared else ABSENT for c in columns
    }
