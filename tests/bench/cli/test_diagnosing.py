"""`diagnose`: from files to a verdict, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from bench.__main__ import main
from bench.cli import sides, user_maps
from implementations import methods
from implementations.architecture import graph, weights
from implementations.arrays import resize
from implementations.errors import BadInput
from implementations.oracle import runtime

NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 5, "kernel": 3, "stride": 2},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
    {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 4},
]
FORM = {"input_shape": [12, 12, 3], "classes": 4, "nodes": NODES}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Words for a network and its images; `tmp_path` has the maps of the oracle, too."""
    (tmp_path / "net.json").write_text(json.dumps(FORM))
    architecture = graph.parse(FORM, "net")
    tensors = weights.randomise(architecture, 4)
    weights.save(tmp_path / "w.safetensors", tensors)
    images = np.random.default_rng(0).random((5, 12, 12, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", images)
    network = runtime.build(architecture, tensors)
    method = methods.load("grad_cam")
    explain = method.bind(
        "reference", runtime, network, "relu1", method.resolve({}), method.outputs
    )
    targets = network(images.astype(np.float64)).argmax(axis=1)
    found = explain(images.astype(np.float64), targets)
    np.save(tmp_path / "map.npy", resize(found["heatmap"], (12, 12)).astype(np.float32))
    np.save(tmp_path / "signed.npy", resize(found["signed"], (12, 12)).astype(np.float32))
    return [
        "diagnose", "--architecture", str(tmp_path / "net.json"),
        "--weights", str(tmp_path / "w.safetensors"), "--images", str(tmp_path / "x.npy"),
    ]  # fmt: skip


def test_a_canonical_map_and_one_without_its_relu(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = str(tmp_path / "map.npy"), str(tmp_path / "signed.npy")
    assert main([*files, "--heatmap", one, "--against", other]) == 0
    told = capsys.readouterr().out
    assert f"{one}: canonical" in told and f"{other}: rectify: none" in told
    assert "first step that differs from canonical: rectify" in told
    assert "rectify: before resizing in the first, none in the second" in told
    assert "explain --framework reference" in told and "--layer relu1" in told


def test_noise_is_explained_by_nothing_and_says_so(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "noise.npy", np.random.default_rng(1).random((5, 12, 12)))
    words = [*files, "--heatmap", str(tmp_path / "noise.npy"), "--seconds", "3"]
    assert main([*words, "--json"]) == 3
    verdict = json.loads(capsys.readouterr().out)["heatmap"]
    assert verdict["found"] == [] and verdict["nearest"]["error"] > 0.1 and verdict["tried"] > 10


@pytest.mark.parametrize(
    ("maps", "told"),
    [
        (np.zeros((4, 12, 12)), "4 maps for 5 images"),
        (np.zeros((5, 9, 9)), "maps of 9 x 9; of this network they are 6 x 6 or 12 x 12"),
        (np.full((5, 12, 12), np.nan), "not finite"),
        (np.zeros((5, 12)), "1 maps for 5 images"),
        (np.random.default_rng(2).random((5, 12, 12, 3)), "an overlay"),
    ],
)
def test_what_is_no_map_of_these_images_is_refused(
    files: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    maps: np.ndarray,
    told: str,
) -> None:
    np.save(tmp_path / "wrong.npy", maps)
    assert main([*files, "--heatmap", str(tmp_path / "wrong.npy")]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def test_a_method_of_all_classes_is_refused(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*files, "--heatmap", str(tmp_path / "map.npy"), "--method", "grad_cam_all_classes"]
    assert main(words) == 2
    assert "give a map of one class for each image" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["jet", "viridis", "gray"])
def test_colours_are_read_back(tmp_path: Path, name: str) -> None:
    from matplotlib import colormaps

    levels = np.random.default_rng(3).integers(0, 256, (2, 9, 8))
    painted = (colormaps[name](levels)[..., :3] * 255).round().astype(np.uint8)
    np.save(tmp_path / "c.npy", painted)
    maps, told, coarse, _ = user_maps.read_maps(tmp_path / "c.npy")
    assert name in told and coarse > 1 / 255 and np.abs(maps - levels / 255).max() <= 2 / 255


def test_an_overlay_is_called_one(tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", np.random.default_rng(4).integers(0, 256, (2, 9, 8, 3), np.uint8))
    with pytest.raises(BadInput, match="an overlay"):
        user_maps.read_maps(tmp_path / "o.npy", np.random.default_rng(5).random((2, 9, 8, 3)))


def overlaid(name: str, tmp_path: Path) -> np.ndarray:
    """Pictures of the maps in `map.npy`, scaled to [0, 1], as people make them."""
    images, maps = np.load(tmp_path / "x.npy"), np.load(tmp_path / "map.npy")
    maps = maps / maps.max(axis=(1, 2), keepdims=True)
    if name == "OpenCV":
        cv2 = pytest.importorskip("cv2")
        blue_first = [cv2.applyColorMap(np.uint8(255 * each), cv2.COLORMAP_JET) for each in maps]
        colours = np.stack(blue_first)[..., ::-1] / 255
        mixed = 0.5 * colours + 0.5 * images
        return np.uint8(255 * mixed / mixed.max(axis=(1, 2, 3), keepdims=True))
    from matplotlib import colormaps

    share = 0.3 if name == "overlay" else 0.0
    colours = colormaps["viridis"](maps)[..., :3]
    return np.uint8(np.round(255 * (share * images + (1 - share) * colours)))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("colours", "the colours are those of viridis"),
        ("overlay", "an overlay of viridis on 30% of the image"),
        ("OpenCV", "an overlay of OpenCV's jet on 50% of the image"),
    ],
)
def test_pictures_of_maps_are_diagnosed(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    np.save(tmp_path / "seen.npy", overlaid(name, tmp_path))
    read = user_maps.read_maps(tmp_path / "seen.npy", np.load(tmp_path / "x.npy"))
    assert told in read.told
    assert main([*files, "--heatmap", str(tmp_path / "seen.npy")]) == 0
    assert f"{tmp_path / 'seen.npy'}: normalise: max (cost 0" in capsys.readouterr().out


def test_a_png_is_read_and_given_and_reproduced_are_drawn(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.fromarray(overlaid("colours", tmp_path)[0]).save(tmp_path / "seen.png")
    assert user_maps.read_maps(tmp_path / "seen.png").maps.shape == (1, 12, 12)
    picture = tmp_path / "sides.png"
    given = ["--heatmap", str(tmp_path / "map.npy"), "--against", str(tmp_path / "signed.npy")]
    assert main([*files, *given, "--picture", str(picture), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"heatmap", "against", "between"} and told["between"]["error"] > 1e-3
    with Image.open(picture) as drawn:
        width, height = drawn.size
        assert width > height > 500  # four images, and eight panels of each
    assert main([*files, *given, "--picture", str(tmp_path / "sides.jpg")]) == 2
    assert "name a .png file" in capsys.readouterr().err


def test_two_maps_that_neither_is_canonical_are_told_apart_step_by_step(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed = np.load(tmp_path / "signed.npy").astype(float)
    low, high = (f(signed, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    np.save(tmp_path / "one.npy", (signed - low) / (high - low))
    late = np.maximum(signed, 0)
    np.save(tmp_path / "other.npy", late / late.sum(axis=(1, 2), keepdims=True))
    words = ["--heatmap", str(tmp_path / "one.npy"), "--against", str(tmp_path / "other.npy")]
    main([*files, *words])
    told = capsys.readouterr().out
    assert "normalise: min_max in the first" in told and "the two part at: rectify" in told
    assert "the second is no a x first + b" in told
    np.save(tmp_path / "other.npy", 3 * np.load(tmp_path / "one.npy") - 1)
    main([*files, *words])
    assert (
        "the second is a x first + b, image by image: a 3 3 3 3 3; b -1" in capsys.readouterr().out
    )


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    maps = np.ones((1, 4, 4))
    with pytest.raises(BadInput, match="cannot write"):
        sides.save(tmp_path / "no" / "d.png", np.ones((1, 4, 4, 1)), {"heatmap": ("m", maps)}, {})


def test_no_title_of_a_picture_reaches_into_another() -> None:
    maps = np.ones((1, 4, 4))
    long = "heatmaps of the last convolution in float32 as another program has them $1.npy"
    given = {"heatmap": (long, maps), "against": (long.replace(" ", "w"), 2 * maps)}
    made = sides.figure(np.ones((1, 4, 4, 1)), given, {"heatmap": maps, "against": maps})
    made.draw_without_rendering()
    boxes = [axis.title.get_window_extent() for axis in made.axes]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_maps_that_are_mostly_empty_are_no_evidence_and_take_no_time(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = np.load(tmp_path / "x.npy")
    empty[2:] = 0  # of a network without a bias nothing is left
    architecture = graph.parse(FORM, "net")
    tensors = weights.load(tmp_path / "w.safetensors")
    tensors = {name: each * ("bias" not in name) for name, each in tensors.items()}
    weights.save(tmp_path / "w.safetensors", tensors)
    np.save(tmp_path / "x.npy", empty)
    method = methods.load("grad_cam")
    network = runtime.build(architecture, tensors)
    explain = method.bind(
        "reference", runtime, network, "relu1", method.resolve({}), method.outputs
    )
    targets = network(empty.astype(np.float64)).argmax(axis=1)
    maps = resize(explain(empty.astype(np.float64), targets)["heatmap"], (12, 12))
    np.save(tmp_path / "map.npy", maps.astype(np.float32))
    assert main([*files, "--heatmap", str(tmp_path / "map.npy")]) == 3
    told = capsys.readouterr().out
    assert "maps have values enough to tell conventions apart (1 conventions tried" in told
    assert "all fit: canonical; give images whose maps are not empty" in told


def test_what_is_not_found_without_targets_says_whose_classes_were_taken(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "noise.npy", np.random.default_rng(1).random((5, 12, 12)))
    assert main([*files, "--heatmap", str(tmp_path / "noise.npy"), "--seconds", "1"]) == 3
    assert "--targets names others" in capsys.readouterr().out


KEPT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "channels": lambda m: m[:, None], "float16": lambda m: m.astype(np.float16),
    "8 bits, rounded": lambda m: np.uint8(np.round(255 * m)),
    "8 bits, cut off": lambda m: np.uint8(255 * m),
    "whole numbers": lambda m: np.int64(255 * m),
    "whole numbers in float32": lambda m: np.float32(np.round(255 * m)),
    "cut off and divided again": lambda m: np.uint8(255 * m) / 255,
    "16 bits": lambda m: np.uint16(np.round(65535 * m)),
    "hot, reversed": lambda m: np.uint8(255 * mpl.colormaps["hot_r"](m)[..., :3]),
    "a scale of greys": lambda m: np.uint8(255 * mpl.colormaps["Greys"](m)[..., :3]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KEPT)
def test_maps_as_people_keep_them(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    maps = np.load(tmp_path / "map.npy")
    if kind not in ("channels", "float16"):
        maps = maps / maps.max(axis=(1, 2), keepdims=True)
    np.save(tmp_path / "kept.npy", KEPT[kind](maps))
    assert main([*files, "--heatmap", str(tmp_path / "kept.npy"), "--seconds", "4"]) == 0
    told = capsys.readouterr().out
    assert "(cost 0; 1 conventions tried" in told
    assert ("its colours read as those of" in told) == (kind in list(KEPT)[-2:])
