"""Answers of tables that go without a column, as those of a narrow run do."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.record.runs import RESULTS
from bench.report import answers


@pytest.mark.parametrize(
    ("question", "table", "answer"), answers.QUESTIONS, ids=[one[0] for one in answers.QUESTIONS]
)
@pytest.mark.parametrize("column", answers.MEASURED)
def test_a_column_that_no_row_has_costs_no_more_than_the_answer(
    question: str, table: str, answer: object, column: str
) -> None:
    numbers = answers.read(RESULTS / "tables" / f"{table}.csv")
    assert len(numbers), table
    assert callable(answer)
    found = answers.ask(answer, numbers.drop(columns=[column], errors="ignore"), answers.OWN)
    assert found is None or "nan" not in " ".join(found).lower().split()


def test_no_rows_are_no_answer() -> None:
    for _, table, answer in answers.QUESTIONS:
        numbers = answers.read(RESULTS / "tables" / f"{table}.csv")
        assert answers.ask(answer, numbers[:0], answers.OWN) is None
    whole = answers.read(RESULTS / "tables" / "choose.csv")
    assert answers.ask(answers.batches, whole, answers.OWN) is not None


def test_comparisons_of_older_code_are_counted_only_where_there_are_no_others() -> None:
    row = {
        "device": "cpu", "precision": "float32", "weights": "trained", "library": None,
        "method": "grad_cam", "passed": True, "median_rel": 1e-7, "column": "jax", "stale": False,
    }  # fmt: skip
    of = answers.OWN
    older = {**row, "passed": False, "stale": True}
    told, sure = answers.passed(pd.DataFrame([row, older, older]), of) or ("", "")
    assert told.startswith("1 of 1 comparisons") and "changed" not in sure
    told, sure = answers.passed(pd.DataFrame([older, older]), of) or ("", "")
    assert told.startswith("0 of 2 comparisons") and "the code has changed since" in sure


def test_the_library_is_one_that_gives_the_same_map_and_is_known_best() -> None:
    row = {
        "like": "grad_cam", "architecture": "cnn-48-32-16", "column": "pytorch", "ms": 1.0,
        "machine_id": "m1", "stable": True, "stale": False, "processes": 3, "options": None,
        "max_rel": 1e-7, "tolerance": 1e-5, "library": "slower", "to_best": 1.5,
    }  # fmt: skip
    others = [
        {**row, "library": "other map", "to_best": 1.1, "max_rel": 1.0},
        {**row, "library": "old code", "to_best": 1.2, "stale": True},
        {**row, "library": "one process", "to_best": 1.3, "processes": 1},
    ]
    told, sure = answers.library(pd.DataFrame([*others, row]), answers.OWN) or ("", "")
    assert told == "slower in pytorch: ×1.50 of our own, the same map"
    assert sure == "3 processes, machine m1"
    told, _ = answers.library(pd.DataFrame(others[:1]), answers.OWN) or ("", "")
    assert told == "other map in pytorch: ×1.10 of our own, another map"
    assert answers.library(pd.DataFrame([row]).assign(like="saliency"), answers.OWN) is None
