"""The oracle asked again of one image, which no column has a part in: so once, and kept.

How near the image is to a kink, and how far rounding alone moves each stage. An oracle of a large
network takes seconds, and every column, mode and stage above its tolerance asks the same.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from inspect import getsource
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.record import sealed
from bench.record.cell import Cell
from bench.subject.explainer import Arrays, asked
from bench.subject.fingerprint import fingerprint, trees
from bench.subject.heatmaps import relative_error
from bench.subject.inputs import Subject
from bench.truth import answers, moved
from bench.truth.scale import scale
from implementations.architecture import weights
from implementations.arrays import Floats
from implementations.contract import Framework
from implementations.oracle import runtime


def plain(cell: Cell, about: Subject, targets: NDArray[Any], number: int, folder: Path) -> Arrays:
    """What the oracle comes by on its way to the answer of one image.

    `kink` (1,), how near it is to one wherever the method takes a gradient; `itself` (1,), whether
    it takes one at the image itself; a digest of each intermediate, by name.
    """
    one, target = alone(about, number), targets[number : number + 1]

    def made() -> Arrays:
        method, options, layer = asked(answers.of(cell), one.architecture)
        margins, points = [np.full(1, np.inf)], [False]

        def at(images: Floats) -> Mapping[str, Floats]:
            points.append(np.array_equal(images, one.images))
            return {}

        network = runtime.build(one.architecture, one.weights).watched(margins, at)
        explain = method.bind(
            "reference", cast(Framework, runtime), network, layer, options,
            method.card.intermediates, seed=cell.seed, background=one.background,
        )  # fmt: skip
        found = explain(*runtime.put(network, one.images, target))
        digests = {name: digest(array) for name, array in found.items()}
        return {**digests, "kink": np.min(margins, axis=0), "itself": np.array([any(points)])}

    return sealed.kept(_beside(cell, one, target, folder, "plain"), made)


def digest(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Of an array of the oracle's, as bytes: what tells two of them apart to the last bit."""
    return np.frombuffer(weights.digest({"": np.ascontiguousarray(array)}).encode(), np.uint8)


def kinks(
    cell: Cell, about: Subject, targets: NDArray[Any], chosen: NDArray[np.int64], folder: Path
) -> NDArray[np.float64]:
    """How near each of the chosen images is to a kink."""
    return np.array([plain(cell, about, targets, int(i), folder)["kink"][0] for i in chosen])


def farthest(
    cell: Cell, about: Subject, expected: Arrays, number: int, folder: Path
) -> Mapping[str, float]:
    """By stage, the farthest that rounding moved the oracle's answer to one image, as an error."""
    one, target = alone(about, number), expected["targets"][number : number + 1]
    right = {n: array[number : number + 1] for n, array in expected.items() if np.ndim(array)}

    def made() -> Arrays:
        unmoved, *others = moved.answers(cell, one, target, np.array([0]))
        return {
            name: np.max(
                [relative_error(each[name], unmoved[name], scale(name, right)) for each in others],
                axis=0,
            )
            for name in unmoved
            if name in right
        }

    found = sealed.kept(_beside(cell, one, target, folder, f"moved-{cell.precision}"), made)
    return {name: float(error[0]) for name, error in found.items()}


def alone(about: Subject, number: int) -> Subject:
    """The same network with one of the images."""
    part = slice(number, number + 1)
    return replace(about, images=about.images[part], labels=about.labels[part])


def _beside(cell: Cell, one: Subject, target: NDArray[Any], folder: Path, what: str) -> Path:
    path = answers.answer_path(answers.of(cell), one, folder)
    return path.with_name(f"{path.stem}-{target[0]}-{what}-{_code()}.safetensors")


@cache
def _code() -> str:
    """Stands for what is asked here, as the answer's own name does for the oracle's code."""
    return fingerprint(
        part for module in (moved, sys.modules[__name__]) for part in trees(getsource(module))
    )
