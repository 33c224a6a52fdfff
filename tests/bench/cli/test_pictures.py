"""Pictures in, ranked classes and pictures out: of `explain` and `predict`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.cli import drawn, pictures
from bench.cli.predicting import best
from implementations.architecture import graph, registered, weights
from implementations.errors import BadInput


def picture(path: Path, height: int, width: int, mode: str = "RGB") -> Path:
    """Left half black, right half white."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[:, width // 2 :] = 255
    Image.fromarray(pixels).convert(mode).save(path)
    return path


@pytest.fixture
def network(tmp_path: Path) -> Path:
    architecture = registered.get("cnn-gap", (12, 10, 3), 4)
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "architecture.json").write_text(json.dumps(graph.document(architecture)))
    weights.save(folder / "weights.safetensors", weights.randomise(architecture, 5))
    return folder


@pytest.mark.parametrize(("height", "width"), [(12, 10), (24, 20), (50, 20), (12, 40), (7, 5)])
def test_the_centre_is_cut_out(tmp_path: Path, height: int, width: int) -> None:
    made = pictures.read([picture(tmp_path / "p.png", height, width)], (12, 10), 3)
    assert made.images.shape == (1, 12, 10, 3) and made.images.dtype == np.float32
    assert made.images[..., 0, :].max() < 0.1 and made.images[..., -1, :].min() > 0.9
    if (height, width) == (12, 10):
        np.testing.assert_array_equal(made.images[0, :, :, 0], np.repeat([[0, 1]], 5).reshape(1, -1)
                                      .repeat(12, axis=0))  # fmt: skip


def test_a_turned_photograph_is_upright(tmp_path: Path) -> None:
    tag = Image.Exif()
    tag[0x0112] = 6  # the camera was turned: 90 degrees clockwise brings it upright
    with Image.open(picture(tmp_path / "p.png", 8, 8)) as upright:
        upright.rotate(90).save(tmp_path / "turned.png", exif=tag)
    made = pictures.read([tmp_path / "turned.png"], (8, 8), 1)
    np.testing.assert_array_equal(made.images[0, :, :, 0], np.repeat([[0, 1]], 4).reshape(1, -1)
                                  .repeat(8, axis=0))  # fmt: skip


def test_folders_are_taken_in_order_and_arrays_left(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "c.bmp"):
        picture(tmp_path / name, 4, 4)
    (tmp_path / "notes.txt").write_text("not a picture")
    found = pictures.found([str(tmp_path)])
    assert found and [path.name for path in found] == ["a.jpg", "b.png", "c.bmp"]
    np.save(tmp_path / "x.npy", np.zeros((1, 4, 4, 3)))
    assert pictures.found([str(tmp_path / "x.npy")]) is None
    with pytest.raises(BadInput, match="one array, or pictures"):
        pictures.found([str(tmp_path / "x.npy"), str(tmp_path / "b.png")])
    (tmp_path / "none").mkdir()
    with pytest.raises(BadInput, match="no pictures in this folder"):
        pictures.found([str(tmp_path / "none")])


@pytest.mark.parametrize("cut", [9, 40, 200])
def test_a_broken_picture_is_named_in_one_line(tmp_path: Path, cut: int) -> None:
    whole = picture(tmp_path / "p.jpg", 40, 40).read_bytes()
    (tmp_path / "p.jpg").write_bytes(whole[:cut])
    with pytest.raises(BadInput, match="not a readable picture") as caught:
        pictures.read([tmp_path / "p.jpg"], (8, 8), 3)
    assert "\n" not in str(caught.value)


def test_pictures_that_cannot_be_taken_say_why(tmp_path: Path) -> None:
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(deep)
    with pytest.raises(BadInput, match="8 bits a channel"):
        pictures.read([deep], (4, 4), 3)
    with pytest.raises(BadInput, match="reads 4 channels"):
        pictures.read([picture(tmp_path / "p.png", 4, 4)], (4, 4), 4)
    with pytest.raises(BadInput, match="too long and narrow"):
        pictures.read([picture(tmp_path / "p.png", 1, 300)], (224, 224), 3)


def test_an_overlay_is_the_mixture_it_says(tmp_path: Path) -> None:
    images = np.full((1, 4, 6, 1), 0.5, np.float32)
    maps = np.zeros((1, 2, 3), np.float32)
    maps[0, 0, 0] = 2.0
    look = drawn.Look(colormap="gray", opacity=0.25, resample="nearest")
    pixels = drawn.composed(images, maps, look)
    assert pixels.shape == (4, 3 * 6 + 2 * drawn.GAP, 3)
    image, heat, both = (pixels[:, n * (6 + drawn.GAP) :][:, :6, 0] / 255 for n in range(3))
    assert np.allclose(image, 0.5, atol=0.003)
    np.testing.assert_array_equal(heat[:2, :2], 1)
    np.testing.assert_array_equal(heat[2:], 0)
    assert np.allclose(both, 0.25 * heat + 0.75 * 0.5, atol=0.005)
    larger = drawn.composed(images, maps, drawn.Look(size=(8, 8)))
    assert larger.shape == (8, 3 * 8 + 2 * drawn.GAP, 3)


def test_explain_takes_pictures_and_draws_one(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    picture(tmp_path / "in" / "a,b.png", 30, 40)
    picture(tmp_path / "in" / "c.jpg", 60, 20)
    out, drawn_at = tmp_path / "maps.safetensors", tmp_path / "out.png"
    words = (
        f"explain --framework reference --network {network} --method grad_cam --images "
        f"{tmp_path}/in --out {out} --normalise max --picture {drawn_at} --size 32 24"
    )
    assert main(words.split()) == 0
    assert "2 pictures, RGB, shorter side resized" in capsys.readouterr().err
    made = weights.load(out)
    assert made["normalised"].shape == (2, 12, 10)
    assert set(made["normalised"].max(axis=(1, 2))) <= {0.0, 1.0}
    with Image.open(drawn_at) as made_of:
        assert made_of.size == (3 * 24 + 2 * drawn.GAP, 2 * 32 + drawn.GAP)
    for more, said in (("--colormap jett", "did you mean jet"), ("--opacity 2", "from 0 to 1")):
        assert main([*words.split(), *more.split()]) == 2
        assert said in capsys.readouterr().err
    one = words.replace(f"{tmp_path}/in ", f"{tmp_path}/in/a,b.png ")
    assert main(one.split()) == 0
    assert weights.load(out)["heatmap"].shape[0] == 1


def test_predict_ranks_the_classes(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = picture(tmp_path / "a.png", 30, 40)
    words = f"predict --framework reference --network {network} --images {path} --top 2"
    assert main(words.split()) == 0
    told = capsys.readouterr().out
    assert told.startswith(str(path)) and told.count("  class ") == 2
    assert main([*words.split(), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    first, second = found["classes"]
    assert first["probability"] >= second["probability"] > 0


def test_probabilities_are_those_of_the_softmax() -> None:
    found = best(np.array([1000.0, 999.0, 1000.0, 0.0]), 3)
    assert [k for k, _, _ in found] == [0, 2, 1]
    assert found[0][1] == pytest.approx(1 / (2 + np.exp(-1)))
