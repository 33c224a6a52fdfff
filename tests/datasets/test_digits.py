from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from datasets.digits import load


def test_every_image_once_in_one_of_the_parts() -> None:
    dataset = load()
    assert dataset.train_images.shape == (1500, 28, 28, 1)
    assert dataset.test_images.shape == (297, 28, 28, 1)
    images = np.concatenate([dataset.train_images, dataset.test_images])[:, 3:26:3, 3:26:3, 0]
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    original = load_digits()
    ours = sorted(
        (*(image * 16).ravel(), label) for image, label in zip(images, labels, strict=True)
    )
    theirs = sorted(
        (*image.ravel(), label)
        for image, label in zip(original.images, original.target, strict=True)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_pixels_are_tripled_and_framed() -> None:
    image = load().test_images[0, :, :, 0]
    frame = image.copy()
    frame[2:26, 2:26] = 0
    assert not frame.any()
    blocks = image[2:26, 2:26].reshape(8, 3, 8, 3)
    np.testing.assert_array_equal(blocks, np.broadcast_to(blocks[:, :1, :, :1], blocks.shape))


def test_every_class_has_a_fair_part_of_the_test() -> None:
    assert np.bincount(load().test_labels).min() >= 15
