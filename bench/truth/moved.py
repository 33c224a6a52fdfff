"""How far rounding alone moves the oracle's own answer: what no code in that arithmetic can help.

A rounded sum of n products is exact for factors that are moved a little (Higham 2002, Accuracy and
Stability of Numerical Algorithms, section 3.1), in all likelihood by no more than a few times
sqrt(n) units of rounding (Higham & Mary 2019, SIAM J. Sci. Comput. 41(5), A2815). So the oracle is
asked again, each pixel moved by a unit of itself, each weight by sqrt(n), up or down by chance.
Where its answer moves far, as the quotient of two differences does that are nearly 0, so may that
of a column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from bench.subject.explainer import Arrays, asked
from bench.subject.inputs import Subject
from bench.truth.rounding import UNIT
from implementations.arrays import resize
from implementations.contract import Framework
from implementations.oracle import runtime

DRAWS = 4


def answers(
    cell: Cell, about: Subject, targets: NDArray[Any], chosen: NDArray[np.int64]
) -> Iterator[Arrays]:
    """The oracle's intermediates and `upsampled` of the chosen images, unmoved and in each way."""
    method, options, layer = asked(replace(cell, library=""), about.architecture)
    for draw in range(DRAWS + 1):
        unit = UNIT[cell.precision] if draw else 0.0
        generator = np.random.default_rng(draw)

        def moved(values: NDArray[Any], unit: float = unit, by: Any = generator) -> Any:
            return values * (1 + by.choice((-unit, unit), values.shape))

        tensors = {
            name: moved(value, unit * math.sqrt(factors(name, value)))
            for name, value in sorted(about.weights.items())
        }
        network, images = runtime.build(about.architecture, tensors), moved(about.images[chosen])
        explain = method.bind(
            "reference", cast(Framework, runtime), network, layer, options,
            method.card.intermediates, seed=cell.seed, background=about.background,
        )  # fmt: skip
        found = explain(images, targets[chosen])
        if found["heatmap"].ndim == images.ndim - 1:
            found["upsampled"] = resize(found["heatmap"], images.shape[1:3])
        yield {**found, "logits": network(images)}


def factors(name: str, tensor: NDArray[Any]) -> int:
    """How many numbers of this tensor are factors in one sum: 1 but of a kernel."""
    return math.prod(tensor.shape[:-1]) if name.endswith(".kernel") else 1
