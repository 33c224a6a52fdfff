"""Every table, of rows of which none is its own: runs of one stage leave all others empty."""

from __future__ import annotations

from types import ModuleType

import pytest

from bench import report
from bench.record.runs import Row
from bench.report.frame import gather


@pytest.mark.parametrize("module", [*report.modules("tables")], ids=lambda module: module.__name__)
def test_a_table_of_no_rows_has_no_lines(module: ModuleType) -> None:
    row: Row = {"stage": "none", "status": "ok"}
    frame = gather([({"run_id": "r", "machine_id": "m"}, [row])])
    assert not len(module.make(report.stages(frame, module)).data)
