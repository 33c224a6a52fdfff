"""The one test that pytest-benchmark times: a cell of the `time` stage, in the child process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bench.cells import Cell
from bench.timing import Wrong, measure
from bench.worker import Reporter, Row


class Cells:
    """Gives the job's cells to pytest, and their rows to the parent."""

    def __init__(self, cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
        self.cells = cells
        self.context = context
        self.report = report

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test a cell."""
        metafunc.parametrize("cell", self.cells, ids=[cell.cell_id for cell in self.cells])

    @pytest.fixture
    def run(self, benchmark: Any) -> Any:
        """Times one cell and reports it."""

        def timed(cell: Cell) -> None:
            def rows() -> Iterator[Row]:
                try:
                    yield from measure(cell, self.context, benchmark)
                except Wrong as wrong:
                    yield {**wrong.row, "status": "wrong", "reason": str(wrong)}

            self.report.run(cell, rows)

        return timed


def test_cell(cell: Cell, run: Any) -> None:
    """Time one cell; whatever goes wrong becomes its row."""
    run(cell)
