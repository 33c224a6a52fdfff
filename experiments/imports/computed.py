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

from bench.record.cell import column
from implementations import frameworks
from implementations.architecture import graph, registered, weights


def errors(label: str, precision: str, folder: Path) -> dict[str, Any]:
    """How far the column's logits are from the oracle's, of the largest; whether it ranks so."""
    runtime = frameworks.load(column(label).framework)
    architecture = graph.read(folder / registered.IN_FOLDER)
    tensors = weights.load(folder / registered.WEIGHTS_IN_FOLDER)
    answer = np.load(folder / "answer.npz")
    expected = answer["logits"]
    begun = time.monotonic()
    network = runtime.build(architecture, tensors, "cpu", precision)
    given = runtime.put(network, answer["images"])
    run = runtime.compiler(network, ["logits"], "eager")(
        lambda network, images: {"logits": network(images)}
    )
    logits = runtime.to_numpy(run(network, given)["logits"]).astype(np.float64)
    # Classes that the oracle itself cannot tell apart in this precision are no question.
    own, theirs = (expected.argmax(axis=1), logits.argmax(axis=1))
    rows = np.arange(len(expected))
    largest = float(np.abs(expected).max()) or 1.0
    lost = (expected[rows, own] - expected[rows, theirs]).max() / largest
    return {
        "error": float(np.abs(logits - expected).max()) / largest,
        "same_top": bool((own == theirs).all()), "lost": float(lost),
        "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


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
