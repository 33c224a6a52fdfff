"""What pytest-benchmark times: the cells of the `time` stage, in the child process.

First every cell is made ready, then the clock goes round them all, each time in another order and
when it is this process's turn, until it has come often enough to each.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from bench.engine import compile_caches
from bench.engine.worker import Reporter, Row
from bench.record.cell import Cell
from bench.stages.time.clocked import MOST_VISITS, Clocked
from bench.subject.fingerprint import TRAINING

Visit = Callable[[Cell, int], None]


class Cells:
    """Gives the job's cells to pytest, and their rows to the parent."""

    def __init__(self, cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
        self.cells = cells
        self.context = context
        self.report = report
        self.ready: dict[Cell, Clocked] = {}
        self.turns = 0

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test to make a cell ready, and one a visit."""
        if "number" not in metafunc.fixturenames:
            # Training leaves marks in Keras' global state, at which compiled functions look.
            order = sorted(self.cells, key=lambda cell: cell.task not in TRAINING)
            metafunc.parametrize("cell", order, ids=[cell.cell_id for cell in order])
            return
        turns = [
            (number, cell)
            for number in range(MOST_VISITS)
            for cell in random.Random(number).sample(self.cells, len(self.cells))
        ]
        names = [f"{number}-{cell.cell_id}" for number, cell in turns]
        metafunc.parametrize(("number", "cell"), turns, ids=names)

    @pytest.fixture
    def prepare(self) -> Callable[[Cell], None]:
        """Makes a cell ready for the clock."""

        def prepare(cell: Cell) -> None:
            def rows() -> Iterator[Row]:
                with compile_caches.of_its_own(cell.cell_id):
                    self.ready[cell] = Clocked(cell, self.context)
                yield from ()

            if self.report.part(cell, rows):
                self.report.send("progress", cell_id=cell.cell_id, text="is right and warm")

        return prepare

    @pytest.fixture
    def visit(self, request: pytest.FixtureRequest) -> Visit:
        """Times a cell that is ready; its row is due when the clock has come often enough."""

        def visit(cell: Cell, number: int) -> None:
            if cell not in self.ready:
                return
            if number == self.turns:
                self.report.wait()
                self.turns += 1
            clocked = self.ready.pop(cell)

            def rows() -> Iterator[Row]:
                clocked.visit(request.getfixturevalue("benchmark"))
                if clocked.sure:
                    yield clocked.row()

            if not self.report.part(cell, rows):
                return
            if clocked.sure:
                self.report.done(cell)
            else:
                self.ready[cell] = clocked

        return visit


def test_ready(cell: Cell, prepare: Callable[[Cell], None]) -> None:
    """Whatever goes wrong becomes the cell's row."""
    prepare(cell)


def test_clock(number: int, cell: Cell, visit: Visit) -> None:
    """Time one cell; whatever goes wrong becomes its row."""
    visit(cell, number)
