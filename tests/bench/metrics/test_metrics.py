"""What every metric, found by its file, must have."""

from __future__ import annotations

import numpy as np
import pytest

from bench import metrics
from implementations.errors import BadInput


@pytest.mark.parametrize("name", metrics.names())
def test_every_metric_says_what_it_is(name: str) -> None:
    metric = metrics.load(name)
    assert metric.title
    assert metric.better in ("higher", "lower")
    assert metric.kind in ("likeness", "localisation")
    assert isinstance(metric.unit, str)
    assert metric.module.__doc__


@pytest.mark.parametrize("name", metrics.names())
def test_one_number_an_image(name: str) -> None:
    heatmap = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    values = metrics.load(name).measure(heatmap, heatmap > 0)
    assert values.shape == (3,)
    assert values.dtype == np.float64


def test_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="spearman"):
        metrics.load("speerman")
    with pytest.raises(BadInput, match="unknown metric"):
        metrics.load("__init__")


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(BadInput, match="upsampled"):
        metrics.load("pearson").measure(np.ones((2, 7, 7)), np.ones((2, 28, 28)))
