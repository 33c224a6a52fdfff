"""Average drop and what comes with it: closed forms of an additive score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.metrics import average_drop

Make = Callable[..., Any]
MASKING = ("average_drop", "increase", "gain", "mask_area")
C = np.array([0.5, 0.25, 0.15, 0.1]).reshape(2, 2, 1)


def values(case: Any) -> np.ndarray:
    return np.stack([case.value(name) for name in MASKING])


def test_one_place_of_an_additive_score(model: Make, case: Make) -> None:
    one_hot = np.zeros((1, 2, 2))
    one_hot[0, 0, 0] = 3
    found = values(case(one_hot, model(C * 0.8)))
    np.testing.assert_allclose(found[:, 0], [0.5, 0, 0, 0.25], atol=1e-6)


def test_what_rises_is_a_gain_over_what_was_left(model: Make, case: Make) -> None:
    """With a score that falls by c where the pixel is kept: 0.5 - 0.2 + ..."""
    weights = np.array([0.6, -0.2, 0.0, 0.0]).reshape(2, 2, 1)
    mask = np.array([[[1.0, 0.0], [1.0, 1.0]]])
    found = values(case(mask, model(weights)))
    np.testing.assert_allclose(found[:, 0], [0, 1, 0.2 / 0.6, 0.75], atol=1e-6)


def test_the_uniform_map_drops_nothing_exactly(linear_model: Make, case: Make) -> None:
    weights = np.random.default_rng(0).normal(size=(6, 5, 3))
    images = np.random.default_rng(1).random((4, 6, 5, 3), np.float32)
    uniform = np.full((4, 6, 5), 0.3)
    found = values(case(uniform, linear_model(weights, fill=0.471), images))
    np.testing.assert_array_equal(found, np.repeat([[0], [0], [0], [1]], 4, axis=1))


def test_a_zero_or_negative_map_keeps_nothing(model: Make, case: Make) -> None:
    of = model(C * 0.9)
    of.fill = np.array([0.5], np.float32)
    for maps in (np.zeros((1, 2, 2)), np.full((1, 2, 2), -2.0)):
        found = values(case(maps, of))
        np.testing.assert_allclose(found[:, 0], [0.5, 0, 0, 0], atol=1e-6)


def test_the_rest_is_summed_from_the_other_classes(linear_model: Make, case: Make) -> None:
    """1 - f is e^-60 here, and the gain is still known."""
    weights = np.array([60.0, -5.0]).reshape(1, 2, 1)
    found = values(case(np.array([[[1.0, 0.0]]]), linear_model(weights)))
    np.testing.assert_allclose(found[:, 0], [0, 1, 1 - np.exp(-5), 0.5], rtol=1e-5)


def test_scale_order_batch_and_precision_do_not_matter(linear_model: Make, case: Make) -> None:
    weights = np.random.default_rng(0).normal(size=(6, 8, 3))
    images = np.random.default_rng(1).random((5, 6, 8, 3), np.float32)
    maps = np.random.default_rng(2).normal(size=(5, 6, 8)).astype(np.float32)
    whole = values(case(maps, linear_model(weights, 0.2), images))
    order = np.array([3, 0, 4, 1, 2])
    for factor in (1e-30, 7.0, 1e30):
        scaled = maps[order].astype(float) * factor
        again = values(case(scaled, linear_model(weights, 0.2, 64), images[order]))
        np.testing.assert_allclose(again, whole[:, order], atol=1e-6)
    maps[2, 0, 0] = np.nan
    found = values(case(maps, linear_model(weights, 0.2), images))
    np.testing.assert_array_equal(found, np.where(np.arange(5) == 2, np.nan, whole))
    assert average_drop.METRIC.budget((28, 28)) == 1


def test_the_image_itself_is_asked_for_once(model: Make, case: Make) -> None:
    of = model(C)
    values(case(np.ones((1, 2, 2)), of))
    values(case(np.eye(2)[None], of))
    assert of.evaluations == 3
