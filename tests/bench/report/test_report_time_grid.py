"""The default grid of times, cell by cell as it is timed, through every table and figure."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench import report
from bench.record.cell import Cell
from bench.stages.time import matrix
from bench.subject import fingerprint
from bench.subject.names import pick_columns
from bench.subject.request import Request
from implementations import methods
from implementations.architecture import registered
from tests.bench.report.conftest import Rows

TABLES = ("all_classes", "batch_scaling", "choose", "libraries", "machine_use",
          "memory", "overhead", "price_of_jit", "toggles")  # fmt: skip
NETWORKS = [
    ("digits", registered.get("cnn-48-32-16", (8, 8, 1)), "trained"),
    ("digits", registered.get("cnn-gap", (8, 8, 1)), "trained"),
    ("photographs", registered.get("squeezenet-1.0"), "trained"),
]


def rows_of(cell: Cell, run_id: str) -> list[dict[str, Any]]:
    """Three processes of a cell: a fixed cost of a call, and one for each image."""
    ms = (1 + 0.2 * cell.batch) * {"eager": 2.0}.get(cell.mode, 1.0) * (3 if cell.library else 1)
    measured = {
        "run_id": run_id, "cell_id": cell.cell_id, "column": cell.column.label, "status": "ok",
        "code_hash": fingerprint.code_of(cell),
        "schema": 1,
        "stable": True, "max_rel": 1e-7, "flops": 1e9, "peak_share": 0.3, "cores_in_use": 1.5,
        "call_memory_mb": ms, "compile_s": 0.5, "compiler_s": 1.0, "cache": "cold",
    }  # fmt: skip
    given = json.loads(json.dumps(asdict(cell)))
    return [{**given, **measured, "round": n, "median_ms": ms * (1 + n / 100)} for n in range(3)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    columns = pick_columns(["jax", "pytorch", "keras[tensorflow]"])
    ask = Request(datasets=(), architectures=(), columns=columns, methods=(), grid="default")
    head = {"run_id": "time-20250101T000000-m1", "machine_id": "m1", "versions": {}}
    rows = [row for cell in matrix.cells(ask, NETWORKS) for row in rows_of(cell, head["run_id"])]
    results = tmp_path_factory.mktemp("results")
    report.write([(head, Rows().described(rows))], results)
    return results


def test_every_table_and_figure_of_times_is_there(written: Path) -> None:
    assert sorted(path.stem for path in written.glob("tables/*.md")) == sorted(
        (*TABLES, "conventions")
    )
    assert sorted(path.stem for path in written.glob("figures/*")) == [
        "batch_scaling_digits_cnn-48-32-16", "batch_scaling_photographs_squeezenet-1.0",
        "price_of_jit_digits_cnn-48-32-16_cpu",
    ]  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_tables_stay_readable_and_programs_can_read_them(written: Path, name: str) -> None:
    text = (written / "tables" / f"{name}.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert lines and all(line.count(" | ") < 12 for line in lines)
    assert "†" not in text  # the rows are of the code as it is
    data = pd.read_csv(written / "tables" / f"{name}.csv", comment="#")
    assert len(data) >= 2
    assert set(data["architecture"]) <= {architecture.name for _, architecture, _ in NETWORKS}


def test_the_choosing_table_is_no_longer_than_what_there_is_to_do(written: Path) -> None:
    text = (written / "tables" / "choose.md").read_text(encoding="utf-8")
    for part in text.split("\n## ")[1:]:
        names = [line.split(" | ")[0] for line in part.splitlines() if line.startswith("| ")][2:]
        assert len(names) <= len(methods.names()) + 3 and not any("." in name for name in names)
        assert "| relu1 " not in part and "float64" not in part


def test_every_ratio_in_the_same_run_is_as_it_was_made(written: Path) -> None:
    used = pd.read_csv(written / "tables" / "machine_use.csv", comment="#")
    price = used[used["task"] == "heatmap"]
    eager = price["mode"] == "eager"
    assert price["forward_ratio"].to_numpy() == pytest.approx(
        eager.map({True: 2.0, False: 1.0}).to_numpy()
    )
    libraries = pd.read_csv(written / "tables" / "libraries.csv", comment="#")
    theirs = libraries[libraries["library"].notna()][["to_best", "to_eager"]].dropna()
    assert len(theirs) >= 4
    assert theirs.to_numpy() == pytest.approx(np.tile([6.0, 3.0], (len(theirs), 1)))
