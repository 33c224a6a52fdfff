"""A table: tidy numbers for programs, and how they are shown to people.

Whatever is shown is made of the data's columns by a form (`forms.py`), so that no table writes
markup of its own: `render.py` makes Markdown and plain text of the same sections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

ABSENT = "–"
SIGNS: Mapping[str, str] = {
    "†": "† measured before the code, or the way of measuring, was changed.",
    "~": "~ other work was seen, or the interval is wider than 10 % of its value.",
    "≈": (
        "≈: not distinguishable from ×1 (intervals overlap, the factor is below 1.05, or a single "
        "process has no interval)."
    ),
}
"""What the signs in a line mean; told where a section has them."""


class Strong(str):
    """A text that stands out."""


class Absent(NamedTuple):
    """What has no number: its reason is told once, beneath the section, with a number."""

    status: str
    reason: str


NAMED = {"machine_id": "machine {}", "weights": "{} weights"}
"""How a section's title names what does not speak for itself."""
Form = Callable[..., str | Absent]
Frame = pd.DataFrame


@dataclass(frozen=True)
class Shown:
    """How people see columns of the data: a heading, and the form that takes their values.

    `constant` says what becomes of one that is the same in all lines of a section: None, it is
    shown all the same; else the section's title has it, by this pattern (empty: nowhere).
    """

    title: str
    form: Form
    of: tuple[str, ...]
    constant: str | None = None

    def text(self, row: Mapping[str, Any]) -> str | Absent:
        """The text of a line of the data; a column it lacks counts as not measured."""
        return self.form(*(row.get(name, float("nan")) for name in self.of))


@dataclass(frozen=True)
class Section:
    """A part of a table for people: a frame of texts, notes of ours, and what the data tells."""

    title: str
    frame: Frame
    notes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """One way to look at a table's data: a section for each value of `by`, a line for each row.

    With `across`, rows that `shown` does not tell apart share a line, in which each value of that
    column has a column of its own, titled by `heading`, that shows the `cell`.
    """

    by: tuple[str, ...]
    shown: tuple[Shown, ...]
    across: str = ""
    cell: Shown | None = None
    heading: str = "{}"
    title: str = ""
    where: Callable[[Frame], Any] | None = None
    told: Callable[[Frame], Iterable[str]] | None = None
    data: Frame | None = None


@dataclass(frozen=True)
class Table:
    """A table: its files' stem, title, numbers, views, how to read it, signs of its own."""

    name: str
    title: str
    data: Frame
    views: Sequence[View] = ()
    note: str = ""
    signs: Mapping[str, str] = field(default_factory=lambda: SIGNS)

    @cached_property
    def sections(self) -> list[Section]:
        """What people see, in order."""
        return [section for view in self.views for section in self._seen(view)]

    def _seen(self, view: View) -> Iterator[Section]:
        data = self.data if view.data is None else view.data
        if view.where is not None and len(data):
            data = data[view.where(data)]
        if not len(data):
            return
        for title, mine in titled(data, view.by):
            yield self._section(view, ", ".join(filter(None, [title, view.title])), mine)

    def _section(self, view: View, title: str, data: Frame) -> Section:
        rows: list[dict[str, Any]] = [
            {str(name): value for name, value in row.items()} for row in data.to_dict("records")
        ]
        reasons: dict[str, int] = {}
        texts = [[_plain(one.text(row), reasons) for one in view.shown] for row in rows]
        kept = []
        for n, one in enumerate(view.shown):
            values = {text[n] for text in texts}
            if one.constant is None or len(values) > 1:
                kept.append(n)
            elif one.constant and (value := values.pop()):
                title += f", {one.constant.format(value)}"
        heads = [view.shown[n].title for n in kept]
        lines = [dict(zip(heads, (text[n] for n in kept), strict=True)) for text in texts]
        if view.across and view.cell:
            lines = _side_by_side(view.across, view.cell, view.heading, rows, lines, reasons)
        frame = pd.DataFrame(lines, dtype=object).fillna(ABSENT)
        used = "".join(str(text) for line in lines for text in line.values())
        told = [f"({number}) {reason}" for reason, number in reasons.items()]
        told += view.told(data) if view.told else ()
        notes = (note for sign, note in self.signs.items() if sign in used)
        return Section(title, frame, tuple(notes), tuple(told))


def _side_by_side(
    across: str, cell: Shown, heading: str, rows: list[dict[str, Any]],
    lines: list[dict[str, str]], reasons: dict[str, int],
) -> list[dict[str, str]]:  # fmt: skip
    names = {value: heading.format(value) for value in sorted({row[across] for row in rows})}
    joined: dict[tuple[str, ...], dict[str, str]] = {}
    for row, line in zip(rows, lines, strict=True):
        mine = joined.setdefault(tuple(line.values()), line | dict.fromkeys(names.values(), ABSENT))
        mine[names[row[across]]] = _plain(cell.text(row), reasons)
    return list(joined.values())


def _plain(text: str | Absent, reasons: dict[str, int]) -> str:
    """A text; where it is absent its status, and the number of its reason among `reasons`."""
    if not isinstance(text, Absent):
        return text
    number = reasons.setdefault(f"{text.status}: {text.reason}", len(reasons) + 1)
    return f"{text.status} ({number})"


def titled(data: Frame, by: tuple[str, ...]) -> list[tuple[str, Frame]]:
    """The data of each section, with its title: machine and run only where there are several."""
    machines = "machine_id" in data and data["machine_id"].nunique() > 1
    named = [name for name in by if name != "run_id" and (name != "machine_id" or machines)]
    found = []
    places = [((), data)] if not by else data.groupby(list(by), sort=False, dropna=False)
    where = [name for name in by if name != "run_id"]
    several = data.groupby(where)["run_id"].transform("nunique") > 1 if "run_id" in by else None
    for values, mine in places:
        key = dict(zip(by, values, strict=True))
        parts = [NAMED.get(n, "{}").format(key[n]) if key[n] else "" for n in named]
        if several is not None and several[mine.index[0]]:
            parts.append(str(key["run_id"]))
        found.append((", ".join(filter(None, parts)), mine))
    return found
