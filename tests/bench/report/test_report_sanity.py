from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.report import sanity as picture
from bench.report.explainers import Value
from bench.report.figures import sanity_curves
from bench.report.frame import gather
from bench.report.tables import sanity
from implementations.architecture import weights


def rows(make: Any, method: str, magnitude: float, ssim: float, **more: Any) -> list[Any]:
    found = []
    values = {"cascading_randomisation": magnitude, "cascading_magnitude": magnitude,
              "cascading_ssim": ssim, "cascading_zero": 0.0}  # fmt: skip
    for metric, value in values.items():
        told = {"method": method, "explainer": method, "metric": metric, "subset": "correct",
                "n": 30, **more}  # fmt: skip
        at = {"value": value, "ci_lo": value - 0.05, "ci_hi": value + 0.05}
        found.append(make.row("contrast", "pytorch", **told, **at))
        found += [
            make.row("contrast", "pytorch", **told, **at | {"value": 1 - share * (1 - value)},
                     at=share)
            for share in (0.0, 0.5, 1.0)
        ]  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("magnitude", "ssim", "told"),
    [
        (Value(0.1, 0.05, 0.15), Value(0.0, -0.1, 0.1), "gone"),
        (Value(0.1, 0.0, 0.3), Value(0.0), "between"),
        (Value(0.6, 0.55, 0.65), Value(0.1, 0.0, 0.15), "alike"),
        (Value(0.6, 0.45, 0.75), Value(0.1, 0.0, 0.15), "between"),
        (Value(float("nan")), Value(0.7), "alike"),
        (Value(float("nan")), Value(float("nan")), "between"),
    ],
)
def test_a_verdict_rests_on_intervals(magnitude: Value, ssim: Value, told: str) -> None:
    assert sanity.verdict(magnitude, ssim) == told


def test_it_is_said_what_came_out_whichever_it_is(make: Any) -> None:
    measured = [
        *rows(make, "grad_cam", 0.05, 0.1), *rows(make, "saliency", 0.3, 0.2),
        *rows(make, "guided_backprop", 0.8, 0.4), *rows(make, "gradient_x_input", 0.6, 0.7),
        *rows(make, "saliency", 0.9, 0.9, library="captum", explainer="captum.saliency"),
    ]  # fmt: skip
    table = sanity.make(gather([(make.head, measured)]))
    assert sorted(table.data["explainer"]) == [
        "grad_cam", "gradient_x_input", "guided_backprop", "saliency"
    ]  # fmt: skip
    first, second = table.views[0].data["sentence"]
    assert first == (
        "cnn-gap on digits, all weights drawn anew (ρ of magnitudes, SSIM): destroyed: grad_cam "
        "(0.0500, 0.100); still alike: gradient_x_input (0.600, 0.700), guided_backprop (0.800, "
        "0.400); in between: saliency (0.300, 0.200)."
    )
    assert second == (
        "As in the paper: grad_cam, guided_backprop; otherwise: saliency is in between, there "
        "destroyed."
    )
    ((name, figure),) = sanity_curves.draw(gather([(make.head, measured)]))
    assert name == "sanity_curves_digits_cnn-gap_cpu"
    titles = [panel["title"]["text"] for panel in figure["concat"]]
    assert titles == list(sanity_curves.SHOWN.values())
    assert all(len({row["explainer"] for row in each}) == 4 for each in figure["datasets"].values())


def test_without_such_rows_there_is_nothing(make: Any) -> None:
    frame = gather([(make.head, [make.row("contrast", "pytorch", metric="road", value=1.0)])])
    assert not len(sanity.make(frame).data) and not list(sanity_curves.draw(frame))


def test_the_picture_is_of_an_image_whose_maps_are_not_empty(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).uniform(0, 1, (3, 2, 8, 8)).astype(np.float32)
    maps[0, 0] = 0
    likeness = np.ones((3, 2), np.float32)
    likeness[2] = np.nan
    told = json.dumps({"names": ["dense1", "conv2", "conv1"], "counts": [0, 1, 3]})
    arrays = {
        "images": np.stack([np.zeros((8, 8, 1)), np.ones((8, 8, 1))]).astype(np.float32),
        "targets": np.array([0, 1], np.int32), "layers": np.frombuffer(told.encode(), np.uint8),
        "grad_cam": maps, "grad_cam@spearman": likeness, "grad_cam@ssim": likeness,
        "a_method": maps, "a_method@spearman": likeness, "a_method@ssim": likeness,
    }  # fmt: skip
    path = tmp_path / "contrast-1.safetensors"
    weights.save(path, {f"shapes/cnn-gap/cascade@{name}": each for name, each in arrays.items()})
    (found,) = picture.kept([path])
    assert found.steps == ("trained", "dense1", "down to conv1")
    assert list(found.maps) == ["grad_cam", "a_method"], "the paper's methods come first"
    pixels = picture.pixels(found)
    assert pixels.shape[1] == 4 * (picture.TILE + 6)
    assert (pixels[60:100, 20:80] == 255).all(), "the second image, white"
    assert [stem for stem, _, _ in picture.draw([path])] == ["sanity_shapes_cnn-gap"]
    assert not list(picture.draw([path], [("digits", "cnn-gap")]))
