from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.report.site.pictures import Gallery, galleries, shown_before
from bench.report.site.shell import plain
from implementations.architecture import weights


def pixels(source: str) -> np.ndarray[Any, Any]:
    content = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture).astype(int)


@pytest.fixture(scope="module", name="found")
def found_galleries(make: Any, material: Any, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    folder: Path = tmp_path_factory.mktemp("maps")
    (found,) = galleries(material([], folder).heatmaps)
    return found


def test_a_map_is_grey_on_its_own_scale_and_an_empty_one_says_so(found: Gallery) -> None:
    mine = found.data["methods"]["saliency"]["reference"]
    sprite = pixels(mine["maps"])
    assert sprite.shape == (8, 4) and found.data["n"] == 2 and found.data["height"] == 4
    assert sprite[0].tolist() == [64, 128, 160, 255] and (sprite[1:] == 128).all()
    assert mine["signed"] and mine["empty"] == [1]
    assert not found.data["methods"]["grad_cam"]["reference"]["signed"]


def test_differences_are_magnified_by_a_power_of_ten_that_is_told(found: Gallery) -> None:
    jax = found.data["methods"]["saliency"]["jax"]
    assert jax["worst"] == pytest.approx(1e-5, rel=1e-2) and jax["times"] in (1e4, 1e5)
    worst = pixels(jax["apart"])[0, 3]
    assert worst == pytest.approx(128 + 127 * jax["worst"] * jax["times"], abs=1)
    same = found.data["methods"]["saliency"]["pytorch"]
    assert same["equal"] and not same["apart"]


def test_it_is_of_named_classes_and_the_newest_run(found: Gallery, make: Any) -> None:
    assert found.data["targets"] == ["triangle", "disc"]
    assert found.run_id == make.head["run_id"] and found.methods == ("grad_cam", "saliency")


def test_layers_and_classes_are_in_their_order_and_named(found: Gallery) -> None:
    layers, classes = found.data["layers"]["grad_cam"], found.data["classes"]["grad_cam"]
    assert list(layers) == ["relu1", "relu4"]
    assert [each["names"][0] for each in classes] == ["triangle", "class 10", "square"]
    assert classes[2]["names"] == ["square", "cross"] and classes[2]["signed"]
    assert layers["relu4"]["empty"] == [1]
    # Each map is on its own scale: twice the map is the same picture.
    assert layers["relu1"]["maps"] == layers["relu4"]["maps"]


def test_methods_of_older_runs_stay_where_their_images_are_the_same(
    make: Any, material: Any, tmp_path: Path
) -> None:
    (path,) = material([], tmp_path).heatmaps
    arrays = weights.load(path)
    head = "shapes/cnn-gap"
    newer = {name: arrays[f"{head}/{name}"] for name in ("images", "targets")}
    newer["cam/reference"] = arrays[f"{head}/grad_cam/reference"]
    weights.save(tmp_path / "n.safetensors", {f"{head}/{k}": v for k, v in newer.items()})
    (both,) = galleries([path, tmp_path / "n.safetensors"])
    assert both.methods == ("cam", "grad_cam", "saliency")
    assert both.runs == ("n", make.head["run_id"])
    newer["images"] = 1 - newer["images"]
    weights.save(tmp_path / "n.safetensors", {f"{head}/{k}": v for k, v in newer.items()})
    (alone,) = galleries([path, tmp_path / "n.safetensors"])
    assert alone.methods == ("cam",) and alone.runs == ("n",)


def test_what_an_earlier_page_showed_is_shown_again(found: Gallery, tmp_path: Path) -> None:
    path = tmp_path / f"{found.name}.js"
    path.write_text(f"camparison.take({json.dumps(found.name)}, {plain(found.data)});\n")
    assert not list(shown_before(tmp_path, ["another run"]))
    (again,) = shown_before(tmp_path, [found.run_id])
    assert plain(again.data) == plain(found.data) and again.methods == found.methods
    assert (again.name, again.dataset, again.run_id) == (found.name, found.dataset, found.run_id)
    assert again.images.shape == found.images.shape
    np.testing.assert_allclose(again.images, np.clip(found.images, 0, 1), atol=0.5 / 255 + 1e-6)
    for method, maps in found.oracle.items():
        assert again.bare(method) == found.bare(method)
        peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(
            again.oracle[method], maps / np.where(peaks > 0, peaks, 1), atol=0.5 / 127 + 1e-6
        )
