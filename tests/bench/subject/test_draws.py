from __future__ import annotations

import numpy as np
from scipy import stats

from bench.subject.draws import Draws

NUMBERS = np.array([0, 1, 7, 2])


def test_an_image_meets_the_same_draws_in_any_batch() -> None:
    whole = Draws(NUMBERS).uniform("noise", 3, 4)
    assert whole.shape == (4, 3, 4) and whole.min() >= 0 and whole.max() < 1
    np.testing.assert_array_equal(Draws(NUMBERS[2:3]).uniform("noise", 3, 4), whole[2:3])
    assert len(np.unique(whole)) == whole.size
    assert not np.array_equal(whole, Draws(NUMBERS).uniform("windows", 3, 4))


def test_permutations_are_of_all_and_fair() -> None:
    orders = Draws(np.arange(3000)).permutations("keys", 6)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(6), (3000, 1)))
    counts = [np.bincount(orders[:, place], minlength=6) for place in range(6)]
    assert stats.chi2_contingency(counts).pvalue > 1e-3


def test_the_stream_is_this_one() -> None:
    """Numbers that are published rest on it: it must not change with a version of NumPy."""
    assert Draws(np.array([5])).permutations("keys", 5)[0].tolist() == [0, 2, 4, 3, 1]
