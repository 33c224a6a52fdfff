"""`prototype`: the answer, what is said of it, and the pictures; bad input in one line."""

from __future__ import annotations

import resource
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.cli import prototype_picture
from implementations.architecture import weights


def words(place: Any, **changes: Any) -> list[str]:
    given = {
        "framework": "reference", "architecture": place.folder / "small.json",
        "weights": place.folder / "w.safetensors", "out": place.out, "option": "steps=15",
        **changes,
    }  # fmt: skip
    made = ["prototype"]
    for name, value in given.items():
        if value is not None:
            made += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    return made


@pytest.mark.parametrize(("start", "level"), [(None, 0.5), ("grey", 0.5), ("black", 0.0)])
def test_of_every_class_from_a_flat_image(place: Any, start: str | None, level: float) -> None:
    assert main(words(place, start=start, option="steps=1")) == 0
    moved = weights.load(place.out)["prototype"] - level
    # Adam's first step is the rate, whatever the gradient, but where there is none.
    assert np.abs(moved).max() == pytest.approx(0.01, rel=1e-2)


def test_of_every_class_what_is_said(place: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(place)) == 0
    found = weights.load(place.out)
    assert found["prototype"].shape == (4, 8, 9, 2)
    assert found["losses"].shape == (4, 16)
    assert (found["losses"][:, -1] < found["losses"][:, 0]).all()
    np.testing.assert_array_equal(found["classes"], range(4))
    said = capsys.readouterr().out.splitlines()
    reached = [f"{probability:.4f}" for probability in found["probability"]]
    for k, line in enumerate(said[:4]):
        assert line.startswith(f"class {k}: probability {reached[k]} after 15 steps")
        assert ("more steps" in line) == (found["probability"][k] < 0.99)
    with Image.open(place.out.with_suffix(".png")) as picture:
        assert picture.size[0] > picture.size[1] * 4 / 5


def test_of_some_classes_from_an_image_towards_means(place: Any, tmp_path: Path) -> None:
    means = np.random.default_rng(1).random((4, 8, 9, 2), np.float32)
    np.save(tmp_path / "means.npy", means)
    np.save(tmp_path / "start.npy", place.images[0])
    asked = {"classes": [3, 1], "start": tmp_path / "start.npy", "means": tmp_path / "means.npy"}
    picture = tmp_path / "seen.png"
    assert main(words(place, **asked, option="steps=1", picture=picture)) == 0
    found = weights.load(place.out)
    np.testing.assert_array_equal(found["classes"], [3, 1])
    moved = np.abs(found["prototype"] - place.images[0])
    np.testing.assert_allclose(moved, 0.01, rtol=1e-2)
    assert picture.is_file() and not place.out.with_suffix(".png").exists()
    first = found["losses"][:, 0]
    assert main(words(place, **{**asked, "means": None}, option="steps=1")) == 0
    pull = [((place.images[0] - mean) ** 2).mean() - (place.images[0] ** 2).mean()
            for mean in means[[3, 1]]]  # fmt: skip
    again = weights.load(place.out)["losses"][:, 0]
    np.testing.assert_allclose(first - again, 0.1 * np.array(pull), rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"classes": [4]}, "--classes: 4 is not one of 0 to 3, or all"),
        ({"classes": ["x"]}, "--classes: x is not one of 0 to 3"),
        ({"option": "steps=0"}, "option steps='0' of class_prototypes must be a whole number"),
        ({"option": "step=9"}, "did you mean"),
        ({"start": "images.npy"}, "5 images for 4 classes; give one, or one a class"),
        ({"means": "images.npy"}, "mean images have shape (5, 8, 9, 2), small"),
        ({"means": "no.npy"}, "no.npy"),
        ({"means": "images.npy", "dataset": "digits"}, "name one"),
        ({"dataset": "digits"}, "reads (8, 9, 2), not (28, 28, 1) images"),
        ({"picture": "seen.jpg"}, "name a .png file"),
        ({"weights": None}, "name --weights"),
        ({"out": "images.npy"}, "it is the input"),
        ({"out": "."}, "it is a folder; name a file"),
        ({"out": "new.png"}, "cannot write new.png: it is --out too"),
        ({"classes": "9" * 5000}, "is not one of 0 to 3"),
    ],
)
def test_bad_input_is_one_line(
    place: Any, changes: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(place.folder)
    if changes.get("out"):
        changes = {**changes, "start": "images.npy"}
    assert main(words(place, **changes)) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0 and told in said
    assert not place.out.exists()


def test_where_there_is_no_room_for_the_picture_what_was_there_stays(
    place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = place.out.with_suffix(".png")
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    # With room first: a module that is compiled without it is kept cut short, for whoever is next.
    assert main(words(place, option="steps=1")) == 0
    room = picture.stat().st_size - 1
    assert room > place.out.stat().st_size
    place.out.unlink()
    picture.unlink()
    capsys.readouterr()

    def refused() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, most[1]))
        try:
            assert main(words(place, option="steps=1")) == 2
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, most)
        said = capsys.readouterr()
        assert "cannot write" in said.err.splitlines()[-1] and ".png" in said.err and not said.out

    refused()
    assert not place.out.exists() and not picture.exists()
    place.out.write_bytes(b"an earlier answer")
    picture.write_bytes(b"its picture")
    refused()
    assert place.out.read_bytes() == b"an earlier answer"
    assert picture.read_bytes() == b"its picture"
    assert not list(place.out.parent.glob("*.tmp")) + list(place.out.parent.glob(".*.tmp"))


@pytest.mark.parametrize("classes", [1, 3])
def test_no_title_of_the_picture_reaches_into_another(classes: int) -> None:
    images = np.zeros((classes, 4, 4, 3), np.float32)
    titles = ["American Staffordshire terrier\n99.99 %"] * classes
    made = prototype_picture.figure(images, images, titles)
    made.draw_without_rendering()
    boxes = [axis.title.get_window_extent() for axis in made.axes[:classes]]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert min(box.x0 for box in boxes) >= 0 and max(box.x1 for box in boxes) <= made.bbox.x1
