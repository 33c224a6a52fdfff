"""The settings of every kind of node: what each may be, how it is read and its default."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

SCHEMA = 1
REQUIRED = object()
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LARGEST_INTEGER = 2**31 - 1  # what every framework counts sizes with
SMALLEST, LARGEST = 2.0**-126, 2.0**127  # float32, without its denormal numbers

Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Setting:
    """One hyperparameter: what it must be, in words, and the reader that sees to it.

    `reader` gives the value in its plain form (a pair as a tuple) or raises ValueError.
    """

    must: str
    reader: Reader
    default: Any = REQUIRED

    def otherwise(self, default: Any) -> Setting:
        """The same setting, which a file may leave away."""
        return replace(self, default=default)

    def read(self, value: Any, what: str) -> Any:
        """The plain value; `what` names it in the ValueError for a senseless one."""
        try:
            return self.reader(value)
        except ValueError:
            raise ValueError(f"{what} must be {self.must}, not {reprlib.repr(value)}") from None


def pair(value: Any) -> tuple[Any, Any]:
    """3 -> (3, 3); [3, 5] -> (3, 5). Raises ValueError for a list that does not hold two."""
    first, second = value if isinstance(value, list | tuple) else (value, value)
    return first, second


def integer(least: int, most: int = LARGEST_INTEGER) -> Reader:
    """A reader of integers from least to most; true and 1.0 are none."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError
        if not least <= value <= most:
            raise ValueError
        return value

    return read


def number(least: float, below: float = LARGEST) -> Reader:
    """A reader of numbers in [least, below); NaN, true and "1" are none."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not least <= value < below:
            raise ValueError
        return float(value)

    return read


def several(item: Reader, count: int = 0) -> Reader:
    """A reader of lists, not empty; of a given length where `count` is one."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != (count or max(len(value), 1)):
            raise ValueError
        return tuple(item(each) for each in value)

    return read


def _both(item: Reader) -> Reader:
    return lambda value: tuple(item(each) for each in pair(value))


def _choice(*words: str) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return value

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise ValueError
    return value


def _node_name(value: Any) -> str:
    if not NAME.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _names(value: Any) -> Any:
    return several(_text)((value,) if isinstance(value, str) else value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


_margins = _both(_both(integer(0)))


def _padding(value: Any) -> Any:
    return _choice("same", "valid")(value) if isinstance(value, str) else _margins(value)


def _order(value: Any) -> Any:
    return None if value is None else several(integer(0))(value)


DOCUMENT = {
    "schema": Setting(f"{SCHEMA}, the one read here", integer(SCHEMA, SCHEMA), SCHEMA),
    "name": Setting("a line of text", _text),
    "input_shape": Setting(
        "[height, width, channels], integers of at least 1", several(integer(1), 3)
    ),
    "classes": Setting("an integer of at least 2", integer(2)),
    "nodes": Setting("a list of at least one node", several(lambda node: node)),
}
"""What an architecture's JSON form holds."""

NODE = {
    # Frameworks make parameter names and name scopes of it.
    "name": Setting("letters, digits, _ and -", _node_name),
    "kind": Setting("the name of a kind", _text),
    "inputs": Setting("the names of the nodes it reads, 'input' for the images", _names),
}
"""What every node holds; the settings of its kind stand beside."""

_COUNT = Setting("an integer of at least 1", integer(1))
_SIZES = Setting("an integer of at least 1, or [height, width] of such", _both(integer(1)))
_PADDING = Setting(
    "'same', 'valid', or integers of at least 0: n, [vertical, horizontal] or "
    "[[top, bottom], [left, right]]",
    _padding,
)
_FLAG = Setting("true or false", _boolean)
_POOL = {
    "size": _SIZES,
    "stride": _SIZES,
    "padding": _PADDING.otherwise("valid"),
    "rounding": Setting("'floor' or 'ceil'", _choice("floor", "ceil"), "floor"),
}

SETTINGS: dict[str, dict[str, Setting]] = {
    "conv": {
        "filters": _COUNT,
        "kernel": _SIZES,
        "stride": _SIZES.otherwise(1),
        "padding": _PADDING.otherwise("same"),
        "dilation": _SIZES.otherwise(1),
        "groups": _COUNT.otherwise(1),
        "bias": _FLAG.otherwise(True),
    },
    "dense": {"units": _COUNT, "bias": _FLAG.otherwise(True)},
    "batch_norm": {
        "momentum": Setting("a number from 0 to 1", number(0, math.nextafter(1, 2)), 0.99),
        "epsilon": Setting("a number above 0, in float32 too", number(SMALLEST), 1e-3),
    },
    "relu": {},
    "relu6": {},
    "max_pool": _POOL,
    "average_pool": {**_POOL, "count_padding": _FLAG.otherwise(False)},
    "global_average_pool": {},
    "flatten": {},
    "dropout": {"rate": Setting("a number from 0 to below 1", number(0, 1))},
    "add": {},
    "concat": {},
    "pad": {
        "spatial": Setting(
            "integers of at least 0: n, [vertical, horizontal] or [[top, bottom], [left, right]]",
            _margins,
            ((0, 0), (0, 0)),
        ),
        "channels": Setting(
            "an integer of at least 0, or [before, after] of such", _both(integer(0)), (0, 0)
        ),
    },
    "normalise": {
        "mean": Setting("a list of finite numbers", several(number(-LARGEST))),
        "deviation": Setting(
            "a list of numbers above 0, in float32 too", several(number(SMALLEST))
        ),
        "order": Setting("null or a list of channels, counted from 0", _order, None),
    },
}

KINDS: dict[str, dict[str, Any]] = {
    kind: {name: setting.default for name, setting in settings.items()}
    for kind, settings in SETTINGS.items()
}
"""Kind -> its settings with their defaults, `REQUIRED` where there is none."""
