from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import datasets
from implementations.errors import BadInput

VARIANTS = ("shapes_polarity", "shapes64_colour", "shapes_shortcut")
BUNDLED = ("digits", "shapes", "shapes64", "photographs", *VARIANTS)
TO_LOOK_AT = ("photographs",)  # nothing to train on, and not an image of every class
ROOT = Path(__file__).parents[2]
FILES = Path(os.environ.get("CAMPARISON_DATA") or ROOT.parent / "shared" / "datasets")


@cache
def loaded(name: str) -> datasets.Dataset:
    if name in BUNDLED:
        return datasets.load(name)
    if not FILES.is_dir():
        pytest.skip("no folder of downloaded data sets; CAMPARISON_DATA names one")
    return datasets.load(name, FILES, allow_unverified=True)


def test_the_promised_data_sets_are_found() -> None:
    downloaded = {"mnist", "fashion_mnist", "cifar10"}
    assert {*BUNDLED, *downloaded} <= set(datasets.names())
    assert {"contract", "idx", "published"}.isdisjoint(datasets.names())


@pytest.mark.parametrize("name", datasets.names())
def test_contract(name: str) -> None:
    dataset = loaded(name)
    assert dataset.name == name
    assert dataset.licence
    assert dataset.source
    classes = len(dataset.class_names)
    assert len(set(dataset.class_names)) == classes
    parts = [
        (dataset.train_images, dataset.train_labels),
        (dataset.test_images, dataset.test_labels),
    ]
    if name in TO_LOOK_AT:
        images, labels = parts.pop(0)
        assert (images.shape[0], images.dtype) == (0, np.float32)
        assert (labels.shape, labels.dtype) == ((0,), np.int32)
    for images, labels in parts:
        assert images.dtype == np.float32
        assert images.ndim == 4
        assert images.shape[1:] == dataset.train_images.shape[1:]
        assert images.shape[3] in (1, 3)
        assert 0 <= images.min() < 0.1
        assert 0.9 < images.max() <= 1
        assert labels.dtype == np.int32
        assert labels.shape == images.shape[:1]
        shown = set(labels.tolist())
        assert shown <= set(range(classes)) if name in TO_LOOK_AT else shown == set(range(classes))
    if dataset.test_masks is not None:
        assert dataset.test_masks.dtype == np.bool_
        assert dataset.test_masks.shape == dataset.test_images.shape[:3]
        assert dataset.test_masks.any(axis=(1, 2)).all()
        assert not dataset.test_masks.all(axis=(1, 2)).any()


@pytest.mark.parametrize("name", ["digits", "shapes", "photographs"])
def test_the_same_every_time(name: str) -> None:
    first, second = loaded(name), datasets.load(name)
    for field in ("train_images", "train_labels", "test_images", "test_labels", "test_masks"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sets_are_verified(name: str) -> None:
    assert loaded(name).verified


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"'fashion-mnist'.*fashion_mnist"):
        datasets.load("fashion-mnist")
    with pytest.raises(BadInput, match=r"'zzzz'.*cifar10"):
        datasets.load("zzzz")


@pytest.mark.parametrize("name", ["contract", "idx", "../datasets/digits", "", "__init__"])
def test_what_is_no_data_set_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        datasets.load(name)


def test_listing_imports_nothing_heavy() -> None:
    heavy = "{'sklearn', 'pooch', 'scipy', 'pandas', 'torch', 'jax', 'tensorflow', 'keras'}"
    code = f"import sys, datasets; datasets.names(); print(*{heavy} & set(sys.modules))"
    listing = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert listing.stdout.split() == []
