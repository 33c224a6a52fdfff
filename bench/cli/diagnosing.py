"""`diagnose`: which conventions make the oracle give somebody's heatmaps."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cli import diagnosed, given, sides, user_files, user_maps
from bench.cli.options import Single
from bench.cli.user_maps import UserMaps
from bench.engine import scratch
from bench.engine.alone import alone
from bench.engine.progress import answer, ticker
from bench.record.cell import Cell
from bench.subject import drawn
from bench.subject.explainer import method_of
from implementations.architecture import weights
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
        maps, told = _checked(asked, subject, layer)
        kept = {}
        for name, each in maps.items():
            path = str(Path(folder) / f"{name}.npy")
            np.save(path, np.stack([each.maps, *(levels for _, levels, _ in each.others)]))
            coarse = [each.coarse, *(off for _, _, off in each.others)]
            kept[name] = path, coarse, ["", *(of for of, _, _ in each.others)]
        made = Path(folder) / "made.npz"
        context: dict[str, Any] = {
            **subject.context, "layer": layer, "seconds": asked.seconds, "maps": kept,
            "made": str(made),
            "targets": str(Path(asked.targets).resolve()) if asked.targets else None,
        }  # fmt: skip
        with ticker("diagnose", 1) as progress:
            for line in (*subject.told, *told):
                progress.say(line)
            row = alone(diagnosed.__name__, cell, context, progress.say)[-1]
            progress.tick("done" if row["status"] == "ok" else str(row["reason"]))
        if row["status"] == "ok" and asked.picture:
            images = np.asarray(subject.images[: diagnosed.MOST], np.float64)
            sides.save(asked.picture, images, _titled(asked, maps), weights.load(made))
    if row["status"] != "ok":
        raise BadInput(str(row["reason"]))
    verdicts = row["verdicts"]
    between = row["between"]
    whole = verdicts if between is None else {**verdicts, "between": between}
    told_all = json.dumps(whole, indent=1)
    answer.print(told_all if asked.json else diagnosed.screen(verdicts, between, asked))
    return FOUND if all(verdict["found"] for verdict in verdicts.values()) else NOT_FOUND


def _titled(asked: Single, maps: dict[str, UserMaps]) -> dict[str, tuple[str, NDArray[Any]]]:
    """Each given map by its name, with its file's."""
    files = {"heatmap": asked.heatmap, "against": asked.against or ""}
    return {name: (Path(files[name]).name, each.maps) for name, each in maps.items()}


def _checked(
    asked: Single, subject: given.Given, layer: str
) -> tuple[dict[str, UserMaps], list[str]]:
    """The maps, and what is to be said of them. Raises BadInput for what is no map of these."""
    shape = subject.architecture.shapes
    sizes = sorted({shape["input"][:2], shape[layer][:2]})
    told, read = [], {}
    for name, path in (("heatmap", asked.heatmap), ("against", asked.against)):
        if not path:
            continue
        read[name] = user_maps.read_maps(Path(path), subject.images[: len(subject.images)])
        maps, note = read[name][:2]
        told += [f"{path}: {note}"] if note else []
        if len(maps) != len(subject.images):
            raise BadInput(f"{path}: {len(maps)} maps for {len(subject.images)} images")
        if maps.shape[1:] not in sizes:
            at = " or ".join(f"{height} x {width}" for height, width in sizes)
            found = " x ".join(map(str, maps.shape[1:]))
            raise BadInput(f"{path}: maps of {found}; of this network they are {at}")
    if asked.picture:
        drawn.check(drawn.Look(), asked.picture)
        inputs = [asked.heatmap, *filter(None, (asked.against, asked.targets)), *asked.images]
        user_files.check_writable(asked.picture, inputs)
    if asked.targets:
        labels = user_files.read_array(Path(asked.targets), "targets")
        classes = subject.architecture.classes
        user_files.check_targets(labels, len(subject.images), classes, asked.targets)
    return read, told
