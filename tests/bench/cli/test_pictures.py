"""Pictures in, ranked classes and pictures out: of `explain` and `predict`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.cli import panels, pictures
from bench.cli.predicting import best
from bench.subject import drawn, sheet
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
    made = pictures.read(
        [picture(tmp_path / "p.png", height, width)], (12, 10), 3, tmp_path / "images.npy"
    )
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
    made = pictures.read([tmp_path / "turned.png"], (8, 8), 1, tmp_path / "images.npy")
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
        pictures.read([tmp_path / "p.jpg"], (8, 8), 3, tmp_path / "images.npy")
    assert "\n" not in str(caught.value)


def test_pictures_that_cannot_be_taken_say_why(tmp_path: Path) -> None:
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(deep)
    with pytest.raises(BadInput, match="8 bits a channel"):
        pictures.read([deep], (4, 4), 3, tmp_path / "images.npy")
    with pytest.raises(BadInput, match="reads 4 channels"):
        pictures.read([picture(tmp_path / "p.png", 4, 4)], (4, 4), 4, tmp_path / "images.npy")
    with pytest.raises(BadInput, match="too long and narrow"):
        pictures.read([picture(tmp_path / "p.png", 1, 300)], (224, 224), 3, tmp_path / "images.npy")


def test_an_overlay_is_the_mixture_it_says() -> None:
    image = drawn.plain(np.full((4, 6, 1), 0.5, np.float32), (4, 6))
    maps = np.zeros((1, 2, 3), np.float32)
    maps[0, 0, 0] = 2.0
    look = drawn.Look(colormap="gray", opacity=0.25, resample="nearest")
    (values,) = drawn.scaled(maps, look)
    heat, both = drawn.tiles(values, False, image, look)
    np.testing.assert_array_equal(heat[:2, :2], 1)
    np.testing.assert_array_equal(heat[2:], 0)
    np.testing.assert_allclose(both, 0.25 * heat + 0.75 * 0.5)
    tutorial = replace(look, opacity=0.3, image=0.5)
    np.testing.assert_allclose(drawn.tiles(values, False, image, tutorial)[1], 0.3 * heat + 0.25)
    # The opacity follows the map: nothing where it is zero, the limit at its peak.
    _, over = drawn.tiles(values, False, image, replace(look, limit=0.4))
    np.testing.assert_allclose(over[:2, :2], 0.4 + 0.6 * 0.5)
    np.testing.assert_allclose(over[2:], 0.5)


def test_both_signs_are_drawn_about_zero() -> None:
    maps = np.array([[[-1.0, 0.0, 2.0]], [[0.0, 0.0, 0.0]]])
    look = drawn.Look(resample="nearest")
    assert drawn.both_signs(maps, look)
    values = drawn.scaled(maps, look)
    np.testing.assert_array_equal(values, [[[-0.5, 0.0, 1.0]], [[0.0, 0.0, 0.0]]])
    heat, over = drawn.tiles(values[0], True, np.zeros((1, 3, 3), np.float32), look)
    below, zero, above = heat[0]
    assert below[2] > below[0] and above[0] > above[2] and np.ptp(zero) < 0.01
    np.testing.assert_array_equal(over[0, 1], 0)
    asked = replace(look, normaliser="min_max")
    assert not drawn.both_signs(maps, asked)
    np.testing.assert_allclose(drawn.scaled(maps, asked)[0], [[0, 1 / 3, 1]])


def test_a_sheet_has_its_tiles_where_they_belong() -> None:
    images = np.full((2, 8, 8, 3), 0.25, np.float32)
    maps = np.zeros((2, 8, 8))
    maps[0] = 1.0
    panel = sheet.Panel(maps, [["some_method"], ["some_method"]])
    look = drawn.Look(size=(40, 50), colormap="gray")
    named = [["a"], ["b"]]
    step = 50 + sheet.GAP
    one = sheet.composed(images, named, [[panel]], look)
    assert one.shape[1] == 3 * step and one.shape[0] % 2 == 0
    block = one[: one.shape[0] // 2]
    foot = block[-2 * sheet.GAP - 1]
    np.testing.assert_array_equal(foot[[0, step, 2 * step], 0], [64, 255, 121])
    empty = one[-2 * sheet.GAP - 1]
    np.testing.assert_array_equal(empty[[0, step, 2 * step], 0], [64, 217, 64])
    # Twelve panels are two lines of six, their overlays beneath them.
    many = sheet.composed(images[:1], named[:1], [[panel] * 12], look)
    assert many.shape[1] == 7 * step
    below = many[-2 * sheet.GAP - 1, :, 0]
    np.testing.assert_array_equal(below[::step], [255, *[121] * 6])


def test_a_sheet_is_of_so_many_images_as_its_pixels_allow() -> None:
    look, small = drawn.Look(), (8, 8, 3)
    assert sheet.images_drawn(100, 1, small, look) == sheet.MOST_IMAGES
    assert sheet.images_drawn(100, 200, small, look) < 4
    assert sheet.images_drawn(1, 500, small, look) == 1
    assert sheet.images_drawn(100, 1, (1000, 2000, 3), look) == 5
    for shown, size in ((1, (100_000, 100_000)), (500, (224, 224))):
        with pytest.raises(BadInput, match="give a smaller --size, or draw less"):
            sheet.images_drawn(1, shown, small, replace(look, size=size))


def test_what_a_sheet_is_to_show_is_taken_by_name() -> None:
    called = ("cat", "tiger cat", "dog")
    assert panels._aims((), called) == (panels.TARGET,)
    assert panels._aims(("2", "Tiger Cat", "top2"), called) == (2, 1, -2, -3)
    assert panels._aims(("all",), called) == (0, 1, 2)
    for text, told in (
        ("3", "not one of 0 to 2"),
        ("tyger cat", "mean tiger cat"),
        ("top9", "9 c"),
        ("9" * 5000, "not one of 0 to 2"),
    ):
        with pytest.raises(BadInput, match=told):
            panels._aims((text,), called)
    logits = np.array([[1.0, 3.0, 2.0], [5.0, 0.0, 5.0]])
    found = panels.targets(logits, np.array([2, 2]), (panels.TARGET, 1, -2, -3))
    np.testing.assert_array_equal(found, [[2, 2], [1, 1], [1, 0], [2, 2]])
    assert panels.told(np.array([0.0, 0.0, 0.0]), 1, called) == "tiger cat 33.3%"


def test_one_sheet_shows_methods_layers_and_classes(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = picture(tmp_path / "a.png", 30, 40)
    words = (
        f"explain --framework reference --network {network} --method saliency --images {path} "
        f"--out {tmp_path}/maps.safetensors --layers conv3 conv4 --classes top2 --size 30 30 "
        "--methods saliency hires_cam "
    )
    assert main(words.split()) == 2
    assert "name --picture too" in capsys.readouterr().err
    assert main([*words.partition("--layers")[0].split(), "--size", "30", "30"]) == 2
    assert "name --picture too" in capsys.readouterr().err
    same = [*words.replace("maps.safetensors", "x.png").split(), "--picture", f"{tmp_path}/x.png"]
    assert main(same) == 2
    assert "it is --out too" in capsys.readouterr().err and not (tmp_path / "x.png").exists()
    words += f"--picture {tmp_path}/out.png "
    assert main([*words.split(), "--methods", "cam[form=bytes]"]) == 4
    assert "layer 'relu3' is not what is pooled" in capsys.readouterr().err
    assert main([*words.split(), "--class-names", "fashion_mnist"]) == 2
    assert "10 names, the network tells 4 classes apart" in capsys.readouterr().err
    assert main(words.split()) == 0
    with Image.open(tmp_path / "out.png") as made:
        # The image, and the two classes of each line: of saliency, and of two layers.
        assert made.size[0] == 3 * (30 + sheet.GAP)
        assert made.size[1] > 6 * (30 + sheet.GAP)


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
        assert made_of.size[0] == 3 * (24 + sheet.GAP)
        assert made_of.size[1] > 2 * (32 + sheet.GAP)
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
    odd = path.replace(tmp_path / "b\x1b[2J\n.png")
    assert main([*words.partition("--images")[0].split(), "--images", str(odd)]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.endswith("b\\x1b[2J\\n.png")
    path = odd.replace(path)
    assert main([*words.split(), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    first, second = found["classes"]
    assert first["probability"] >= second["probability"] > 0


def test_probabilities_are_those_of_the_softmax() -> None:
    found = best(np.array([1000.0, 999.0, 1000.0, 0.0]), 3)
    assert [k for k, _, _ in found] == [0, 2, 1]
    assert found[0][1] == pytest.approx(1 / (2 + np.exp(-1)))


def test_names_that_cannot_be_drawn_are_escaped_and_cut() -> None:
    images = np.zeros((1, 9, 9, 3), np.float32)
    panel = sheet.Panel(np.zeros((1, 9, 9), np.float32), [["a\nb\x1b[31m\u202e" + "x" * 10**6]])
    pixels = sheet.composed(images, [["\ud800\n"]], [[panel]], drawn.Look())
    assert pixels.ndim == 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.png", b"no picture at all", "is not a readable picture: save it as PNG"),
        ("a.tif", b"II*\0" + bytes(60), "is not a readable picture: save it as PNG"),
        ("a.jpg", b"<!doctype html>", "is not a readable picture: it is a web page"),
        ("a.jpg", b"", "is not a readable picture: it is an empty file"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(60), "is not a readable picture (it begins as one"),
    ],
)
def test_what_is_named_a_picture_is_told_of_as_one(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        pictures.read(pictures.found([str(path)]) or [], (8, 8), 3, tmp_path / "images.npy")
    assert said in str(caught.value) and "_io." not in str(caught.value)
