from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import pytest

from bench.cli import values

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("take", "text", "value"),
    [
        (values.positive, "1", 1),
        (values.seed, "0", 0),
        (values.threads, str(CORES), CORES),
        (values.seconds, "0.5", 0.5),
    ],
)
def test_values_that_are_right(take: Callable[[str], float], text: str, value: float) -> None:
    assert take(text) == value


@pytest.mark.parametrize(
    ("take", "text", "said"),
    [
        (values.positive, "0", "at least 1"),
        (values.positive, "1.5", "whole number"),
        (values.seed, str(2**32), f"at most {2**32 - 1}"),
        (values.threads, str(CORES + 1), f"at most {CORES}"),
        (values.seconds, "nan", "above 0"),
        (values.seconds, "inf", "at most 1e\\+06"),
        (values.seconds, "soon", "'soon' is not a number of seconds"),
    ],
)
def test_values_that_are_wrong(take: Callable[[str], float], text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        take(text)


def test_names_are_parted_by_spaces_and_commas() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--names", nargs="+", action=values.Names)
    assert parser.parse_args(["--names", "a,b", "c", ","]).names == ["a", "b", "c", ""]
