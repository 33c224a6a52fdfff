from __future__ import annotations

import math
from typing import Any

import pytest

from bench.record.fault import NEEDED, fault

ROW = {**dict.fromkeys(NEEDED, "x"), "status": "ok"}


def test_a_row_with_what_is_needed_can_be_used() -> None:
    assert fault(ROW) is None
    assert fault({**ROW, "a column of tomorrow": object()}) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stage": ""}, "no stage"),
        ({"status": "fine"}, "status is none of"),
        ({"median_ms": 0}, "median_ms is not a number above 0"),
        ({"median_ms": math.nan}, "median_ms is not a number above 0"),
        ({"pullbacks": "many"}, "pullbacks is not a number"),
        ({"round": -1}, "round is not a count"),
        ({"method": "two\nlines"}, "method is not a text of one line"),
        ({"stable": 1}, "stable is not true or false"),
        ({"confusion": [[1, 2]]}, "confusion is not a square of counts"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], why: str) -> None:
    told = fault({**ROW, **changes})
    assert told is not None and told.startswith(why)


def test_a_row_is_an_object() -> None:
    assert fault([ROW]) == "a row is an object, not list"
