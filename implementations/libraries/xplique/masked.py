"""Xplique's attributions by masked images, one image after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from implementations.contract import Explain, Options
from implementations.libraries import Offer
from implementations.libraries.xplique import BATCH, SEED, explained_by, offered
from implementations.methods.card import Number, Option

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

_CELLS: Mapping[str, Option] = {
    **SEED,
    **BATCH, "grid": Number(7, 1, 100, "cells along a side"),
}  # fmt: skip
_DESIGN: Mapping[str, Option] = {
    "batch_size": Number(256, 1, 1_000_000, "images in one forward pass"),
    "grid_size": Number(8, 1, 100, "cells along a side"),
}

OFFERS = {
    "occlusion": Offer(
        like="occlusion",
        at="input",
        scores=("logit",),
        convention="Each pixel is the sum (ours: the mean) over the windows that cover it.",
        why="None of them is cut off at the far edge; one image at a time. Float32 only.",
        options={
            **BATCH,
            "patch_size": Number(3, 1, 1000, "side of the square window, in pixels"),
            "patch_stride": Number(3, 1, 1000, "pixels between two windows"),
            "occlusion_value": Number(0.0, 0.0, 1.0, "what the window is filled with"),
        },
    ),
    "rise": offered(
        "rise",
        "Masks by TensorFlow's generator.",
        "Logits, where ours are probabilities, divided by how often a pixel was shown and 1e-4. "
        "One image at a time. Float32 only.",
        {
            **BATCH,
            **SEED,
            "nb_samples": Number(4000, 1, 1_000_000, "masks"),
            "grid_size": Number(7, 1, 100, "cells along a side"),
            "preservation_probability": Number(0.5, 0.01, 1.0, "chance of a cell to be shown"),
        },
        timed=({"nb_samples": "1000"},),
    ),
    "lime": offered(
        "lime",
        "Sets by TensorFlow's generator.",
        "Ridge of alpha 2, whose samples are weighed by the Euclidean distance of their pixels, "
        "with a width of 45; hidden pixels of colour images are 0.5. Its segments are replaced "
        "by a grid here. One image at a time. Float32 only.",
        {**_CELLS, "nb_samples": Number(150, 2, 1_000_000, "sets of cells")},
        timed=({"nb_samples": "1000"},),
    ),
    "kernel_shap": offered(
        "kernel_shap",
        "Sets by TensorFlow's generator.",
        "Least squares with a free intercept, so the values need not add up; hidden pixels of "
        "colour images are 0.5. Its segments are replaced by a grid here. One image at a time. "
        "Float32 only.",
        {**_CELLS, "nb_samples": Number(800, 2, 1_000_000, "sets of cells")},
    ),
    "sobol": offered(
        "",
        "Like none of ours.",
        "Total Sobol indices of the cells of a grid, whose images are mixed with black by a "
        "quasi-random design; resized to the image. One image at a time. Float32 only.",
        {**_DESIGN, "nb_design": Number(32, 2, 4096, "points of the design, a power of two")},
    ),
    "hsic": offered(
        "",
        "Like none of ours.",
        "Hilbert-Schmidt dependence of the logit on each cell of a grid being shown; resized to "
        "the image. One image at a time. Float32 only.",
        {**_DESIGN, "nb_design": Number(500, 2, 100_000, "sets of cells")},
    ),
}
NAMES = {
    "occlusion": "Occlusion",
    "rise": "Rise",
    "lime": "Lime",
    "kernel_shap": "KernelShap",
    "sobol": "SobolAttributionMethod",
    "hsic": "HsicAttributionMethod",
}
"""The library's class for each."""


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W), float32. Raises Unavailable."""
    given, extra = dict(OFFERS[offer].options), {}
    if given.pop("grid", None):
        extra["map_to_interpret_space"] = _grid(network, options.grid)
    return explained_by(NAMES[offer], network, options, given, **extra)


def _grid(network: Network, grid: int) -> Any:
    """From an image to the number of the cell that each of its pixels is in."""
    import tensorflow as tf

    height, width, _ = network.architecture.input_shape
    rows, columns = tf.range(height) * grid // height, tf.range(width) * grid // width
    cells = rows[:, None] * grid + columns
    return lambda image: cells
