"""The README's figures: blocks between markers, filled from the generated tables.

A block begins with `<!-- table: NAME -->` and ends with `<!-- end -->`; what stands between is the
table `results/tables/NAME.md` without its heading and its footer.
"""

from __future__ import annotations

import re
from pathlib import Path

from implementations.contract import BadInput
from implementations.weights import write_bytes

BLOCK = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text: str, tables: Path) -> str:
    """The text with every block filled. Raises BadInput for a table that is not there."""

    def block(match: re.Match[str]) -> str:
        path = tables / f"{match['name']}.md"
        if not path.exists():
            raise BadInput(f"the README shows {path}, which is not there; run `compare` first")
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [line for line in lines if line.startswith("|")]
        return f"{match[1]}\n" + "\n".join(rows) + f"\n\n{match[3]}"

    return BLOCK.sub(block, text)


def update(readme: Path, tables: Path) -> None:
    """Fill the blocks of a README file, in place."""
    write_bytes(readme, fill(readme.read_text(encoding="utf-8"), tables).encode())
