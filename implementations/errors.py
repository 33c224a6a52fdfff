"""What is told to a user in one line: bad input, and what cannot be had here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(ValueError):
    """What the user gave is wrong: one line that says what, where, and the mend. Exit status 2."""


class Unavailable(RuntimeError):
    """Not installed, not on this machine or not in this framework: the reason. Exit status 4."""


def one_line(text: str) -> str:
    """A text for one line of a terminal: what cannot be printed is escaped, as repr would."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def unknown(what: str, given: str, known: Iterable[str], where: str = "") -> str:
    """One line for a name that is not there: the nearest names, or else all of them."""
    names = list(known)
    near = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
    mend = f"did you mean {' or '.join(near)}?" if near else f"one of: {', '.join(names)}"
    if not names:
        mend = "there is none"
    return f"unknown {what} {where}{given!r}; {mend}"
