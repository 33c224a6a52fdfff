"""Channels last or first: what PyTorch takes in either memory format, and its share of peak."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report.files import Section, Table
from bench.report.frame import label
from bench.report.measured import Measured
from bench.report.same_run import Place, ratio, with_and_without
from bench.report.text import number, share
from bench.report.wording import PAIRED, call, legend, times

TITLE = "Channels last or first in PyTorch"
STAGES = ("time",)
NOTE = (
    "Milliseconds per call: median over processes with its interval. PyTorch's images are NCHW in "
    "shape; as a user makes them they lie so in memory too (contiguous), and an expert moves them "
    "and the network to channels_last on a CPU. So does every other time of these tables. Images "
    "of one channel lie alike in both: here they have the strides of the format that was asked "
    "for, by which the kernels are chosen. Share of peak: of the operations a second that the "
    "machine was measured to do, those counted from the architecture. Cores in use: CPU time over "
    "wall time. " + PAIRED
)


def make(frame: pd.DataFrame) -> list[Table]:
    """`memory_format`, where a run has timed something in both formats."""
    lines: list[dict[str, Any]] = []
    sections = []
    for place, pairs in with_and_without(frame, "memory_format"):
        lines += [_line(place, *pair) for pair in pairs]
        texts = [_text(place, *pair) for pair in pairs]
        sections.append(Section(place.title, pd.DataFrame(texts), legend(texts)))
    if not lines:
        return []
    return [Table("memory_format", TITLE, pd.DataFrame(lines), sections, NOTE)]


def _line(place: Place, asked: Measured, best: Measured) -> dict[str, Any]:
    assert best.timing.estimate is not None
    return {
        **place.line(asked.timing),
        **{name: asked.beside[name] for name in ("peak_share", "cores_in_use")},
        "best_ms": best.timing.estimate.median,
        "best_peak_share": best.beside["peak_share"],
        "best_cores_in_use": best.beside["cores_in_use"],
        **ratio(asked.timing, best.timing),
    }


def _text(place: Place, asked: Measured, best: Measured) -> dict[str, str]:
    compared = ratio(asked.timing, best.timing)
    told = place.told(asked.timing, ())
    del told["column"]  # it is PyTorch's
    return {
        "what": label(asked.timing.what),
        **told,
        "as elsewhere, ms": call(best.timing, {}),
        "its share of peak": share(best.beside["peak_share"]),
        "its cores": number(best.beside["cores_in_use"]),
        "instead": asked.timing.what["memory_format"],
        "ms": call(asked.timing, {}),
        "share of peak": share(asked.beside["peak_share"]),
        "cores": number(asked.beside["cores_in_use"]),
        "ratio": times(compared["ratio"], compared["real"]),
    }
