"""Forms: what a table's numbers look like to people. Three significant digits, and signs."""

from __future__ import annotations

import math
from typing import Any

from bench.report.frame import label
from bench.report.table import ABSENT, Absent, Shown, Strong

LABEL = ("task", "method", "library", "options", "score")
TIME = ("ms", "ms_low", "ms_high", "stable", "stale")
PER_IMAGE = (*TIME, "batch")


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


def count(value: float) -> str:
    """A whole number; a dash for what was not counted."""
    return ABSENT if missing(value) else f"{value:.0f}"


def share(value: float) -> str:
    """A share from 0 to 1 in percent. 100 % and 0 % are said only where they are exact."""
    if math.isnan(value):
        return ABSENT
    if value not in (0, 1) and not 0.0005 <= value < 0.9995:
        return "< 0.1 %" if value < 0.5 else "> 99.9 %"
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def text(value: Any) -> str:
    """A name as it is; empty for none."""
    return "" if missing(value) or value in ("", 0) else str(value)


def stale_text(value: Any, stale: Any) -> str:
    """A name, marked where what it names is stale."""
    return text(value) + marks(True, stale)


def missing(value: Any) -> bool:
    """Whether a table has no value there."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def yes(value: Any) -> bool:
    """Whether a column of truth values says so; what was not judged does not."""
    return not missing(value) and bool(value)


def said(value: Any) -> str:
    """`yes` or `no`; a dash for what was not judged."""
    return ABSENT if missing(value) else "yes" if value else "no"


def spread(value: float, low: float, high: float) -> str:
    """`0.152 (0.148–0.160)`; no interval where there is none."""
    if missing(value) or missing(low):
        return number(value)
    return f"{number(value)} ({number(low)}–{number(high)})"


def marks(stable: Any, stale: Any) -> str:
    """The signs of what is stale or unstable."""
    unstable = not missing(stable) and not stable
    return (" †" if yes(stale) else "") + (" ~" if unstable else "")


def timed(value: float, low: float, high: float, stable: Any, stale: Any) -> str:
    """A time with its interval and signs."""
    return spread(value, low, high) + marks(stable, stale)


def per_image(ms: float, low: float, high: float, stable: Any, stale: Any, batch: int) -> str:
    """The time of a call as that of one of its images."""
    images = max(batch, 1)
    return timed(ms / images, low / images, high / images, stable, stale)


def answer(
    value: float, low: float, high: float, stable: Any, stale: Any, status: str, reason: str
) -> str | Absent:
    """The same, or why there is none; a dash for what was not asked for."""
    if missing(value) and text(status):
        return Absent(status, text(reason))
    return timed(value, low, high, stable, stale)


def times(factor: float, real: Any = True) -> str:
    """`×1.80`, with ≈ where the two are not told apart; a dash for what was not measured."""
    if missing(factor):
        return ABSENT
    return f"×{number(factor)}" + ("" if yes(real) or factor == 1 else " ≈")


def what(task: str, method: str, library: str, options: str, score: str) -> str:
    """What was done: `grad_cam`, `captum.saliency (steps=20)`, `forward pass`."""
    return label(dict(zip(LABEL, (task, method, library, options, score), strict=True)))


def strong(value: str, standing_out: bool) -> str:
    """A text that stands out, or not."""
    return Strong(value) if standing_out else value


WHAT = Shown("what", what, LABEL)
COLUMN = Shown("column", text, ("column",))
MODE = Shown("mode", text, ("mode",))
LAYER = Shown("layer", text, ("layer",), "{}")
BATCH = Shown("batch", text, ("batch",), "batch {}")
PRECISION = Shown("precision", text, ("precision",), "{}")
TOGGLES = (
    LAYER, BATCH, PRECISION,
    *(Shown(name, text, (name,), "") for name in ("threads", "weights", "optimizer")),
)  # fmt: skip
"""What is told of a cell where it varies."""
CALL = Shown("ms", timed, TIME)
EXPLAINED = (
    "A time is what is typical of the processes: the geometric mean over them, each by the mean of "
    "the faster half of its calls (what else a machine does only adds) and as at most 10 % from "
    "the median of all. Its interval is their range where these are eight or fewer, else 95 % by "
    "order statistics: of two equal cells, ranges of three are disjoint in 1 case of 10, of five "
    "in 1 of 126. A ratio is the quotient of the two times it stands beside."
)
"""How times and ratios are to be read."""
