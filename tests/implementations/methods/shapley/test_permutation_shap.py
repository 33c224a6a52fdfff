"""Shapley values by permutations: all orders give the value itself, each order adds up."""

from __future__ import annotations

from itertools import permutations

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

METHOD = methods.load("permutation_shap")
PAGE = METHOD.module
ARCHITECTURE = get("cnn-gap", (6, 6, 2), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES, TARGETS = np.random.default_rng(2).random((2, 6, 6, 2)), np.array([3, 0], np.int32)


def values(game: games.Game, orders: np.ndarray) -> np.ndarray:
    paths = PAGE.paths(orders)
    scores = game(paths["members"])
    return (scores[paths["after"]] - scores[paths["before"]]).mean(axis=0)


@pytest.mark.parametrize("seed", range(3))
def test_all_orders_of_six_give_the_shapley_value(seed: int) -> None:
    game = games.Game(6, seed)
    orders = np.array(list(permutations(range(6))))
    np.testing.assert_allclose(values(game, orders), game.shapley(), atol=1e-14)


def test_an_order_and_its_reverse_one_cell_after_another() -> None:
    game, order = games.Game(5), [3, 0, 4, 1, 2]
    expected = np.zeros(5)
    for way in (order, order[::-1]):
        for place, cell in enumerate(way):
            expected[cell] += (game.of(way[: place + 1]) - game.of(way[:place])) / 2
    found = values(game, np.array([order]))
    np.testing.assert_allclose(found, expected, atol=1e-15)
    np.testing.assert_allclose(found.sum(), game.whole(), atol=1e-14)


@pytest.mark.parametrize(("grid", "orders"), [(1, 2), (2, 1), (5, 3)])
def test_values_add_up_to_the_score_less_that_of_the_blank_image(grid: int, orders: int) -> None:
    given = {"grid": str(grid), "permutations": str(orders), "fill": "0.2"}
    found = explained("permutation_shap", NETWORK, IMAGES, TARGETS, score="probability", **given)
    options = METHOD.resolve(given, "probability")
    drawn = METHOD.draws(options, ARCHITECTURE, "input", 0)
    first = [np.argmax(drawn["cell"].ravel() == number) for number in range(grid**2)]
    blank = np.full_like(IMAGES, 0.2)
    expected = NETWORK.score("probability", NETWORK(IMAGES), TARGETS)
    expected = expected - NETWORK.score("probability", NETWORK(blank), TARGETS)
    total = found["heatmap"].reshape(2, -1)[:, first].sum(axis=1)
    np.testing.assert_allclose(total, expected, rtol=1e-11)
    assert METHOD.cost(options, ARCHITECTURE, "input").evaluations == len(drawn["members"])


@pytest.mark.parametrize(("grid", "fill"), [(3, 0.5), (7, 0.0), (9, 0.25)])
def test_a_linear_network_has_its_own_cells(grid: int, fill: float) -> None:
    given = {"grid": str(grid), "fill": str(fill), "permutations": "2"}
    expected = additive.painted(additive.cell_values(grid, fill), grid)
    asked = additive.NETWORK, additive.IMAGES, additive.TARGETS
    found = explained("permutation_shap", *asked, **given)["heatmap"]
    np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())


def test_a_cell_that_never_matters_gets_exactly_nothing() -> None:
    weights = randomise(additive.ARCHITECTURE, 1)
    kernel = weights["dense1.kernel"].reshape(*additive.SHAPE, -1).copy()
    kernel[:3, 4:8] = 0
    weights["dense1.kernel"] = kernel.reshape(-1, kernel.shape[-1])
    network = runtime.build(additive.ARCHITECTURE, weights)
    asked = network, additive.IMAGES, additive.TARGETS
    found = explained("permutation_shap", *asked, score="probability", grid="3")["heatmap"]
    assert not found[:, :3, 4:8].any()
    assert (np.abs(found[:, 3:]) > 1e-6).all()


def test_a_grid_of_more_cells_than_pixels_is_refused() -> None:
    with pytest.raises(BadInput, match="grid=7 of permutation_shap: the image has 6 pixels"):
        METHOD.draws(METHOD.resolve({}), ARCHITECTURE, "input", 0)
