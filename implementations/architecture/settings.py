"""What a setting of a node may be: readers, and the settings that several kinds share.

Each kind's own settings are on its page in `kinds/`.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from implementations.errors import BadInput, unknown

SCHEMA = 1
REQUIRED = object()
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LARGEST_INTEGER = 2**31 - 1  # what every framework counts sizes with
MOST_NODES = 4096  # a residual network of a thousand layers has 3,300
WIDEST_PADDING = 4096  # what is padded must be held, however small what a node makes of it
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
        """The same setting, which a file may omit."""
        return replace(self, default=default)

    def read(self, value: Any, what: str) -> Any:
        """The plain value; `what` names it in the ValueError for a senseless one."""
        try:
            return self.reader(value)
        except ValueError:
            raise ValueError(f"{what} must be {self.must}, not {reprlib.repr(value)}") from None


def values(
    given: Mapping[str, Any], schema: Mapping[str, Setting], where: str, what: str
) -> dict[str, Any]:
    """Every setting of a schema in its plain form, in its order; BadInput for a senseless one."""
    found = {}
    for name, setting in schema.items():
        value = given.get(name, setting.default)
        if value is REQUIRED:
            raise BadInput(f"{where}: {what} needs {name!r}, {setting.must}")
        try:
            found[name] = setting.read(value, name)
        except ValueError as error:
            raise BadInput(f"{where}: {error}") from None
    extra = sorted(str(name) for name in given if name not in schema)
    if extra:
        none = f"{what} has no settings, so no {extra[0]!r}"
        raise BadInput(f"{where}: {unknown('setting', extra[0], schema) if schema else none}")
    return found


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


def several(item: Reader, count: int = 0, most: int = LARGEST_INTEGER) -> Reader:
    """A reader of lists, not empty, of `most` items; of a given length where `count` is one."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != (count or max(len(value), 1)):
            raise ValueError
        if len(value) > most:
            raise ValueError
        return tuple(item(each) for each in value)

    return read


def both(item: Reader) -> Reader:
    """A reader of a pair, or of one value that stands for both."""
    return lambda value: tuple(item(each) for each in pair(value))


def choice(*words: str) -> Reader:
    """A reader of one of these words."""

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


margins = both(both(integer(0, WIDEST_PADDING)))


def _padding(value: Any) -> Any:
    return choice("same", "valid")(value) if isinstance(value, str) else margins(value)


DOCUMENT = {
    "schema": Setting(f"{SCHEMA}, the one read here", integer(SCHEMA, SCHEMA), SCHEMA),
    "name": Setting("a line of text", _text),
    "input_shape": Setting(
        "[height, width, channels], integers of at least 1", several(integer(1), 3)
    ),
    "classes": Setting("an integer of at least 2", integer(2)),
    "nodes": Setting(
        f"a list of at least one node and at most {MOST_NODES}",
        several(lambda node: node, most=MOST_NODES),
    ),
}
"""What an architecture's JSON form holds."""

NODE = {
    # Frameworks make parameter names and name scopes of it.
    "name": Setting("letters, digits, _ and -", _node_name),
    "kind": Setting("the name of a kind", _text),
    "inputs": Setting("the names of the nodes it reads, 'input' for the images", _names),
}
"""What every node holds; the settings of its kind stand beside."""

COUNT = Setting("an integer of at least 1", integer(1))
SIZES = Setting("an integer of at least 1, or [height, width] of such", both(integer(1)))
PADDING = Setting(
    f"'same', 'valid', or integers from 0 to {WIDEST_PADDING}: n, [vertical, horizontal] or "
    "[[top, bottom], [left, right]]",
    _padding,
)
FLAG = Setting("true or false", _boolean)
POOL = {
    "size": SIZES,
    "stride": SIZES,
    "padding": PADDING.otherwise("valid"),
    "rounding": Setting("'floor' or 'ceil'", choice("floor", "ceil"), "floor"),
}
"""The settings of every pooling window."""
