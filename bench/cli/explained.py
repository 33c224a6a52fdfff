"""The child's side of `explain`: the network and the method are built, and the images streamed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.cli import expected, panels, user_files
from bench.engine.worker import Reporter, Row
from bench.record.cell import Cell
from bench.stages.explain import Explanation, explain
from implementations.architecture import pretrained, registered, weights
from implementations.errors import BadInput

BARE = True
"""Its process needs a framework and nothing else (`bench/engine/worker.py`)."""
REFUSED = "refused"
"""The status of what turns out to be bad input only when it is computed with."""
SILENCE_S = 5.0
"""Between two lines of how far it is."""


def seldom(report: Reporter) -> Callable[[str], None]:
    """What tells how far it is, not after each of thousands of batches."""
    said = [-SILENCE_S]

    def tell(text: str) -> None:
        if time.monotonic() - said[0] >= SILENCE_S:
            report.send("progress", text=text)
            said[0] = time.monotonic()

    return tell


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry."""
    (cell,) = cells
    report.run(cell, lambda: _rows(cell, context, report))


def _rows(cell: Cell, context: Mapping[str, Any], report: Reporter) -> Iterator[Row]:
    height, width, channels = context["size"]
    architecture = registered.get(cell.architecture, (height, width, channels), context["classes"])
    images, _ = user_files.read_images(Path(context["images"]), check=False)
    targets = None
    if context["targets"]:
        read = user_files.read_array(Path(context["targets"]), "targets")
        targets = user_files.check_targets(
            read, len(images), architecture.classes, context["targets"]
        )
    tensors = pretrained.neutral(Path(context["weights"]), architecture)
    asked = Explanation(
        images, targets, Path(context["out"]), context["stages"], cell.batch, context["normalise"],
        context["shards"], user_files.background(context["background"]),
    )  # fmt: skip

    def tell(text: str) -> None:
        report.send("progress", text=text)

    try:
        explain(cell, architecture, tensors, asked, seldom(report))
        held = None
        if context["expect"]:
            tell("holding the logits against yours")
            ours = weights.load(asked.out, only=["logits"])["logits"]
            held = expected.hold(cell, architecture, tensors, images, ours, context["expect"])
        if "places" in context:
            panels.make(cell, architecture, tensors, images[: context["drawn"]], context, tell)
    except BadInput as error:
        yield {"status": REFUSED, "reason": str(error)}
        return
    yield {"expected": held}
