"""The oracle's answer where rounding decides: it follows the column where neither way is wrong.

Where the largest values of a max-pool's window are equal, or a ReLU's input is zero, a gradient may
go either way, and the last bit of a sum decides which. So the oracle's backward pass is run once
more with the column's own values deciding there, and there only. A column whose code is right then
agrees within its tolerance; one whose code is wrong does not.

A method that takes its gradient at many points, as integrated gradients does, is followed at each
of them, in float64 only: there ties are all that is left, and in float32 it would cost minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from bench.subject.explainer import CHAIN, Arrays, load_framework
from bench.subject.inputs import Subject
from implementations import methods
from implementations.architecture.graph import Architecture, cut
from implementations.oracle import runtime
from implementations.oracle.switches import SWITCHES

Floats = NDArray[np.float64]
Request = Callable[[Floats], dict[str, Floats]]
Read = Callable[[NDArray[Any], NDArray[np.int64], int], dict[str, Floats]]


def answer(
    cell: Cell,
    about: Subject,
    targets: NDArray[Any],
    chosen: NDArray[np.int64],
    near: float,
    chunk: int,
) -> Arrays | None:
    """The oracle's stages and `upsampled` of the chosen images, following the cell's column.

    `near` is how far from a switch, over the largest magnitude that it reads in the image, the
    column's values decide; `chunk` is how many images the column was given at a time, as its
    rounding depends on that. An image in which the column decides nothing is NaN. None where there
    is nothing to decide, past a layer that no switch follows, and where the method takes no
    gradient, or takes many of them in less than float64.
    """
    method = methods.load(cell.method)
    several = hasattr(method.module, "probed")
    if several and cell.precision != "float64":
        return None
    layer = method.layer(about.architecture, cell.layer or None)
    deciding = _read_by_switches(about.architecture, layer)
    if not deciding:
        return None
    images = about.images[chosen]
    network = runtime.build(about.architecture, about.weights)
    read = _reader(cell, about, deciding)
    led: runtime.Reference
    if several:
        led = _Asking(network, lambda points: read(points, np.arange(len(points)), chunk), near)
    else:
        led = network.following(read(about.images, chosen, chunk), near)

    def explained(by: runtime.Reference) -> Arrays:
        options = method.resolve(dict(cell.options), cell.score)
        call = runtime.prepare(by, method.builder("reference")(by, layer, options), CHAIN)
        return dict(call(*runtime.put(by, images, targets[chosen])))

    plain, stages = explained(network), explained(led)
    if "gradients" not in stages:
        return None
    if stages["heatmap"].ndim == images.ndim - 1:
        stages["upsampled"] = runtime.resize(stages["heatmap"], images.shape[1:3])
    changed = (stages["gradients"] != plain["gradients"]).reshape(len(images), -1).any(axis=1)
    return {
        name: np.where(changed.reshape(-1, *[1] * (stage.ndim - 1)), stage, np.nan)
        for name, stage in stages.items()
    }


class _Asking(runtime.Reference):
    """An oracle that asks the column anew at every point where it takes a gradient."""

    def __init__(self, network: runtime.Reference, read: Request, near: float) -> None:
        super().__init__(network.architecture, network.tensors, network.rule, near=near)
        self.read = read

    def features(self, layer: str, images: Floats) -> tuple[Floats, dict[str, Floats]]:
        """Activations at the layer; the gradient that is then taken follows these images."""
        self.theirs = self.read(images)
        return super().features(layer, images)


def _read_by_switches(architecture: Architecture, layer: str) -> list[str]:
    """The nodes past a layer whose values decide where a gradient goes."""
    head = cut(architecture, layer).head
    read = dict.fromkeys(node.inputs[0] for node in head if node.kind in SWITCHES)
    return [name for name in read if name != "input"]


def _reader(cell: Cell, about: Subject, names: Sequence[str]) -> Read:
    """What reads a column: of `chosen` among images, which it is given `chunk` at a time.

    It answers what the column has at these nodes, (n, h, w, c), by name. The column's forward pass
    is run to each of them, uncompiled.
    """
    framework, _ = load_framework(cell)
    network = framework.build(about.architecture, about.weights, cell.device, cell.precision)

    def read(images: NDArray[Any], chosen: NDArray[np.int64], chunk: int) -> dict[str, Floats]:
        parts: dict[str, list[Floats]] = {name: [] for name in names}
        for start in sorted({int(number) // chunk * chunk for number in chosen}):
            some = images[start : start + chunk]
            fill = [(0, chunk - len(some))] + [(0, 0)] * 3
            placed = framework.put(network, np.pad(some, fill, mode="edge"))
            mine = chosen[(start <= chosen) & (chosen < start + chunk)] - start
            for name, found in parts.items():
                values = framework.to_numpy(network.features(name, placed)[0])
                found.append(values[mine].astype(np.float64))
        return {name: np.concatenate(found) for name, found in parts.items()}

    return read
