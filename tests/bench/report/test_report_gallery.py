from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.gallery import ZERO, draw, magnification
from bench.subject.pages import class_names
from implementations.architecture import weights
from implementations.errors import BadInput


def heatmaps(folder: Path, channels: int = 1) -> Path:
    generator = np.random.default_rng(0)
    maps = generator.uniform(0, 1, (2, 8, 8)).astype(np.float32)
    maps[1] = 0
    head = "digits/cnn-gap"
    path = folder / "compare-1-m1.safetensors"
    images = generator.uniform(0, 1, (2, 8, 8, channels)).astype(np.float32)
    weights.save(
        path,
        {
            f"{head}/images": images,
            f"{head}/targets": np.array([3, 5], np.int32),
            f"{head}/grad_cam/reference": maps,
            f"{head}/grad_cam/jax": maps,
            f"{head}/grad_cam/keras[torch]": maps + np.float32(2e-4) * (maps > 0),
            f"{head}/saliency/jax": maps - np.float32(0.5),
        },
    )
    return path


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_a_method_with_factor_and_zero_maps_said(tmp_path: Path, channels: int) -> None:
    pictures = dict(draw(heatmaps(tmp_path, channels)))
    assert list(pictures) == ["gallery_digits_cnn-gap_grad_cam", "gallery_digits_cnn-gap_saliency"]
    axes = pictures["gallery_digits_cnn-gap_grad_cam"].axes
    titles = [axis.get_title() for axis in axes if axis.get_title()]
    assert titles == [
        "input", "oracle", "jax", "overlay", "no difference", "keras[torch]", "overlay",
        "difference × 1e3",
    ]  # fmt: skip
    empty = [text.get_text() for axis in axes for text in axis.texts]
    assert empty == [ZERO] * 5  # oracle, two heatmaps, two overlays
    assert [text.get_text() for text in axes[0].get_yticklabels()] == ["class 3", "class 5"]


def test_without_the_oracle_there_is_no_difference(tmp_path: Path) -> None:
    axes = dict(draw(heatmaps(tmp_path)))["gallery_digits_cnn-gap_saliency"].axes
    assert [axis.get_title() for axis in axes if axis.get_title()] == ["input", "jax", "overlay"]


def test_tiles_are_coloured_by_what_they_show(tmp_path: Path) -> None:
    axes = dict(draw(heatmaps(tmp_path)))["gallery_digits_cnn-gap_grad_cam"].axes
    shown = {axis.get_title(): np.asarray(axis.images[0].get_array()) for axis in axes}
    maps = weights.load(tmp_path / "compare-1-m1.safetensors")
    pixels = maps["digits/cnn-gap/images"][..., 0]
    assert shown["input"].shape == (17, 8, 3) and np.allclose(shown["input"][8], 1)  # white between
    np.testing.assert_allclose(shown["input"][9:, :, 0], pixels[1])
    heatmap = maps["digits/cnn-gap/grad_cam/jax"][0]
    brightest = np.unravel_index(heatmap.argmax(), heatmap.shape)
    red, green, blue = shown["jax"][brightest]
    assert red == pytest.approx(0.5) and green == blue == 0  # the end of jet
    np.testing.assert_allclose(shown["jax"][9:], 0.8)  # empty
    even = np.ptp(shown["no difference"], axis=2)
    np.testing.assert_allclose(even[:8], even[0, 0])  # one colour: white, the middle


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no safetensors file"):
        list(draw(tmp_path / "none.safetensors"))


@given(st.floats(1e-12, 1e3), st.floats(1e-3, 1e3))
def test_magnified_difference_fills_a_tenth_to_the_whole(apart: float, peak: float) -> None:
    reference = np.array([[[peak, 0.0]]])
    found = reference + np.array([[[0.0, apart]]])
    factor = magnification(found, reference)
    assert factor >= 1
    if factor > 1:
        assert 0.0999 * peak <= factor * apart <= 1.001 * peak


def test_equal_maps_are_not_magnified() -> None:
    same = np.ones((1, 2, 2))
    assert magnification(same, same) == 1
    assert magnification(np.full((1, 2, 2), np.nan), same) == 1


@pytest.mark.parametrize("shape", [(8, 8), (8, 16), (16, 8)])
def test_no_name_reaches_into_another(tmp_path: Path, shape: tuple[int, int]) -> None:
    names = class_names("photographs")
    longest = sorted(range(len(names)), key=lambda k: len(names[k]))[-4:]
    targets = np.array([*longest, names.index("yellow lady's slipper")], np.int32)
    head, path = "photographs/efficientnet-lite0", tmp_path / "compare-1-m1.safetensors"
    maps = np.random.default_rng(0).uniform(0, 1, (5, *shape)).astype(np.float32)
    columns = ("jax", "keras[tensorflow]", "onnxruntime", "pytorch", "reference")
    kept = {f"{head}/grad_cam/{column}": maps for column in columns}
    weights.save(path, {**kept, f"{head}/images": maps[..., None], f"{head}/targets": targets})
    (figure,) = dict(draw(path)).values()
    figure.draw_without_rendering()
    beside = figure.axes[0].get_yticklabels()
    assert beside[-1].get_text().startswith("yellow")
    for texts in (beside, [axis.title for axis in figure.axes]):
        boxes = [text.get_window_extent() for text in texts]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(text.get_window_extent().x0 >= 0 for text in beside), "within the figure"
