"""What a map adds up to, and to what its method promises: the two sides of completeness."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.record.cell import Cell
from bench.subject.explainer import Explainer
from bench.subject.model import score

PerImage = NDArray[np.float64]


class Sums(NamedTuple):
    """Of a map that promises to be complete (N,)."""

    total: PerImage
    """What the map adds up to, at its own size."""
    promised: PerImage
    """The score less that of the baseline the method declares."""
    largest: PerImage
    """The largest magnitude of the image's logits."""


def promised(
    cell: Cell, explainer: Explainer, images: NDArray[Any], targets: NDArray[Any], chunk: int
) -> Sums | None:
    """The sums of the maps of images (N, H, W, C), explained `chunk` at a time.

    None where the method promises none (`sums_to` on its card, or in a library's offer).
    """
    baseline = explainer.method.card.sums_to
    if baseline is None:
        return None
    options = explainer.method.resolve(dict(cell.options), cell.score)
    start = np.asarray(baseline(options, images), np.float32)
    parts = [
        part["heatmap"].astype(np.float64).sum(axis=(1, 2))
        for part in explainer.stages(images, targets, min(chunk, len(images)))
    ]
    logits, without = (
        np.asarray(explainer.logits(each), np.float64)
        for each in (images, np.broadcast_to(start, images.shape).copy())
    )
    whole, rest = (_named(options.score, each, targets) for each in (logits, without))
    return Sums(np.concatenate(parts), whole - rest, np.abs(logits).max(axis=1))


def _named(name: str, logits: NDArray[np.float64], targets: NDArray[Any]) -> PerImage:
    """A score (N,) of logits (N, K) by its name."""
    found = score(logits, targets)
    if name == "log_probability":
        return -np.logaddexp(0, -found.margin)
    return found.probability if name == "probability" else found.logit
