"""The child's side of `predict`: the network is built and run over the images, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.cli import expected, user_files
from bench.engine.worker import Reporter, Row
from bench.record.cell import Cell
from bench.subject.explainer import load_framework
from implementations.architecture import pretrained, registered

BARE = True
"""Its process needs a framework and nothing else (`bench/engine/worker.py`)."""
BATCH = 16


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry."""
    (cell,) = cells
    report.run(cell, lambda: _rows(cell, context, report))


def _rows(cell: Cell, context: Mapping[str, Any], report: Reporter) -> Iterator[Row]:
    height, width, channels = context["size"]
    architecture = registered.get(cell.architecture, (height, width, channels), context["classes"])
    images, _ = user_files.read_images(Path(context["images"]), check=False)
    tensors = pretrained.neutral(Path(context["weights"]), architecture)
    framework, _ = load_framework(cell)
    network = framework.build(architecture, tensors, cell.device, cell.precision)
    found = []
    for start in range(0, len(images), BATCH):
        part = np.ascontiguousarray(images[start : start + BATCH])
        found.append(framework.to_numpy(network(framework.put(network, part))))
        report.send("progress", text=f"{start + len(part)} of {len(images)} images")
    logits = np.concatenate(found)
    np.save(context["out"], logits)
    held = None
    if context["expect"]:
        report.send("progress", text="holding them against yours")
        held = expected.hold(cell, architecture, tensors, images, logits, context["expect"])
    yield {"expected": held}
