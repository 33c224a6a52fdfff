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

    No map of a network that has no such layer.
    """  # fmt: skip
    network = runtime.build(architecture, tensors, "cpu", *([precision] if precision else []))
    call = runtime.compiler(network, ["logits"], mode)(
        lambda network, images: {"logits": network(images)}
    )
    logits = runtime.to_numpy(call(network, runtime.put(network, images))["logits"])
    aims = (logits.argmax(axis=1) if targets is None else targets).astype(np.int32)
    found = {"logits": logits.astype(np.float64), "targets": aims}
    method = methods.load("grad_cam")
    try:
        layer = method.layer(architecture, None)
    except (BadInput, Unavailable):
        return found
    asked = method.resolve({})
    explain = method.bind(framework, runtime, network, layer, asked, ("signed",), mode)
    signed = explain(*runtime.put(network, images, aims))["signed"]
    return {**found, "signed": runtime.to_numpy(signed).astype(np.float64)}


def errors(label: str, precision: str, folder: Path) -> dict[str, Any]:
    """How far the column is from the oracle, of the largest logit and of each image's peak."""
    framework = column(label).framework
    architecture = graph.read(folder / registered.IN_FOLDER)
    tensors = weights.load(folder / registered.WEIGHTS_IN_FOLDER)
    answer = np.load(folder / "answer.npz")
    expected, targets = answer["logits"], answer["targets"]
    begun = time.monotonic()
    runtime = frameworks.load(framework)
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
    named = f"{label}-{precision}.json"
    held = registered.WEIGHTS_IN_FOLDER
    found = sorted(Path(work).glob(f"{only}*/{held}"), key=lambda path: path.stat().st_size)
    for path in found:
        told = path.with_name(named)
        if told.exists():
            continue
        told.write_text(json.dumps({"reason": "the process ended"}))
        try:
            row = errors(label, precision, path.parent)
        except Exception as error:  # a row, like any other
            row = {"reason": f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"}
        told.write_text(json.dumps(row))
        print(label, precision, path.parent.name, row, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
