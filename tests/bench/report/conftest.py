from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from bench.record.grid import varies
from bench.report.frame import gather
from bench.subject import described
from implementations.architecture import registered
from implementations.errors import BadInput

Row = dict[str, Any]

LEFT_OUT = ("round", "status", "run_id", "code_hash", "schema")
CODE = {"jax": "aaa", "pytorch": "bbb", "keras": "ccc"}


class Rows:
    """Makes rows in the form in which runs hold them: empty columns are left out or null."""

    head: ClassVar[Row] = {
        "run_id": "compare-20250101T000000-m1", "machine_id": "m1", "cpu": "a CPU", "os": "Linux",
        "cpus_allowed": 2, "ram_gb": 8, "gpu": "", "driver": "", "python": "3.11.9",
        "versions": {"numpy": "2.1.0"}, "git_sha": "abcdef", "git_dirty": True,
    }  # fmt: skip

    def code_hash(self, framework: str, *_: str) -> str:
        return CODE[framework]

    def frame(self, rows: list[Row]) -> pd.DataFrame:
        return gather([(self.head, self.described(rows))], self.code_hash)

    def described(self, rows: list[Row]) -> list[Row]:
        """The rows with what they are of, as far as they do not say it; the base has most cells."""
        timed = [row for row in rows if row["stage"] == "time"]
        cells = {row["cell_id"]: (row["dataset"], row["architecture"]) for row in timed}
        base = Counter(cells.values()).most_common(1)
        batches = {row["batch"] for row in timed}
        batch = 64 if 64 in batches else max(batches, default=0)
        found = []
        for row in rows:
            said = described.offer(row["library"], row["method"])
            asked = dict(row)
            with suppress(BadInput):
                graph = registered.get(row["architecture"])
                explainer = (row["method"], row["library"])
                said |= described.layer(graph, row["layer"], *explainer)
                if described.layer(graph, "", *explainer).items() <= said.items():
                    asked["layer"] = ""
            if base and row["stage"] == "time":
                said["varies"] = varies(asked, *base[0][0], batch)
            found.append(said | row)
        return found

    def row(self, stage: str, column: str, **values: Any) -> Row:
        framework, _, backend = column.removesuffix("]").partition("[")
        base: Row = {
            "schema": 1, "run_id": self.head["run_id"], "stage": stage, "task": "heatmap",
            "framework": framework, "backend": backend, "column": column, "method": "grad_cam",
            "library": "", "dataset": "digits", "architecture": "cnn-gap", "weights": "trained",
            "layer": "relu4", "score": "logit", "options": [], "batch": 10, "optimizer": "",
            "epochs": 0, "steps": 0, "seed": 0, "device": "cpu", "mode": "eager", "threads": 0,
            "precision": "float32", "allocator": "", "memory_format": "",
            "explainer": "", "round": 0,
            "status": "ok", "code_hash": CODE[framework],
        }  # fmt: skip
        row = base | values
        toggles = [str(v) for k, v in row.items() if k in base and k not in LEFT_OUT]
        return {"cell_id": "/".join(toggles), **row}

    def times(self, column: str, medians: list[float], **values: Any) -> list[Row]:
        return [
            self.row("time", column, round=n, **{"median_ms": median, "stable": True} | values)
            for n, median in enumerate(medians)
        ]

    def epochs(self, column: str, losses: list[list[float]], **values: Any) -> list[Row]:
        rows = []
        for n, steps in enumerate(losses, 1):
            row = {"epoch": n, "losses": steps, "train_loss": float(np.mean(steps)), "step_ms": n}
            same = {"task": "train", "method": "", "layer": "", "optimizer": "matched"}
            rows.append(self.row("train", column, **same | row | values))
        rows[-1] |= {"test_accuracy": 0.9, "confusion": [[3, 1], [0, 4]]}
        return rows

    def agree(self, column: str, compared: str, **values: Any) -> Row:
        row = {
            "compared": compared, "max_rel": 5e-7, "median_rel": 1e-7, "share_within": 1.0,
            "pearson_min": 0.99, "spearman_min": 0.98, "topk_iou": 1.0, "zero_map_share": 0.25,
            "kinks": [], "nan_count": 0, "agree": True, "tolerance": 2e-6, "n_images": 8,
        }  # fmt: skip
        return self.row("agree", column, **row | values)


@pytest.fixture(scope="session")
def make() -> Rows:
    return Rows()
