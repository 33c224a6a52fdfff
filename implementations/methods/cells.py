"""Values of cells from scores of images that show some: what LIME and the Shapley methods are.

The image is a grid of g x g cells, all colours together: pixel (r, c) of H x W lies in the cell

    floor(r g / H) g + floor(c g / W)

A set T of cells is a row of `members` (E, M), and x_T is the image in its cells, `fill` elsewhere.
Only members and the cell (H, W) of each pixel go to the device: masks and masked images are made
there, as many sets of all images in a pass as the network's capacity allows, every pass of one
size. A method is what it makes of the scores: its page has `values(scores (E, N), draws)`, which
gives the value (N, M) of each cell, painted over its pixels here. The oracle's is given a function
instead, from members to scores, and chooses its own sets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws, Floats, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.errors import BadInput
from implementations.methods.card import Number
from implementations.methods.passes import blocks

GRID = Number(7, 1, 1000, "cells a side")
FILL = Number(0.0, 0.0, 1.0, "grey level of hidden cells")
MOST = 1 << 30
"""Members that a table of sets may have, a byte each."""
Values = Callable[[Array, Draws], Array]
"""(scores (E, N) of all sets, draws) -> the value (N, M) of each cell."""
OracleValues = Callable[[Callable[[Array], Floats], Draws], Floats]
"""The same, given what makes scores (E, N) of members (E, M)."""


def of_pixels(
    method: str, sets: int, options: Options, architecture: Architecture
) -> NDArray[np.int32]:
    """The cell (H, W) that each pixel lies in. Raises BadInput, of so many sets too."""
    height, width, _ = architecture.input_shape
    grid = options.grid
    if grid > min(height, width):
        raise BadInput(
            f"option grid={grid} of {method}: the image has {min(height, width)} pixels a side"
        )
    if sets * grid**2 > MOST:
        raise BadInput(
            f"option grid={grid} of {method} asks for {sets:,} sets of {grid**2:,} cells, "
            "more than memory should hold; take a smaller grid"
        )
    rows, columns = np.arange(height) * grid // height, np.arange(width) * grid // width
    cell: NDArray[np.int32] = (rows[:, None] * grid + columns).astype(np.int32)
    return cell


def reference(
    network: OracleNetwork, options: Options, compile: Compile, values: OracleValues
) -> Explain:
    """In float64 NumPy, one set after another."""

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        def scores(members: Array) -> Floats:
            found = np.empty((len(members), len(images)))
            for score, shown in zip(found, members, strict=True):
                masked = np.where(shown[draws["cell"]][..., None], images, options.fill)
                score[:] = network.score(options.score, network(masked), targets)
            return found

        signed = values(scores, draws)[:, draws["cell"]]
        return {"signed": signed, "heatmap": signed}

    return compile(explain)


def jax(network: Network, options: Options, compile: Compile, values: Values) -> Explain:
    """`jax.vmap` over the sets of a pass."""
    import jax
    import jax.numpy as jnp

    @compile
    def scored(
        network: Network, images: Array, targets: Array, members: Array, cell: Array
    ) -> Array:
        def score(shown: Array) -> Array:
            masked = jnp.where(shown[cell][..., None], images, options.fill)
            return network.score(options.score, network(masked), targets)

        return jax.vmap(score)(members)

    @compile
    def painted(network: Network, scores: Array, draws: dict[str, Array]) -> Intermediates:
        signed = values(scores, draws)[:, draws["cell"]]
        return {"signed": signed, "heatmap": signed}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        members, cell, scores = draws["members"], draws["cell"], []
        for some, known in blocks(len(members), network.capacity // len(images)):
            scores.append(scored(network, images, targets, members[some], cell)[known:])
        return painted(network, jnp.concatenate(scores), draws)  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, options: Options, compile: Compile, values: Values) -> Explain:
    """A batch that holds several sets of every image."""
    import torch

    @compile
    def scored(
        network: Network, images: Array, targets: Array, members: Array, cell: Array
    ) -> Array:
        masked = torch.where(members[:, cell][:, None, None], images, options.fill)
        repeated = targets.repeat(len(members))
        scores = network.score(options.score, network(masked.flatten(0, 1)), repeated)
        return scores.view(len(members), -1)

    @compile
    def painted(network: Network, scores: Array, draws: dict[str, Array]) -> Intermediates:
        signed = values(scores, draws)[:, draws["cell"]]
        return {"signed": signed, "heatmap": signed}

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        members, cell, scores = draws["members"], draws["cell"], []
        for some, known in blocks(len(members), network.capacity // len(images)):
            scores.append(scored(network, images, targets, members[some], cell)[known:])
        return painted(network, torch.cat(scores), draws)  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, options: Options, compile: Compile, values: Values) -> Explain:
    """`keras.ops` throughout: a batch that holds several sets of every image."""
    from keras import ops

    network.split("input")

    @compile
    def scored(
        network: KerasNetwork, images: Array, targets: Array, members: Array, cell: Array
    ) -> Array:
        _, height, width, channels = images.shape
        shown = ops.take(members, cell, axis=1)[:, None, :, :, None]
        masked = ops.where(shown, images, ops.full_like(images, options.fill))
        masked = ops.reshape(masked, (-1, height, width, channels))
        repeated = ops.tile(targets, members.shape[0])
        scores = network.score(options.score, network(masked), repeated)
        return ops.reshape(scores, (members.shape[0], -1))

    @compile
    def painted(network: KerasNetwork, scores: Array, draws: dict[str, Array]) -> Intermediates:
        signed = ops.take(values(scores, draws), draws["cell"], axis=1)
        return {"signed": signed, "heatmap": signed}

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        members, cell, scores = draws["members"], draws["cell"], []
        for some, known in blocks(members.shape[0], network.capacity // images.shape[0]):
            scores.append(scored(network, images, targets, members[some], cell)[known:])
        return painted(network, ops.concatenate(scores), draws)  # type: ignore[no-any-return]

    return explain
