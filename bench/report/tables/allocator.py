"""What giving freed memory back to the system costs: the C library's allocator as it comes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report.files import Section, Table
from bench.report.frame import label
from bench.report.measured import Measured
from bench.report.same_run import Place, ratio, with_and_without
from bench.report.text import number
from bench.report.wording import PAIRED, call, legend, times

TITLE = "What giving memory back costs"
STAGES = ("time",)
NOTE = (
    "Milliseconds per call: median over processes with its interval. Every other time of these "
    "tables, but for those marked †, is of a process that keeps what it frees (in glibc: "
    "MALLOC_MMAP_MAX_=0, a MALLOC_TRIM_THRESHOLD_ out of reach, MALLOC_ARENA_MAX=1, and no "
    "tcache). As it comes, the C library gives large blocks back to the system, or not, by where "
    "they happen to lie, and a call gets them again page by page. Pages: how many a call got. "
    "TensorFlow keeps a pool of its own. " + PAIRED
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`allocator`, where a run has timed something with both."""
    lines: list[dict[str, Any]] = []
    sections = []
    for place, pairs in with_and_without(frame, "allocator"):
        lines += [_line(place, *pair) for pair in pairs]
        texts = [_text(place, *pair) for pair in pairs]
        sections.append(Section(place.title, pd.DataFrame(texts), legend(texts)))
    if not lines:
        return []
    return [Table("allocator", TITLE, pd.DataFrame(lines), sections, NOTE)]


def _line(place: Place, system: Measured, kept: Measured) -> dict[str, Any]:
    assert kept.timing.estimate is not None
    return {
        **place.line(system.timing),
        "page_faults": system.beside["page_faults"],
        "kept_ms": kept.timing.estimate.median,
        "kept_page_faults": kept.beside["page_faults"],
        **ratio(system.timing, kept.timing),
    }


def _text(place: Place, system: Measured, kept: Measured) -> dict[str, str]:
    compared = ratio(system.timing, kept.timing)
    return {
        "what": label(system.timing.what),
        **place.told(system.timing, ()),
        "kept, ms": call(kept.timing, {}),
        "pages": number(kept.beside["page_faults"]),
        "given back, ms": call(system.timing, {}),
        "pages got again": number(system.beside["page_faults"]),
        "ratio": times(compared["ratio"], compared["real"]),
    }
