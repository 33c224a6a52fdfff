"""What the command line takes as values: whole numbers, seconds, one of a few words, a file.

Each raises ValueError with the one line that says what is right.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from errno import ENOTDIR
from pathlib import Path
from typing import Any

from implementations.architecture.settings import LARGEST_INTEGER
from implementations.errors import unknown

MOST_SECONDS = 1e6
MOST_DIGITS = 100
"""Of a whole number: Python refuses thousands in its own words."""
SMALLEST = 1e-30
"""Of what is divided by, or its reciprocal."""
EMPTY = "it is empty (an unset shell variable?); give it a value"


def names(texts: Iterable[str]) -> list[str]:
    """Names, parted by spaces or by commas that stand outside brackets. None may be empty."""
    found = []
    for text in texts:
        depth, parts = 0, [""]
        for letter in text:
            depth += (letter == "[") - (letter == "]")
            if letter == "," and depth <= 0:
                parts.append("")
            else:
                parts[-1] += letter
        given = [part for part in parts if part]
        if not given:
            raise ValueError(EMPTY)
        found += given
    return found


def words(
    what: str, known: Iterable[str], sort: bool = False
) -> Callable[[Iterable[str]], tuple[str, ...]]:
    """What takes words out of a few, each once; `sort`: in the order of these."""
    order = tuple(known)

    def take(given: Iterable[str]) -> tuple[str, ...]:
        found = dict.fromkeys(given)
        for name in found:
            if name not in order:
                raise ValueError(unknown(what, name, order))
        return tuple(sorted(found, key=order.index) if sort else found)

    return take


def word(what: str, known: Iterable[str]) -> Callable[[str], str]:
    """What takes one word out of a few."""
    several = words(what, known)
    return lambda text: several([text])[0]


def whole(text: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    decimal = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    if not decimal or not least <= int(text) <= most:
        must = f"a whole number of at least {least} and at most {most}"
        raise ValueError(f"{text!r} is not {must}")
    return int(text)


def budgets(texts: Iterable[str]) -> tuple[int, ...]:
    """Whole numbers, rising, or `none`."""
    found = list(texts)
    return () if found == ["none"] else tuple(sorted(set(map(positive, found))))


def _decimal(text: str) -> float:
    """A number in ASCII, as those of `whole` are; NaN where it is none."""
    plain = text.isascii() and text == text.strip() and "_" not in text
    with suppress(ValueError):
        return float(text) if plain else math.nan
    return math.nan


def seconds(text: str) -> float:
    """Seconds, above 0."""
    seconds = _decimal(text)
    if not 0 < seconds <= MOST_SECONDS:
        must = f"a number of seconds above 0 and at most {MOST_SECONDS:g}"
        raise ValueError(f"{text!r} is not {must}")
    return seconds


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return whole(text, 1, LARGEST_INTEGER)


def number(text: str) -> float:
    """A finite number."""
    found = _decimal(text)
    if not math.isfinite(found):
        raise ValueError(f"{text!r} is not a number")
    return found


def function(text: str) -> str:
    """module:function."""
    module, _, name = text.partition(":")
    if module.endswith(".py") or "/" in module:
        raise ValueError(f"{text!r} names a file; name its module, as in my_module:my_function")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"{text!r} must be MODULE:FUNCTION, for example my_module:my_function")
    return text


def above_zero(text: str) -> float:
    """A finite number above 0, in float32 too."""
    found = number(text)
    if not SMALLEST <= found <= 1 / SMALLEST:
        raise ValueError(f"{text!r} is not from {SMALLEST:g} to {1 / SMALLEST:g}")
    return found


def two(texts: Iterable[str]) -> tuple[int, ...]:
    """Two whole numbers of at least 1."""
    found = tuple(positive(text) for text in texts)
    if len(found) != 2:
        raise ValueError(f"it takes two numbers, height and width, not {len(found)}")
    return found


def seed(text: str) -> int:
    """What NumPy takes for a seed."""
    return whole(text, 0, 2**32 - 1)


def threads(text: str) -> int:
    """As many as this process may use; 0: all."""
    return whole(text, 0, len(os.sched_getaffinity(0)))


def folder(text: str) -> Path:
    """A folder's path, there or not yet, without links."""
    try:
        path = Path(text).resolve()
        with suppress(FileNotFoundError):
            path.lstat()
            if not path.is_dir():
                raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
    except (OSError, RuntimeError) as error:  # of links in a circle, or names that are too long
        told = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{text!r} cannot be a folder: {told}; name another") from error
    return path


def setting(text: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not text.isprintable():
        raise ValueError(f"{text!r} must be NAME=VALUE, for example points=100")
    return name, value


def each(take: Callable[[str], Any]) -> Callable[[Iterable[str]], tuple[Any, ...]]:
    """What takes texts one by one."""
    return lambda texts: tuple(take(text) for text in texts)
