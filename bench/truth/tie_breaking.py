"""The oracle's answer where rounding decides: it follows the column where neither way is wrong.

Where the largest values of a max-pool's window are equal, or a ReLU's input is zero, a gradient may
go either way, and the last bit of a sum decides which. So the oracle's backward pass is run once
more with the column's own values deciding there, and there only. A column whose code is right then
agrees within its tolerance; one whose code is wrong does not.

A method that takes its gradient at other images too, as integrated gradients does, is followed at
each of them, in float64 only: there ties are all that is left, and in float32 it would cost
minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from bench.subject.explainer import Arrays, asked, load_framework
from bench.subject.inputs import Subject
from bench.truth import again
from implementations.architecture.graph import Architecture, cut
from implementations.arrays import resize
from implementations.contract import Framework
from implementations.oracle import runtime
from implementations.oracle.network import Reference
from implementations.oracle.switches import SWITCHES

Floats = NDArray[np.float64]
Read = Callable[[NDArray[Any], NDArray[np.int64], int], dict[str, Floats]]


def answer(
    cell: Cell,
    about: Subject,
    targets: NDArray[Any],
    chosen: NDArray[np.int64],
    near: float,
    chunk: int,
    folder: Path,
) -> Arrays | None:
    """The oracle's intermediates and `upsampled` of the chosen images, following the cell's column.

    `near` is how far from a switch, over the largest magnitude that it reads in the image, the
    column's values decide; `chunk` is how many images the column was given at a time, as its
    rounding depends on that; `folder` has the oracle's answers. An image in which the column
    decides nothing is NaN. None where there is nothing to decide: past a layer that no switch
    follows, where the method takes no gradient, and in float32 where it takes none at the images.
    """
    method, options, layer = asked(replace(cell, library=""), about.architecture)
    deciding = _read_by_switches(about.architecture, method.differentiated(layer))
    if not deciding or not method.cost(options, about.architecture, layer).backward:
        return None
    plain = [again.plain(cell, about, targets, int(number), folder) for number in chosen]
    elsewhere = cell.precision == "float64"
    if not elsewhere and not any(one["itself"][0] for one in plain):
        return None
    network = runtime.build(about.architecture, about.weights)
    read = _reader(cell, about, deciding)
    own = read(about.images, chosen, chunk)

    def followed(place: int) -> Arrays:
        """The stages of one image, NaN where the column decided nothing."""
        one = again.alone(about, int(chosen[place]))

        def ask(points: Floats) -> Mapping[str, Floats]:
            if np.array_equal(points, one.images):
                return {name: values[place : place + 1] for name, values in own.items()}
            return read(points, np.arange(len(points)), chunk) if elsewhere else {}

        def explained(by: Reference) -> Arrays:
            explain = method.bind(
                "reference", cast(Framework, runtime), by, layer, options,
                method.card.intermediates, seed=cell.seed, background=about.background,
            )  # fmt: skip
            given = targets[chosen[place : place + 1]]
            stages: Arrays = explain(*runtime.put(by, one.images, given))
            return stages

        found, kept = explained(network.following(ask, near)), plain[place]
        same = all(np.array_equal(again.digest(found[name]), kept[name]) for name in found)
        if not same:  # Sums may have been kept that other threads added in another order.
            here = explained(network)
            same = all(np.array_equal(found[name], here[name]) for name in found)
        if found["heatmap"].ndim == one.images.ndim - 1:
            found["upsampled"] = resize(found["heatmap"], one.images.shape[1:3])
        return {name: np.full_like(a, np.nan) if same else a for name, a in found.items()}

    parts = [followed(place) for place in range(len(chosen))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _read_by_switches(architecture: Architecture, layer: str) -> list[str]:
    """The nodes past a layer whose values decide where a gradient goes."""
    head = cut(architecture, layer).head
    read = dict.fromkeys(node.inputs[0] for node in head if node.kind in SWITCHES)
    return [name for name in read if name != "input"]


def _reader(cell: Cell, about: Subject, names: Sequence[str]) -> Read:
    """What reads a column: of `chosen` among images, which it is given `chunk` at a time.

    It answers what the column has at these nodes, (n, h, w, c), by name: its forward pass is run
    uncompiled, and nothing added to each of them.
    """
    framework, _ = load_framework(cell)
    network = framework.build(about.architecture, about.weights, cell.device, cell.precision)
    if hasattr(network, "tap"):  # Keras makes a submodel of it
        network.tap(names)

    def run(placed: Any) -> Mapping[str, Any]:
        if isinstance(network, Reference):
            return network.values(placed)
        shapes = {name: (len(placed), *about.architecture.shapes[name]) for name in names}
        nothing = framework.place(network, {n: np.zeros(s) for n, s in shapes.items()})
        return network.tapped(placed, nothing)[1]

    def read(images: NDArray[Any], chosen: NDArray[np.int64], chunk: int) -> dict[str, Floats]:
        parts: dict[str, list[Floats]] = {name: [] for name in names}
        for start in sorted({int(number) // chunk * chunk for number in chosen}):
            some = images[start : start + chunk]
            fill = [(0, chunk - len(some))] + [(0, 0)] * 3
            placed = framework.put(network, np.pad(some, fill, mode="edge"))
            mine = chosen[(start <= chosen) & (chosen < start + chunk)] - start
            values = run(placed)
            for name, found in parts.items():
                found.append(framework.to_numpy(values[name])[mine].astype(np.float64))
        return {name: np.concatenate(found) for name, found in parts.items()}

    return read
