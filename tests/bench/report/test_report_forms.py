from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.forms import (
    answer,
    count,
    number,
    per_image,
    said,
    share,
    spread,
    text,
    timed,
    times,
    what,
)  # fmt: skip
from bench.report.table import Absent


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


def test_an_interval_stands_where_there_is_one() -> None:
    assert spread(1.0, 0.5, 2.0) == "1.00 (0.500–2.00)"
    assert spread(1.0, math.nan, math.nan) == "1.00"
    assert timed(10.0, 9.0, 20.0, False, True) == "10.0 (9.00–20.0) † ~"
    assert per_image(10.0, 9.0, 20.0, True, False, 10) == "1.00 (0.900–2.00)"


@pytest.mark.parametrize(
    ("factor", "real", "text"),
    [
        (1.8, True, "×1.80"), (0.5, False, "×0.500 ≈"), (123.4, True, "×123"),
        (math.nan, True, "–"), (1.0, False, "×1.00"), (2.0, math.nan, "×2.00 ≈"),
    ],
)  # fmt: skip
def test_times(factor: float, real: bool, text: str) -> None:
    assert times(factor, real) == text


def test_what_has_no_time_says_why_and_what_was_not_asked_for_nothing() -> None:
    nothing = (math.nan,) * 5
    assert answer(*nothing, "oom", "big") == Absent("oom", "big")
    assert answer(*nothing, "", "") == answer(*nothing, math.nan, math.nan) == "–"
    assert answer(1.0, math.nan, math.nan, True, False, "ok", "") == "1.00"


def test_what_was_done_and_truths() -> None:
    assert what("heatmap", "saliency", "captum", "steps=2", "logit") == "captum.saliency (steps=2)"
    assert what("forward", "", "", "", "logit") == "forward pass"
    assert (said(True), said(False), said(math.nan)) == ("yes", "no", "–")
    assert (text(math.nan), text(0), text("x"), count(3.0)) == ("", "", "x", "3")
