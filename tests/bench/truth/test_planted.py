"""A few conventions of the whole space, planted and found again: the soak test has hundreds."""

from __future__ import annotations

import numpy as np
import pytest

from bench.truth import diagnosis
from experiments.diagnoses import planted
from experiments.diagnoses.planted import KINDS, NONE, Plant

SOME = 2 * len(KINDS)


@pytest.fixture(scope="module")
def plants() -> list[Plant]:
    return list(planted.plants(SOME, seed=11))


@pytest.mark.parametrize("number", range(SOME))
def test_what_is_drawn_from_the_whole_space_is_found(number: int, plants: list[Plant]) -> None:
    found, told = planted.recovered(plants[number])
    assert found, (plants[number], told.found or told.nearest)


@pytest.mark.parametrize("why", NONE)
def test_what_no_convention_explains_is_not_found(
    why: str, plants: list[Plant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "FAR", 2)
    told = planted.unexplained(plants[0], why)
    assert not told.found and told.levels == 2


def test_a_space_has_every_factor_and_no_dearer_convention() -> None:
    kind = KINDS[0]
    space = planted.space(kind)
    assert len(space) == len(set(space)) > 5000
    assert max(each.cost(kind.formula) for each in space) == planted.MOST
    for name in ("input", "weights", "target", "score", "layer", "rule", "pairing", "gradient",
                 "formula", "pool", "rectify", "resize", "normalise"):  # fmt: skip
        assert len({getattr(each, name) for each in space}) > 1, name


def test_maps_that_most_images_share_are_not_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of most of these images one class is predicted, whose gradient at the last ReLU is one."""
    question = planted.asked(KINDS[0])
    shared = planted.Convention(target="predicted", formula="gradients alone", normalise="max")
    maps = planted.made(question, shared)
    assert maps is not None and question.of(maps).enough
    assert not diagnosis.tells(question.of(maps), maps, np.zeros(len(maps)))
    monkeypatch.setattr(planted, "space", lambda kind: [shared, planted.Convention()])
    drawn = [plant.convention for seed in range(6) for plant in planted.plants(1, seed)]
    assert len(drawn) == 6 and shared not in drawn


def test_an_epsilon_of_a_map_that_is_scaled_twice_is_solved_for() -> None:
    kind = KINDS[0]
    question = planted.asked(kind)
    convention = planted.Convention(normalise="min_max twice plus epsilon", epsilon=0.01)
    maps = planted.made(question, convention)
    assert maps is not None
    (found, *_) = diagnosis.diagnose(question.of(maps), 60, lambda text: None).found
    assert found.convention.normalise == "min_max twice plus epsilon"
    assert found.epsilon == pytest.approx(0.01, rel=1e-3)


def test_what_libraries_state_of_a_method_is_tried() -> None:
    kind = planted.Kind("plain", "input", "lrp")
    assert "lrp[composite=epsilon,epsilon=1e-9]" in {each.formula for each in planted.space(kind)}
    kind = planted.Kind("plain", "relu2", "fem")
    assert "fem, shares of positions" in {each.formula for each in planted.space(kind)}


def test_a_layer_that_a_method_does_not_explain_is_no_answer() -> None:
    question = planted.asked(planted.Kind("plain", "relu2", "cam"))
    assert question.evidence(planted.Convention(formula="cam")) is None
