"""Arithmetic on heatmaps: error against a reference, zero maps, normalisers, the top positions.

The first axis is the image, (N, ...); all other axes are positions. NumPy only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from implementations.errors import BadInput, unknown

Values = NDArray[Any]
PerImage = NDArray[np.float64]

NORMALISERS = ("none", "max", "min_max", "relu_max")


class Scores(NamedTuple):
    """What a network says of images (...,), each for its target, in float64 of float32 logits.

    `margin` is the target's logit less the logsumexp of the others, `logit` the target's logit,
    `probability` the sigmoid of the margin, `label` the class predicted.
    """

    margin: NDArray[np.float64]
    logit: NDArray[np.float64]
    probability: NDArray[np.float64]
    label: NDArray[np.int64]


def rows(heatmap: Values) -> NDArray[np.float64]:
    """One row of positions an image: (N, ...) to (N, P) in float64."""
    return np.asarray(heatmap, np.float64).reshape(len(heatmap), -1)


def peak(heatmap: Values) -> PerImage:
    """The largest magnitude of each image (N,); NaN where the image has one."""
    magnitude: PerImage = np.abs(rows(heatmap)).max(axis=1, initial=0.0)
    return magnitude


def zero_maps(heatmap: Values) -> NDArray[np.bool_]:
    """Which images (N,) have a heatmap that is zero everywhere."""
    zero: NDArray[np.bool_] = np.equal(peak(heatmap), 0)
    return zero


def relative_error(a: Values, b: Values, scale: Values) -> PerImage:
    """max|a - b| / max|scale| per image (N,), `scale` the reference's signed map of these images.

    Where `scale` is zero everywhere the error is absolute. Anything that is not finite in a, b or
    scale makes the image's error NaN or infinite, and neither passes `error <= tolerance`: write
    the comparison that way round. Raises BadInput where a and b differ in shape.
    """
    if np.shape(a) != np.shape(b) or len(scale) != len(a):
        raise BadInput(
            f"heatmaps {np.shape(a)}, {np.shape(b)} and {np.shape(scale)} cannot be compared; "
            "give those of the same images and layer"
        )
    with np.errstate(invalid="ignore"):
        difference = peak(rows(a) - rows(b))
    reference = peak(scale)
    error = difference / np.where(reference > 0, reference, 1.0)
    # A finite difference over an infinite peak would be a perfect zero.
    return np.where(np.isfinite(reference), error, np.nan)


def normalise(heatmap: Values, how: str) -> Values:
    """Each image scaled for display: one of `NORMALISERS`, of the same shape and dtype.

    `max` divides by the maximum where that is positive, `min_max` takes the minimum off and divides
    by the range where that is positive, `relu_max` is `max` after a ReLU. No epsilon is added: an
    all-zero map stays zero. Raises BadInput for another name.
    """
    if how not in NORMALISERS:
        raise BadInput(unknown("normaliser", how, NORMALISERS))
    if how == "none":
        return heatmap
    axes = tuple(range(1, heatmap.ndim))
    if how == "relu_max":
        heatmap = np.maximum(heatmap, 0)
    if how == "min_max":
        heatmap = heatmap - heatmap.min(axis=axes, keepdims=True)
    maximum = heatmap.max(axis=axes, keepdims=True)
    scaled: Values = heatmap / np.where(maximum > 0, maximum, np.ones_like(maximum))
    return scaled


def unit_rows(heatmap: Values) -> NDArray[np.float64]:
    """`rows` divided by their peak: their squares neither vanish nor overflow.

    A row with a value that is not finite is NaN.
    """
    largest = peak(heatmap)[:, None]
    scale = np.where(largest > 0, largest, 1.0)
    return rows(heatmap) / np.where(np.isfinite(largest), scale, np.nan)


def sound(heatmap: Values) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The heatmaps in float64, of the same shape, and which (N,) are finite: others are zero."""
    values = np.asarray(heatmap, np.float64)
    known: NDArray[np.bool_] = np.isfinite(peak(values))
    return np.where(known.reshape(-1, *[1] * (values.ndim - 1)), values, 0.0), known


def constant(heatmap: Values) -> NDArray[np.bool_]:
    """Which images (N,) have one value everywhere: no order, no correlation."""
    values = rows(heatmap)
    same: NDArray[np.bool_] = np.equal(values.max(axis=1), values.min(axis=1))
    return same


def top_share(heatmap: Values, count: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far each position (N, P) belongs to the `count` (N,) highest of its image: 0 to 1.

    Positions above the count-th value belong whole; those equal to it share the places that are
    left. So a row adds up to `count`, and ties (most of a map after ReLU) favour no corner. A value
    that is not finite makes the whole row NaN.
    """
    values = rows(heatmap)
    places = np.clip(values.shape[1] - count, 0, values.shape[1] - 1)
    threshold = np.take_along_axis(np.sort(values, axis=1), places[:, None], axis=1)
    above, tied = values > threshold, values == threshold
    left = count[:, None] - above.sum(axis=1, keepdims=True)
    share = np.where(tied, left / np.maximum(tied.sum(axis=1, keepdims=True), 1), above)
    return np.where(np.isfinite(values).all(axis=1, keepdims=True), share, np.nan)


def positions(heatmap: Values, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each position's place (N, P) in the order of its image, 0 the highest value.

    Values are compared in steps of a millionth of the peak, for the noise of float32 is no order.
    Those that are equal stand by their key (N, P), lowest first: so a constant map *is* the order
    of the keys. An image with a value that is not finite is ordered by its keys alone.
    """
    values, largest = rows(heatmap), peak(heatmap)[:, None]
    known = np.isfinite(largest) & (largest > 0)
    scaled = np.where(known, values, 0.0) / np.where(known, largest, 1.0)
    order = np.lexsort((keys, -np.rint(1e6 * scaled)), axis=1)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(order.shape[1])[None], axis=1)
    return places
