"""The imputation against the same equations over all pixels, solved as one dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.subject.imputation import NEIGHBOURS, impute
from bench.subject.parts import parts


def equations(kept: np.ndarray) -> np.ndarray:
    """The matrix (H W, H W) of the removed pixels' equations and of kept pixels' values."""
    height, width = kept.shape
    place = np.arange(height * width).reshape(height, width)
    matrix = np.zeros((height * width, height * width))
    for (down, across), weight in NEIGHBOURS.items():
        y, x = np.nonzero(~kept)
        inside = (y + down >= 0) & (y + down < height) & (x + across >= 0) & (x + across < width)
        here = place[y[inside], x[inside]]
        matrix[here, here] += weight
        matrix[here, place[y[inside] + down, x[inside] + across]] -= weight
    matrix[place[kept], place[kept]] = 1
    return matrix


def dense(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    right = np.where(kept[..., None], image, 0).reshape(kept.size, -1)
    return np.linalg.solve(equations(kept), right).reshape(image.shape)


def test_the_weights_are_those_of_the_paper() -> None:
    assert sum(NEIGHBOURS.values()) == pytest.approx(1)
    assert all(weight == 1 / (6 * abs(y) + 6 * abs(x)) for (y, x), weight in NEIGHBOURS.items())


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 24), st.integers(1, 24), st.sampled_from([1, 3]), st.floats(0, 1),
    st.sampled_from([0.0, 1.0, 3.0]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_any_mask(
    height: int, width: int, colours: int, share: float, blur: float, seed: int
) -> None:
    """Scattered pixels, specks and blobs, up to all but one pixel removed."""
    from scipy.ndimage import gaussian_filter

    generator = np.random.default_rng(seed)
    image = generator.random((height, width, colours))
    field = gaussian_filter(generator.random((height, width)), blur).ravel()
    kept = field.argsort().argsort() >= min(int(share * field.size), field.size - 1)
    (found,) = impute(image[None], kept.reshape(1, height, width))
    np.testing.assert_allclose(found, dense(image, kept.reshape(height, width)), atol=1e-12)


def masks(height: int, width: int) -> dict[str, np.ndarray]:
    y, x = np.mgrid[:height, :width]
    return {
        "one pixel kept in a corner": (y == 0) & (x == 0),
        "one pixel kept inside": (y == height // 3) & (x == width // 2),
        "a rim kept": (y == 0) | (x == 0) | (y == height - 1) | (x == width - 1),
        "a disc removed": np.hypot(y - height / 2, x - width / 3) > height / 3,
        "a disc kept": np.hypot(y - height / 2, x - width / 3) < height / 9,
        "lines": y % 7 == 0,
        "every second pixel": (y + x) % 2 == 0,
        "half": np.random.default_rng(0).random((height, width)) > 0.5,
        "all": y >= 0,
    }


@pytest.mark.parametrize(("shape", "colours"), [((40, 29), 3), ((17, 50), 1)])
def test_large_holes_and_small(shape: tuple[int, int], colours: int) -> None:
    kept = np.stack(list(masks(*shape).values()))
    images = np.random.default_rng(1).random((len(kept), *shape, colours))
    expected = [dense(*each) for each in zip(images, kept, strict=True)]
    before = images.copy()
    found = impute(images, kept)
    np.testing.assert_allclose(found, expected, atol=1e-11)
    np.testing.assert_array_equal(found[kept], images[kept])
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(found[3:4], impute(images[3:4], kept[3:4]))


def test_what_is_removed_is_never_read() -> None:
    kept = masks(12, 9)["half"][None]
    images = np.random.default_rng(1).random((1, 12, 9, 3), np.float32)
    hidden = np.where(kept[..., None], images, np.float32(np.nan))
    np.testing.assert_array_equal(impute(images, kept), impute(hidden, kept))


def test_an_image_as_large_as_a_photograph() -> None:
    """Each equation holds, and a plane comes back out of a rim of it."""
    y, x = np.mgrid[:227, :227]
    plane = np.stack([y / 227, x / 227 - y / 454, np.ones_like(y)], axis=-1)
    (found,) = impute(plane[None], masks(227, 227)["a rim kept"][None])
    np.testing.assert_allclose(found, plane, atol=1e-11)
    image = np.random.default_rng(0).random((227, 227, 3))
    kept = masks(227, 227)["a disc kept"]
    (found,) = impute(image[None], kept[None])
    rest = np.zeros_like(found)
    for (down, across), weight in NEIGHBOURS.items():
        shifted = np.roll(np.pad(found, ((1, 1), (1, 1), (0, 0))), (-down, -across), (0, 1))
        inside = np.roll(np.pad(np.ones((227, 227)), 1), (-down, -across), (0, 1))[1:-1, 1:-1]
        rest += weight * inside[..., None] * (found - shifted[1:-1, 1:-1])
    assert abs(rest[~kept]).max() < 1e-13


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (37, 1), (13, 13), (31, 64)])
def test_each_pixel_has_its_turn_and_meets_only_its_part_and_what_is_around(
    height: int, width: int
) -> None:
    found = parts(height, width, tuple(NEIGHBOURS))
    np.testing.assert_array_equal(np.sort(found.pixels), np.arange(height * width))
    assert found.first[-1] == height * width and len(found.rim) == found.begin[-1]
    for part, (start, end) in enumerate(zip(found.first, found.first[1:], strict=False)):
        later = found.near[start:end][found.near[start:end] >= end]
        assert set(later) <= set(found.rim[found.begin[part] : found.begin[part + 1]])
        assert all(found.halves[part] < part)
    followed = found.halves[found.halves >= 0]
    np.testing.assert_array_equal(np.sort(followed), np.arange(len(found.halves) - 1))
