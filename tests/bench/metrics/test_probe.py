"""Infidelity and faithfulness correlation: closed forms of a linear network, the windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.metrics import Case, infidelity
from bench.subject.draws import Draws

Make = Callable[..., Any]
PROBES = ("infidelity", "faithfulness_correlation")
SHAPE = (4, 14, 12, 2)
IMAGES = np.random.default_rng(0).random(SHAPE, np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=SHAPE[1:])
TIMES = (IMAGES * WEIGHTS).sum(axis=3)


@pytest.fixture
def values(linear_model: Make) -> Callable[..., np.ndarray]:
    def measure(maps: Any, images: Any = IMAGES, fill: float = 0.0, batch: int = 7) -> np.ndarray:
        targets, draws = np.zeros(len(images), np.int32), Draws(np.arange(len(images)))
        model = linear_model(WEIGHTS, fill, batch)
        case = Case(np.asarray(maps), images=images, targets=targets, model=model, draws=draws)
        return np.stack([case.value(name) for name in PROBES])

    return measure


def test_the_windows_are_these() -> None:
    found = infidelity.windows(28, 28)
    assert [each.masks.shape[0] for each in found] == [169, 49, 9]
    assert [each.masks[0].sum() for each in found] == [16, 49, 196]
    quarter = [int(row.argmax()) for row in found[1].rows]
    assert quarter == [0, 4, 8, 12, 16, 20, 21], "one is flush with the edge"
    assert [each.masks.shape[0] for each in infidelity.windows(224, 224)] == [169, 49, 9]
    uneven = infidelity.windows(10, 7)
    assert [each.masks[0].sum() for each in uneven] == [1, 4, 16]
    maps = np.random.default_rng(0).normal(size=(2, 10, 7))
    for each in uneven:
        assert each.masks.any(axis=0).all()
        expected = (each.masks[None] * maps[:, None]).sum(axis=(2, 3))
        np.testing.assert_allclose(each.sums(maps), expected, atol=1e-12)
    assert infidelity.windows(1, 1)[2].masks.all()


def test_input_times_gradient_of_a_linear_network_is_exact(values: Make) -> None:
    for factor in (1, 5, 1e-30, 1e30):
        found = values(factor * TIMES)
        np.testing.assert_allclose(found, [[0] * 4, [1] * 4], atol=1e-6)
        np.testing.assert_allclose(values(-factor * TIMES), [[1] * 4, [-1] * 4], atol=1e-6)
    filled = ((IMAGES - 0.5) * WEIGHTS).sum(axis=3)
    np.testing.assert_allclose(values(filled, fill=0.5), [[0] * 4, [1] * 4], atol=1e-6)


def test_it_is_one_less_the_square_of_a_cosine(values: Make) -> None:
    maps = np.random.default_rng(2).normal(size=SHAPE[:3]) + TIMES
    of = infidelity.windows(14, 12)
    drops = np.concatenate([each.sums(TIMES) for each in of], axis=1)
    sums = np.concatenate([each.sums(maps) for each in of], axis=1)
    counts = [len(each.masks) for each in of]
    u = np.repeat(1 / (3 * np.array(counts)), counts)
    cosines = (u * drops * sums).sum(axis=1) / np.sqrt(
        (u * drops**2).sum(axis=1) * (u * sums**2).sum(axis=1)
    )
    assert (cosines > 0).any()
    np.testing.assert_allclose(values(maps)[0], 1 - np.maximum(cosines, 0) ** 2, atol=1e-6)


def test_a_constant_added_leaves_the_correlation(values: Make) -> None:
    maps = np.random.default_rng(2).normal(size=SHAPE[:3])
    np.testing.assert_allclose(values(maps + 3)[1], values(maps)[1], atol=1e-9)


def test_what_says_nothing(values: Make) -> None:
    zero = values(np.zeros(SHAPE[:3]))
    np.testing.assert_array_equal(zero[0], 1)
    assert np.isnan(zero[1]).all() and np.isnan(values(np.full(SHAPE[:3], 0.1))[1]).all()
    blank = np.zeros(SHAPE, np.float32)
    assert np.isnan(values(TIMES, images=blank)).all(), "nothing moves the logit"


def test_uniform_can_score_well_below_one_where_large_windows_drop_more(linear_model: Make) -> None:
    model = linear_model(np.ones((14, 14, 1)))
    images = np.ones((1, 14, 14, 1), np.float32)
    case = Case(np.ones((1, 14, 14)), images=images, targets=np.zeros(1, int), model=model)
    assert case.value("infidelity") == pytest.approx(0, abs=1e-12)


def test_order_batch_and_precision_do_not_matter(values: Make) -> None:
    maps = np.random.default_rng(2).normal(size=SHAPE[:3]).astype(np.float32)
    order = np.array([2, 0, 3, 1])
    again = values(maps[order].astype(float), IMAGES[order], batch=64)
    np.testing.assert_allclose(again, values(maps)[:, order], atol=1e-12)


def test_a_nan_map_makes_one_nan_and_the_drops_are_shared(linear_model: Make) -> None:
    model = linear_model(WEIGHTS)
    about = {"images": IMAGES, "targets": np.zeros(4, np.int32), "model": model}
    maps = np.random.default_rng(2).normal(size=SHAPE[:3])
    whole = [Case(maps, **about).value(name) for name in PROBES]
    asked = model.evaluations
    maps[1, 2, 3] = np.inf
    found = [Case(maps, **about).value(name) for name in PROBES]
    for a, b in zip(found, whole, strict=True):
        np.testing.assert_array_equal(a, np.where(np.arange(4) == 1, np.nan, b))
    each = 1 + sum(len(of.masks) for of in infidelity.windows(14, 12))
    assert model.evaluations == asked == 4 * each
    assert infidelity.METRIC.budget((28, 28)) == 0
