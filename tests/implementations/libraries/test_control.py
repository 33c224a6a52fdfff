"""Controls: closed forms, and what they score on `shapes` without any network."""

from __future__ import annotations

import numpy as np
import pytest

import datasets
from bench import metrics
from implementations import libraries
from implementations.libraries.control import CONTROLS

IMAGES = np.random.default_rng(0).random((3, 9, 7, 2))


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_an_explainer_like_any_other(name: str) -> None:
    method = libraries.load("control").method(name)
    explain = method.builder("reference")(None, "input", method.resolve({}), lambda f: f)
    maps = explain(None, IMAGES, np.zeros(3, np.int32))["heatmap"]
    assert maps.shape == (3, 9, 7) and maps.dtype == np.float64 and np.isfinite(maps).all()
    alone = explain(None, IMAGES[1:2], np.ones(1, np.int32))["heatmap"]
    np.testing.assert_array_equal(maps[1:2], alone)


def test_noise_is_uniform_and_another_in_another_image() -> None:
    images = np.random.default_rng(1).random((50, 20, 20, 1))
    maps = CONTROLS["noise"](images)
    assert len(np.unique(maps)) == maps.size
    assert maps.min() >= 0 and maps.max() < 1
    np.testing.assert_allclose([maps.mean(), maps.var()], [1 / 2, 1 / 12], atol=0.005)


def test_uniform_is_constant() -> None:
    np.testing.assert_array_equal(CONTROLS["uniform"](IMAGES), 1)


def test_the_centre_falls_by_a_gaussian_of_a_quarter_of_the_side() -> None:
    (heatmap,) = CONTROLS["centre"](np.zeros((1, 9, 5, 1)))
    assert heatmap[4, 2] == heatmap.max() == 1
    np.testing.assert_allclose(heatmap[:, 2], np.exp(-((np.arange(9) - 4) ** 2) / 2 / (9 / 4) ** 2))
    np.testing.assert_allclose(heatmap[4], np.exp(-((np.arange(5) - 2) ** 2) / 2 / (5 / 4) ** 2))


def test_edges_of_a_ramp_are_its_slope() -> None:
    y, x = np.mgrid[:8, :9]
    ramp = np.stack([3 * y + 4 * x, 3 * y + 4 * x], axis=2)[None].astype(float)
    np.testing.assert_allclose(CONTROLS["edges"](ramp)[0, 1:-1, 1:-1], 8 * 5)
    np.testing.assert_array_equal(CONTROLS["edges"](np.ones((1, 4, 4, 3))), 0)


def test_grey_is_the_mean_of_the_colours() -> None:
    np.testing.assert_allclose(CONTROLS["grey"](IMAGES), (IMAGES[..., 0] + IMAGES[..., 1]) / 2)


def test_a_point_is_blurred_by_an_eighth_of_the_side() -> None:
    point = np.zeros((1, 65, 33, 1))
    point[0, 32, 16] = 1
    (heatmap,) = CONTROLS["blurred"](point)
    np.testing.assert_allclose(heatmap.sum(), 1)
    down = (heatmap.sum(axis=1) * (np.arange(65) - 32) ** 2).sum()
    across = (heatmap.sum(axis=0) * (np.arange(33) - 16) ** 2).sum()
    np.testing.assert_allclose([down, across], [(65 / 8) ** 2, (33 / 8) ** 2], rtol=0.02)
    np.testing.assert_allclose(CONTROLS["blurred"](np.full((1, 8, 8, 1), 0.3)), 0.3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grey", (1.0, 0.632, 0.997)),
        ("blurred", (0.993, 0.390, 0.838)),
        ("centre", (0.804, 0.356, 0.627)),
        ("edges", (0.539, 0.411, 0.441)),
        ("uniform", (0.188, 0.188, 0.188)),
    ],
)
def test_what_a_control_scores_on_shapes(name: str, expected: tuple[float, ...]) -> None:
    """So localisation there cannot tell an explainer from brightness."""
    data = datasets.load("shapes", None, False)
    case = metrics.Case(CONTROLS[name](data.test_images), masks=data.test_masks)
    found = [case.value(m).mean() for m in ("pointing_game", "relevance_mass", "relevance_rank")]
    np.testing.assert_allclose(found, expected, atol=6e-4)
    if name == "uniform":
        assert data.test_masks is not None
        np.testing.assert_allclose(found, data.test_masks.mean())
