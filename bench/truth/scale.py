"""What an error is relative to: a map's to the signed map's peak, another stage's to its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

MAPS = ("signed", "heatmap", "upsampled")


def scale(name: str, expected: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """The array whose largest magnitude, image by image, an error of this stage is divided by."""
    return expected.get("signed", expected["heatmap"]) if name in MAPS else expected[name]
