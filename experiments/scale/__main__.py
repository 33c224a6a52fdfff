"""The plan for a hundred nodes in `docs/scale.md`, made of what the soak has measured.

SOAK=100 SCALE_FIGURES=docs/scale.json nox -s soak -- -s tests/soak/test_scale.py
python -m experiments.scale
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
FIGURES, PAGE = DOCS / "scale.json", DOCS / "scale.md"
BEGIN, END = "<!-- begin plan: python -m experiments.scale -->", "<!-- end plan -->"
NODES, CORES = 100, 16
PARTS = 3
"""Parts a core into which `bench/engine/parts.py` cuts jobs."""
IMAGES, IMAGE = 1_000_000, 28 * 28 * 4
"""Images explained, and bytes of one."""
LINE = 1e9 / 8
"""Bytes a second of a line of 1 Gbit/s."""
MINUTE = 60.0


def plan(figures: dict[str, Any]) -> str:
    """The sentences and the table, of these figures."""
    places = NODES * CORES
    cpu_s, jobs = figures["cpu_ms"] / 1000, figures["jobs"]
    wall_s = figures["wall_ms"] / 1000
    shortest = places * max(cpu_s, wall_s)
    minutes = jobs * MINUTE / places / MINUTE
    moved = IMAGES * IMAGE
    scale = {
        "jobs at once": ("a core each", str(places)),
        "shortest job that keeps all cores at work": (
            f"{places} x {1000 * max(cpu_s, wall_s):.1f} ms",
            f"{shortest:.0f} s; cells shorter than that share a part ({PARTS} parts a core at the "
            "most)",
        ),
        f"{jobs:,} jobs of a minute": (
            f"{jobs:,} x 60 s / {places}",
            f"{minutes:.1f} minutes; {jobs * cpu_s:.0f} s of the driver's CPU",
        ),
        "what jobs are told": (
            f"{jobs:,} x {figures['told_bytes']} bytes",
            f"{jobs * figures['told_bytes'] / 1e6:.0f} MB",
        ),
        "files": (
            "each once a node, under its digest",
            f"weights and images of a network, a few MB: {NODES} times that leaves the driver",
        ),
        f"`explain` of {IMAGES:,} images of 28 x 28": (
            "each once",
            f"{moved / 1e9:.1f} GB, {moved / LINE:.0f} s of a line of 1 Gbit/s; float32, a quarter "
            "where given as uint8",
        ),
        "the driver's store": (
            "two parts a core under way, 64 MB of images each at the most",
            "never more than the array; Ray spills what does not fit",
        ),
        "the driver's memory": (
            "the rows",
            f"{figures['peak_mb']:.0f} MB after {jobs:,} jobs of {figures['rows']} rows, of which "
            f"{figures['before_mb']:.0f} MB are there before the first",
        ),
    }
    lines = [
        f"Measured on {figures['date']} ({figures['machine']}, commit {figures['commit']}), on a "
        f"cluster of two nodes of one core: {figures['cpu_ms']:.1f} ms of the driver's CPU, and "
        f"{figures['wall_ms']:.1f} ms in all, for a job of {figures['rows']} rows and a file of "
        f"1 kB, which is told {figures['told_bytes']} bytes, of which the versions of all packages "
        "are most.",
    ]
    if "two_s" in figures:
        lines += [
            f"{figures['waits']} jobs of {figures['seconds']:.0f} s take {figures['one_s']:.1f} s "
            f"on one node and {figures['two_s']:.1f} s on two, "
            f"{figures['one_s'] / figures['two_s']:.2f} times as fast; the local engine takes "
            f"{figures['here_s']:.1f} s on two cores, so that Ray costs "
            f"{100 * (figures['two_s'] / figures['here_s'] - 1):.1f} % more.",
        ]
    table = ["| | by what | plan |", "| --- | --- | --- |"]
    table += [f"| {name} | {by} | {told} |" for name, (by, told) in scale.items()]
    return "\n".join([*lines, f"So, for {NODES} nodes of {CORES} cores:", "", *table])


def filled(page: str, figures: dict[str, Any]) -> str:
    """The page with the plan between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{plan(figures)}\n{END}{after}"


def main() -> int:
    """Write the page anew."""
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
