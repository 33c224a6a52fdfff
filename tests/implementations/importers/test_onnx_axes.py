"""The atoms against NumPy's own transpose and reshape of numbered values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from implementations.importers.onnx.axes import length, merged, places, regroup, whole

SIZES = st.tuples(*[st.integers(1, 6)] * 3)


def numbered(axes, steps):
    """The numbers of the values where these axes lie, the batch left out."""
    found = np.zeros((), int)
    for axis in axes:
        found = found[..., None] + places(axis, steps)
    return found


@given(SIZES, st.permutations([0, 1, 2]), st.data())
def test_values_stay_where_numpy_puts_them(sizes, order, data):
    steps = {"H": sizes[1] * sizes[2], "W": sizes[2], "C": 1}
    array = np.arange(math.prod(sizes)).reshape(sizes).transpose(order)
    axes = tuple(whole(*pair) for pair in zip("HWC", sizes, strict=True))
    axes = tuple(axes[n] for n in order)
    np.testing.assert_array_equal(numbered(axes, steps), array)
    # Merge two axes, and split them again elsewhere, where that is even.
    merge = data.draw(st.integers(0, 1))
    held = [*array.shape]
    held[merge : merge + 2] = [held[merge] * held[merge + 1]]
    axes = regroup(axes, held)
    array = array.reshape(held)
    np.testing.assert_array_equal(numbered(axes, steps), array)
    assert tuple(map(length, axes)) == array.shape
    again = regroup(axes, [math.prod(held)])
    np.testing.assert_array_equal(numbered(again, steps), array.ravel())


@given(SIZES)
def test_merging_and_splitting_again_changes_nothing(sizes):
    axes = tuple(whole(*pair) for pair in zip("HWC", sizes, strict=True))
    joined = regroup(axes, [math.prod(sizes)])
    assert regroup(joined, sizes) == axes
    assert merged(joined[0]) == joined[0]


def test_images_in_one_row_become_images_again():
    axes = (whole("N", 3), whole("H", 4), whole("C", 2))
    row = regroup(axes, [24])
    assert row == ((*axes[0], *axes[1], *axes[2]),)
    assert regroup(row, [3, 8]) == (axes[0], (*axes[1], *axes[2]))


@pytest.mark.parametrize(
    ("sizes", "said"),
    [([2, 12], "reshapes the batch"), ([6, 4], "reshapes the batch"), ([3, 5], "unevenly"),
     ([3, 2, 2], "do not fit"), ([3, 3, 3], "unevenly")],
)  # fmt: skip
def test_what_no_reshape_can_do_is_refused(sizes, said):
    axes = (whole("N", 3), whole("C", 8))
    with pytest.raises(ValueError, match=said):
        regroup(axes, sizes)
