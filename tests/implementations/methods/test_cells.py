"""The grid of cells, and the scores of images that show some of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_maps import whole

from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.contract import Options
from implementations.errors import BadInput
from implementations.methods import cells
from implementations.oracle import runtime


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_every_cell_is_a_rectangle_of_nearly_equal_sides(height: int, width: int, grid: int):
    architecture = get("mlp-512-100", (height, width, 1))
    options = Options(grid=grid)
    if grid > min(height, width):
        with pytest.raises(BadInput, match=f"grid={grid} of method: the image has"):
            cells.of_pixels("method", 1, options, architecture)
        return
    cell = cells.of_pixels("method", 1, options, architecture)
    assert cell.shape == (height, width)
    for number in range(grid**2):
        rows, columns = np.nonzero(cell == number)
        sides = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == sides[0] * sides[1]
        assert sides[0] - height // grid in (0, 1)
        assert sides[1] - width // grid in (0, 1)
    assert (np.diff(cell // grid, axis=0) >= 0).all()
    assert (np.diff(cell % grid, axis=1) >= 0).all()


def test_more_sets_than_memory_should_hold_are_refused() -> None:
    architecture = get("mlp-512-100", (64, 64, 1))
    with pytest.raises(BadInput, match=r"asks for 1,000,000 sets of 4,096 cells, .*smaller grid"):
        cells.of_pixels("method", 1_000_000, Options(grid=64), architecture)


def test_the_score_of_a_set_is_that_of_the_image_behind_its_mask() -> None:
    architecture = get("cnn-gap", (6, 8, 3), 4)
    network = runtime.build(architecture, randomise(architecture, 1))
    images, targets = np.random.default_rng(2).random((2, 6, 8, 3)), np.array([3, 0])
    options = Options(grid=2, fill=0.25, score="probability")
    cell = cells.of_pixels("method", 3, options, architecture)
    members = np.array([[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    given, found = {"members": members, "cell": cell}, []

    def values(scores: Any, draws: Any) -> np.ndarray:
        found.append(scores(draws["members"]))
        return np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])

    explain = cells.reference(network, options, whole, values)
    maps = explain(network, images, targets, given)["heatmap"]
    assert maps.shape == (2, 6, 8)
    np.testing.assert_array_equal(maps[1, ::3, ::4], [[5, 6], [7, 8]])
    corner = np.full_like(images, 0.25)
    corner[:, :3, 4:] = images[:, :3, 4:]
    for row, shown in zip(found[0], (images, corner, np.full_like(images, 0.25)), strict=True):
        expected = network.score("probability", network(shown), targets)
        np.testing.assert_allclose(row, expected, rtol=1e-14)
