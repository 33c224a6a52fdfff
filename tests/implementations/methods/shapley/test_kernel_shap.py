"""KernelSHAP: the Shapley value where all sets are taken, exact sums and exact linear networks."""

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

METHOD = methods.load("kernel_shap")
PAGE = METHOD.module
ARCHITECTURE = get("cnn-gap", (6, 6, 2), 4)
WEIGHTS = randomise(ARCHITECTURE, 1)
NETWORK = runtime.build(ARCHITECTURE, WEIGHTS)
IMAGES, TARGETS = np.random.default_rng(2).random((2, 6, 6, 2)), np.array([3, 0], np.int32)


@pytest.mark.parametrize("seed", range(3))
def test_all_proper_subsets_of_six_give_the_shapley_value(seed: int) -> None:
    game = games.Game(6, seed)
    members = PAGE.subsets(6, 62, np.random.default_rng(0))
    assert len(np.unique(members, axis=0)) == 62
    assert not members.all(axis=1).any()
    assert members.any(axis=1).all()
    scores = np.append(game(members), game.values[-1]) - game.values[0]
    found = PAGE.solution(members, 62) @ scores
    np.testing.assert_allclose(found, game.shapley(), atol=1e-14)


def test_sets_are_drawn_as_defined_each_followed_by_its_complement() -> None:
    options = METHOD.resolve({"samples": "200", "grid": "4"})
    drawn = METHOD.draws(options, ARCHITECTURE, "input", 3)["members"]
    random = np.random.Generator(np.random.PCG64(3))
    chances = [1 / (k * (16 - k)) for k in range(1, 16)]
    sizes = random.choice(np.arange(1, 16), 100, p=np.array(chances) / sum(chances))
    ranks = random.random((100, 16)).argsort(axis=1).argsort(axis=1)
    np.testing.assert_array_equal(drawn[1:-1:2], ranks < sizes[:, None])
    np.testing.assert_array_equal(drawn[2:-1:2], ranks >= sizes[:, None])
    assert not drawn[0].any()
    assert drawn[-1].all()


@pytest.mark.parametrize(("grid", "samples"), [(1, 2), (2, 1000), (4, 60), (5, 200)])
def test_values_add_up_to_the_score_less_that_of_the_blank_image(grid: int, samples: int) -> None:
    given = {"grid": str(grid), "samples": str(samples), "fill": "0.2"}
    found = explained("kernel_shap", NETWORK, IMAGES, TARGETS, score="probability", **given)
    options = METHOD.resolve(given, "probability")
    cell = METHOD.draws(options, ARCHITECTURE, "input", 0)["cell"]
    first = [np.argmax(cell.ravel() == number) for number in range(grid**2)]
    blank = np.full_like(IMAGES, 0.2)
    expected = NETWORK.score("probability", NETWORK(IMAGES), TARGETS)
    expected = expected - NETWORK.score("probability", NETWORK(blank), TARGETS)
    total = found["heatmap"].reshape(2, -1)[:, first].sum(axis=1)
    np.testing.assert_allclose(total, expected, rtol=1e-11)
    evaluated = METHOD.draws(options, ARCHITECTURE, "input", 0)["members"]
    assert METHOD.cost(options, ARCHITECTURE, "input").evaluations == len(evaluated)


@pytest.mark.parametrize(
    ("grid", "fill", "samples"), [(2, 0.0, 14), (3, 0.5, 100), (7, 0.0, 400), (9, 0.25, 600)]
)
def test_a_linear_network_has_its_own_cells(grid: int, fill: float, samples: int) -> None:
    given = {"grid": str(grid), "fill": str(fill), "samples": str(samples)}
    expected = additive.painted(additive.cell_values(grid, fill), grid)
    asked = additive.NETWORK, additive.IMAGES, additive.TARGETS
    found = explained("kernel_shap", *asked, **given)["heatmap"]
    np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())


def test_shap_has_the_same_where_both_take_all_sets() -> None:
    shap = pytest.importorskip("shap")
    small = get("cnn-gap", (3, 3, 1), 4)
    network = runtime.build(small, randomise(small, 1))
    image = IMAGES[:1, :3, :3, :1]

    def scores(rows: np.ndarray) -> np.ndarray:
        return network(rows.reshape(-1, 3, 3, 1))[:, 3]

    explainer = shap.KernelExplainer(scores, np.zeros((1, 9)))
    expected = explainer.shap_values(
        image.reshape(1, 9), nsamples=510, l1_reg="num_features(9)", silent=True
    )
    found = explained("kernel_shap", network, image, np.array([3]), grid="3")["heatmap"]
    peak = np.abs(expected).max()
    np.testing.assert_allclose(found.reshape(1, 9), expected, atol=1e-9 * peak)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"grid": "7"}, "grid=7 of kernel_shap: the image has 6 pixels a side"),
        ({"samples": "101"}, "samples=101 of kernel_shap must be even"),
        ({"samples": "40", "grid": "6"}, "samples=40 of kernel_shap leaves .* 36 cells open"),
    ],
)
def test_bad_input_is_one_line(given: dict[str, str], line: str) -> None:
    with pytest.raises(BadInput, match=line) as raised:
        METHOD.draws(METHOD.resolve(given), ARCHITECTURE, "input", 0)
    assert "\n" not in str(raised.value)
