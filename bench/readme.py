"""The README's figures: blocks between markers, filled from the generated tables.

A block begins with `<!-- table: NAME -->` and ends with `<!-- end -->`; what stands between is the
first section of `results/tables/NAME.md`: its heading, its rows and its notes. With
`<!-- table: NAME | HEADING -->` it is the section of that heading.
"""

from __future__ import annotations

import re
from pathlib import Path

from implementations.contract import BadInput
from implementations.weights import write_bytes

BLOCK = re.compile(
    r"(<!-- table: (?P<name>[\w-]+)(?: \| (?P<heading>[^\n]+?))? -->\n).*?(<!-- end -->)", re.DOTALL
)


def fill(text: str, tables: Path) -> str:
    """The text with every block filled. Raises BadInput for a table that is not there."""

    def block(match: re.Match[str]) -> str:
        path = tables / f"{match['name']}.md"
        if not path.exists():
            raise BadInput(f"the README shows {path}, which is not there; run `compare` first")
        body = path.read_text(encoding="utf-8").split("\n---\n")[0]
        sections = [part.partition("\n") for part in body.split("\n## ")[1:]]
        wanted = match["heading"] or sections[0][0]
        for heading, _, rest in sections:
            if heading == wanted:
                return f"{match[1]}\n**{heading}**\n\n{rest.strip()}\n\n<!-- end -->"
        raise BadInput(f"the README shows {wanted!r} of {path}, which has no such section")

    return BLOCK.sub(block, text)


def update(readme: Path, tables: Path) -> None:
    """Fill the blocks of a README file, in place."""
    write_bytes(readme, fill(readme.read_text(encoding="utf-8"), tables).encode())
