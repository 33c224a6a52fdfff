"""The picture of a diagnosis: the given maps, what the oracle makes by the convention, and both."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject import lettering
from implementations.architecture.weights import write_bytes

Maps = NDArray[np.float64]
MOST = 4
"""Images that are drawn."""
INCH, LETTERS = 2, 7
"""A panel's width, and points of its title's letters."""
ROOM = 0.95 * 72 * INCH
"""Points of a panel's title."""


Given = Mapping[str, tuple[str, Maps]]


def save(path: Path, images: Maps, maps: Given, made: Mapping[str, Maps]) -> None:
    """A row an image: it, then each given map beside the reproduced one and the difference.

    Of two given maps a last column is the difference of these. Maps are (N, H, W), the given ones
    with their titles; a difference is signed, blue where the given map, or the first, is below.
    The file is written whole or not at all. Raises BadInput.
    """
    import matplotlib as mpl

    drawn = io.BytesIO()
    with mpl.rc_context({"text.parse_math": False}):  # a file's name may have a dollar
        figure(images, maps, made).savefig(drawn, format="png", dpi=110)
    write_bytes(path, drawn.getvalue())


def figure(images: Maps, maps: Given, made: Mapping[str, Maps]) -> Any:
    """The figure of `save`; each title keeps to its panel."""
    from matplotlib.figure import Figure

    rows = [list(_row(n, images, maps, made)) for n in range(min(len(images), MOST))]
    size = INCH * len(rows[0]), 1.1 * INCH * len(rows)
    whole = Figure(figsize=size, layout="constrained")
    axes = whole.subplots(len(rows), len(rows[0]), squeeze=False)
    for n, row in enumerate(rows):
        for axis, (title, panel) in zip(axes[n], row, strict=True):
            signed = title.startswith("difference")
            span = float(np.abs(panel).max())
            bound = span or 1.0
            look = {"cmap": "RdBu_r", "vmin": -bound, "vmax": bound} if signed else {}
            axis.imshow(panel, **(look if panel.ndim == 2 else {}))
            axis.set_axis_off()
            lines = lettering.fitted(title, ROOM, LETTERS)
            lines += [f"{span:.2g} at most"] if signed else []
            if n == 0 or signed:
                axis.set_title("\n".join(lines), fontsize=LETTERS)
    return whole


def _row(n: int, images: Maps, maps: Given, made: Mapping[str, Maps]) -> Iterator[tuple[str, Maps]]:
    image = np.clip(images[n], 0, 1)
    yield "image", np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image[..., :3]
    for name, (title, given) in maps.items():
        yield title, given[n]
        if name in made:
            yield "reproduced", made[name][n]
            yield "difference", given[n] - made[name][n]
    if len({given.shape for _, given in maps.values()}) == 1 < len(maps):
        (_, first), (_, second) = maps.values()
        yield "difference of the two", first[n] - second[n]
