from __future__ import annotations

import numpy as np
import pytest

from bench.sampling import SURE, enough, quartiles


def test_quartiles_are_told_by_their_distance() -> None:
    assert quartiles([4.0, 1.0, 2.0, 3.0, 5.0]) == 2.0


def test_enough_samples_make_the_median_as_sure_as_is_asked() -> None:
    assert enough([]) == 0 and enough([3.0]) == 0 and enough([3.0] * 20) == 0
    noise = np.random.default_rng(0)
    for sigma in (0.1, 0.2, 0.3):
        wanted = enough(list(noise.normal(5, 5 * sigma, 100_000)))
        medians = np.median(noise.normal(5, 5 * sigma, (4_000, round(wanted))), axis=1)
        assert medians.std() / 5 == pytest.approx(SURE, rel=0.06)
