"""The README's figures: blocks between markers, filled from the generated tables.

A block begins with `<!-- table: NAME -->` and ends with `<!-- end -->`; what stands between is the
first section of `results/tables/NAME.md`: its heading, its rows and its notes. With
`<!-- table: NAME | HEADING -->` it is the section of that heading.
"""

from __future__ import annotations

import re
from pathlib import Path

from implementations.weights import write_bytes

BLOCK = re.compile(
    r"(<!-- table: (?P<name>[\w-]+)(?: \| (?P<heading>[^\n]+?))? -->\n).*?(<!-- end -->)", re.DOTALL
)

MACHINE = re.compile(r", machine [0-9a-f]+")
"""What a heading gains where runs of several machines lie side by side."""
ABSENT = "*No run in `results/runs/` has this.*"


def fill(text: str, tables: Path) -> str:
    """The text with every block filled; one whose section no run permits says so."""

    def block(match: re.Match[str]) -> str:
        heading, rest = _section(tables / f"{match['name']}.md", match["heading"])
        return f"{match[1]}\n**{heading}**\n\n{rest.strip()}\n\n<!-- end -->"

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


def update(readme: Path, tables: Path) -> None:
    """Fill the blocks of a README file, in place."""
    write_bytes(readme, fill(readme.read_text(encoding="utf-8"), tables).encode())
