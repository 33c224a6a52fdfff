"""Numbers and tables as text for people: three significant digits, Markdown that stays readable."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from bench.report.statistics import Estimate

ABSENT = "–"


def number(value: float | None) -> str:
    """Three significant digits; a dash for what was not measured."""
    if value is None or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    rounded = float(f"{value:.3g}")
    if rounded == 0 or not 1e-4 <= abs(rounded) < 1e6:
        return "0" if rounded == 0 else f"{rounded:.3g}"
    return f"{rounded:.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"


def share(value: float) -> str:
    """A share from 0 to 1 in percent. 100 % and 0 % are said only where they are exact."""
    if math.isnan(value):
        return ABSENT
    if value not in (0, 1) and not 0.0005 <= value < 0.9995:
        return "< 0.1 %" if value < 0.5 else "> 99.9 %"
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def interval(estimate: Estimate) -> str:
    """`0.152 (0.148–0.160)`; one process has no interval."""
    middle = number(estimate.value)
    if estimate.processes < 2:
        return middle
    return f"{middle} ({number(estimate.low)}–{number(estimate.high)})"


def markdown(frame: pd.DataFrame) -> str:
    """A Markdown table of a frame of texts, its columns as headings."""
    heads = [str(name) for name in frame.columns]
    lines = [_line(heads), _line(["---"] * len(heads))]
    lines += [_line(values) for values in frame.itertuples(index=False, name=None)]
    return "\n".join(lines)


def listed(items: Iterable[str], limit: int) -> list[str]:
    """At most `limit` items as a Markdown list, with a last line for those left out."""
    everything = list(items)
    lines = [f"- {_flat(item)}" for item in everything[:limit]]
    if len(everything) > limit:
        lines.append(f"- and {len(everything) - limit} more, in the CSV")
    return lines


def _line(values: Sequence[Any]) -> str:
    return "| " + " | ".join(_flat(value) for value in values) + " |"


def _flat(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
