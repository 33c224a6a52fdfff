"""Occlusion against a sum over windows, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.errors import BadInput
from implementations.methods import windows
from implementations.oracle import runtime

OCCLUSION = methods.load("occlusion")
ARCHITECTURE = get("cnn-gap", (6, 8, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 6, 8, 3))
TARGETS = np.array([3, 0], np.int32)


def by_brute_force(score: str, tops: list[int], lefts: list[int], side: int) -> np.ndarray:
    whole = NETWORK.score(score, NETWORK(IMAGES), TARGETS)
    falls: dict[tuple[int, int], list[np.ndarray]] = {}
    for top in tops:
        for left in lefts:
            filled = IMAGES.copy()
            filled[:, top : top + side, left : left + side] = 0.5
            fall = whole - NETWORK.score(score, NETWORK(filled), TARGETS)
            for row in range(top, top + side):
                for column in range(left, left + side):
                    falls.setdefault((row, column), []).append(fall)
    heatmap = np.full(IMAGES.shape[:3], np.nan)
    for (row, column), seen in falls.items():
        heatmap[:, row, column] = np.mean(seen, axis=0)
    return heatmap


@pytest.mark.parametrize("score", ["logit", "log_probability"])
def test_brute_force(score: str) -> None:
    given = {"window": "3", "stride": "2", "fill": "0.5"}
    stages = explained("occlusion", NETWORK, IMAGES, TARGETS, score=score, **given)
    expected = by_brute_force(score, [0, 2, 3], [0, 2, 4, 5], 3)
    np.testing.assert_allclose(stages["heatmap"], expected, rtol=1e-10, atol=1e-12)
    assert (stages["heatmap"] < 0).any()
    options = OCCLUSION.resolve(given)
    assert OCCLUSION.cost(options, ARCHITECTURE, "input").evaluations == 13


def test_one_window_over_all_is_the_fall_to_the_blank_image() -> None:
    square = get("cnn-gap", (6, 6, 3), 4)
    network = runtime.build(square, randomise(square, 1))
    images = IMAGES[:, :, :6]
    stages = explained("occlusion", network, images, TARGETS, window="6", stride="6")
    fall = (network(images) - network(np.zeros_like(images)))[np.arange(2), TARGETS]
    np.testing.assert_allclose(
        stages["heatmap"], np.broadcast_to(fall[:, None, None], (2, 6, 6)), rtol=1e-12
    )


def test_defaults_cover_28_pixels_without_an_extra_window() -> None:
    options = OCCLUSION.resolve({})
    assert windows.starts(options, 28) == [0, 3, 6, 9, 12, 15, 18, 21]
    assert windows.starts(options, 29)[-2:] == [21, 22]
    assert OCCLUSION.cost(options, get("cnn-gap"), "input").evaluations == 65


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_every_pixel_is_covered(extent: int, window: int, stride: int) -> None:
    options = OCCLUSION.resolve({"window": str(window), "stride": str(stride)})
    if window > extent or stride > window:
        with pytest.raises(BadInput):
            windows.starts(options, extent)
        return
    masks = windows.masks(options, (extent, extent))
    assert masks.any(axis=0).all()
    assert (masks.sum(axis=(1, 2)) == window**2).all()
    assert len({mask.tobytes() for mask in masks}) == len(masks)
