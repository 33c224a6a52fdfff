from __future__ import annotations

import numpy as np
import pytest

from bench.stages.controls import CONTROLS, centre, edges, noise

IMAGES = np.random.default_rng(0).random((3, 9, 7, 2), np.float32)


@pytest.mark.parametrize("name", CONTROLS)
def test_one_finite_map_an_image(name: str) -> None:
    maps = CONTROLS[name](IMAGES)
    assert maps.shape == (3, 9, 7) and maps.dtype == np.float64 and np.isfinite(maps).all()
    np.testing.assert_array_equal(maps, CONTROLS[name](IMAGES))


def test_centre_is_a_gaussian_a_quarter_wide() -> None:
    maps = centre(IMAGES)
    assert maps[0, 4, 3] == maps.max() == 1
    np.testing.assert_allclose(maps[1, 4, 6], np.exp(-((3 / 7) ** 2) / (2 * 0.25**2)))
    np.testing.assert_allclose(maps, maps[:, ::-1, ::-1])


def test_edges_of_a_ramp_and_a_step() -> None:
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[:, None, None], (1, 8, 8, 3))
    np.testing.assert_allclose(edges(ramp)[0, 2:-2, 2:-2], 8)  # Sobel: eight times the slope
    step = np.zeros((1, 8, 8, 1), np.float32)
    step[:, :, 4:] = 1
    found = edges(step)[0]
    np.testing.assert_allclose(found[:, 3:5], 4)
    assert not found[:, :3].any() and not found[:, 5:].any()


def test_noise_tells_nothing_of_the_image() -> None:
    np.testing.assert_array_equal(noise(IMAGES), noise(1 - IMAGES))
    assert noise(IMAGES).min() >= 0 and noise(IMAGES).max() < 1
