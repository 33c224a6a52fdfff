from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import pytest

from bench import arguments

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("take", "text", "value"),
    [
        (arguments.positive, "1", 1),
        (arguments.seed, "0", 0),
        (arguments.threads, str(CORES), CORES),
        (arguments.seconds, "0.5", 0.5),
    ],
)
def test_values_that_are_right(take: Callable[[str], float], text: str, value: float) -> None:
    assert take(text) == value


@pytest.mark.parametrize(
    ("take", "text", "said"),
    [
        (arguments.positive, "0", "at least 1"),
        (arguments.positive, "1.5", "whole number"),
        (arguments.seed, str(2**32), f"at most {2**32 - 1}"),
        (arguments.threads, str(CORES + 1), f"at most {CORES}"),
        (arguments.seconds, "nan", "above 0"),
        (arguments.seconds, "inf", "at most 1e\\+06"),
        (arguments.seconds, "soon", "'soon' is not a number of seconds"),
    ],
)
def test_values_that_are_wrong(take: Callable[[str], float], text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        take(text)


def test_names_are_parted_by_spaces_and_commas() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--names", nargs="+", action=arguments.Names)
    assert parser.parse_args(["--names", "a,b", "c", ","]).names == ["a", "b", "c", ""]
