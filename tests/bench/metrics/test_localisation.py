"""Localisation metrics: closed forms, and what holds for any map and mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from bench import metrics

LOCALISATION = metrics.names("mask")
MAPS = arrays(np.float64, (3, 4, 5), elements=st.integers(-9, 9).map(float))
MASKS = arrays(np.bool_, (3, 4, 5))


def measure(name: str, heatmap: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return metrics.Case(heatmap, masks=mask).value(name)


def test_the_localisation_metrics_are_these() -> None:
    assert LOCALISATION == ["mask_auc", "pointing_game", "relevance_mass", "relevance_rank"]


def test_closed_forms() -> None:
    heatmap = np.array([[[4.0, -8.0], [1.0, 3.0]]])
    mask = np.array([[[True, True], [False, False]]])
    assert measure("pointing_game", heatmap, mask) == 1
    assert measure("pointing_game", heatmap, ~mask) == 0
    assert measure("relevance_mass", heatmap, mask) == 0.5
    assert measure("relevance_rank", heatmap, mask) == 0.5
    assert measure("mask_auc", heatmap, mask) == 0.5


def test_the_auc_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    maps, masks = generator.integers(-4, 5, (6, 9, 7)), generator.random((6, 9, 7)) < 0.2
    expected = [roc_auc_score(m.ravel(), h.ravel()) for h, m in zip(maps, masks, strict=True)]
    np.testing.assert_allclose(measure("mask_auc", maps, masks), expected, rtol=1e-12)
    np.testing.assert_allclose(measure("mask_auc", -maps, masks), 1 - np.array(expected))
    assert np.isnan(measure("mask_auc", maps, np.ones_like(masks))).all()


def test_ties_count_by_their_share() -> None:
    heatmap = np.array([[[2.0, 2.0, 2.0, 2.0]]])
    mask = np.array([[[True, False, False, False]]])
    for name in LOCALISATION:
        assert measure(name, heatmap, mask) == (0.5 if name == "mask_auc" else 0.25)


def test_what_is_undefined() -> None:
    nothing = np.zeros((1, 2, 2))
    half = np.array([[[True, True], [False, False]]])
    assert np.isnan(measure("relevance_mass", nothing, half))
    assert np.isnan(measure("relevance_rank", nothing + 1, np.zeros_like(half)))
    assert measure("pointing_game", nothing, half) == 0.5


@pytest.mark.parametrize("name", LOCALISATION)
def test_nan_gives_nan(name: str) -> None:
    heatmap = np.ones((2, 2, 2))
    heatmap[1, 0, 0] = np.nan
    mask = np.ones((2, 2, 2), bool)
    mask[:, 0] = False
    np.testing.assert_array_equal(np.isnan(measure(name, heatmap, mask)), [False, True])


@pytest.mark.parametrize("name", LOCALISATION)
@settings(max_examples=25, deadline=None)
@given(heatmap=MAPS, mask=MASKS, power=st.integers(-200, 200))
def test_bounded_and_free_of_scale(
    name: str, heatmap: np.ndarray, mask: np.ndarray, power: int
) -> None:
    values = measure(name, heatmap, mask)
    known = values[~np.isnan(values)]
    assert ((known >= 0) & (known <= 1)).all()
    np.testing.assert_allclose(measure(name, heatmap * 2.0**power, mask), values, atol=1e-12)


@pytest.mark.parametrize("name", LOCALISATION)
@settings(max_examples=25, deadline=None)
@given(mask=MASKS)
def test_the_mask_itself_is_the_best_map(name: str, mask: np.ndarray) -> None:
    values = measure(name, mask.astype(float), mask)
    pairs = ~mask.all(axis=(1, 2)) | (name != "mask_auc")
    np.testing.assert_array_equal(values[mask.any(axis=(1, 2)) & pairs], 1)
