from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.report import contact_sheet
from implementations.architecture import weights


def kept(folder: Path) -> Path:
    maps = np.random.default_rng(0).uniform(0, 1, (4, 8, 8)).astype(np.float32)
    maps[3] = 0
    head = "shapes/cnn-gap"
    arrays = {
        f"{head}/images": np.zeros((4, 8, 8, 1), np.float32),
        f"{head}/targets": np.array([0, 1, 2, 3], np.int32),
        f"{head}/grad_cam/reference": maps, f"{head}/grad_cam/jax": maps,
        f"{head}/saliency/jax": maps - np.float32(0.5),
        f"{head}/grad_cam@00.relu1/reference": maps, f"{head}/grad_cam#5/reference": maps,
    }  # fmt: skip
    weights.save(folder / "compare-1-m1.safetensors", arrays)
    return folder / "compare-1-m1.safetensors"


def test_a_sheet_a_network_has_methods_layers_and_classes(tmp_path: Path) -> None:
    ((stem, figure, runs),) = contact_sheet.sheets([kept(tmp_path)])
    assert stem == "contact_sheet_shapes_cnn-gap" and runs == ("compare-1-m1",)
    (axis,) = figure.axes
    pixels = np.asarray(axis.images[0].get_array())
    # The image and two methods across; three blocks of three lines, each of a map and its overlay.
    assert pixels.shape[1] == 3 * (contact_sheet.TILE + 6)
    assert pixels.shape[0] > 18 * contact_sheet.TILE
    assert list(contact_sheet.sheets([kept(tmp_path)], [("digits", "cnn-gap")])) == []


def test_an_image_with_an_empty_map_is_among_those_shown(tmp_path: Path) -> None:
    (found,) = contact_sheet.gathered([kept(tmp_path)])
    lines = contact_sheet._lines(found)
    assert contact_sheet._with_an_empty_one(found, lines) == [0, 1, 3]
    assert [[panel.says[1] for panel in line] for line in lines] == [
        [["grad_cam"], ["saliency"]], [["grad_cam", "at relu1"]], [["grad_cam", "star"]]
    ]  # fmt: skip
