"""One file a metric, found by its name: nothing is registered anywhere.

A metric's file has a card, `METRIC = Metric(...)`, and `measure(case)`, which gives one number an
image. NaN means that the metric is undefined for that image, as the file's docstring says: it is
counted and omitted from a mean, never taken for a number.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.subject.heatmaps import Scores
from implementations.errors import BadInput, unknown

PerImage = NDArray[np.float64]
NEEDS = {"other": "other", "mask": "masks", "model": "model", "explain": "explain"}
"""What a metric may need beside the maps -> the field of the case."""
ABSENT: Any = None
"""Of a case: not given, so no metric that needs it can be measured."""
BETTER = ("higher", "lower", "none")


def free(size: tuple[int, int]) -> int:
    """The budget of a metric that evaluates no network."""
    return 0


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric's card.

    `better` is `higher`, `lower` or `none`; `needs` is among `NEEDS`; `budget(size)` is how many
    evaluations of the network an image of this height and width costs, those that all explainers
    share left out.
    """

    title: str
    paper: str = ""
    unit: str = ""
    better: str
    needs: Collection[str] = ()
    budget: Callable[[tuple[int, int]], int] = free


class Model(Protocol):
    """A network as metrics see it."""

    fill: NDArray[np.float32]
    """What stands for a pixel that is removed (C,)."""

    def scores(self, images: NDArray[Any], targets: NDArray[Any]) -> Scores:
        """Scores (N,) of images (N, H, W, C) for targets (N,)."""

    def masked(
        self,
        images: NDArray[Any],
        masks: NDArray[Any],
        fill: NDArray[Any],
        targets: NDArray[Any],
    ) -> Scores:
        """Scores (N, M) of images (N, H, W, C) under M masks each, (N, M, H, W).

        A mask says how much of a pixel is kept: true or 1 all, false or 0 none, in whose place is
        `fill`, (C,) or like the images.
        """

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """What all explainers of these images share: computed at the first call."""


class Draws(Protocol):
    """Random numbers of each image, the same whoever asks: by purpose and the image's number."""

    def permutations(self, purpose: str, count: int) -> NDArray[np.int64]:
        """One random order of 0 to count - 1 an image (N, count)."""

    def uniform(self, purpose: str, *shape: int) -> NDArray[np.float64]:
        """Numbers in [0, 1) an image (N, *shape)."""


@dataclass(frozen=True)
class Case:
    """What a metric is given: N heatmaps, and as much of the rest as there is.

    `maps` (N, H, W) are signed and of the images' size, `other` are second maps of the same images,
    `masks` (N, H, W) are true on the labelled object, `images` are (N, H, W, C), `targets` (N,) the
    classes explained, `labels` (N,) the true ones; `explain(images, targets)` gives new maps.
    """

    maps: NDArray[Any]
    other: NDArray[Any] = ABSENT
    masks: NDArray[Any] = ABSENT
    images: NDArray[Any] = ABSENT
    targets: NDArray[Any] = ABSENT
    labels: NDArray[Any] = ABSENT
    model: Model = ABSENT
    explain: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]] = ABSENT
    draws: Draws = ABSENT
    _known: dict[str, PerImage] = field(default_factory=dict, repr=False, compare=False)

    def value(self, name: str) -> PerImage:
        """A metric of this case (N,), computed once. Raises BadInput."""
        if name not in self._known:
            self._known[name] = load(name).measure(self)
        return self._known[name]


@dataclass(frozen=True)
class Loaded:
    """A metric's file, read once."""

    name: str
    module: ModuleType

    @property
    def card(self) -> Metric:
        """What the file says of its metric."""
        card: Metric = self.module.METRIC
        return card

    def measure(self, case: Case) -> PerImage:
        """One value an image (N,), NaN where undefined. Raises BadInput for a case that lacks."""
        shape = case.maps.shape
        if case.maps.ndim != 3 or not case.maps[0:1].size:
            raise BadInput(f"{self.name} needs maps (N, H, W), not {shape}")
        for need in self.card.needs:
            given = getattr(case, NEEDS[need])
            if given is None:
                raise BadInput(f"{self.name} needs {NEEDS[need]}, which this case has not")
            if isinstance(given, np.ndarray) and given.shape != shape:
                raise BadInput(
                    f"{self.name} cannot compare {shape} with {given.shape}; "
                    "give two (N, H, W) of one shape, upsampled where they differ"
                )
        values: PerImage = np.asarray(self.module.measure(case), np.float64)
        return values


def names(*needs: str) -> list[str]:
    """The metrics there are: all, or those that need exactly these."""
    return [n for n in _found() if not needs or set(load(n).card.needs) == set(needs)]


def load(name: str) -> Loaded:
    """A metric by name. Raises BadInput with the nearest names."""
    if name not in _found():
        raise BadInput(unknown("metric", name, _found()))
    return Loaded(name, importlib.import_module(f"bench.metrics.{name}"))


def _found() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
