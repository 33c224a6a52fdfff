from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report import stage_seconds


def test_runs_that_tell_no_seconds_make_no_table(make: Any) -> None:
    assert stage_seconds.make([(make.head, [])]).data.empty


def test_what_the_suite_takes_beside_its_children(make: Any) -> None:
    timing = {"wall": 800.0, "outside_children": 2.0, "parent_cpu": 6.0}
    early = {"wall": 10.0, "outside_children": 0.5}
    head = {**make.head, "seconds": {"oracle": early, "timing": timing}}
    elsewhere = {**head, "run_id": "time-20260101T000000-m9", "machine_id": "m9"}
    table = stage_seconds.make([(head, []), (elsewhere, [])])
    assert table.data["outside_share"].tolist() == pytest.approx([0.05, 0.01] * 2)
    assert math.isnan(table.data["parent_cpu_s"][0])
    first, second = table.sections
    assert (first.title, second.title) == ("machine m1", "machine m9")
    assert first.frame["stage"].tolist() == ["oracle", "timing"]
    assert first.frame["parent's CPU s"].tolist() == ["–", "6.00"]
    assert first.frame["outside"].tolist() == ["5 %", "1 %"]
