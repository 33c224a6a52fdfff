"""What every metric, found by its file, must have."""

from __future__ import annotations

import numpy as np
import pytest

from bench import metrics
from implementations.errors import BadInput


@pytest.mark.parametrize("name", metrics.names("other") + metrics.names("mask"))
def test_one_number_an_image(name: str) -> None:
    heatmap = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    case = metrics.Case(heatmap, other=heatmap > 0, masks=heatmap > 0)
    values = case.value(name)
    assert values.shape == (3,)
    assert values.dtype == np.float64
    assert case.value(name) is values, "computed once"


def test_metrics_are_found_by_what_they_need() -> None:
    assert {"pearson", "pointing_game"} <= set(metrics.names())
    assert "pearson" in metrics.names("other") and "pearson" not in metrics.names("mask")


def test_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="spearman"):
        metrics.load("speerman")
    with pytest.raises(BadInput, match="unknown metric"):
        metrics.load("__init__")


def test_a_case_that_lacks_what_a_metric_needs_is_refused() -> None:
    with pytest.raises(BadInput, match="pearson needs other"):
        metrics.Case(np.ones((2, 7, 7))).value("pearson")
    with pytest.raises(BadInput, match="upsampled"):
        metrics.Case(np.ones((2, 7, 7)), other=np.ones((2, 28, 28))).value("pearson")
    with pytest.raises(BadInput, match=r"\(N, H, W\)"):
        metrics.Case(np.ones((7, 7)), other=np.ones((7, 7))).value("pearson")
