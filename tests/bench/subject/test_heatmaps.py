from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.subject.heatmaps import (
    NORMALISERS,
    constant,
    normalise,
    relative_error,
    top_share,
    unit_rows,
    zero_maps,
)
from implementations.errors import BadInput

VALUES = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))
MAPS = arrays(np.float64, (3, 4, 5), elements=VALUES)


def test_error_is_relative_to_the_reference_of_each_image() -> None:
    a = np.zeros((2, 2, 2))
    a[0, 0, 1], a[1, 1, 1] = 0.5, 0.5
    scale = np.zeros((2, 2, 2))
    scale[0, 1, 0], scale[1, 0, 0] = -2, 10
    np.testing.assert_allclose(relative_error(a, np.zeros_like(a), scale), [0.25, 0.05])


def test_zero_maps_are_compared_by_absolute_error() -> None:
    a = np.zeros((2, 3, 3))
    a[1, 0, 0] = 1e-3
    np.testing.assert_array_equal(zero_maps(a), [True, False])
    zero = np.zeros_like(a)
    np.testing.assert_allclose(relative_error(a, zero, zero), [0, 1e-3])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["a", "b", "scale", "all"])
def test_what_is_not_finite_never_passes(bad: float, place: str) -> None:
    maps = {name: np.ones((2, 3, 3)) for name in ("a", "b", "scale")}
    for name in maps if place == "all" else (place,):
        maps[name][1, 2, 0] = bad
    np.testing.assert_array_equal(relative_error(**maps) <= 1e30, [True, False])


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(BadInput, match="cannot be compared"):
        relative_error(np.ones((2, 3, 3)), np.ones((2, 3, 4)), np.ones((2, 3, 3)))


@settings(max_examples=25, deadline=None)
@given(MAPS, MAPS)
def test_error_is_symmetric_and_independent_of_unit(a: np.ndarray, b: np.ndarray) -> None:
    error = relative_error(a, b, a)
    np.testing.assert_array_equal(error, relative_error(b, a, a))
    zero = zero_maps(a)
    np.testing.assert_allclose(relative_error(8 * a, 8 * b, 8 * a)[~zero], error[~zero])
    assert not relative_error(a, a, a).any()


@settings(max_examples=25, deadline=None)
@given(MAPS, st.sampled_from(NORMALISERS))
def test_normalisers_keep_shape_and_type_and_zero(a: np.ndarray, how: str) -> None:
    maps = a.astype(np.float32)
    maps[0] = 0
    scaled = normalise(maps, how)
    assert scaled.shape == maps.shape
    assert scaled.dtype == np.float32
    assert not scaled[0].any()
    if how == "none":
        np.testing.assert_array_equal(scaled, maps)
        return
    peaks, positive = scaled.max(axis=(1, 2)), maps.max(axis=(1, 2)) > 0
    if how == "min_max":
        np.testing.assert_array_equal(peaks, (~constant(maps)).astype(np.float32))
        assert (scaled.min(axis=(1, 2)) == 0).all()
    else:
        np.testing.assert_array_equal(peaks[positive], 1)
        assert how == "max" or (scaled >= 0).all()


def test_a_map_without_a_positive_value_is_left_as_it_is_by_max() -> None:
    maps = np.full((1, 2, 2), -3.0)
    np.testing.assert_array_equal(normalise(maps, "max"), maps)
    np.testing.assert_array_equal(normalise(maps, "relu_max"), 0)


def test_unknown_normaliser_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="min_max"):
        normalise(np.ones((1, 2, 2)), "minmax")


def test_unit_rows_keep_what_would_vanish_when_squared() -> None:
    np.testing.assert_allclose(unit_rows(np.array([[[1e-300, -2e-300]]])), [[0.5, -1]])


@settings(max_examples=25, deadline=None)
@given(MAPS, st.lists(st.integers(0, 20), min_size=3, max_size=3))
def test_top_shares_add_up_to_the_count(a: np.ndarray, counts: list[int]) -> None:
    count = np.array(counts)
    share = top_share(a, count)
    np.testing.assert_allclose(share.sum(axis=1), count)
    assert ((share >= 0) & (share <= 1)).all()


def test_ties_share_the_places_left() -> None:
    share = top_share(np.array([[[3.0, 1.0], [1.0, 0.0]]]), np.array([2]))
    np.testing.assert_array_equal(share, [[1, 0.5, 0.5, 0]])
    for bad in (np.nan, np.inf, -np.inf):
        assert np.isnan(top_share(np.array([[[bad, 1.0]]]), np.array([1]))).all()
        assert np.isnan(unit_rows(np.array([[[bad, 1.0]]]))).all()
