"""`diagnose`: which conventions make the oracle give somebody's heatmaps."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from bench.cli import diagnosed, given, user_files, user_maps
from bench.cli.options import Single
from bench.engine import scratch
from bench.engine.alone import alone
from bench.engine.progress import answer, ticker
from bench.record.cell import Cell
from bench.subject.explainer import method_of
from implementations.errors import BadInput

FOUND, NOT_FOUND = 0, 3


def diagnose(asked: Single) -> int:
    """`diagnose`: 0 where a convention explains every map, 3 where none within the space does.

    Raises BadInput before any work for what cannot be read or does not fit.
    """
    cell = Cell(
        stage="diagnose", framework="reference", method=asked.method, dataset="",
        architecture=asked.known, layer=asked.layer, precision="float64",
    )  # fmt: skip
    if method_of(cell).every_class:
        raise BadInput(f"--method {asked.method}: give a map of one class for each image")
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder:
        subject = given.take(asked, Path(folder))
        layer = method_of(cell).layer(subject.architecture, asked.layer or None)
        told = [*subject.told, *_checked(asked, subject, layer)]
        files = {"heatmap": asked.heatmap, "against": asked.against, "targets": asked.targets}
        context: dict[str, Any] = {
            **subject.context, "layer": layer, "seconds": asked.seconds,
            **{name: str(Path(path).resolve()) if path else None for name, path in files.items()},
        }  # fmt: skip
        with ticker("diagnose", 1) as progress:
            for each in told:
                progress.say(each)
            row = alone(diagnosed.__name__, cell, context, progress.say)[-1]
            progress.tick("done" if row["status"] == "ok" else str(row["reason"]))
    if row["status"] != "ok":
        raise BadInput(str(row["reason"]))
    verdicts = row["verdicts"]
    told_all = json.dumps(verdicts, indent=1) if asked.json else diagnosed.screen(verdicts, asked)
    answer.print(told_all)
    return FOUND if all(verdict["found"] for verdict in verdicts.values()) else NOT_FOUND


def _checked(asked: Single, subject: given.Given, layer: str) -> list[str]:
    """What is to be said of the maps. Raises BadInput for what is no map of these images."""
    shape = subject.architecture.shapes
    sizes = sorted({shape["input"][:2], shape[layer][:2]})
    told = []
    for path in filter(None, (asked.heatmap, asked.against)):
        maps, note = user_maps.read_maps(Path(path))
        told += [f"{path}: {note}"] if note else []
        if len(maps) != len(subject.images):
            raise BadInput(f"{path}: {len(maps)} maps for {len(subject.images)} images")
        if maps.shape[1:] not in sizes:
            at = " or ".join(f"{height} x {width}" for height, width in sizes)
            found = " x ".join(map(str, maps.shape[1:]))
            raise BadInput(f"{path}: maps of {found}; of this network they are {at}")
    if asked.targets:
        read = user_files.read_array(Path(asked.targets), "targets")
        classes = subject.architecture.classes
        user_files.check_targets(read, len(subject.images), classes, asked.targets)
    return told
