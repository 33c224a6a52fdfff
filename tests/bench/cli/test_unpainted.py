"""Colours read back: every colour map of matplotlib and of OpenCV, drawn in the usual ways."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from bench.cli import unpainted, user_maps
from implementations.arrays import Floats
from implementations.errors import BadInput

cv2 = pytest.importorskip("cv2")
OPENCV = sorted(each for each in dir(cv2) if each.startswith("COLORMAP_"))
CLOSED = (
    "COLORMAP_HSV", "COLORMAP_TWILIGHT", "COLORMAP_TWILIGHT_SHIFTED", "twilight",
    "twilight_shifted",
)  # fmt: skip
"""Those that end in the colour that they begin with."""
FEW = (
    "flag", "prism", "Accent", "okabe_ito", "Dark2", "Paired", "Pastel1", "Pastel2", "Set1", "Set2",
    "Set3", "tab10", "tab20", "tab20b", "tab20c",
)  # fmt: skip
"""Matplotlib's that have the same colour twice, or a few colours."""


def maps() -> Floats:
    """Smooth maps (2, 12, 12) from 0 to 1."""
    places = np.arange(12.0)
    each = [
        np.exp(-((places[:, None] - a) ** 2 + (places - b) ** 2) / 30) for a, b in ((3, 4), (8, 5))
    ]
    found = np.stack(each)
    low, high = (f(found, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    scaled: Floats = (found - low) / (high - low)
    return scaled


def painted(name: str) -> Floats:
    """The maps in colours (2, 12, 12, 3)."""
    if name.startswith("COLORMAP_"):
        blue_first = [cv2.applyColorMap(np.uint8(255 * m), getattr(cv2, name)) for m in maps()]
        return np.stack(blue_first)[..., ::-1] / 255
    found: Floats = mpl.colormaps[name](maps())[..., :3]
    return found


def right(read: unpainted.Read) -> bool:
    """Whether a reading is as near to the maps as it says."""
    readings = [(read.levels, read.coarse), *((levels, off) for _, levels, off in read.others)]
    return any(float(np.abs(each - maps()).max()) <= off < 11 / 255 for each, off in readings)


@pytest.mark.parametrize("name", [*mpl.colormaps, *OPENCV])
def test_every_colour_map_is_read_back_or_said_to_be_none_that_can_be(name: str) -> None:
    colours = painted(name)
    drawn = {
        "exact": colours, "rounded": np.round(255 * colours) / 255,
        "cut off": np.floor(255 * colours) / 255,
    }  # fmt: skip
    for how, each in drawn.items():
        read = unpainted.read_back(each)
        assert read is not None, how
        if name.removesuffix("_r") in (*CLOSED, *FEW):
            assert "one colour stands for levels far apart" in read.reason, how
        else:
            assert not read.reason and right(read), how


@pytest.mark.parametrize("name", [*mpl.colormaps, *OPENCV][::12])
def test_under_an_overlay_too(name: str) -> None:
    colours = painted(name)
    images = np.random.default_rng(0).random(colours.shape)
    over = unpainted.unmixed(np.floor(255 * (0.4 * images + 0.6 * colours)) / 255, images)
    assert over is not None and "on 40% of the image" in over.told
    assert over.reason or right(over)


def test_what_stands_for_many_levels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tab.npy"
    np.save(path, np.uint8(np.round(255 * painted("tab10"))))
    with pytest.raises(BadInput, match=r"those of tab\d+, where one colour stands for levels far"):
        user_maps.read_maps(path)
