"""Metrics of the map alone: closed forms, and what holds for any map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench import metrics
from implementations.arrays import resize
from implementations.libraries.control import CONTROLS

OF_MAP = [name for name in metrics.names() if not metrics.load(name).card.needs]
MAPS = arrays(np.float64, (3, 6, 5), elements=st.integers(-9, 9).map(float))


def measure(name: str, maps: np.ndarray) -> np.ndarray:
    return metrics.Case(maps).value(name)


def test_these_need_nothing_but_the_map() -> None:
    assert OF_MAP == ["effective_resolution", "sparseness"]


@pytest.mark.parametrize("k", [1, 3, 29, 30])
def test_sparseness_of_equal_values_among_zeros(k: int) -> None:
    values = np.zeros(30)
    values[:k] = -2.5
    values = np.random.default_rng(k).permutation(values).reshape(1, 6, 5)
    assert measure("sparseness", values) == pytest.approx(1 - k / 30, abs=1e-12)


def test_sparseness_by_all_pairs() -> None:
    """The Gini index is half the mean difference of two values over their mean."""
    maps = np.random.default_rng(0).normal(size=(4, 5, 7))
    flat = np.abs(maps.reshape(4, -1))
    differences = np.abs(flat[:, :, None] - flat[:, None]).mean(axis=(1, 2))
    expected = differences / (2 * flat.mean(axis=1))
    np.testing.assert_allclose(measure("sparseness", maps), expected, rtol=1e-12)


@pytest.mark.parametrize("mode", [1, 2, 5, 11])
def test_a_cosine_of_a_mode_needs_one_cell_more(mode: int) -> None:
    wave = np.cos(np.pi * mode * (np.arange(12) + 0.5) / 12)
    down = np.broadcast_to(wave[:, None], (12, 12))
    found = measure("effective_resolution", np.stack([down, down.T, 7 - 3 * down]))
    np.testing.assert_array_equal(found, mode + 1)


def test_a_wave_across_counts_in_proportion_where_the_image_is_not_square() -> None:
    wave = np.cos(np.pi * 6 * (np.arange(24) + 0.5) / 24)
    across = np.broadcast_to(wave, (1, 12, 24))
    assert measure("effective_resolution", across) == 4  # mode 6 of 24 is mode 3 of 12
    assert measure("effective_resolution", across.transpose(0, 2, 1)) == 7


def test_noise_needs_all_cells_and_a_coarse_map_as_many_as_it_has() -> None:
    generator = np.random.default_rng(0)
    noise = measure("effective_resolution", generator.normal(size=(50, 28, 28)))
    assert 28 * np.sqrt(0.95) < noise.mean() <= 28
    for side, low, high in ((4, 4, 6), (7, 7, 9), (14, 14, 16)):
        coarse = resize(generator.normal(size=(50, side, side)), (28, 28))
        found = measure("effective_resolution", coarse)
        assert low - 1 <= np.percentile(found, 5) and np.percentile(found, 95) <= high
    centre = CONTROLS["centre"](np.zeros((1, 28, 28, 1)))
    assert measure("effective_resolution", centre) == 3


def test_what_is_undefined() -> None:
    flat = np.stack([np.zeros((4, 4)), np.full((4, 4), 0.1), np.eye(4)])
    assert np.isnan(measure("sparseness", flat)).tolist() == [True, False, False]
    assert measure("sparseness", flat)[1] == pytest.approx(0, abs=1e-12)
    assert np.isnan(measure("effective_resolution", flat)).tolist() == [True, True, False]


@pytest.mark.parametrize("name", OF_MAP)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_undefined_alone(name: str, bad: float) -> None:
    maps = np.random.default_rng(0).normal(size=(3, 4, 6))
    whole = measure(name, maps)
    maps[1, 2, 3] = bad
    found = measure(name, maps)
    np.testing.assert_array_equal(found, [whole[0], np.nan, whole[2]])


@pytest.mark.parametrize("name", OF_MAP)
@settings(max_examples=25, deadline=None)
@given(maps=MAPS, power=st.integers(-200, 200), half=st.booleans())
def test_scale_order_and_precision_do_not_matter(
    name: str, maps: np.ndarray, power: int, half: bool
) -> None:
    values = measure(name, maps)
    known = values[~np.isnan(values)]
    assert ((known >= 0) & (known <= 6)).all()
    again = maps[::-1].astype(np.float32) if half else maps[::-1] * 2.0**power
    np.testing.assert_allclose(measure(name, again), values[::-1], atol=1e-12)
