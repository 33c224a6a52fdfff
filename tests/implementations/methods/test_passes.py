"""Blocks are of one size, within the capacity, and cover everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from implementations.methods.passes import blocks, parts

COUNTS = st.integers(1, 300)


@given(COUNTS, COUNTS)
def test_blocks_put_side_by_side_are_everything_once(count: int, most: int) -> None:
    things, found, sizes = np.arange(count), [], set()
    for some, known in blocks(count, most):
        sizes.add(len(things[some]))
        found.append(things[some][known:])
    np.testing.assert_array_equal(np.concatenate(found), things)
    assert len(sizes) == 1
    assert sizes.pop() <= most


@given(COUNTS, COUNTS)
def test_parts_added_up_are_everything_once(count: int, most: int) -> None:
    things = np.arange(count)
    found = [things[some] for some in parts(count, most)]
    np.testing.assert_array_equal(np.concatenate(found), things)
    assert len({len(part) for part in found}) == 1
    assert len(found[0]) <= most


def test_a_capacity_below_one_image_is_one_at_a_time() -> None:
    assert [some for some, _ in blocks(2, 0)] == [slice(0, 1), slice(1, 2)]
    assert list(parts(2, 0)) == [slice(0, 1), slice(1, 2)]
