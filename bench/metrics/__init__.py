"""One file a metric, found by its name: nothing is registered anywhere.

A metric's module has `TITLE`, `UNIT`, `BETTER` ("higher" or "lower"), `KIND` and `measure`, which
gives one number an image:

- KIND "likeness": `measure(a, b) -> (N,)`, two heatmaps of the same images;
- KIND "localisation": `measure(heatmap, mask) -> (N,)`, a heatmap and the object's true mask.

NaN means that the metric is undefined for that image, as the module's docstring says: it is counted
and left out of a mean, never taken for a number.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.errors import BadInput, unknown


@dataclass(frozen=True)
class Metric:
    """A metric's module, read once."""

    name: str
    module: ModuleType

    @property
    def title(self) -> str:
        """What a table's heading says."""
        return str(self.module.TITLE)

    @property
    def unit(self) -> str:
        """The unit of its values; empty where they have none."""
        return str(self.module.UNIT)

    @property
    def better(self) -> str:
        """`higher` or `lower`."""
        return str(self.module.BETTER)

    @property
    def kind(self) -> str:
        """`likeness` or `localisation`."""
        return str(self.module.KIND)

    def measure(self, heatmap: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
        """One value an image (N,). `other` is a second heatmap, or the mask. Raises BadInput."""
        if heatmap.ndim != 3 or heatmap.shape != other.shape or not heatmap[0:1].size:
            raise BadInput(
                f"{self.name} cannot compare {heatmap.shape} with {other.shape}; "
                "give two (N, H, W) of one shape, upsampled where they differ"
            )
        values: NDArray[np.float64] = self.module.measure(heatmap, other)
        return values


def names(kind: str | None = None) -> list[str]:
    """The metrics there are, all or those of a kind."""
    return [name for name in _found() if kind in (None, load(name).kind)]


def load(name: str) -> Metric:
    """A metric by name. Raises BadInput with the nearest names."""
    if name not in _found():
        raise BadInput(unknown("metric", name, _found()))
    return Metric(name, importlib.import_module(f"bench.metrics.{name}"))


def _found() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
