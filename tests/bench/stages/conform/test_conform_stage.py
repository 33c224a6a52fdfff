"""Which cells are asked for, and that a cell's rows are rows."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from bench.record.schema import COLUMNS
from bench.stages.conform import stage
from bench.stages.conform.design import runs
from bench.subject.names import pick_columns
from bench.subject.request import Request


def test_offers_as_shipped_and_made_ours_then_our_own_builders() -> None:
    asked = list(stage.cells(Request(command="conform", methods=("grad_cam",))))
    theirs = [(cell.library, cell.method, bool(cell.options)) for cell in asked if cell.library]
    assert ("captum", "layer_grad_cam", True) in theirs
    assert ("captum", "layer_grad_cam", False) in theirs
    own = [cell.column.label for cell in asked if not cell.library]
    assert own == [column.label for column in pick_columns(())]


def test_what_is_named_alone_is_asked_for() -> None:
    request = Request(command="conform", methods=("saliency",), libraries=("captum",))
    assert [(cell.library, cell.method) for cell in stage.cells(request)] == [
        ("captum", "saliency")
    ]


def test_our_own_builder_is_the_same_in_every_run() -> None:
    request = Request(command="conform", methods=("grad_cam",), columns=pick_columns(["pytorch"]))
    cell = next(cell for cell in stage.cells(request) if not cell.library)
    rows = list(stage.measure(cell, {}))
    assert Counter(row["verdict"] for row in rows) == {"same": len(rows)}
    assert all(set(row) <= set(COLUMNS) for row in rows)


def test_asking_imports_no_framework() -> None:
    code = (
        "import sys; from bench.stages.conform import stage; "
        "from bench.subject.request import Request; list(stage.cells(Request(command='conform'))); "
        "print(sorted({'torch', 'keras', 'tensorflow', 'jax'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_run_has_a_condition_of_its_own() -> None:
    conditions = [run.condition for run in runs("pytorch")]
    assert conditions[0] == "base" and len(set(conditions)) == len(conditions) > 30
