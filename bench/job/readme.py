"""The README's answers, between `<!-- answers -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from pathlib import Path

from bench.report.answers import ABSENT, OWN, QUESTIONS, ask, read
from bench.report.render import escape
from implementations.architecture.weights import write_bytes

BLOCK = re.compile(r"(<!-- answers -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text: str, tables: Path) -> str:
    """The text with its block filled from the CSV files of the tables."""
    lines = ["| question | answer | how sure |", "| --- | --- | --- |"]
    for question, table, answer in QUESTIONS:
        frame = read(tables / f"{table}.csv")
        found = ask(answer, frame, OWN)
        told, sure = found or (ABSENT, "no run has it")
        shown = f"{escape(told)} | {escape(sure)}"
        lines.append(f"| [{question}](results/tables/{table}.md) | {shown} |")
    body = "\n".join(lines)
    return BLOCK.sub(lambda match: f"{match[1]}\n{body}\n\n{match[2]}", text)


def update(readme: Path, tables: Path) -> None:
    """Fill the block of a README file, in place."""
    write_bytes(readme, fill(readme.read_text(encoding="utf-8"), tables).encode())
