from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.engine import processes
from bench.engine.child import ROOT, Job
from bench.engine.worker import Reporter, Row, Wrong, status
from bench.record.cell import Cell
from implementations import frameworks
from implementations.errors import BadInput, Unavailable

CHILDREN = Path(__file__).parents[1] / "children"
NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 3, "kernel": 3},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "gap1", "kind": "global_average_pool", "inputs": "relu1"},
    {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 4},
]
CELL = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-32-16-8")


@pytest.mark.parametrize("column", frameworks.columns(), ids=lambda column: column.label)
def test_a_column_loads_and_sees_no_other_framework_and_no_extras(
    column: frameworks.Column, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if column.missing:
        pytest.skip(column.missing)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    small = tmp_path / "small.json"
    small.write_text(json.dumps({"input_shape": [8, 8, 1], "classes": 4, "nodes": NODES}))
    cell = Cell(
        stage="agree", framework=column.framework, backend=column.backend, method="grad_cam",
        dataset="digits", architecture=str(small),
    )  # fmt: skip
    found: list[dict[str, Any]] = []
    processes.run(
        [Job("loaded", (cell,), {"architecture": str(small)})],
        lambda cell, number, rows: found.extend(rows), 300, tmp_path / "log", lambda text: None,
    )  # fmt: skip
    assert found[0]["status"] == "ok", (found, (tmp_path / "log").read_text()[-2000:])
    assert found[0]["finite"] is True
    assert found[0]["loaded"] == found[0]["seen"] == sorted(column.packages)


def test_the_suite_itself_imports_no_framework() -> None:
    modules = [
        "bench.cli.whole", "bench.cli.single", "bench.cli.catalogue", "bench.cli.user_files",
        "bench.job.main_job", "bench.report", "bench.stages.explain", "bench.engine.worker",
        "bench.stages.time.stopwatch",
    ]  # fmt: skip
    text = f"""
import importlib, sys
for name in {modules}: importlib.import_module(name)
from implementations import frameworks
print([p for p in frameworks.packages() | {{"captum", "shap"}} if p in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unavailable("no GPU"), ("skipped", "no GPU")),
        (BadInput("no file"), ("failed", "no file")),
        (Wrong({"max_rel": 1.0}, "two inputs, one answer"), ("wrong", "two inputs, one answer")),
        (MemoryError(), ("oom", "MemoryError: no message")),
        (RuntimeError("CUDA out of memory. Tried\nmore"), ("oom", "RuntimeError: CUDA out of")),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while"), ("oom", "RuntimeError: RESOUR")),
        (ValueError("first\nsecond"), ("failed", "ValueError: first")),
        (KeyError(), ("failed", "KeyError: no message")),
    ],
)
def test_status_of_an_error(error: Exception, expected: tuple[str, str]) -> None:
    name, reason = status(error)
    assert (name, reason[: len(expected[1])]) == expected
    assert "\n" not in reason


def test_reporter_sends_one_json_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()

    def rows() -> Iterator[Row]:
        yield {"value": "with\nnewline"}
        raise ValueError("after a row")

    Reporter(stream).run(CELL, rows)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["start", "row", "row", "done"]
    assert {event["cell_id"] for event in events} == {CELL.cell_id}
    assert events[1]["row"]["value"] == "with\nnewline"
    assert events[2]["row"] == {"status": "failed", "reason": "ValueError: after a row"}
    assert "after a row" in capsys.readouterr().err


def test_a_cell_in_parts_is_done_once(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    report = Reporter(stream)

    def wrong() -> Iterator[Row]:
        raise Wrong({"max_rel": 1.0}, "the second part")
        yield

    assert report.part(CELL, lambda: iter(()))
    assert not report.part(CELL, wrong)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["start", "start", "row", "done"]
    assert events[2]["row"] == {"max_rel": 1.0, "status": "wrong", "reason": "the second part"}
