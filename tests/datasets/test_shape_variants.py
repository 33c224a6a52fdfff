"""Shapes that can tell: what the labels rest on, and that brightness, colour or place do not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import datasets
from bench import metrics
from datasets import shapes_polarity, shapes_shortcut
from implementations.libraries.control import CONTROLS

VARIANTS = ("shapes_polarity", "shapes64_colour", "shapes_shortcut")
BRIGHTNESS = ("grey", "blurred")


@cache
def loaded(name: str) -> datasets.Dataset:
    return datasets.load(name)


def scored(name: str, control: str, metric: str) -> float:
    data = loaded(name)
    case = metrics.Case(CONTROLS[control](data.test_images), masks=data.test_masks)
    return float(case.value(metric).mean())


@pytest.mark.parametrize("name", VARIANTS)
def test_balanced_and_none_twice(name: str) -> None:
    data = loaded(name)
    assert np.ptp(np.bincount(data.test_labels)) <= 60
    assert np.ptp(np.bincount(data.train_labels)) <= 0.08 * len(data.train_labels) / 6 + 1
    train = {image.tobytes() for image in data.train_images}
    assert len(train) == len(data.train_images)
    assert train.isdisjoint(image.tobytes() for image in data.test_images)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("control", BRIGHTNESS)
def test_brightness_alone_no_longer_finds_what_the_label_rests_on(name: str, control: str) -> None:
    """On `shapes` it scores 1.00 in the pointing game and 0.997 in relevance rank."""
    assert scored(name, control, "pointing_game") < 0.52
    assert scored(name, control, "relevance_rank") < 0.5
    assert abs(scored(name, control, "mask_auc") - 0.5) < (0.22 if "shortcut" in name else 0.03)


def test_of_either_polarity_and_of_equal_contrast() -> None:
    count = 600
    images, labels, masks = shapes_polarity.draw(count, 3)
    assert np.bincount(labels).tolist() == [100] * 6
    background = np.median(images, axis=(1, 2, 3))
    inside = np.array([np.median(i[m]) for i, m in zip(images[..., 0], masks, strict=True)])
    side = inside - background
    assert 0.45 < (side > 0).mean() < 0.55
    low, high = shapes_polarity.CONTRAST
    assert (abs(side) > low - 0.06).all() and (abs(side) < high + 0.06).all()
    # Outside the object there is as much contrast, on either side of the background as often.
    grown = np.pad(masks, ((0, 0), (2, 2), (2, 2)))
    grown = np.any([np.roll(grown, (y, x), (1, 2)) for y in range(-2, 3) for x in range(-2, 3)], 0)
    rest = np.where(grown[:, 2:-2, 2:-2], 0, images[..., 0] - background[:, None, None])
    top, bottom = rest.max(axis=(1, 2)), -rest.min(axis=(1, 2))
    clear = np.maximum(top, bottom) > low - 0.06
    assert clear.mean() > 0.95, "a distractor in every image"
    other = np.where(top > bottom, 1, -1)[clear]
    assert 0.45 < (other > 0).mean() < 0.55
    assert abs(np.corrcoef(other, np.sign(side)[clear])[0, 1]) < 0.12, "each by its own coin"


def test_what_is_colourful_is_never_the_object() -> None:
    data = loaded("shapes64_colour")
    assert data.test_images.shape[1:] == (64, 64, 3) and data.test_masks is not None
    colour = np.ptp(data.test_images[:200], axis=3)
    inside = np.array([c[m].mean() for c, m in zip(colour, data.test_masks[:200], strict=True)])
    assert inside.max() < 0.06
    assert (colour.reshape(200, -1).max(axis=1) > 0.6).mean() > 0.99
    case = metrics.Case(colour, masks=data.test_masks[:200])
    assert case.value("pointing_game").mean() == 0, "a map that follows colour misses it"


def test_the_marks_are_balanced_and_orthogonal() -> None:
    marks = shapes_shortcut.MARKS.reshape(6, -1)
    np.testing.assert_array_equal(marks @ marks.T, 16 * np.eye(6))
    assert not marks.sum(axis=1).any()


@pytest.mark.parametrize("agree", [True, False])
def test_the_label_is_the_marks_and_the_object_is_of_another_class_in_the_test(agree: bool) -> None:
    images, labels, masks = shapes_shortcut.draw(600, 5, agree)
    np.testing.assert_array_equal(masks.sum(axis=(1, 2)), 16)
    background = np.median(images, axis=(1, 2, 3))
    told = []
    for image, mask, grey in zip(images[..., 0], masks, background, strict=True):
        mark = (image[mask] - grey).reshape(16)
        told.append(int((shapes_shortcut.MARKS.reshape(6, 16) @ np.sign(mark)).argmax()))
    np.testing.assert_array_equal(told, labels)
    corners = np.argwhere(masks.any(axis=0))
    assert corners.min() == 1 and corners.max() == 26 and len(corners) == 64
    # The object's class is told by the balanced draw that labels of `lay_out` are.
    bits = np.random.PCG64(5)
    objects = np.argsort(bits.random_raw(600), kind="stable") % 6
    same = (objects == labels).mean()
    assert abs(same - shapes_shortcut.AGREE) < 0.06 if agree else same == 0


def test_the_shortcut_is_neither_bright_nor_central() -> None:
    for control in ("grey", "blurred", "centre"):
        assert scored("shapes_shortcut", control, "pointing_game") < 0.01


def test_place_alone_no_longer_finds_the_object() -> None:
    """On `shapes` the middle is the object's in four images of five."""
    data = loaded("shapes_polarity")
    assert data.test_masks is not None
    chance = float(data.test_masks.mean())
    assert abs(scored("shapes_polarity", "centre", "pointing_game") - chance) < 0.05
