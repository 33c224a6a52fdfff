"""The sanity check of Adebayo et al. (2018, arXiv 1810.03292) as a picture, and in words.

A line a method: its map of the trained network, then as the weights are drawn anew layer by layer
from the logits down. Beneath each step stand the rank correlation of magnitudes and the structural
similarity to the first map, each the mean of three draws, of which the first is shown.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.array_file import load
from bench.report.contact_sheet import figure_of
from bench.report.files import stem
from bench.report.kept_maps import called
from bench.subject import sheet
from bench.subject.drawn import Look
from bench.subject.heatmaps import zero_maps

MARK = "cascade@"
FIRST = ("saliency", "gradient_x_input", "integrated_gradients", "grad_cam", "guided_backprop",
         "guided_grad_cam")  # fmt: skip
"""The methods of the paper, in the order of a picture; others follow by name."""
TILE = 96
Maps = NDArray[np.float64]


@dataclass(frozen=True)
class Cascade:
    """What a run kept of a network: `maps` (steps, n, H, W) by method, likenesses (steps, n)."""

    dataset: str
    architecture: str
    run: str
    images: Maps
    targets: NDArray[Any]
    steps: tuple[str, ...]
    maps: dict[str, Maps]
    likeness: dict[tuple[str, str], Maps]


def kept(paths: Sequence[Path]) -> Iterator[Cascade]:
    """The cascade of every network, of the newest of these files (oldest first) that has one."""
    found: dict[tuple[str, str], Cascade] = {}
    for path in paths:
        arrays = load(path)
        for name in [name for name in arrays if name.endswith(f"/{MARK}images")]:
            head = name.removesuffix("images")
            dataset, _, rest = name.removesuffix(f"/{MARK}images").partition("/")
            mine = {n.removeprefix(head): a for n, a in arrays.items() if n.startswith(head)}
            told = json.loads(bytes(mine["layers"]).decode())
            beside = ("images", "targets", "layers")
            methods = [n for n in mine if n not in beside and "@" not in n]
            found[dataset, rest] = Cascade(
                dataset, rest, path.stem, np.asarray(mine["images"], np.float64), mine["targets"],
                tuple(_steps(told["names"], told["counts"])),
                {m: np.asarray(mine[m], np.float64) for m in _ordered(methods)},
                {(m, of): np.asarray(mine[f"{m}@{of}"], np.float64)
                 for m in methods for of in ("spearman", "ssim")},
            )  # fmt: skip
    yield from (found[key] for key in sorted(found))


def _steps(names: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    """What is drawn anew at each step: nothing, the layer of the logits, down to others."""
    yield "trained"
    for count in counts[1:]:
        yield names[0] if count == 1 else f"down to {names[count - 1]}"


def _ordered(methods: Sequence[str]) -> list[str]:
    known = [name for name in FIRST if name in methods]
    return known + sorted(set(methods) - set(known))


def pixels(cascade: Cascade) -> NDArray[np.uint8]:
    """The picture (height, width, 3): the first image for which no trained map is empty."""
    whole = [~zero_maps(maps[0]) for maps in cascade.maps.values()]
    chosen = np.flatnonzero(np.all(whole, axis=0))
    n = int(chosen[0]) if len(chosen) else 0
    lines = []
    for method, maps in cascade.maps.items():
        line = [sheet.Panel(maps[0, n : n + 1], [[method, cascade.steps[0]]])]
        for step, name in enumerate(cascade.steps[1:], start=1):
            of = (cascade.likeness[method, part][step, n] for part in ("spearman", "ssim"))
            rank, ssim = ("–" if np.isnan(value) else f"{value:.2f}" for value in of)
            says = [name, f"ρ {rank}", f"SSIM {ssim}"]
            line.append(sheet.Panel(maps[step, n : n + 1], [says]))
        lines.append(line)
    height, width = cascade.images.shape[1:3]
    times = TILE / min(height, width)
    size = (round(times * height), round(times * width))
    look = Look(size=size, resample="nearest" if times >= 1 else "bilinear", colormap="viridis")
    named = [["input", called(cascade.dataset, int(cascade.targets[n]))]]
    across = len(cascade.steps)
    one = cascade.images[n : n + 1]
    return sheet.composed(one, named, lines, look, across, overlays=False)


def draw(
    paths: Sequence[Path], networks: Container[tuple[str, str]] | None = None
) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """`sanity_<data set>_<architecture>`, its figure, and the run that it is of."""
    for each in kept(paths):
        if networks is None or (each.dataset, each.architecture) in networks:
            title = (
                f"{each.architecture} on {each.dataset}: weights drawn anew from the logits down; "
                "ρ: rank correlation of magnitudes"
            )
            name = stem("sanity", each.dataset, each.architecture)
            yield name, figure_of(pixels(each), title), (each.run,)
