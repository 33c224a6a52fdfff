"""The columns of a row as a page to read: `results/README.md`."""

from __future__ import annotations

from bench.record.schema import FIELDS


def readme() -> str:
    """The column dictionary as Markdown."""
    lines = ["# Columns of a row", ""]
    for group in dict.fromkeys(field.group for field in FIELDS):
        lines += [f"## {group}", "", "| column | unit | meaning |", "| --- | --- | --- |"]
        for field in (field for field in FIELDS if field.group == group):
            meaning = field.meaning.replace("|", r"\|")
            lines.append(f"| `{field.name}` | {field.unit} | {meaning} |")
        lines.append("")
    return "\n".join(lines)
