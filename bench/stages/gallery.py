"""The heatmaps of the pictures: a few images a network, every method in every column.

Each agreement cell that is shown leaves its maps in a file of its own; `gather` brings them into
one, beside the run: `<dataset>/<architecture>/images`, `.../targets`, `.../<method>/<column>` and
`.../<method>/reference`, each map (n, H, W). Of `SHOWN` there are the oracle's maps at every layer
too, in order, `.../<method>@<number>.<layer>/reference`, and of every class,
`.../<method>#<class>/reference`; where there are many, of the strongest of each image, `#top1` and
so on, which `.../ranks` (n, r) names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
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
from implementations.architecture.graph import Architecture, layers, resolve_layer
from implementations.architecture.shapes import operations
from implementations.errors import Unavailable

IMAGES = 6
"""Images whose maps are kept for the pictures."""
SHOWN = "grad_cam"
"""The method that is shown at every layer and of every class."""
LAYERS, CLASSES, STRONGEST = 12, 10, 5
"""Layers and classes that are shown; of more classes the strongest alone."""
OPERATIONS = 1e11
"""Of the oracle for these, a network: fewer are shown of a large one."""
LEFT_OUT = ("normalise", "dropout", "input")
"""Kinds of nodes whose maps are those of the node before."""


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
    try:
        return cell.layer in ("", method.layer(architecture, None))
    except Unavailable:  # a method that is not of this network has no map
        return False


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
        if cell.method == SHOWN and network not in empty:
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
    whole: dict[str, Cell] = {}
    for cell in cells:
        left = Path(context["gallery"].get(cell.cell_id, ""))
        if left.suffix and left.exists():
            about = subject(cell, context, answers.images_compared(cell, context["n_images"]))
            expected = answers.answer(cell, about, Path(context["oracle"]))
            head, places = network_of(cell), pictured(cell, context)
            if cell.method == SHOWN:
                whole.setdefault(head, cell)
            arrays |= {
                f"{head}/images": about.images[places],
                f"{head}/targets": expected["targets"][places],
                f"{head}/{cell.method}/reference": expected["upsampled"][places].astype("f4"),
                f"{head}/{cell.method}/{cell.column.label}": weights.load(left)["found"],
            }
    for head, cell in whole.items():
        arrays |= {f"{head}/{name}": maps for name, maps in _everywhere(cell, context).items()}
    if arrays:
        target.parent.mkdir(parents=True, exist_ok=True)
        weights.save(target, arrays)


def _everywhere(cell: Cell, context: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The oracle's maps of a cell's images at every layer, and of every class."""
    about = subject(cell, context, answers.images_compared(cell, context["n_images"]))
    expected = answers.answer(cell, about, Path(context["oracle"]))
    places, architecture = pictured(cell, context), about.architecture
    few = replace(about, images=about.images[places])
    most = int(OPERATIONS / (operations(architecture) * len(places)))

    def explained(layer: str, targets: NDArray[Any]) -> NDArray[np.float32]:
        found = answers.computed(replace(cell, layer=layer), few, targets.astype(np.int32))
        return found["upsampled"].astype(np.float32)

    targets, logits = expected["targets"][places], expected["logits"][places]
    ranks = np.argsort(-logits, axis=1, kind="stable")
    if architecture.classes <= CLASSES:
        of = {str(k): np.full(len(places), k) for k in range(architecture.classes)}
    else:
        of = {f"top{r + 1}": ranks[:, r] for r in range(STRONGEST)}
    shown = enumerate(spread(architecture, min(LAYERS, most // 2)))
    maps = {f"{SHOWN}@{n:02}.{layer}/reference": explained(layer, targets) for n, layer in shown}
    for name, aims in list(of.items())[: most - len(maps)]:
        maps[f"{SHOWN}#{name}/reference"] = explained(cell.layer, aims)
    return {**maps, "ranks": ranks[:, :STRONGEST].astype(np.int32)}


def spread(architecture: Architecture, most: int) -> list[str]:
    """Layers whose maps differ, from the first to the last, at most so many of them."""
    named = [name for name in layers(architecture) if architecture[name].kind not in LEFT_OUT]
    found = list(dict.fromkeys(resolve_layer(architecture, name) for name in named))
    found = [name for name in found if "/" not in name]
    if len(found) <= most or most < 2:
        return found[-most:] if most > 0 else []
    return [found[round(n)] for n in np.linspace(0, len(found) - 1, most)]


def kept(results: Path) -> list[Path]:
    """The heatmaps of all runs that have any, oldest first."""
    return sorted((results / "heatmaps").glob("*.safetensors"), key=lambda p: p.stem.split("-")[1])
