"""What tables of times say alike: names of lines, factors, and what the signs mean."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.report import clock
from bench.report.clock import Timing
from bench.report.frame import label
from bench.report.text import ABSENT, interval, number

CLOSE = (
    "≈: not distinguishable from ×1 (intervals overlap, the factor is below 1.05, or a single "
    "process has no interval)."
)
INTERVAL = (
    "A time is what is typical of the processes: the geometric mean over them, each by the mean of "
    "the faster half of its calls (what else a machine does only adds) and as at most 10 % from "
    "the median of all. Its interval is their range where these are eight or fewer, else 95 % by "
    "order statistics: of two equal cells, ranges of three are disjoint in 1 case of 10, of five "
    "in 1 of 126."
)
PAIRED = f"{INTERVAL} A ratio is the quotient of the two times of its line."
Sign = tuple[str, str]
SIGNS: tuple[Sign, ...] = (("†", clock.STALE), ("~", clock.UNSTABLE), ("≈", CLOSE))


def named(what: Mapping[str, Any], toggles: Iterable[str]) -> str:
    """What was done, and the toggles that are to be told: `grad_cam, relu1, batch 8`."""
    extra = [f"batch {what['batch']}" if name == "batch" else str(what[name]) for name in toggles]
    return ", ".join([label(what), *(text for text in extra if text not in ("", "0"))])


def times(factor: float, real: bool = True) -> str:
    """`×1.80`, with ≈ where the two are not told apart; a dash for what was not measured."""
    if math.isnan(factor):
        return ABSENT
    return f"×{number(factor)}" + ("" if real else " ≈")


def absent(status: str, reason: str, reasons: dict[str, int]) -> str:
    """`*skipped* (1)`: a cell without a time; its reason joins the numbered `reasons`."""
    number_of = reasons.setdefault(f"{status}: {reason}", len(reasons) + 1)
    return f"*{status}* ({number_of})"


def call(timing: Timing | None, reasons: dict[str, int]) -> str:
    """Milliseconds of a call with their interval, the mode and the marks; a dash for no cell."""
    if timing is None:
        return ABSENT
    if timing.estimate is None:
        return f"{absent(timing.status, timing.reason, reasons)} {timing.mode}"
    return f"{interval(timing.estimate)} {timing.mode}{timing.marks}"


def per_image(timing: Timing) -> str:
    """Milliseconds of an image with their interval, and the marks. Raises ValueError for none."""
    return interval(timing.per_image) + timing.marks


def legend(
    texts: Sequence[Mapping[str, str]], reasons: Iterable[str] = (), signs: Sequence[Sign] = SIGNS
) -> tuple[str, ...]:
    """The numbered reasons, and a note for each sign that the texts of a section have."""
    used = " ".join(value for text in texts for value in text.values())
    numbered = [f"- ({number}) {reason}" for number, reason in enumerate(reasons, 1)]
    return (*numbered, *(note for sign, note in signs if sign in used))
