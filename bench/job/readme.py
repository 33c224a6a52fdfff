"""The README's figures: blocks between markers, filled from the generated tables.

A block begins with `<!-- table: NAME -->` and ends with `<!-- end -->`; what stands between is the
first section of `results/tables/NAME.md`: its heading, its rows and its notes, and where the rest
is. With `<!-- table: NAME | HEADING -->` it is the section of that heading, and with
`<!-- table: NAME | HEADING | COLUMN: WORDS -->`, once or more often, those of its rows that have
the words, between commas, in that column.
"""

from __future__ import annotations

import re
from pathlib import Path

from implementations.architecture.weights import write_bytes

BLOCK = re.compile(
    r"(<!-- table: (?P<name>[\w-]+)(?: \| (?P<heading>[^\n|]+?))?"
    r"(?P<wanted>(?: \| [^\n|:]+: [^\n|]+?)*) -->\n).*?(<!-- end -->)",
    re.DOTALL,
)

MACHINE = re.compile(r", machine [0-9a-f]+")
"""What a heading gains where runs of several machines lie side by side."""
ABSENT = "*No run in `results/runs/` has this.*"
FOLDER = "results/tables"


def fill(text: str, tables: Path) -> str:
    """The text with every block filled; one whose section no run permits says so."""

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        heading, rest = _section(tables / f"{name}.md", match["heading"])
        body = rest.strip()
        for wanted in filter(None, match["wanted"].split(" | ")):
            body = _rows(body, *wanted.split(": "))
        more = f"[What the columns mean, and all of it]({FOLDER}/{name}.md)"
        return f"{match[1]}\n**{heading}**\n\n{body}\n\n{more}\n\n<!-- end -->"

    return BLOCK.sub(block, text)


def _section(path: Path, wanted: str | None) -> tuple[str, str]:
    """Heading and body: the first section, or that of the heading, or of it on another machine."""
    body = path.read_text(encoding="utf-8").split("\n---\n")[0] if path.exists() else ""
    sections = [section.partition("\n")[::2] for section in body.split("\n## ")[1:]]
    if wanted is None:
        return [*sections, (path.stem, ABSENT)][0]
    exact = [section for section in sections if section[0] == wanted]
    alike = [each for each in sections if MACHINE.sub("", each[0]) == MACHINE.sub("", wanted)]
    return [*exact, *alike, (wanted, ABSENT)][0]


def _rows(body: str, column: str, words: str) -> str:
    """A section's body with only those rows of its table that have the words in the column."""
    lines = body.split("\n")
    heads = _cells(lines[0])
    if column not in heads:
        return ABSENT
    at = heads.index(column)
    rows = [line for line in lines[2:] if line.startswith("|")]
    kept = [line for line in rows if words in _cells(line)[at].split(", ")]
    notes = [line for line in lines[2:] if not line.startswith("|")]
    return "\n".join([*lines[:2], *kept, *notes]) if kept else ABSENT


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def update(readme: Path, tables: Path) -> None:
    """Fill the blocks of a README file, in place."""
    write_bytes(readme, fill(readme.read_text(encoding="utf-8"), tables).encode())
