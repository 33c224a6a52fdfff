from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.statistics import Estimate
from bench.report.text import interval, listed, markdown, number, share


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (1.0, "1.00"), (9.996, "10.0"), (0.12345, "0.123"), (12345.0, "12300"),
        (999999.0, "1e+06"), (4.123e-7, "4.12e-07"), (-0.5, "-0.500"), (math.nan, "–"),
        (None, "–"), (math.inf, "∞"), (0.0001, "0.000100"),
    ],
)  # fmt: skip
def test_three_significant_digits(value: float | None, text: str) -> None:
    assert number(value) == text


@given(st.floats(-1e300, 1e300))
def test_a_number_is_within_half_a_unit_of_the_third_digit(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, rel=0.00501, abs=1e-300)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "100 %"),
        (0.99999, "> 99.9 %"),
        (0.9961, "99.6 %"),
        (0.0, "0 %"),
        (math.nan, "–"),
        (1e-9, "< 0.1 %"),
    ],
)
def test_share_says_all_only_where_it_is_all(value: float, text: str) -> None:
    assert share(value) == text


def test_interval() -> None:
    assert interval(Estimate(1.0, 0.5, 2.0, 3, True)) == "1.00 (0.500–2.00)"
    assert interval(Estimate(1.0, math.nan, math.nan, 1, True)) == "1.00"


def test_markdown_has_one_line_a_row_whatever_the_cells_hold() -> None:
    lines = markdown(pd.DataFrame([{"a": "x|y", "b": "two\nlines"}])).splitlines()
    assert lines == ["| a | b |", "| --- | --- |", "| x\\|y | two lines |"]


def test_a_long_list_says_what_it_leaves_out() -> None:
    assert listed(["a", "b", "c"], 2) == ["- a", "- b", "- and 1 more, in the CSV"]
