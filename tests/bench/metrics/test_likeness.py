"""Likeness metrics: closed forms, SciPy and scikit-learn, and what holds for any two maps."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import jaccard_score, root_mean_squared_error
from sklearn.metrics.pairwise import cosine_similarity

from bench import metrics
from bench.subject.heatmaps import constant

LIKENESS = metrics.names("other")
WHOLE = st.integers(-50, 50).map(float)
MAPS = arrays(np.float64, (4, 5, 6), elements=WHOLE)


def measure(name: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return metrics.Case(a, other=b).value(name)


def test_the_likeness_metrics_are_these() -> None:
    assert LIKENESS == ["cosine", "pearson", "rmse", "spearman", "ssim", "topk_iou"]


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    a = generator.normal(size=(6, 9, 7))
    return np.maximum(a, 0), generator.normal(size=a.shape) + a


def test_pearson_and_spearman_are_scipys(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    for name, theirs in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        expected = [theirs(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)]
        np.testing.assert_allclose(measure(name, a, b), expected, rtol=1e-12)


def test_cosine_and_rmse_are_scikit_learns(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = (heatmap.reshape(len(heatmap), -1) for heatmap in pair)
    cosines = np.diag(cosine_similarity(a, b))
    np.testing.assert_allclose(measure("cosine", *pair), cosines, rtol=1e-12)
    errors = root_mean_squared_error(a.T, b.T, multioutput="raw_values")
    np.testing.assert_allclose(measure("rmse", *pair), errors, rtol=1e-12)


def test_topk_iou_is_the_jaccard_score_where_nothing_ties() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.normal(size=(2, 5, 10, 10))
    b += a

    def top(values: np.ndarray) -> np.ndarray:
        return values.ravel() >= np.sort(values.ravel())[-10]

    expected = [jaccard_score(top(x), top(y)) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(measure("topk_iou", a, b), expected)


def test_topk_iou_of_sparse_maps_counts_no_shared_zeros() -> None:
    a, b = np.zeros((2, 1, 10, 10))
    a[0, 0, 0], b[0, 9, 9] = 1, 1
    # Nine places left for the 99 zeros of each: 98 shared at 1/11, and two of 1 against 1/11.
    expected = (98 / 11 + 2 / 11) / (98 / 11 + 2)
    np.testing.assert_allclose(measure("topk_iou", a, b), expected)
    assert measure("topk_iou", a, a) == 1


def ssim_by_hand(a: np.ndarray, b: np.ndarray, side: int) -> float:
    """Window by window, by the formula of Wang et al. with a range of 2."""
    a, b = a / abs(a).max(), b / abs(b).max()
    found = []
    for y in range(a.shape[0] - side + 1):
        for x in range(a.shape[1] - side + 1):
            p, q = (m[y : y + side, x : x + side].ravel() for m in (a, b))
            c = np.cov(p, q)
            means = 2 * p.mean() * q.mean() + 4e-4, p.mean() ** 2 + q.mean() ** 2 + 4e-4
            spreads = 2 * c[0, 1] + 3.6e-3, c[0, 0] + c[1, 1] + 3.6e-3
            found.append(means[0] * spreads[0] / (means[1] * spreads[1]))
    return float(np.mean(found))


@pytest.mark.parametrize(("shape", "side"), [((9, 11), 7), ((8, 7), 7), ((6, 9), 5), ((4, 3), 3)])
def test_ssim_by_hand(shape: tuple[int, int], side: int) -> None:
    a, b = np.random.default_rng(3).normal(size=(2, 3, *shape))
    expected = [ssim_by_hand(x, y, side) for x, y in zip(a, a + b, strict=True)]
    np.testing.assert_allclose(measure("ssim", a, a + b), expected, atol=1e-12)


def test_ssim_is_scikit_images() -> None:
    metrics_of = pytest.importorskip("skimage.metrics")
    a, b = np.random.default_rng(3).normal(size=(2, 3, 12, 15))
    unit = [m / abs(m).max(axis=(1, 2), keepdims=True) for m in (a, a + b)]
    expected = [
        metrics_of.structural_similarity(x, y, data_range=2) for x, y in zip(*unit, strict=True)
    ]
    np.testing.assert_allclose(measure("ssim", a, a + b), expected, atol=1e-10)


def test_ssim_of_zero_maps() -> None:
    zero, one = np.zeros((1, 8, 8)), np.ones((1, 8, 8))
    assert np.isnan(measure("ssim", zero, zero))
    assert measure("ssim", zero, one) == pytest.approx(4e-4 / (1 + 4e-4))


def test_closed_forms() -> None:
    a = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    b = np.array([[[1.0, 4.0], [9.0, 16.0]]])
    assert measure("spearman", a, b) == 1
    assert measure("spearman", a, -b) == -1
    np.testing.assert_allclose(measure("pearson", a, 3 * a - 7), 1)
    np.testing.assert_allclose(measure("pearson", a, -a), -1)
    np.testing.assert_allclose(measure("cosine", a, b), 100 / np.sqrt(30 * 354))
    np.testing.assert_allclose(measure("rmse", a, a + 3), 3)


@pytest.mark.parametrize("name", ["pearson", "spearman", "topk_iou"])
def test_a_constant_map_is_undefined_without_a_warning(name: str) -> None:
    a = np.random.default_rng(0).normal(size=(2, 4, 4))
    flat = a.copy()
    flat[1] = 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(np.isnan(measure(name, a, flat)), [False, True])


def test_a_zero_map_has_no_direction() -> None:
    assert np.isnan(measure("cosine", np.zeros((1, 3, 3)), np.ones((1, 3, 3))))


@pytest.mark.parametrize("name", LIKENESS)
def test_nan_gives_nan(name: str) -> None:
    a = np.random.default_rng(0).normal(size=(2, 4, 4))
    bad = a.copy()
    bad[1, 2, 3] = np.nan
    for x, y in ((a, bad), (bad, a), (bad, bad)):
        np.testing.assert_array_equal(np.isnan(measure(name, x, y)), [False, True])


@pytest.mark.parametrize("name", LIKENESS)
@settings(max_examples=25, deadline=None)
@given(a=MAPS, b=MAPS)
def test_symmetric_bounded_and_best_with_itself(name: str, a: np.ndarray, b: np.ndarray) -> None:
    values = measure(name, a, b)
    np.testing.assert_allclose(values, measure(name, b, a), atol=1e-12)
    known = values[~np.isnan(values)]
    low, high = {"rmse": (0, np.inf), "topk_iou": (0, 1)}.get(name, (-1, 1))
    assert ((known >= low) & (known <= high)).all()
    itself = measure(name, a, a)[~constant(a)]
    least = metrics.load(name).card.better == "lower"
    np.testing.assert_allclose(itself, 0 if least else 1, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in LIKENESS if name != "rmse"])
@settings(max_examples=25, deadline=None)
@given(a=MAPS, b=MAPS, power=st.integers(-200, 200))
def test_scale_does_not_matter(name: str, a: np.ndarray, b: np.ndarray, power: int) -> None:
    assume(not constant(a).any())
    scaled = measure(name, a * 2.0**power, b)
    np.testing.assert_allclose(scaled, measure(name, a, b), atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(a=MAPS, b=MAPS)
def test_spearman_sees_order_only(a: np.ndarray, b: np.ndarray) -> None:
    cubed = measure("spearman", a**3, b)
    np.testing.assert_allclose(cubed, measure("spearman", a, b), atol=1e-12)
