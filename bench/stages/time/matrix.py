"""Which cells are timed: one factor at a time around a base cell, or the whole product.

The base is the first network asked for: batch 64, the last layer, float32, compiled, one class.
Around it vary, one at a time, batch and mode together (`tuned` too, where there is something to
tune), layer, and one class or all; in each framework's own column also precision, method, library
and architecture.
Keras on JAX and on PyTorch goes without these in `default`: they are in `full`, with the product of
batch, mode, layer, precision and architecture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import psutil

from bench.record.cell import Cell
from bench.stages.agree import places
from bench.subject import names
from bench.subject.inputs import convolves
from bench.subject.request import Request
from implementations import libraries, methods
from implementations.architecture.graph import Architecture
from implementations.contract import MODES
from implementations.errors import BadInput
from implementations.frameworks import Column, tuned

BATCHES = (1, 8, 64, 256)
PRECISIONS = ("float32", "bfloat16", "float64")
TF32 = "tf32"
"""A precision that only GPUs have: float32 whose products keep ten bits."""
LARGE = 100_000
"""Values of an image above which only small batches are timed: a network people use."""
LARGE_BATCHES = (1, 8)
COSTLY_BATCH = 1
"""The batch of methods that evaluate the model many times, and of the libraries' like them."""
ONE_BY_ONE = ("eli5",)
"""Libraries that take seconds for a batch, image after image: they get one image too."""
SPOILING = ("shap",)
"""Libraries whose gradients are timed in their own column alone.

SHAP's DeepLIFT on TensorFlow spoils its process for all gradients.
"""
GRAD_CAM = "grad_cam"


class Grid:
    """The cells of one column on the networks asked for; the first of them is the base."""

    def __init__(
        self, request: Request, column: Column, networks: Sequence[tuple[str, Architecture, str]]
    ) -> None:
        self.request = request
        self.column = column
        self.networks = networks

    def cell(self, network: int = 0, **changes: object) -> Cell:
        """A cell of a network: the base with these changes."""
        dataset, architecture, weights = self.networks[network]
        base = Cell(
            stage="time", task="forward", framework=self.column.framework,
            backend=self.column.backend, dataset=dataset, architecture=architecture.name,
            weights=weights, batch=self.request.batch, device=self.request.device, mode="compiled",
            precision=self.request.precisions[0], threads=self.request.threads,
        )  # fmt: skip
        return replace(base, **changes)  # type: ignore[arg-type]

    def both(self, network: int = 0, **changes: object) -> Iterator[Cell]:
        """A forward pass and Grad-CAM."""
        yield self.cell(network, **changes)
        yield self.cell(network, **changes, task="heatmap", method=GRAD_CAM)

    def quick(self) -> Iterator[Cell]:
        """Forward pass, training step and Grad-CAM of every network, in every mode there is."""
        for network, mode in product(range(len(self.networks)), self.modes()):
            if mode == "tuned":
                continue
            yield from self.both(network, mode=mode)
            if mode != "xla":
                yield self.cell(network, mode=mode, task="train_step", optimizer="native")

    def default(self) -> Iterator[Cell]:
        """One factor at a time."""
        own = self.column.own
        for batch, mode in product(sizes(self.networks[0][1]), self.modes()):
            yield from self.both(batch=batch, mode=mode)
        for mode in ("eager", "compiled"):
            yield self.cell(mode=mode, task="train_step", optimizer="native")
        yield from self.earlier(own)
        yield from self.every_class()
        if self.request.device == "gpu":
            yield from self.both(precision=TF32)
        if own:
            yield from self.around()

    def earlier(self, own: bool) -> Iterator[Cell]:
        """Grad-CAM at the first layer, the dearest, in all that compiles; else in own columns."""
        for number, layer in enumerate(self.layers(0)[:-1]):
            for mode in ["compiled"] if number else self.modes():
                if mode != "eager" and (own or not number):
                    yield self.cell(task="heatmap", method=GRAD_CAM, layer=layer, mode=mode)

    def around(self) -> Iterator[Cell]:
        """Precisions, architectures, methods and libraries, around the base."""
        for precision in PRECISIONS:
            yield from self.both(precision=precision)
        yield from self.others(range(1, len(self.networks)))
        yield from self.ours()
        yield from self.theirs()

    def others(self, networks: Iterable[int]) -> Iterator[Cell]:
        """The other architectures, compiled; a large one at every batch, the largest tuned too."""
        for network in networks:
            large = sizes(self.networks[network][1]) == LARGE_BATCHES
            for batch in LARGE_BATCHES if large else (self.request.batch,):
                yield from self.both(network, batch=batch)
            if large and "tuned" in self.modes():
                yield from self.both(network, batch=max(LARGE_BATCHES), mode="tuned")

    def every_class(self, layers: Iterable[str] = ()) -> Iterator[Cell]:
        """All classes in one call: at the last layer, which is the base, and at these."""
        for name in self.request.methods or names.pick_methods(()):
            if methods.load(name).every_class:
                for layer in ("", *layers):
                    yield self.cell(task="heatmap", method=name, layer=layer)

    def ours(self, modes: Sequence[str] = ("compiled",)) -> Iterator[Cell]:
        """Every other method at the base, also those asked for with options in their names."""
        for name in self.request.methods or names.pick_methods(()):
            method = methods.load(name)
            if name != GRAD_CAM and places(method, self.networks[0][1]):
                batch = self.batch(method)
                for mode in modes:
                    yield self.cell(
                        task="heatmap", method=name, batch=batch, mode=mode, score=method.card.score
                    )

    def differentiates(self, name: str) -> bool:
        """Whether a method of ours pulls anything back."""
        method, network = methods.load(name), self.networks[0][1]
        options, layer = method.resolve({}), method.layer(network, None)
        return method.cost(options, network, layer).backward > 0

    def batch(self, method: methods.NamedMethod) -> int:
        """One image for a method that evaluates the model many times: a batch to the device."""
        architecture = self.networks[0][1]
        if not places(method, architecture):
            return self.request.batch
        cost = method.cost(method.resolve({}), architecture, method.layer(architecture, None))
        return COSTLY_BATCH if cost.evaluations > 2 else self.request.batch

    def theirs(self) -> Iterator[Cell]:
        """Every offer like a method asked for: at its defaults, our map's settings and others."""
        for name in libraries.names():
            library = libraries.describe(name)
            if self.column.framework not in library.frameworks:
                continue
            if library.backend not in ("", self.column.backend):
                continue
            for offer in library.like(self.request.methods):
                offered = library.offers[offer]
                elsewhere = library.framework != self.column.framework
                if elsewhere and name in SPOILING and self.differentiates(offered.like):
                    continue
                alone = not offered.like or name in ONE_BY_ONE
                batch = COSTLY_BATCH if alone else self.batch(methods.load(offered.like))
                settings = ({}, offered.canonical or {}, *offered.timed)
                for options in dict.fromkeys(tuple(sorted(each.items())) for each in settings):
                    yield self.cell(
                        task="heatmap", method=offer, library=name, options=options, mode="eager",
                        batch=batch,
                    )  # fmt: skip

    def full(self) -> Iterator[Cell]:
        """The whole product, and all that the default has, in every column."""
        yield from self.default()
        yield from self.every_class(self.layers(0)[:1])
        yield from self.around()
        yield from self.ours(("eager", "compiled"))
        precisions = (*PRECISIONS, TF32) if self.request.device == "gpu" else PRECISIONS
        for network, mode, precision in product(
            range(len(self.networks)), self.modes(), precisions
        ):
            for batch in sizes(self.networks[network][1]):
                same = {"batch": batch, "mode": mode, "precision": precision}
                yield self.cell(network, **same)
                for layer in ["", *self.layers(network)[:-1]]:
                    yield self.cell(network, **same, task="heatmap", method=GRAD_CAM, layer=layer)

    def modes(self) -> list[str]:
        """The modes there are; `tuned` only in a column that has something to tune."""
        plain = tuned.missing(self.column, self.request.device) is not None
        return [mode for mode in MODES if mode != "tuned" or not plain]

    def layers(self, network: int) -> list[str]:
        """The first, middle and last layer that Grad-CAM is timed at."""
        return places(methods.load(GRAD_CAM), self.networks[network][1])


def sizes(architecture: Architecture) -> tuple[int, ...]:
    """The batches an architecture is timed at."""
    height, width, channels = architecture.input_shape
    return LARGE_BATCHES if height * width * channels > LARGE else BATCHES


def check_batch(batch: int, networks: Sequence[tuple[str, Architecture, str]]) -> None:
    """Raises BadInput where the images of a batch alone are more than the memory."""
    memory = psutil.virtual_memory().total
    for _, network, _ in networks:
        size = 4 * batch * math.prod(network.input_shape)
        if size > memory:
            raise BadInput(
                f"--batch {batch}: so many images of {network.name} are {size / 2**30:.0f} GiB, "
                f"the memory is {memory / 2**30:.0f}; name a smaller one"
            )


def cells(request: Request, networks: Sequence[tuple[str, Architecture, str]]) -> list[Cell]:
    """The cells of `request.grid` over networks (data set, architecture, weights), each once.

    Of heatmaps those of the methods asked for, and of what libraries have that is like them; none
    of a network without a convolution.
    """
    found: dict[Cell, None] = {}
    flat = {network.name for _, network, _ in networks if not convolves(network)}
    for column in request.columns:
        grid = Grid(request, column, networks)
        found |= dict.fromkeys(getattr(grid, request.grid)())
    return [
        cell
        for cell in found
        if cell.mode in request.modes
        and (not request.methods or cell.library or cell.method in ("", *request.methods))
        and not (cell.task == "heatmap" and cell.architecture in flat)
    ]
