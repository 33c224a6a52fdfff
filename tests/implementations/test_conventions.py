"""Interpolations are those of the libraries that have them; what differs in a convention costs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from implementations import conventions
from implementations.arrays import resize
from implementations.conventions import FACTORS, Convention
from implementations.formulas import FORMULAS
from implementations.interpolation import interpolation

MAPS = np.random.default_rng(0).random((3, 5, 7))
SIZE = (15, 12)
SUMMING = sorted(set(FACTORS["resize"]) - {"none", "SciPy's zoom"})


def resized(kind: str) -> np.ndarray:
    return conventions.resized(MAPS, SIZE, kind)


@settings(deadline=None)
@given(st.sampled_from(SUMMING), st.integers(2, 9), st.integers(2, 30))
def test_a_constant_map_stays_constant(kind: str, old: int, new: int) -> None:
    matrix = interpolation(kind, old, new)
    assert matrix.shape == (new, old)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)


def test_the_canonical_one_is_that_of_all_columns() -> None:
    np.testing.assert_allclose(resized("bilinear"), resize(MAPS, SIZE), atol=1e-14)


@pytest.mark.parametrize(
    ("kind", "flag"),
    [("bicubic -0.75", "INTER_CUBIC"), ("nearest, rounded down", "INTER_NEAREST"),
     ("bilinear", "INTER_LINEAR")],
)  # fmt: skip
def test_opencv_has_these(kind: str, flag: str) -> None:
    import cv2

    expected = [cv2.resize(one, SIZE[::-1], interpolation=getattr(cv2, flag)) for one in MAPS]
    np.testing.assert_allclose(resized(kind), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "filter"),
    [("bicubic -0.5", "BICUBIC"), ("lanczos", "LANCZOS"), ("antialias", "BILINEAR")],
)
def test_pillow_has_these(kind: str, filter: str) -> None:
    way = getattr(Image.Resampling, filter)
    for one, found in zip(MAPS, resized(kind), strict=True):
        made = Image.fromarray(one.astype(np.float32)).resize(SIZE[::-1], way)
        np.testing.assert_allclose(found, np.asarray(made), atol=1e-6)


def test_tensorflow_has_a_table_of_1024_steps(tmp_path: Path) -> None:
    """In a process of its own. From 5 to 12 pixels no place is a step, so the table tells."""
    if find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    np.save(tmp_path / "maps.npy", MAPS.astype(np.float32))
    code = (
        "import numpy as np, tensorflow as tf; maps = np.load('maps.npy')[..., None];"
        f"np.save('made.npy', tf.image.resize(maps, {SIZE}, method='bicubic')[..., 0])"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    made = np.load(tmp_path / "made.npy")
    np.testing.assert_allclose(resized("TensorFlow's bicubic"), made, atol=1e-6)
    assert 1e-4 < np.abs(resized("bicubic -0.5") - made).max() < 1e-3


def test_antialias_and_area_matter_where_a_map_shrinks() -> None:
    np.testing.assert_allclose(interpolation("area", 6, 3), np.kron(np.eye(3), [[0.5, 0.5]]))
    np.testing.assert_allclose(interpolation("antialias", 4, 8), interpolation("bilinear", 4, 8))
    assert not np.allclose(interpolation("antialias", 8, 4), interpolation("bilinear", 8, 4))


def test_corners_are_aligned_and_a_spline_meets_its_points() -> None:
    aligned, spline = interpolation("align corners", 5, 9), interpolation("cubic spline", 5, 9)
    for matrix in (aligned, spline):
        np.testing.assert_allclose(matrix[[0, 2, 4, 6, 8]], np.eye(5), atol=1e-9)


def test_what_differs_costs_and_canonical_is_free() -> None:
    canonical = Convention()
    assert canonical.cost() == 0 and canonical.differs(Convention()) == []
    far = replace(canonical, score="probability", resize="nearest", layer="partner")
    assert far.cost() == 3 and far.differs(canonical) == ["score", "layer", "resize"]
    assert Convention(formula="hires_cam").cost() == 1
    assert Convention(formula="hires_cam").cost("hires_cam") == 0
    for name, values in FACTORS.items():
        assert getattr(canonical, name) in values and 0 in values.values()


def test_formulas_where_they_must_meet() -> None:
    """One gradient a channel: pooling it changes nothing, so the weighted maps are one."""
    random = np.random.default_rng(1)
    activations = random.random((2, 4, 3, 5))
    gradients = np.broadcast_to(random.standard_normal((2, 1, 1, 5)), activations.shape).copy()
    cam, hires, xgrad = (
        conventions.combine(Convention(formula=name), activations, gradients)
        for name in ("grad_cam", "hires_cam", "xgrad_cam")
    )
    np.testing.assert_allclose(cam, hires, rtol=1e-12)
    np.testing.assert_allclose(cam, xgrad, rtol=1e-12)
    positive = conventions.combine(Convention(formula="layer_cam"), activations, gradients)
    assert (positive >= cam - 1e-12).all()


def test_a_channel_that_is_constant_is_at_its_threshold() -> None:
    constant, gradients = np.full((1, 3, 2, 1), 5.0), np.ones((1, 3, 2, 1))
    kept = conventions.combine(Convention(formula="fem, the threshold kept"), constant, gradients)
    share = conventions.combine(Convention(formula="fem, shares of positions"), constant, gradients)
    assert (kept == 5).all() and not share.any()


def test_where_a_map_is_zero_no_normaliser_divides() -> None:
    zero = np.zeros((2, 3, 3))
    for kind in FACTORS["normalise"]:
        found = conventions.normalised(Convention(normalise=kind), zero, zero, 1e-7)
        assert not found.any(), kind


@pytest.mark.parametrize("name", list(FORMULAS))
def test_a_map_has_no_channels(name: str) -> None:
    random = np.random.default_rng(2)
    activations, gradients = random.random((2, 4, 3, 5)), random.standard_normal((2, 4, 3, 5))
    found = conventions.combine(Convention(formula=name), activations, gradients)
    assert found.shape == (2, 4, 3) and np.isfinite(found).all()
