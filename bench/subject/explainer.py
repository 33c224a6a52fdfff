"""One cell's explainer, ready to be called: built for agreement, timing and `explain` alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from implementations import frameworks, libraries, methods
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights, resize
from implementations.contract import Framework, Network, Options
from implementations.errors import Unavailable
from implementations.frameworks.tuned import Tuned
from implementations.methods import NamedMethod

Arrays = dict[str, NDArray[Any]]


@dataclass
class Explainer:
    """A network in one framework with one method or library bound to it.

    `call(images, targets)` takes and returns device arrays; `import_s` and `build_s` are what it
    cost to get here.
    """

    framework: Framework
    network: Network
    call: Callable[[Any, Any], dict[str, Any]]
    method: NamedMethod
    layer: str
    evaluations: int
    import_s: float
    build_s: float

    def put(self, images: NDArray[Any], targets: NDArray[Any]) -> tuple[Any, Any]:
        """Images (N, H, W, C) and targets (N,) on the device."""
        placed: tuple[Any, Any] = self.framework.put(self.network, images, targets.astype(np.int32))
        return placed

    def logits(self, images: NDArray[Any]) -> NDArray[Any]:
        """Logits (N, K) of images (N, H, W, C)."""
        return self.framework.to_numpy(self.network(self.framework.put(self.network, images)))

    def upsample(self, heatmap: Any, size: tuple[int, int]) -> NDArray[Any]:
        """The heatmap (N, h, w[, K]) at the images' size; a library may give it as NumPy."""
        if self.method.every_class:
            maps = to_host(self.framework, heatmap)
            resized = np.empty((len(maps), *size, maps.shape[-1]))
            for label in range(maps.shape[-1]):
                resized[..., label] = resize(maps[..., label], size)
            return resized
        if isinstance(heatmap, np.ndarray):
            return np.asarray(resize(heatmap, size))
        return self.framework.to_numpy(self.network.resize(heatmap, size))

    def stages(self, images: NDArray[Any], targets: NDArray[Any], chunk: int) -> Iterator[Arrays]:
        """Every output and `upsampled`, `chunk` images at a time; the last chunk is padded."""
        size = (images.shape[1], images.shape[2])
        for start in range(0, len(images), chunk):
            part, aims = images[start : start + chunk], targets[start : start + chunk]
            n = len(part)
            fill = [(0, chunk - n)] + [(0, 0)] * 3
            placed = self.put(np.pad(part, fill, mode="edge"), np.pad(aims, fill[0], mode="edge"))
            outputs = self.call(*placed)
            arrays = {name: to_host(self.framework, a)[:n] for name, a in outputs.items()}
            arrays["upsampled"] = self.upsample(outputs["heatmap"], size)[:n]
            yield arrays


def to_host(framework: Framework, array: Any) -> NDArray[Any]:
    """A NumPy array of a device array; what is NumPy already is left as it is."""
    return array if isinstance(array, np.ndarray) else framework.to_numpy(array)


def method_of(cell: Cell) -> NamedMethod:
    """The cell's method: our own, or a library's offer in the same form."""
    if cell.library:
        return libraries.load(cell.library).method(cell.method)
    method = methods.load(cell.method)
    return replace(method, given={**method.given, **dict(cell.options)})


def load_framework(cell: Cell) -> tuple[Framework, float]:
    """The cell's framework and the seconds to import it. Raises Unavailable with the reason."""
    began = time.perf_counter()
    framework = frameworks.load(cell.framework)
    if cell.mode == "tuned":
        framework = Tuned(framework, cell.column)
    import_s = time.perf_counter() - began
    reason = framework.probe(cell.device, cell.precision, cell.mode)
    if reason:
        raise Unavailable(reason)
    return framework, import_s


class Asked(NamedTuple):
    """What a cell asks of a network: its method, the options' values and the layer's node."""

    method: NamedMethod
    options: Options
    layer: str


def asked(cell: Cell, architecture: Architecture) -> Asked:
    """What a cell asks. Raises BadInput and Unavailable."""
    method = method_of(cell)
    options = method.resolve(dict(cell.options), cell.score)
    return Asked(method, options, method.layer(architecture, cell.layer or None))


def build(
    cell: Cell,
    architecture: Architecture,
    weights: Weights,
    outputs: Sequence[str] = ("heatmap",),
    background: NDArray[np.float32] | None = None,
) -> Explainer:
    """The explainer of a cell. Of the outputs those that the method has not are left out.

    `background` are training images (B, H, W, C), for a method that draws from them.
    """
    framework, import_s = load_framework(cell)
    began = time.perf_counter()
    network = framework.build(architecture, weights, cell.device, cell.precision)
    method, options, layer = asked(cell, architecture)
    evaluations = method.cost(options, architecture, layer).evaluations
    call = method.bind(
        cell.framework, framework, network, layer, options, outputs, cell.mode, cell.seed,
        background,
    )  # fmt: skip
    build_s = time.perf_counter() - began
    return Explainer(framework, network, call, method, layer, evaluations, import_s, build_s)
