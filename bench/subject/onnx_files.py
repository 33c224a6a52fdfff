"""A network as one ONNX file: read, held against the file itself, and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from implementations.architecture.graph import Architecture
from implementations.arrays import Weights

PEERS = {"float64": "onnx's own evaluator", "float32": "onnxruntime"}
"""By precision, what the network that was read is held against."""


class Imported(NamedTuple):
    """A network of a file: what it is, its weights, what is kept about it, what was decided."""

    architecture: Architecture
    weights: Weights
    about: dict[str, str]
    notes: list[str]


def read(path: Path, *, check: bool = True, **wanted: Any) -> Imported:
    """The network of an ONNX file; `wanted` are the fields of the importer's `Wanted`.

    Checked, it is the file's to rounding, in float64 and, where onnxruntime is installed, in
    float32. Raises BadInput for what cannot be translated exactly, Unavailable without `onnx`.
    """
    from implementations.importers.onnx import checking
    from implementations.importers.onnx.convert import Wanted, convert

    made = convert(path, Wanted(**wanted))
    about = {
        "source": "ONNX", "sha256": made.source.digest, "producer": made.source.producer,
        "opset": str(made.source.opset), "layout": made.layout,
    }  # fmt: skip
    notes = list(made.notes)
    if check:
        checked = checking.check(made)
        for precision, error in {"float64": checked.exact, "float32": checked.single}.items():
            if error is not None:
                said = f"{error:.1e} of the largest logit from {PEERS[precision]} in {precision}"
                about[f"error_{precision}"] = f"{error:.3e}"
                notes.append(said)
    else:
        notes.append("not checked against the file")
    about["decided"] = json.dumps(notes)
    return Imported(made.architecture, made.weights, about, notes)


def content(architecture: Architecture, weights: Weights) -> bytes:
    """An architecture with its weights as an ONNX file. Raises Unavailable without `onnx`."""
    from implementations.frameworks.onnxruntime.write import serialised

    return serialised(architecture, weights)
