"""Planted conventions are found, or others that give the same maps; noise is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.truth import diagnosis
from bench.truth.fitting import fit
from bench.truth.question import Question
from bench.truth.residual import pattern
from implementations import conventions
from implementations.architecture import graph
from implementations.architecture.weights import randomise
from implementations.arrays import Floats
from implementations.conventions import Convention
from implementations.oracle import runtime

NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 6, "kernel": 3},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "pool1", "kind": "max_pool", "inputs": "relu1", "size": 2, "stride": 2},
    {"name": "conv2", "kind": "conv", "inputs": "pool1", "filters": 8, "kernel": 3},
    {"name": "relu2", "kind": "relu", "inputs": "conv2"},
    {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
    {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 5},
]
ARCHITECTURE = graph.parse({"input_shape": [14, 14, 3], "classes": 5, "nodes": NODES}, "small")
RANDOM = np.random.default_rng(3)
IMAGES = RANDOM.random((10, 14, 14, 3))
TARGETS = np.array([0, 3, 1, 4, 2, 2, 0, 1, 3, 0])
SIZE = (14, 14)


def question(
    maps: Floats, layer: str = "relu2", formula: str = "grad_cam", seed: int = 1
) -> Question:
    network = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, seed))
    return Question(network, IMAGES, TARGETS, maps, layer, formula)


def planted(convention: Convention, layer: str = "relu2", epsilon: float = 0.0) -> Floats:
    """The maps of a convention, as a library in float32 would give them."""
    answer = question(np.zeros((10, *SIZE)), layer).evidence(convention)
    assert answer is not None
    signed = conventions.combine(convention, *answer)
    made = conventions.finish(convention, signed, SIZE)
    before = conventions.rectified(convention, signed)
    found = conventions.normalised(convention, made, before, epsilon)
    return found.astype(np.float32).astype(np.float64)


def quiet(text: str) -> None:
    assert text


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"score": "probability"},
        {"layer": "partner"},
        {"formula": "hires_cam", "resize": "align corners"},
        {"rectify": "none", "normalise": "min_max"},
        {"gradient": "positive part", "resize": "bicubic -0.75"},
        {"pairing": "gradient of the partner"},
        {"rule": "guided"},
        {"input": "colours reversed"},
        {"input": "rows of the batch turned round"},
        {"score": "sum of all logits"},
        {"layer": "relu1"},
        {"target": "predicted", "rectify": "after resizing"},
        {"normalise": "min_max before resizing", "resize": "cubic spline"},
        {"formula": "grad_cam_plus_plus, alpha rescaled"},
        {"rectify": "none", "normalise": "sum"},  # some of the sums are negative
    ],
    ids=lambda changed: " ".join(changed.values()) or "canonical",
)
def test_what_was_planted_is_found(changed: dict[str, str]) -> None:
    """Or an equal at the same cost, or a cheaper one, which gives the very maps too."""
    convention = Convention(**changed)
    maps = planted(convention)
    found = diagnosis.diagnose(question(maps), 120, quiet)
    assert found.found
    cost = convention.cost()
    assert found.found[0].cost <= cost
    assert found.found[0].cost < cost or convention in [each.convention for each in found.found]
    for each in found.found:
        again = planted(each.convention, epsilon=each.epsilon)
        np.testing.assert_allclose(again, maps, atol=1e-5 * np.ptp(maps))


def test_an_epsilon_is_solved_for() -> None:
    maps = planted(Convention(normalise="max plus epsilon"), epsilon=0.02)
    (found, *_) = diagnosis.diagnose(question(maps), 60, quiet).found
    assert found.convention.normalise == "max plus epsilon"
    assert found.epsilon == pytest.approx(0.02, rel=1e-3)


@pytest.mark.parametrize("formula", ["saliency", "sum of magnitudes", "gradient_x_input"])
def test_maps_at_the_input_too(formula: str) -> None:
    convention = Convention(formula=formula, rectify="none")
    found = diagnosis.diagnose(
        question(planted(convention, "input"), "input", "saliency"), 60, quiet
    )
    assert convention in [each.convention for each in found.found]
    assert found.found[0].cost == (formula != "saliency")


def test_eight_bit_maps_are_read_as_such() -> None:
    exact = planted(Convention(normalise="max"))
    found = diagnosis.diagnose(question(np.round(exact * 255) / 255), 60, quiet)
    assert found.found and found.found[0].convention.normalise == "max"


@pytest.mark.parametrize("kind", ["noise", "other images", "another network", "turned over"])
def test_what_is_no_convention_is_not_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "FAR", 2)
    maps = planted(Convention())
    asked = question(maps, seed=2 if kind == "another network" else 1)
    if kind == "noise":
        asked = question(np.random.default_rng(5).random(maps.shape))
    if kind == "other images":
        asked = question(np.roll(maps, 1, axis=0))
    if kind == "turned over":
        asked = question(-maps)
    found = diagnosis.diagnose(asked, 120, quiet)
    assert not found.found and found.levels == 2 and found.tried > 100
    assert found.nearest is not None
    # Turned over, it is another convention's map to the last digit, but for the sign.
    assert (found.nearest.errors.max() > 1e-3) == (kind != "turned over")
    told = pattern(asked, found.nearest.convention)
    assert ("other images" in told) == (kind == "other images"), told
    assert ("the sign is turned over" in told) == (kind == "turned over"), told


def test_maps_that_tell_nothing_are_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "FAR", 1)
    found = diagnosis.diagnose(question(np.zeros((10, *SIZE))), 20, quiet)
    assert not found.found


def test_the_time_given_is_kept() -> None:
    found = diagnosis.diagnose(question(np.random.default_rng(6).random((10, *SIZE))), 0.2, quiet)
    assert found.seconds < 5 and not found.found


def test_the_cheapest_come_first_and_what_is_nearest_to_the_picture_before_the_rest() -> None:
    canonical = Convention()
    one = diagnosis.Found(replace(canonical, score="probability"), 1, np.zeros(1))
    other = diagnosis.Found(replace(canonical, normalise="sum"), 1, np.zeros(1))
    assert diagnosis._ordered([one, other]) == (other, one)


def test_a_map_that_is_too_large_to_be_squared_is_fitted_as_any_other() -> None:
    made = np.random.default_rng(3).random((2, 4, 5))
    user = 3 * made + 1
    for factor in (1.0, 1e200, 1e-200):
        fitted, slopes = fit(user, factor * made)
        np.testing.assert_allclose(fitted, user, rtol=1e-12)
        np.testing.assert_allclose(slopes * factor, 3, rtol=1e-12)
    fitted, slopes = fit(user, np.ones_like(made))
    assert not slopes.any() and np.allclose(fitted, user.mean(axis=(1, 2), keepdims=True))


def test_a_map_that_is_too_faint_for_a_slope_is_fitted_without_a_warning() -> None:
    made = np.random.default_rng(3).random((2, 4, 5))
    fitted, slopes = fit(made, 1e-309 * made)
    np.testing.assert_allclose(fitted, made, rtol=1e-6)
    assert np.isinf(slopes).all()


def test_one_image_that_rounding_decides_is_left_out_and_named() -> None:
    """Of images near a kink, as on a path's many points, one may be off, by a little."""
    asked = question(planted(Convention()))
    asked.margins = np.full(10, 1e-8)
    asked.maps[4, 2, 3] += 1e-3 * np.ptp(asked.maps[4])
    found = diagnosis.diagnose(asked, 30, quiet, excusing=True)
    assert found.found[0].cost == 0 and found.found[0].excused == (4,)
    made = diagnosis.reproduced(asked, found.found[0])
    assert 0.9e-3 < np.abs(made - asked.maps)[4].max() / np.ptp(asked.maps[4]) < 1.1e-3
    convention, answer = Convention(), asked.evidence(Convention())
    assert answer is not None
    assert not diagnosis.explained(asked, convention, answer)[0]  # where it was not asked for
    asked.margins = np.where(np.arange(10) == 4, 1e-5, 1e-8)  # not near enough
    assert not diagnosis.explained(asked, convention, answer, excusing=True)[0]
    asked.margins = np.full(10, 1e-8)
    asked.maps[5, 2, 3] += 1e-3 * np.ptp(asked.maps[5])  # two are too many
    assert not diagnosis.explained(asked, convention, answer, excusing=True)[0]


def test_how_near_a_kink_images_are_is_the_oracles_to_say() -> None:
    assert (question(np.zeros((10, *SIZE))).margins > 0).all()
    path = question(np.zeros((10, *SIZE)), "input", "integrated_gradients").margins
    assert path.shape == (10,) and (path < question(np.zeros((10, *SIZE)), "input").margins).all()
