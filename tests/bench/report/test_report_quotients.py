"""Rule 10 over every table: a ratio is the quotient of the times that stand beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench import report
from bench.record import runs
from bench.report.frame import NOT_HERE, gather

RUNS = (
    "time-20261128T103458-0797011f",
    "time-20261128T110057-0797011f",
    "compare-20261123T063340-5fd59a1e",
)
"""Published runs that have rows for every table of times, and trainings."""
QUOTIENTS = {
    ("all_classes", "ratio"): ("ms", "one_class_ms"),
    ("batch_scaling", "speed_up"): ("single_ms", "ms_per_image"),
    ("choose", "factor"): ("ms_per_image", "best_ms_per_image"),
    ("choose", "forward_ratio"): ("ms_per_image", "forward_ms_per_image"),
    ("machine_use", "forward_ratio"): ("ms_per_image", "forward_ms_per_image"),
    ("libraries", "to_best"): ("ms_per_image", "best_ms_per_image"),
    ("libraries", "to_eager"): ("ms_per_image", "eager_ms_per_image"),
    ("machine_use", "ratio"): ("ms_per_image", "best_ms_per_image"),
    ("price_of_jit", "speed_up"): ("eager_ms", "compiled_ms"),
    ("toggles", "ratio"): ("ms_per_image", "base_ms_per_image"),
    ("training", "plain_loop_ratio"): ("eager_step_ms", "compiled_step_ms"),
}
COUNTED = {("all_classes", "counted_ratio"), ("libraries", "to_best_evaluation")}
"""Ratios of what is no time, or not of time alone."""


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    found = [runs.read(runs.RESULTS / "runs" / f"{name}.jsonl.gz") for name in RUNS]
    frame = gather(found, lambda *_: NOT_HERE)
    made = [module.make(report.stages(frame, module)) for module in report.modules("tables")]
    return {table.name: table.data for table in made}


def test_every_ratio_is_the_quotient_of_the_times_beside_it(
    tables: dict[str, pd.DataFrame],
) -> None:
    for (name, ratio), (over, under) in QUOTIENTS.items():
        data = tables[name].dropna(subset=[ratio])
        assert len(data), (name, ratio)
        np.testing.assert_allclose(data[ratio], data[over] / data[under], rtol=1e-12, err_msg=name)


def test_no_ratio_is_without_its_times(tables: dict[str, pd.DataFrame]) -> None:
    found = {
        (name, str(column))
        for name, data in tables.items()
        for column in data.select_dtypes("number")
        if any(word in str(column) for word in ("ratio", "factor", "speed_up", "to_best", "to_e"))
    }
    assert found == set(QUOTIENTS) | COUNTED
