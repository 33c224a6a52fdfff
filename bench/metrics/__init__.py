"""One file a metric, found by its name: nothing is registered anywhere.

A metric's file has a card, `METRIC = Metric(...)`, and `measure(case)`, which gives one number an
image. NaN means that the metric is undefined for that image, as the file's docstring says: it is
counted and omitted from a mean, never taken for a number. Where one pass gives several values the
card names the others in `columns`, and `measure` gives all of them by name; each is then a metric
like any other: it is loaded, shown and asked for by its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.subject.complete import Sums
from bench.subject.heatmaps import Scores
from implementations.errors import BadInput, unknown

PerImage = NDArray[np.float64]
NEEDS = {
    "other": "other", "mask": "masks", "model": "model", "explain": "explain",
    "classes": "classes", "weights": "redrawn", "sums": "sums",
}  # fmt: skip
"""What a metric may need beside the maps -> the field of the case."""
AGAIN = {"explain", "weights", "sums"}
"""Of these, what only the explainer's own process has: the rest is measured of maps that are kept.
"""
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
    share left out. `columns` are the other values of the same pass, by name, with a card each; what
    they need and cost is in this one. `scale` is what the values are: a `score` of 0 to 1 or a
    difference of such, a `correlation`, or `unbounded`; of it follows which difference matters.
    `finding` says that a sentence about an explainer may rest on it, where it discriminates.
    """

    title: str
    paper: str = ""
    unit: str = ""
    better: str
    needs: Collection[str] = ()
    budget: Callable[[tuple[int, int]], int] = free
    columns: Mapping[str, Metric] = field(default_factory=dict)
    scale: Literal["score", "correlation", "unbounded"] = "score"
    finding: bool = False


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


class Redrawn(Protocol):
    """The explained network with weights drawn anew as training would begin with them."""

    layers: int
    """How many layers have weights."""

    def explain(self, count: int, draw: int) -> NDArray[Any]:
        """Maps (N, H, W) of the same images with the `count` layers nearest the logits redrawn."""


class Curve(NamedTuple):
    """Values (N, K) of each image at K places, 0 to 1."""

    at: NDArray[np.float64]
    values: NDArray[np.float64]


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
    `classes` is how many the network tells apart. `curves` are what metrics leave beside values.
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
    classes: int = ABSENT
    redrawn: Redrawn = ABSENT
    sums: Sums = ABSENT
    curves: dict[str, Curve] = field(default_factory=dict, repr=False, compare=False)
    _known: dict[str, PerImage] = field(default_factory=dict, repr=False, compare=False)

    def value(self, name: str) -> PerImage:
        """A metric of this case (N,), computed once. Raises BadInput."""
        if name not in self._known:
            self._known.update(load(name).measure(self))
        return self._known[name]


@dataclass(frozen=True)
class Loaded:
    """A metric and the file that has it, read once; `main` is the name of the file's own metric."""

    name: str
    main: str
    module: ModuleType

    @property
    def card(self) -> Metric:
        """What the file says of this metric."""
        card: Metric = self.module.METRIC
        if self.name == self.main:
            return card
        return replace(card.columns[self.name], needs=card.needs)

    def measure(self, case: Case) -> dict[str, PerImage]:
        """The file's metrics by name: one value an image (N,), NaN where undefined.

        Raises BadInput for a case that lacks what they need.
        """
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
        found = self.module.measure(case)
        named = found if isinstance(found, Mapping) else {self.main: found}
        return {name: np.asarray(values, np.float64) for name, values in named.items()}


def names(*needs: str) -> list[str]:
    """The metrics there are: all, or those that need exactly these; a file's own before others."""
    return [name for name in _found() if not needs or set(load(name).card.needs) == set(needs)]


def load(name: str) -> Loaded:
    """A metric by name. Raises BadInput with the nearest names."""
    if name not in _found():
        raise BadInput(unknown("metric", name, _found()))
    main = _found()[name]
    return Loaded(name, main, _module(main))


@cache
def _found() -> dict[str, str]:
    """Each metric's name -> its file's."""
    found: dict[str, str] = {}
    for main in sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")):
        found |= dict.fromkeys((main, *_module(main).METRIC.columns), main)
    return found


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"bench.metrics.{name}")
