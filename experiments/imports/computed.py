"""In a process of its own: the networks that were imported, computed by one column.

python -m experiments.imports.computed COLUMN PRECISION FOLDER [SOURCE]
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import column
from bench.subject.heatmaps import relative_error
from implementations import frameworks, methods
from implementations.architecture import graph, registered, weights
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights
from implementations.contract import Framework
from implementations.errors import BadInput, Unavailable

COMPILED = ("jax", "keras[jax]")
"""Columns that compile every operation by itself where they do not compile the whole."""


def explained(
    framework: str,
    runtime: Framework,
    architecture: Architecture,
    tensors: Weights,
    images: NDArray[np.float32],
    precision: str = "",
    targets: NDArray[Any] | None = None,
    mode: str = "eager",
) -> dict[str, NDArray[Any]]:
    """Logits of the images, and Grad-CAM's signed map at its default layer, of the top class.

    No map of a network that has no such layer. Where the targets are known both are one program,
    compiled once.
    """
    network = runtime.build(architecture, tensors, "cpu", *([precision] if precision else []))
    call = runtime.compiler(network, ["logits"], mode)(
        lambda network, images: {"logits": network(images)}
    )

    def classed() -> NDArray[Any]:
        return runtime.to_numpy(call(network, runtime.put(network, images))["logits"])

    method = methods.load("grad_cam")
    try:
        layer = method.layer(architecture, None)
    except (BadInput, Unavailable):
        logits = classed()
        aims = (logits.argmax(axis=1) if targets is None else targets).astype(np.int32)
        return {"logits": logits.astype(np.float64), "targets": aims}
    aims = (classed().argmax(axis=1) if targets is None else targets).astype(np.int32)
    bare = method.builder(framework)(network, layer, method.resolve({}), lambda function: function)
    both = runtime.compiler(network, ["logits", "signed"], mode)(
        lambda network, images, targets: {
            "logits": network(images), **bare(network, images, targets)
        }
    )  # fmt: skip
    made = both(network, *runtime.put(network, images, aims))
    told = {name: runtime.to_numpy(made[name]).astype(np.float64) for name in ("logits", "signed")}
    return {**told, "targets": aims}


def errors(label: str, precision: str, folder: Path) -> dict[str, Any]:
    """How far the column is from the oracle, of the largest logit and of each image's peak."""
    framework = column(label).framework
    architecture = graph.read(folder / registered.IN_FOLDER)
    tensors = weights.load(folder / registered.WEIGHTS_IN_FOLDER)
    answer = np.load(folder / "answer.npz")
    expected, targets = answer["logits"], answer["targets"]
    begun = time.monotonic()
    runtime = frameworks.load(framework)
    if reason := runtime.probe("cpu", precision, "eager"):
        return {"unavailable": reason}
    found = explained(
        framework,
        runtime,
        architecture,
        tensors,
        answer["images"],
        precision,
        targets,
        "compiled" if label in COMPILED else "eager",
    )
    logits = found["logits"]
    # Classes that the oracle itself cannot tell apart in this precision are no question.
    own, theirs = (expected.argmax(axis=1), logits.argmax(axis=1))
    rows = np.arange(len(expected))
    largest = float(np.abs(expected).max()) or 1.0
    lost = (expected[rows, own] - expected[rows, theirs]).max() / largest
    row = {
        "error": float(np.abs(logits - expected).max()) / largest,
        "same_top": bool((own == theirs).all()), "lost": float(lost),
    }  # fmt: skip
    if "signed" in answer:
        off = relative_error(found["signed"], answer["signed"], answer["signed"])
        row["grad_cam"] = float(off.max())
    return {**row, "seconds": round(time.monotonic() - begun, 1)}


def main(label: str, precision: str, work: str, only: str = "") -> None:
    """Smallest first; what is there already is left."""
    for folder in smallest_first(work, only):
        told = folder / f"{label}-{precision}.json"
        if told.exists():
            continue
        told.write_text(json.dumps({"reason": "the process ended"}))
        try:
            row = errors(label, precision, folder)
        except Exception as error:  # a row, like any other
            row = {"reason": f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"}
        told.write_text(json.dumps(row))
        print(label, precision, folder.name, row, flush=True)


def smallest_first(work: str, only: str = "") -> list[Path]:
    """Folders of the networks that were imported, of sources that begin so."""
    held = Path(work).glob(f"{only}*/{registered.WEIGHTS_IN_FOLDER}")
    return [path.parent for path in sorted(held, key=lambda path: path.stat().st_size)]


if __name__ == "__main__":
    main(*sys.argv[1:])
