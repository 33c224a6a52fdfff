"""The heatmaps of the pictures: a few images a network, every method in every column.

Each agreement cell that is shown leaves its maps in a file of its own; `gather` brings them into
one, beside the run: `<dataset>/<architecture>/images`, `.../targets`, `.../<method>/<column>` and
`.../<method>/reference`, each map (n, H, W).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from bench.subject.explainer import method_of
from bench.subject.heatmaps import zero_maps
from bench.subject.inputs import architecture_for, subject
from bench.truth import answers
from implementations.architecture import weights

IMAGES = 6
"""Images whose maps are kept for the pictures."""


def network_of(cell: Cell) -> str:
    """`<data set>/<architecture>`."""
    return f"{cell.dataset}/{cell.architecture}"


def pictured(cell: Cell, context: Mapping[str, Any]) -> list[int]:
    """The images whose maps are kept: those chosen for the network, else the first ones."""
    first = range(min(IMAGES, answers.images_compared(cell, context["n_images"])))
    return list(context.get("pictured", {}).get(network_of(cell), first))


def paths(cells: Iterable[Cell], context: Mapping[str, Any]) -> dict[str, str]:
    """Cell id -> the file it is to leave its maps in: default layers, trained, eager, float32."""
    shown = {}
    for cell in cells:
        plain = (cell.weights, cell.mode, cell.precision, cell.score)
        whole = ("trained", "eager", "float32", "logit")
        if plain == whole and not method_of(cell).every_class and _default_layer(cell, context):
            shown[cell.cell_id] = str(Path(context["out"]) / f"gallery-{cell.cell_id}.safetensors")
    return shown


def _default_layer(cell: Cell, context: Mapping[str, Any]) -> bool:
    architecture = architecture_for(cell.architecture, Path(context["images"][cell.dataset]))
    method = method_of(cell)
    return cell.layer in ("", method.layer(architecture, None))


def choose(shown: Iterable[Cell], context: Mapping[str, Any]) -> dict[str, list[int]]:
    """`<data set>/<architecture>` -> the images of its pictures, the same for every method.

    The first that Grad-CAM has evidence for, and the first that it has none for, where there is
    one: a picture of nothing but empty maps shows nothing.
    """
    fewest: dict[str, int] = {}
    empty: dict[str, NDArray[np.bool_]] = {}
    for cell in shown:
        network, n = network_of(cell), answers.images_compared(cell, context["n_images"])
        fewest[network] = min(n, fewest.get(network, n))
        if cell.method == "grad_cam" and network not in empty:
            expected = answers.answer(cell, subject(cell, context, n), Path(context["oracle"]))
            empty[network] = zero_maps(expected["heatmap"])
    return {network: _mixed(none[: fewest[network]]) for network, none in empty.items()}


def _mixed(empty: NDArray[np.bool_]) -> list[int]:
    """Up to `IMAGES` places, one of them empty where any is; more where the others run out."""
    some, none = np.flatnonzero(~empty), np.flatnonzero(empty)
    most = IMAGES - min(len(none), 1)
    taken = [*some[:most], *none[: IMAGES - len(some[:most])]]
    return sorted(int(place) for place in taken)


def file(run_id: str, results: Path) -> Path:
    """Where a run's heatmaps lie."""
    return results / "heatmaps" / f"{run_id}.safetensors"


def gather(cells: Iterable[Cell], context: Mapping[str, Any], target: Path) -> None:
    """Add what the cells left to the run's file."""
    arrays = weights.load(target) if target.exists() else {}
    for cell in cells:
        left = Path(context["gallery"].get(cell.cell_id, ""))
        if left.suffix and left.exists():
            about = subject(cell, context, answers.images_compared(cell, context["n_images"]))
            expected = answers.answer(cell, about, Path(context["oracle"]))
            head, places = network_of(cell), pictured(cell, context)
            arrays |= {
                f"{head}/images": about.images[places],
                f"{head}/targets": expected["targets"][places],
                f"{head}/{cell.method}/reference": expected["upsampled"][places].astype("f4"),
                f"{head}/{cell.method}/{cell.column.label}": weights.load(left)["found"],
            }
    if arrays:
        target.parent.mkdir(parents=True, exist_ok=True)
        weights.save(target, arrays)


def kept(results: Path) -> list[Path]:
    """The heatmaps of all runs that have any, oldest first."""
    return sorted((results / "heatmaps").glob("*.safetensors"), key=lambda p: p.stem.split("-")[1])
