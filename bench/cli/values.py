"""What the command line takes as values: names, whole numbers, seconds.

Each raises argparse.ArgumentTypeError, which becomes one line that says what is right.
"""

from __future__ import annotations

import argparse
import os

from implementations.architecture.settings import LARGEST_INTEGER

MOST_SECONDS = 1e6


class Names(argparse.Action):
    """Names, parted by spaces or commas; one that is empty stays, to be refused."""

    def __call__(  # noqa: D102
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        given = values if isinstance(values, list) else [values]
        parts = [[name for name in str(value).split(",") if name] or [""] for value in given]
        setattr(namespace, self.dest, [name for part in parts for name in part])


def whole(text: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    if not text.isdecimal() or not least <= int(text) <= most:
        must = f"a whole number of at least {least} and at most {most}"
        raise argparse.ArgumentTypeError(f"{text!r} is not {must}")
    return int(text)


def seconds(text: str) -> float:
    """Seconds, above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        must = f"a number of seconds above 0 and at most {MOST_SECONDS:g}"
        raise argparse.ArgumentTypeError(f"{text!r} is not {must}")
    return seconds


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return whole(text, 1, LARGEST_INTEGER)


def seed(text: str) -> int:
    """What NumPy takes for a seed."""
    return whole(text, 0, 2**32 - 1)


def threads(text: str) -> int:
    """As many as this process may use; 0: all."""
    return whole(text, 0, len(os.sched_getaffinity(0)))
