"""Rows with strange contents: each is left out where it is read, or shown; nothing breaks."""

from __future__ import annotations

import gzip
import json
import os
from contextlib import nullcontext
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import report
from bench.job import superseded, written
from bench.record import reading, runs
from bench.record.schema import COLUMNS
from implementations.errors import BadInput

NAMES = (
    "$x$",
    "a|b",
    "<!-- end -->",
    "=1+1",
    "`*_",
    "../../up",
    "ünï",
    "x" * 3000,
    "{}",
    "%s",
    " ",
)
STRANGE = (
    *NAMES, None, True, False, 0, -1, 3, 1e308, 5e-324, 10**40, [], {}, [[]], [None], [-1.0], [0],
    [["a", "b"]], [[1, 2.0, None]], {"a": 1}, "a\nb", "\x1b[31m", "\ud800",
)  # fmt: skip


def stage_rows(make: Any) -> list[dict[str, Any]]:
    """Sound rows of each kind, so that every table has some."""
    beside = {"flops": 1e9, "peak_share": 0.5, "cores_in_use": 1.0, "call_memory_mb": 1.0}
    forward = {"task": "forward", "method": "", "layer": ""}
    rows = [make.agree("jax", "signed", kinks=[[1, 0.1, 1e-8]])]
    for batch in (1, 8):
        rows += make.times("jax", [1.0], batch=batch, **beside)
        rows += make.times("jax", [1.0], batch=batch, mode="compiled", **forward | beside)
    compiled = {"mode": "compiled", "batch": 8, "compile_s": 1.0, "layer": ""}
    rows += make.times("jax", [1.0], samples_ns=[1e6, 2e6], **compiled)
    rows += make.times("jax", [1.0], **compiled | {"layer": "relu1"})
    rows += make.times("jax", [1.0], library="captum", batch=8, **beside)
    rows += make.times("jax", [1.0], method="grad_cam_all_classes", batch=8, **beside)
    rows += make.epochs("jax", [[1.0, 0.5]]) + make.epochs("pytorch", [[1.0, 0.4]])
    rows.append(make.row("contrast", "jax", median_ms=1.0, evaluations=1, n_images=8))
    quality = {"metric": "pointing_game", "value": 0.5, "n": 8}
    rows.append(make.row("contrast", "jax", **quality, subset="all"))
    rows.append(make.row("contrast", "jax", **quality, task="likeness", against="saliency"))
    rows.append(make.row("contrast", "jax", **quality, method="saliency", against="grad_cam"))
    for metric in ("cascading_randomisation", "cascading_magnitude", "cascading_ssim"):
        told = {"metric": metric, "value": 0.1, "ci_lo": 0.0, "ci_hi": 0.2, "n": 8}
        rows.append(make.row("contrast", "jax", **told, subset="correct", explainer="grad_cam"))
    values = {"metric": "relative_error", "value": 0.01, "n": 8, "precision": "bfloat16"}
    rows.append(make.row("precision", "jax", **values, batch=0))
    given = {"method": "partition", "library": "shap", "options": [["masker", "blur"]]}
    rows.append(make.row("shap", "jax", **given, compared="values", max_rel=1e-6, agree=True))
    probed = {"condition": "base", "verdict": "differs", "heard": "silent", "version": "1"}
    rows.append(make.row("conform", "pytorch", **probed, library="captum", size=0.5))
    same = {"task": "likeness", "against": "pytorch seed 0", "weights": "jax seed 0"}
    return [*rows, make.row("train", "jax", **quality, **same)]


@pytest.fixture(name="run")
def run_file(make: Any, tmp_path: Path) -> Path:
    """A run's file in which each column has each strange content, in one kind of row or another."""
    sound = make.described(stage_rows(make))
    cases = [(column, value) for column in COLUMNS for value in STRANGE]
    lines = [json.dumps(row) for row in ({"head": make.head}, *sound)]
    lines += [
        json.dumps({**row, column: value})
        for (column, value), row in zip(cases, cycle(sound), strict=False)
    ]
    lines += ["", "[]", "null", '"text"', "{", "[" * 5000, '{"stage": "time"}', "\x00\x00"]
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode(), 1))
    return path


def test_no_row_makes_the_report_trace_back(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, rows = reading.read(run)
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1 and "left out line" in told
    assert len(rows) > 500
    written = report.write_tables([(head, rows)], tmp_path)
    tables = {module.__name__.rpartition(".")[2] for module in report.modules("tables")}
    # Nothing is found where no explainer was told apart; no row has a metric's cost, or tells a
    # method's work.
    assert {path.stem for path in written} == tables - {"findings", "metric_cost", "method_cost"}
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert all(char.isprintable() or char == "\n" for char in text)
        if path.suffix == ".md":
            assert "<!--" not in text
            assert all(line.endswith("|") for line in text.splitlines() if line.startswith("|"))


@pytest.mark.parametrize(
    "name", ["runs/x.jsonl.gz", "published.toml", "written.json", "superseded.csv"]
)
def test_a_pipe_in_a_results_folder_is_not_waited_for(make: Any, tmp_path: Path, name: str) -> None:
    lines = [json.dumps(line) for line in ({"head": make.head}, *make.described(stage_rows(make)))]
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    os.mkfifo(tmp_path / name)
    said: list[str] = []
    with (
        nullcontext()
        if name.startswith("runs")
        else pytest.raises(BadInput, match=r"a pipe|is not the list")
    ):
        runs.published(tmp_path, said.append)
        written.read(tmp_path)
        superseded.explaining(tmp_path, said.append)
    assert all("a pipe or a device" in line for line in said)
    assert len(said) == name.startswith("runs")


def test_pictures_show_names_as_they_are(make: Any, tmp_path: Path) -> None:
    named = {"dataset": "$x", "architecture": "a|b$<&", "column": "$\\frac$"}
    rows = [{**row, **named} for row in make.described(stage_rows(make))]
    pictures = report.write_figures(make.frame(rows), [make.head], tmp_path)
    assert len(pictures) == 4
    for path in pictures:
        assert ElementTree.parse(path).getroot() is not None
        assert "$x" in path.read_text(encoding="utf-8")
