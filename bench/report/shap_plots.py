"""SHAP values over their images, red for and blue against: an image a row, an output a column."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.array_file import load
from bench.report.files import stem
from bench.subject import lettering

REFERENCE = "reference"
BESIDE = ("class_names", "images", "labels", "outputs")
"""What a file holds beside values."""
GAP, INCH = 0.32, 1.05
"""Between images, as a share of one, for the class's name; an image's width."""
LETTERS, LINES, SHARE = 7, 0.27, 0.9
"""Points of a class's name; two lines of it as a share of an image's width, and what the layout
leaves of a figure's width."""
ABOVE = 2
"""Points from an image to its class's name."""
FAINT = 0.15
"""How much of the image shows through."""
MOST = 99.9
"""Percentile of an image's magnitudes that has the full colour, as in SHAP's own plots."""
Floats = NDArray[np.float64]


def draw(
    path: Path, drawn: Container[str] = (), networks: Container[tuple[str, str]] | None = None
) -> Iterator[tuple[str, Any]]:
    """`shap_<data set>_<architecture>_<explainer and masker>` from a safetensors file.

    But those `drawn`; of these (data set, architecture) `networks`, or of all. The file holds
    `<data set>/class_names`, UTF-8, one a line, and below `<data set>/<architecture>/` `images`
    (n, H, W, C) in [0, 1], `labels` (n,), `outputs` (n, k) and `<explainer>/<column>`
    (n, H, W, k), of which one column is drawn. Raises BadInput for a broken file.
    """
    arrays = load(path)
    shown: dict[tuple[str, str, str], dict[str, Floats]] = {}
    for name, array in arrays.items():
        dataset, _, rest = name.partition("/")
        if rest.rpartition("/")[2] not in BESIDE:
            *architecture, explainer, column = rest.split("/")
            key = dataset, "/".join(architecture), explainer
            shown.setdefault(key, {})[column] = np.asarray(array, np.float64)
    for (dataset, network, explainer), columns in sorted(shown.items()):
        asked = networks is None or (dataset, network) in networks
        name = stem("shap", dataset, network, explainer)
        if asked and name not in drawn:
            column = min(columns, key=lambda each: (each == REFERENCE, each))
            head = f"{dataset}/{network}"
            images, outputs, labels = (
                arrays[f"{head}/{each}"] for each in ("images", "outputs", "labels")
            )
            classes = bytes(arrays[f"{dataset}/class_names"]).decode().split("\n")
            title = f"SHAP, {explainer}: {network} on {dataset}, by {column}"
            named = [[classes[of] for of in row] for row in outputs]
            true = [classes[of] for of in labels]
            yield name, _figure(title, np.asarray(images, float), columns[column], named, true)


def tiles(images: Floats, values: Floats) -> Floats:
    """RGB (n, k, H, W, 3) of values (n, H, W, k): one scale an image, zero in the middle."""
    import matplotlib as mpl

    peaks = np.percentile(np.abs(values), MOST, axis=(1, 2, 3), keepdims=True)
    scaled = np.moveaxis(values / np.where(peaks > 0, peaks, 1), 3, 1)
    colours: Floats = mpl.colormaps["bwr"](scaled / 2 + 0.5)[..., :3]
    grey = images.mean(axis=3)[:, None, :, :, None]
    seen: Floats = np.clip((1 - FAINT) * colours + FAINT * grey, 0, 1)
    return seen


def _figure(
    title: str, images: Floats, values: Floats, named: list[list[str]], true: list[str]
) -> Any:
    from matplotlib.figure import Figure

    pictures = np.clip(np.broadcast_to(images[..., :3], (*images.shape[:3], 3)), 0, 1)
    rows = np.concatenate([pictures[:, None], tiles(images, values)], axis=1)
    n, across, height, width = rows.shape[:4]
    gap = max(round(GAP * height), math.ceil(LINES * width))
    spaced = np.pad(rows, ((0, 0), (0, 0), (gap, 0), (0, gap), (0, 0)), constant_values=1.0)
    whole = spaced.transpose(0, 2, 1, 3, 4).reshape(n * (height + gap), -1, 3)[:, :-gap]
    size = across * INCH * (1 + gap / width), n * INCH * (height + gap) / width + 0.4
    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    axis.imshow(whole, interpolation="nearest")
    axis.set_axis_off()
    room = 72 * INCH * (1 + gap / width) * SHARE
    for row, (outputs, label) in enumerate(zip(named, true, strict=True)):
        for column, text in enumerate([f"is {label}", *outputs]):
            place = column * (width + gap) + width / 2 - 0.5, row * (height + gap) + gap - 0.5
            bold = text == label
            told = "\n".join(lettering.fitted(text, room, LETTERS, bold))
            weight = "bold" if bold else "normal"
            axis.annotate(
                told, place, (0, ABOVE), textcoords="offset points", ha="center", va="bottom",
                fontsize=LETTERS, weight=weight,
            )  # fmt: skip
    figure.suptitle(f"{title}\nred: for the class, blue: against it; one scale a row", fontsize=9)
    return figure
