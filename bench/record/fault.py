"""What a row may hold: whether it can be used, and if not why. Asked once, where rows are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from bench.record.schema import COLUMNS, COUNTS, NUMBERS, STATUSES

NEEDED = ("stage", "task", "framework", "column", "dataset", "architecture", "cell_id", "status")
"""Columns without which nothing can be said of a row."""
PROSE = ("reason", "notes", "difference", "conventions")
"""Texts that may have several lines; what shows them takes care of it."""
LARGEST = 2**53
POSITIVE = ("median_ms", "step_ms")


def fault(row: Any) -> str | None:
    """Why a row cannot be used, in a few words; None where it can. Unknown columns are let be."""
    if not isinstance(row, Mapping):
        return f"a row is an object, not {type(row).__name__}"
    missing = [name for name in NEEDED if not row.get(name)]
    if missing:
        return f"no {', '.join(missing)}"
    if row["status"] not in STATUSES:
        return f"status is none of {', '.join(STATUSES)}"
    for name, value in row.items():
        if value is not None and name in _FITS and not _FITS[name](value):
            return f"{name} is not {_WANTED[name]}"
    return None


def number(value: Any) -> bool:
    """Whether it is a finite number that is no truth value."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    most = LARGEST if isinstance(value, int) else math.inf
    return plain and abs(value) <= most and math.isfinite(value)


def name(value: Any) -> bool:
    """Whether it is a text of one line that can be written and shown."""
    return isinstance(value, str) and (not value or value.isprintable())


def _count(value: Any) -> bool:
    return isinstance(value, int) and number(value) and value >= 0


def _positive(value: Any) -> bool:
    return number(value) and value > 0


def _prose(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return all(isinstance(t, str) and not any("\ud800" <= c <= "\udfff" for c in t) for t in texts)


def _each(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _or_none(value: Any) -> bool:
    return value is None or number(value)


def _square(value: Any) -> bool:
    return _each(_each(_count))(value) and all(len(line) == len(value) for line in value)


def _kink(value: Any) -> bool:
    known = isinstance(value, list) and 3 <= len(value) <= 5
    return known and _count(value[0]) and all(map(_or_none, value[1:]))


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(name, value))


_FORMS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "samples_ns": ("a list of numbers above 0", _each(_positive)),
    "losses": ("a list of numbers", _each(_or_none)),
    "confusion": ("a square of counts", _square),
    "kinks": ("a list of [image, error, ...]", _each(_kink)),
    "options": ("a list of [name, text]", _each(_pair)),
    **dict.fromkeys(("agree", "stable", "verified", "apart"), ("true or false", _truth)),
    **dict.fromkeys(COUNTS, ("a count", _count)),
    **dict.fromkeys((*NUMBERS, "schema"), ("a number", number)),
    **dict.fromkeys(POSITIVE, ("a number above 0", _positive)),
    **dict.fromkeys(PROSE, ("a text", _prose)),
}
_FITS = {column: _FORMS.get(column, ("", name))[1] for column in COLUMNS}
_WANTED = {column: _FORMS.get(column, ("a text of one line", name))[0] for column in COLUMNS}
