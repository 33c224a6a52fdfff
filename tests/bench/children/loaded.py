"""A stage that explains one image with a small network and reports which packages are loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from bench.engine.worker import EXTRAS, Reporter, Row
from bench.engine.worker import serve as serve_cells
from bench.record.cell import Cell
from bench.subject.explainer import build
from implementations import frameworks
from implementations.architecture import registered, weights

BARE = True


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    architecture = registered.get(context["architecture"])
    explainer = build(cell, architecture, weights.randomise(architecture, 0))
    images = np.random.default_rng(0).random((2, *architecture.input_shape), np.float32)
    stages = next(explainer.stages(images, np.array([0, 1]), 2))
    packages = frameworks.packages() | EXTRAS
    yield {
        "finite": bool(np.isfinite(stages["upsampled"]).all()),
        "loaded": sorted(package for package in packages if package in sys.modules),
        "seen": sorted(package for package in packages if find_spec(package)),
    }


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    serve_cells(measure, cells, context, report)
