from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.subject import values

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("take", "text", "value"),
    [
        (values.positive, "1", 1),
        (values.seed, "0", 0),
        (values.threads, str(CORES), CORES),
        (values.seconds, "0.5", 0.5),
        (values.above_zero, "255", 255),
    ],
)
def test_values_that_are_right(take: Callable[[str], float], text: str, value: float) -> None:
    assert take(text) == value


@pytest.mark.parametrize(
    ("take", "text", "said"),
    [
        (values.positive, "0", "at least 1"),
        (values.positive, "1.5", "whole number"),
        (values.positive, "9" * 5000, "9' is not a whole number of at least 1"),
        (values.above_zero, "-1", "'-1' is not from 1e-30 to 1e\\+30"),
        (values.above_zero, "1e-300", "is not from"),
        (values.above_zero, "nan", "not a number"),
        (values.seed, str(2**32), f"at most {2**32 - 1}"),
        (values.threads, str(CORES + 1), f"at most {CORES}"),
        (values.seconds, "nan", "above 0"),
        *((values.seconds, text, "is not a number of seconds") for text in ("٣", "1_0", " 5")),
        *((values.number, text, "is not a number") for text in ("٣", "1_0", " 5")),
        (values.seconds, "inf", "at most 1e\\+06"),
        (values.seconds, "soon", "'soon' is not a number of seconds"),
    ],
)
def test_values_that_are_wrong(take: Callable[[str], float], text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        take(text)


def test_names_are_parted_by_spaces_and_commas() -> None:
    assert values.names(["a,b", "c", "d,"]) == ["a", "b", "c", "d"]
    assert values.names(["a[x=1,y=2],b"]) == ["a[x=1,y=2]", "b"]
    with pytest.raises(ValueError, match="it is empty"):
        values.names(["a", ","])


def test_settings() -> None:
    assert values.setting("points=5") == ("points", "5")
    for text in ("points", "points=5\n", "points=\x1b"):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            values.setting(text)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "file").touch()
    assert values.folder(str(tmp_path / "new")) == tmp_path / "new"
    for name in ("itself", "n" * 300, "file", "file/below"):
        with pytest.raises(ValueError, match="name another"):
            values.folder(str(tmp_path / name))


def test_budgets_rise_once_each_or_are_none() -> None:
    assert values.budgets(["256", "64", "256"]) == (64, 256)
    assert values.budgets(["none"]) == ()
    with pytest.raises(ValueError, match="at least 1"):
        values.budgets(["0"])
