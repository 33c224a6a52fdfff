"""`explain --shards`: heatmaps in several files and an index, which outlive a kill."""

from __future__ import annotations

from bench.cli import given
from bench.cli.options import Single
from bench.record.cell import Cell
from bench.record.runs import Row
from implementations.errors import BadInput


def check(asked: Single) -> None:
    """Raises BadInput where the folder has other files, and for what is of one file."""
    from bench.stages import shards

    for option, there in (("--picture", asked.picture), ("--expect", asked.expect)):
        if there:
            raise BadInput(f"{option} is of one file of heatmaps; leave --shards out")
    shards.check(asked.out)


def explained(asked: Single, cell: Cell, subject: given.Given, targets: str | None) -> Row:
    """The child's row; the shards that it has come to the end of are in the folder anyhow."""
    from bench.cli import explained
    from bench.engine.alone import alone
    from bench.engine.progress import ticker

    context = {
        **subject.context, "targets": targets, "out": str(asked.out.resolve()), "expect": None,
        "stages": asked.save == "stages", "normalise": asked.normalise, "shards": asked.shards,
    }  # fmt: skip
    with ticker("explain", 1) as progress:
        row = alone(explained.__name__, cell, context, progress.say)[-1]
        if row["status"] == "ok":
            progress.tick(f"heatmaps of {len(subject.images)} images are in {asked.out}")
        return row
