"""In a process of its own: a source's networks exported, imported and held against the file.

python -m experiments.imports.exported SOURCE FOLDER NAME...
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets import photographs
from datasets.contract import centre
from experiments.imports.computed import explained
from experiments.imports.networks import SOURCES, scale
from implementations.architecture import graph, registered, weights
from implementations.architecture.shapes import parameters
from implementations.errors import BadInput, one_line
from implementations.importers.onnx import checking
from implementations.importers.onnx.convert import Imported, Wanted, convert
from implementations.oracle import runtime

MADE = 640
"""MiB of constants that a file may compute: those of the package onnx have their weights so."""
LARGE, COLOURS = 200, 3
"""Pixels of a side from which photographs are shown, which have three channels."""


def row(source: str, name: str, folder: Path) -> dict[str, Any]:
    """What became of one network; `folder` then has it, with images and the oracle's logits."""
    file = folder / "m.onnx"
    told: dict[str, Any] = {}
    begun = time.monotonic()
    try:
        SOURCES[source][1](name, file)
    except Exception as error:  # an exporter raises whatever comes
        traceback.print_exc()
        said = str(error).strip().splitlines() or [""]
        return {"status": "not exported", "reason": one_line(f"{type(error).__name__}: {said[0]}")}
    told["export_s"] = round(time.monotonic() - begun, 1)
    begun = time.monotonic()
    try:
        made = convert(file, Wanted("net", scale=scale(name), constants=MADE))
        told["nodes"] = len(made.architecture.nodes)
        told["parameters"] = sum(int(np.prod(s)) for s in parameters(made.architecture).values())
        told["image"] = "x".join(map(str, made.architecture.input_shape))
        checked = checking.check(made)
    except BadInput as error:
        reason = one_line(str(error)).replace(str(file), "m.onnx")
        return {**told, "status": "refused", "reason": reason}
    except Exception as error:
        traceback.print_exc()
        return {**told, "status": "broken", "reason": one_line(f"{type(error).__name__}: {error}")}
    finally:
        file.unlink(missing_ok=True)
    images = shown(made)
    expected = explained("reference", runtime, made.architecture, made.weights, images)
    (folder / registered.IN_FOLDER).write_text(json.dumps(graph.document(made.architecture)))
    weights.save(folder / registered.WEIGHTS_IN_FOLDER, made.weights)
    np.savez(folder / "answer.npz", images=images, **expected)
    return {
        **told, "status": "imported", "reason": checked.why, "evaluator_float64": checked.exact,
        "onnxruntime_float32": checked.single, "import_s": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def shown(made: Imported) -> NDArray[np.float32]:
    """Two images of its size: random ones, or where it is large scikit-learn's photographs."""
    height, width, channels = made.architecture.input_shape
    if min(height, width) < LARGE or channels != COLOURS:
        return np.random.default_rng(9).random((2, height, width, channels), np.float32)
    _, whole = photographs.photographs()
    return centre(whole[:2], (height, width))


def main(source: str, work: str, *names: str) -> None:
    """One network after the other; each leaves its row, or a sign that it was begun."""
    for name in names:
        folder = Path(work) / f"{source} {name}".replace(", ", "-").replace(":", "-")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "begun").touch()
        about = {"source": source, "network": name, **row(source, name, folder)}
        (folder / "row.json").write_text(json.dumps(about))
        print(about, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
