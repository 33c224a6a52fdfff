"""A network as metrics see it: scores of images and of masked images, by one compiled function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from bench.subject.explainer import load_framework
from bench.subject.heatmaps import Scores
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights

PIXELS, MOST = 2**19, 512
"""Of a batch, a power of two: pixels and images, at the most."""


class Model:
    """A network that is asked in batches of one size; the last is padded.

    `evaluations` counts the images asked for, `seconds` is what they took, all but composing them.
    """

    def __init__(
        self, forward: Callable[[NDArray[Any]], NDArray[Any]], batch: int, fill: NDArray[Any]
    ) -> None:
        self.forward, self.batch = forward, batch
        self.fill = np.asarray(fill, np.float32)
        self.evaluations, self.seconds = 0, 0.0
        self._shared: dict[str, Any] = {}

    def logits(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """Logits (N, K) of images (N, H, W, C)."""
        count = range(0, len(images), self.batch)
        return self._run(images[i : i + self.batch] for i in count)

    def scores(self, images: NDArray[Any], targets: NDArray[Any]) -> Scores:
        """Scores (N,) of images (N, H, W, C) for targets (N,)."""
        return score(self.logits(images), targets)

    def masked(
        self, images: NDArray[Any], masks: NDArray[Any], fill: NDArray[Any], targets: NDArray[Any]
    ) -> Scores:
        """Scores (N, M) of images (N, H, W, C) under masks (N, M, H, W): how much is kept.

        They are composed batch by batch, so memory does not grow with N or M.
        """
        flat = masks.reshape(-1, *masks.shape[2:])
        each = np.repeat(np.arange(len(images)), masks.shape[1])
        fills = np.broadcast_to(np.asarray(fill, np.float32), images.shape)

        def compose() -> Iterator[NDArray[Any]]:
            for start in range(0, len(flat), self.batch):
                kept, of = flat[start : start + self.batch, ..., None], each[start:][: self.batch]
                if masks.dtype == bool:
                    yield np.where(kept, images[of], fills[of])
                else:
                    share = kept.astype(np.float32)
                    yield share * images[of] + (1 - share) * fills[of]  # exact at both ends

        found, shape = score(self._run(compose()), targets[each]), masks.shape[:2]
        margin, logit, probability = (part.reshape(shape) for part in found[:3])
        return Scores(margin, logit, probability, found.label.reshape(shape))

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """What all explainers of these images share: computed at the first call."""
        if name not in self._shared:
            self._shared[name] = compute()
        return self._shared[name]

    def _run(self, parts: Iterator[NDArray[Any]]) -> NDArray[np.float64]:
        logits = []
        for part in parts:
            began, n = time.perf_counter(), len(part)
            whole = np.pad(part, [(0, self.batch - n), (0, 0), (0, 0), (0, 0)])
            logits.append(self.forward(whole)[:n])
            self.seconds += time.perf_counter() - began
            self.evaluations += n
        return np.concatenate(logits).astype(np.float64)


def score(logits: NDArray[np.float64], targets: NDArray[Any]) -> Scores:
    """Scores (N,) of logits (N, K); the margin is formed without 1 - p, so it never saturates."""
    chosen = targets[:, None] == np.arange(logits.shape[1])
    logit = logits[chosen]
    others = np.where(chosen, -np.inf, logits)
    largest = others.max(axis=1)
    rest = largest + np.log(np.exp(others - largest[:, None]).sum(axis=1))
    margin = logit - rest
    # Of the sigmoid's two forms the one whose exponential does not overflow.
    small = np.exp(-np.abs(margin))
    probability = np.where(margin >= 0, 1, small) / (1 + small)
    return Scores(margin, logit, probability, logits.argmax(axis=1))


def load(
    cell: Cell, architecture: Architecture, weights: Weights, fill: NDArray[Any], most: int = MOST
) -> Model:
    """The cell's network as a model, compiled for one batch; the weights are an argument of it.

    The batch is of `most` images at most. Raises Unavailable.
    """
    framework, _ = load_framework(cell)
    network = framework.build(architecture, weights, cell.device, cell.precision)
    call = framework.compiler(network, (), cell.mode)(lambda network, images: network(images))
    height, width, _ = architecture.input_shape
    batch = min(most, 1 << max(PIXELS // (height * width), 1).bit_length() - 1)

    def forward(images: NDArray[Any]) -> NDArray[Any]:
        return framework.to_numpy(call(network, framework.put(network, images)))

    return Model(forward, batch, fill)
