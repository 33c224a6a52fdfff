"""Where a timed cell stands in its grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GRAD_CAM = "grad_cam"


def varies(cell: Mapping[str, Any], dataset: str, architecture: str, batch: int) -> str:
    """In which factors a timed cell differs from the base of its grid: `layer, mode`.

    The base is a network at its deepest layer, in float32, compiled, its heatmap Grad-CAM of the
    logit; a forward pass and a training step are no other method.
    """
    heatmap = cell.get("task") == "heatmap"
    ours = (cell.get("library"), cell.get("method"), cell.get("score")) == ("", GRAD_CAM, "logit")
    differs = {
        "architecture": (cell.get("dataset"), cell.get("architecture")) != (dataset, architecture),
        "layer": heatmap and bool(cell.get("layer")),
        "precision": cell.get("precision") != "float32",
        "method": heatmap and not (ours and not cell.get("options")),
        "mode": cell.get("mode") != "compiled",
        "batch": cell.get("batch") != batch,
    }
    return ", ".join(name for name, away in differs.items() if away)
