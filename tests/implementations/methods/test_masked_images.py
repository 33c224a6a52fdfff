"""What all methods of masked images have in common, over any network, image, grid and draws."""

from __future__ import annotations

from itertools import permutations
from typing import Any, NamedTuple

import games
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_maps import explained

from implementations import methods
from implementations.architecture import graph
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

SHAPLEY = ("kernel_shap", "permutation_shap", "partition_shap")
SMALL = {
    "kernel_shap": {"samples": "60"},
    "lime": {"samples": "60"},
    "occlusion": {"window": "2", "stride": "2"},
    "partition_shap": {},
    "permutation_shap": {"permutations": "2"},
    "rise": {"masks": "8", "side": "3"},
}
"""The methods, each with few evaluations."""


class Case(NamedTuple):
    """Images, a network's shape, and what is asked."""

    shape: tuple[int, int, int]
    grid: int
    fill: float
    seed: int

    @property
    def images(self) -> np.ndarray:
        return np.random.default_rng(self.seed).random((2, *self.shape))

    @property
    def targets(self) -> np.ndarray:
        return np.random.default_rng(self.seed + 1).integers(0, 3, 2).astype(np.int32)

    def network(self, *nodes: dict[str, Any], constant: float = 0.0) -> runtime.Reference:
        """A network of these nodes and a dense one, and a constant added to its logits."""
        named, before = [], "input"
        for position, node in enumerate([*nodes, {"kind": "dense", "units": 3}]):
            before, read = f"node{position}", before
            named.append({"name": before, "inputs": [read], **node})
        form = {"name": "case", "input_shape": list(self.shape), "classes": 3, "nodes": named}
        architecture = graph.parse(form, "case")
        network = runtime.build(architecture, randomise(architecture, self.seed))
        network.tensors[f"{before}.bias"] = network.tensors[f"{before}.bias"] + constant
        return network

    def map(self, name: str, network: runtime.Reference, **options: str) -> np.ndarray:
        """The map of a method; of those that have a grid with this one's."""
        asked = dict(SMALL[name])
        own = {"grid": str(self.grid), "fill": str(self.fill)}
        asked |= {key: value for key, value in own.items() if key in methods.load(name).options}
        asked |= options
        stages = explained(name, network, self.images, self.targets, seed=self.seed, **asked)
        found: np.ndarray = stages["heatmap"]
        return found


@st.composite
def cases(draw: st.DrawFn) -> Case:
    shape = (draw(st.integers(2, 7)), draw(st.integers(2, 7)), draw(st.sampled_from([1, 3])))
    grid = draw(st.integers(1, min(*shape[:2], 3)))
    fill = draw(st.sampled_from([0.0, 0.25, 1.0]))
    return Case(shape, grid, fill, draw(st.integers(0, 2**31)))


CURVED = ({"kind": "conv", "filters": 4, "kernel": 3}, {"kind": "relu"}, {"kind": "flatten"})
STRAIGHT = ({"kind": "flatten"}, {"kind": "dense", "units": 5})
FEW = settings(max_examples=12, deadline=None)


@pytest.mark.parametrize("name", [name for name in SMALL if name != "rise"])
@FEW
@given(case=cases(), constant=st.sampled_from([-8.0, 0.5, 64.0]))
def test_a_constant_added_to_all_logits_changes_nothing(
    name: str, case: Case, constant: float
) -> None:
    expected = case.map(name, case.network(*CURVED))
    found = case.map(name, case.network(*CURVED, constant=constant))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * abs(constant) + 1e-12)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("score", ["probability", "log_probability"])
@FEW
@given(case=cases())
def test_nor_of_a_probability_in_any_method(name: str, score: str, case: Case) -> None:
    expected = case.map(name, case.network(*CURVED), score=score)
    found = case.map(name, case.network(*CURVED, constant=8.0), score=score)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@FEW
@given(case=cases(), divide=st.sampled_from(["expectation", "coverage"]))
def test_rise_has_the_constant_times_what_its_masks_show(case: Case, divide: str) -> None:
    asked = {"score": "logit", "divide": divide}
    one = case.network(*CURVED)
    # Without a weight that is not 0 the score is the constant.
    blank = {name: np.zeros_like(array) for name, array in one.tensors.items()}
    blank["node3.bias"] = blank["node3.bias"] + 4
    shown = case.map("rise", runtime.build(one.architecture, blank), **asked)
    found = case.map("rise", case.network(*CURVED, constant=4.0), **asked)
    np.testing.assert_allclose(found, case.map("rise", one, **asked) + shown, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [*SHAPLEY, "lime"])
@FEW
@given(case=cases())
def test_a_linear_network_has_its_own_cells(name: str, case: Case) -> None:
    """In each cell the sum of the weights times what its pixels are above the fill."""
    network = case.network(*STRAIGHT)
    height, width, _ = case.shape
    rows, columns = np.arange(height) * case.grid // height, np.arange(width) * case.grid // width
    own = np.arange(2), case.targets
    expected = np.empty((2, height, width))
    for row, column in np.ndindex(height, width):
        inside = (rows == rows[row])[:, None] & (columns == columns[column])
        behind = np.where(inside[..., None], case.images, case.fill)
        blank = np.full_like(case.images, case.fill)
        expected[:, row, column] = (network(behind) - network(blank))[own]
    unbent = {"alpha": "0", "width": "1"} if name == "lime" else {}
    found = case.map(name, network, **unbent)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * max(np.abs(expected).max(), 1))


@FEW
@given(side=st.integers(1, 3), case=cases())
def test_occlusion_by_the_cell_is_that_too(side: int, case: Case) -> None:
    case = case._replace(shape=(case.grid * side, case.grid * side, 1))
    network = case.network(*STRAIGHT)
    by_window = case.map("occlusion", network, window=str(side), stride=str(side))
    by_cell = case.map("partition_shap", network)
    np.testing.assert_allclose(by_window, by_cell, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", SHAPLEY)
@FEW
@given(case=cases())
def test_values_of_cells_add_up(name: str, case: Case) -> None:
    network = case.network(*CURVED)
    found = case.map(name, network, score="probability")
    rows, columns = (-(-np.arange(case.grid) * side // case.grid) for side in case.shape[:2])
    scores = [
        network.score("probability", network(images), case.targets)
        for images in (case.images, np.full_like(case.images, case.fill))
    ]
    total = found[:, rows][:, :, columns].sum(axis=(1, 2))
    np.testing.assert_allclose(total, scores[0] - scores[1], rtol=0, atol=1e-13)


def halved(rows: list[int], columns: list[int]) -> Any:
    """The tree of a rectangle of cells in a grid of `width` columns: pairs, cells its leaves."""
    if len(rows) * len(columns) == 1:
        return rows[0] + columns[0]
    if len(rows) >= len(columns):
        half = len(rows) // 2
        return halved(rows[:half], columns), halved(rows[half:], columns)
    half = len(columns) // 2
    return halved(rows, columns[:half]), halved(rows, columns[half:])


@FEW
@given(rows=st.integers(1, 4), columns=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_contexts_of_any_rectangle_give_the_owen_recursion(
    rows: int, columns: int, seed: int
) -> None:
    game = games.Game(rows * columns, seed)
    drawn = methods.load("partition_shap").module.contexts((rows, columns))
    scores = game(drawn["members"])
    found = (scores[drawn["after"]] - scores[drawn["before"]]).mean(axis=0)
    tree = halved(list(range(0, rows * columns, columns)), list(range(columns)))
    np.testing.assert_allclose(found, game.owen(tree), rtol=0, atol=1e-13)


@FEW
@given(players=st.integers(2, 6), seed=st.integers(0, 2**31))
def test_all_sets_and_all_orders_give_the_shapley_value(players: int, seed: int) -> None:
    game = games.Game(players, seed)
    kernel, permutation = (
        methods.load(f"{name}_shap").module for name in ("kernel", "permutation")
    )
    members = kernel.subsets(players, 2**players, np.random.default_rng(seed))
    scores = np.append(game(members), game.values[-1]) - game.values[0]
    by_sets = kernel.solution(members, 2**players) @ scores
    paths = permutation.paths(np.array(list(permutations(range(players)))))
    scores = game(paths["members"])
    by_orders = (scores[paths["after"]] - scores[paths["before"]]).mean(axis=0)
    np.testing.assert_allclose(by_sets, game.shapley(), rtol=0, atol=1e-13)
    np.testing.assert_allclose(by_orders, game.shapley(), rtol=0, atol=1e-13)
