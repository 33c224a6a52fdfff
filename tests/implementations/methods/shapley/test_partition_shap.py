"""Owen values of a tree of rectangles: the recursion, SHAP's own, exact sums."""

from __future__ import annotations

import additive
import games
import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.errors import BadInput
from implementations.oracle import runtime

METHOD = methods.load("partition_shap")
PAGE = METHOD.module
ARCHITECTURE = get("cnn-gap", (6, 6, 2), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES, TARGETS = np.random.default_rng(2).random((2, 6, 6, 2)), np.array([3, 0], np.int32)
TREES = {
    (1, 2): (0, 1),
    (2, 3): ((0, 3), ((1, 2), (4, 5))),
    (3, 2): ((0, 1), ((2, 3), (4, 5))),
    (1, 5): ((0, 1), (2, (3, 4))),
}


@pytest.mark.parametrize("grid", TREES)
@pytest.mark.parametrize("seed", range(2))
def test_the_contexts_give_what_the_recursion_gives(grid: tuple[int, int], seed: int) -> None:
    game = games.Game(grid[0] * grid[1], seed)
    drawn = PAGE.contexts(grid)
    scores = game(drawn["members"])
    found = (scores[drawn["after"]] - scores[drawn["before"]]).mean(axis=0)
    np.testing.assert_allclose(found, game.owen(TREES[grid]), atol=1e-14)
    np.testing.assert_allclose(found.sum(), game.whole(), atol=1e-14)
    if game.players == 2:
        np.testing.assert_allclose(found, game.shapley(), atol=1e-15)


@pytest.mark.parametrize(("grid", "sets"), [(1, 2), (2, 12), (4, 172), (7, 1804), (8, 2732)])
def test_every_set_is_there_once(grid: int, sets: int) -> None:
    members = PAGE.contexts((grid, grid))["members"]
    assert len(members) == len(np.unique(members, axis=0)) == sets
    options = METHOD.resolve({"grid": str(grid)})
    assert METHOD.cost(options, ARCHITECTURE, "input").evaluations == sets


@pytest.mark.parametrize("grid", [1, 3, 4])
def test_values_add_up_to_the_score_less_that_of_the_blank_image(grid: int) -> None:
    given = {"grid": str(grid), "fill": "0.2"}
    found = explained("partition_shap", NETWORK, IMAGES, TARGETS, score="probability", **given)
    cell = METHOD.draws(METHOD.resolve(given), ARCHITECTURE, "input", 0)["cell"]
    first = [np.argmax(cell.ravel() == number) for number in range(grid**2)]
    blank = np.full_like(IMAGES, 0.2)
    expected = NETWORK.score("probability", NETWORK(IMAGES), TARGETS)
    expected = expected - NETWORK.score("probability", NETWORK(blank), TARGETS)
    total = found["heatmap"].reshape(2, -1)[:, first].sum(axis=1)
    np.testing.assert_allclose(total, expected, rtol=1e-11)


@pytest.mark.parametrize(("grid", "fill"), [(3, 0.5), (5, 0.0)])
def test_a_linear_network_has_its_own_cells(grid: int, fill: float) -> None:
    expected = additive.painted(additive.cell_values(grid, fill), grid)
    asked = additive.NETWORK, additive.IMAGES, additive.TARGETS
    found = explained("partition_shap", *asked, grid=str(grid), fill=str(fill))["heatmap"]
    np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("side", [4, 7])
def test_shap_has_the_same_with_unlimited_evaluations(side: int) -> None:
    """Where a side is odd SHAP's last half is the smaller: its image is turned by 180 degrees."""
    shap = pytest.importorskip("shap")
    small = get("cnn-gap", (side, side, 1), 4)
    network = runtime.build(small, randomise(small, 1))
    image, target = np.random.default_rng(3).random((1, side, side, 1)), np.array([2])

    def scores(images: np.ndarray) -> np.ndarray:
        return network(images[:, ::-1, ::-1])[:, 2]

    explainer = shap.PartitionExplainer(scores, shap.maskers.Image(np.zeros((side, side, 1))))
    turned = np.ascontiguousarray(image[:, ::-1, ::-1])
    asked = {"max_evals": 100_000, "batch_size": 50, "silent": True}
    expected = explainer(turned, fixed_context=None, **asked).values[..., 0][:, ::-1, ::-1]
    found = explained("partition_shap", network, image, target, grid=str(side))["heatmap"]
    np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())


def test_a_grid_of_more_cells_than_pixels_is_refused() -> None:
    with pytest.raises(BadInput, match="grid=7 of partition_shap: the image has 6 pixels"):
        METHOD.draws(METHOD.resolve({}), ARCHITECTURE, "input", 0)
    with pytest.raises(BadInput, match="from 1 to 32"):
        METHOD.resolve({"grid": "33"})
