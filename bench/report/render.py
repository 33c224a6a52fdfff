"""Tables as Markdown and as plain text. Names are data: whatever they hold, no markup is theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.report.table import Section, Strong, Table

_MARKUP = {"\\": "\\\\", "|": "\\|", "<": "&lt;", "&": "&amp;", "$": "\\$", "`": "\\`", "*": "\\*"}
_SPECIAL = re.compile("[" + re.escape("".join(_MARKUP)) + "]")


def clean(text: str) -> str:
    """A text of one line, without what moves a cursor or turns the direction of writing."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def escape(text: str) -> str:
    """A text of one line in which Markdown sees no markup, HTML or formula."""
    found = _SPECIAL.sub(lambda match: _MARKUP[match[0]], clean(text))
    return found.replace("](", "]\\(").replace("~~", "\\~\\~")


def markdown(table: Table, foot: Sequence[str] = ()) -> str:
    """A table as Markdown, its provenance at the foot."""
    parts = [f"# {escape(table.title)}", table.note]
    for section in table.sections:
        parts += [f"## {escape(section.title)}", grid(section)]
        parts += ["\n".join(f"- {escape(text)}" for text in section.told), *section.notes]
    if foot:
        parts += ["---", "  \n".join([foot[0], *map(escape, foot[1:])])]
    return "\n\n".join(part for part in parts if part) + "\n"


def grid(section: Section) -> str:
    """The Markdown table of a section."""
    heads = [escape(str(name)) for name in section.frame.columns]
    lines = [heads, ["---"] * len(heads)]
    lines += [[_styled(text) for text in line] for line in _lines(section)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def terminal(table: Table) -> str:
    """A table as plain text, its columns in line."""
    parts = [f"{clean(table.title)}\n{'=' * len(clean(table.title))}", table.note]
    for section in table.sections:
        heads = [clean(str(name)) for name in section.frame.columns]
        lines = [heads, *([clean(text) for text in line] for line in _lines(section))]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = [
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        shown.insert(1, "  ".join("-" * width for width in widths))
        parts += [clean(section.title), "\n".join(shown)]
        parts += ["\n".join([*map(clean, section.told), *section.notes])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _lines(section: Section) -> list[list[str]]:
    return [list(line) for line in section.frame.itertuples(index=False, name=None)]


def _styled(text: str) -> str:
    return f"**{escape(text)}**" if isinstance(text, Strong) else escape(str(text))
