from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets import shapes, shapes64


def test_size_and_balance() -> None:
    start = time.process_time()
    dataset = shapes.load()
    assert time.process_time() - start < 10
    assert dataset.train_images.shape == (6000, 28, 28, 1)
    assert dataset.test_images.shape == (1000, 28, 28, 1)
    assert dataset.class_names == ("disc", "square", "triangle", "cross", "ring", "star")
    assert np.bincount(dataset.train_labels).tolist() == [1000] * 6
    assert set(np.bincount(dataset.test_labels)) == {166, 167}


def test_training_and_test_images_differ() -> None:
    dataset = shapes.load()
    train = {image.tobytes() for image in dataset.train_images}
    assert len(train) == 6000
    assert train.isdisjoint(image.tobytes() for image in dataset.test_images)


def test_the_form_in_colour() -> None:
    dataset = shapes64.load()
    assert dataset.train_images.shape == (6000, 64, 64, 3)
    assert dataset.test_images.shape == (1000, 64, 64, 3)
    assert dataset.test_masks is not None
    assert dataset.test_masks.shape == (1000, 64, 64)
    assert np.ptp(dataset.test_images[:20], axis=3).max() > 0.2


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([28, 40]), st.sampled_from([1, 3]))
def test_the_masked_object_is_whole_and_the_brightest(seed: int, side: int, channels: int) -> None:
    images, labels, masks = shapes.draw(48, side, channels, seed)
    assert images.shape == (48, side, side, channels)
    assert np.bincount(labels).tolist() == [8] * 6
    border = masks.copy()
    border[:, 1:-1, 1:-1] = False
    assert not border.any()
    brightest = images.max(axis=3)
    for image, mask in zip(brightest, masks, strict=True):
        rim = _grown(mask)
        assert image[mask].mean() > image[~rim].max() - 0.1
        assert np.median(image[mask]) > np.quantile(image[~rim], 0.99)


def _grown(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1)
    side = len(mask)
    shifts = [(y, x) for y in range(3) for x in range(3)]
    return np.any([padded[y : y + side, x : x + side] for y, x in shifts], axis=0)


def test_half_of_the_images_hold_a_distractor_of_another_class() -> None:
    dataset = shapes.load()
    assert dataset.test_masks is not None
    floor = (shapes.BACKGROUND_GREY[1] + shapes.DISTRACTOR_GREY[0]) / 2 + shapes.TEXTURE / 2
    outside = [
        np.count_nonzero(image[..., 0][~_grown(mask)] > floor) >= 6
        for image, mask in zip(dataset.test_images, dataset.test_masks, strict=True)
    ]
    assert abs(np.mean(outside) - 0.5) < 0.1


@pytest.mark.parametrize("shape", list(shapes.DISTANCE))
def test_masks_have_the_area_of_the_shape(shape: str) -> None:
    """Against the areas from school geometry, for circumradius 1."""
    areas = {
        "disc": np.pi * 0.95**2,
        "square": 1.4**2,
        "triangle": 3 * np.sqrt(3) / 4,
        "cross": 2 * 1.86 * 0.66 - 0.66**2,
        "ring": np.pi * (0.97**2 - 0.57**2),
        "star": 10 * 0.5 * 0.42 * np.sin(np.pi / 5),
    }
    grid = np.linspace(-1.2, 1.2, 1001, dtype=np.float32)
    inside = shapes.DISTANCE[shape](grid[np.newaxis, :], grid[:, np.newaxis]) < 0
    area = np.count_nonzero(inside) * (grid[1] - grid[0]) ** 2
    assert area == pytest.approx(areas[shape], rel=0.01)
    radius = np.hypot(grid[np.newaxis, :], grid[:, np.newaxis])
    assert radius[inside].max() <= 1.001
