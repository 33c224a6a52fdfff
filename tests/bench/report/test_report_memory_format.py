from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import choose, memory_format

FORWARD = {"task": "forward", "method": "", "layer": "", "mode": "compiled"}
CONTIGUOUS = {**FORWARD, "memory_format": "contiguous"}


def test_without_both_there_is_no_table(make: Any) -> None:
    assert memory_format.make(make.frame(make.times("pytorch", [1.0], **FORWARD))) == []
    assert memory_format.make(make.frame(make.times("pytorch", [1.0], **CONTIGUOUS))) == []


def test_one_format_over_the_other_and_in_no_other_table(make: Any) -> None:
    rows = make.times("pytorch", [10.0] * 3, **FORWARD, peak_share=0.6, cores_in_use=2.0)
    rows += make.times("pytorch", [15.0] * 3, **CONTIGUOUS, peak_share=0.4, cores_in_use=1.9)
    (table,) = memory_format.make(make.frame(rows))
    [line] = table.data.to_dict("records")
    assert (line["ms"], line["best_ms"], line["memory_format"]) == (15.0, 10.0, "contiguous")
    assert line["ratio"] == pytest.approx(1.5) and line["real"]
    assert (line["peak_share"], line["best_peak_share"]) == (0.4, 0.6)
    shown = table.sections[0].frame
    assert shown["ratio"].tolist() == ["×1.50"] and shown["instead"].tolist() == ["contiguous"]
    assert shown["its share of peak"].tolist() == ["60 %"] and shown["cores"].tolist() == ["1.90"]
    (chosen,) = choose.make(make.frame(rows))
    assert chosen.data["ms_per_image"].tolist() == [1.0]
