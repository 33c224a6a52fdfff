from __future__ import annotations

import numpy as np
import pytest

from bench.stages.time.sampling import KEPT, SURE, enough, figures, quartiles


def test_quartiles_are_told_by_their_distance() -> None:
    assert quartiles([4.0, 1.0, 2.0, 3.0, 5.0]) == 2.0


def test_enough_visits_make_the_median_as_sure_as_is_asked() -> None:
    assert enough([]) == 0 and enough([3.0]) == 0 and enough([3.0] * 20) == 0
    noise = np.random.default_rng(0)
    for sigma in (0.1, 0.2, 0.3):
        wanted = enough(list(noise.normal(5, 5 * sigma, 100_000)))
        medians = np.median(noise.normal(5, 5 * sigma, (4_000, round(wanted))), axis=1)
        assert medians.std() / 5 == pytest.approx(SURE, rel=0.06)


def test_figures_are_of_all_samples_of_which_a_row_keeps_some_of_every_time() -> None:
    seconds = [1e-3 * n for n in range(1, 2 * KEPT + 2)]
    told = figures(seconds)
    assert told["median_ms"] == pytest.approx(KEPT + 1) and told["min_ms"] == pytest.approx(1)
    assert told["iqr_ms"] == pytest.approx(KEPT) and told["p95_ms"] == pytest.approx(1.9 * KEPT + 1)
    kept = told["samples_ns"]
    assert len(kept) == KEPT and kept[0] == 1e6 and kept[-1] == (2 * KEPT + 1) * 1e6
    assert min(np.diff(kept)) > 1e6 and max(np.diff(kept)) <= 3e6
    assert figures(seconds[:3])["samples_ns"] == [1e6, 2e6, 3e6]
