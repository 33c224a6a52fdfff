from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datasets import fashion_mnist, idx, mnist
from datasets.published import sha256
from implementations.errors import BadInput

TRAIN_IMAGES, TRAIN_LABELS = idx.TRAIN_IMAGES, idx.TRAIN_LABELS
TEST_IMAGES, TEST_LABELS = idx.TEST_IMAGES, idx.TEST_LABELS
FILES = Path(os.environ.get("CAMPARISON_DATA") or Path(__file__).parents[3] / "shared" / "datasets")


def encoded(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four small sound files, in the layout of a folder of downloads."""
    generator = np.random.default_rng(0)
    place = tmp_path / mnist.FOLDER
    place.mkdir()
    for images, labels, count in ((TRAIN_IMAGES, TRAIN_LABELS, 30), (TEST_IMAGES, TEST_LABELS, 20)):
        write(place / images, encoded(generator.integers(0, 256, (count, 28, 28))))
        write(place / labels, encoded(np.arange(count) % 10))
    return tmp_path


def test_small_files_are_read(folder: Path) -> None:
    dataset = mnist.load(folder, allow_unverified=True)
    assert not dataset.verified
    assert dataset.train_images.shape == (30, 28, 28, 1)
    assert dataset.test_labels.tolist() == [*range(10)] * 2
    raw = gzip.decompress((folder / "mnist" / TEST_IMAGES).read_bytes())[16:]
    np.testing.assert_array_equal(
        np.rint(dataset.test_images * 255).astype(np.uint8).tobytes(), raw
    )


def test_files_directly_in_the_folder_and_the_environment_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMPARISON_DATA", str(folder / "mnist"))
    assert len(mnist.load(allow_unverified=True).test_images) == 20


def test_other_content_is_refused_unless_allowed(folder: Path) -> None:
    with pytest.raises(BadInput, match=rf"{TRAIN_IMAGES}: the digest .*--allow-unverified"):
        mnist.load(folder)


def test_one_verified_file_does_not_make_the_set_verified(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = {
        name: sha256(gzip.decompress((folder / "mnist" / name).read_bytes()))
        for name in mnist.DIGESTS
    }
    monkeypatch.setattr(mnist, "DIGESTS", digests)
    assert mnist.load(folder).verified
    write(folder / "mnist" / TEST_LABELS, encoded(np.zeros(20)))
    assert not mnist.load(folder, allow_unverified=True).verified
    write(folder / "mnist" / TEST_IMAGES, (folder / "mnist" / TRAIN_IMAGES).read_bytes())
    (folder / "mnist" / TEST_IMAGES).write_bytes((folder / "mnist" / TRAIN_IMAGES).read_bytes())
    with pytest.raises(BadInput, match=f"{TEST_IMAGES} holds what {TRAIN_IMAGES} should"):
        mnist.load(folder)


def _drop(place: Path) -> None:
    (place / TRAIN_LABELS).unlink()


def _cut(place: Path) -> None:
    path = place / TRAIN_IMAGES
    path.write_bytes(path.read_bytes()[:-2000])


def _cut_to_nothing(place: Path) -> None:
    (place / TRAIN_IMAGES).write_bytes(b"")


def _flip(place: Path) -> None:
    content = bytearray((place / TRAIN_IMAGES).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (place / TRAIN_IMAGES).write_bytes(content)


def _no_gzip(place: Path) -> None:
    (place / TRAIN_IMAGES).write_bytes(b"<html>404 not found</html>")


def _swap(place: Path) -> None:
    images, labels = ((place / name).read_bytes() for name in (TRAIN_IMAGES, TRAIN_LABELS))
    (place / TRAIN_IMAGES).write_bytes(labels)
    (place / TRAIN_LABELS).write_bytes(images)


def _magic(place: Path) -> None:
    write(place / TRAIN_IMAGES, b"\0\0\x0d\x03" + encoded(np.zeros((30, 28, 28)))[4:])


def _header_only(place: Path) -> None:
    write(place / TRAIN_IMAGES, encoded(np.zeros((30, 28, 28)))[:9])


def _short(place: Path) -> None:
    write(place / TRAIN_IMAGES, encoded(np.zeros((30, 28, 28)))[:-1])


def _long(place: Path) -> None:
    write(place / TRAIN_IMAGES, encoded(np.zeros((30, 28, 28))) + b"\0")


def _empty(place: Path) -> None:
    write(place / TRAIN_IMAGES, encoded(np.zeros((0, 28, 28))))


def _vast(place: Path) -> None:
    write(place / TRAIN_IMAGES, b"\0\0\x08\x03" + b"\xff" * 12 + b"\0" * 100)


def _fewer_labels(place: Path) -> None:
    write(place / TRAIN_LABELS, encoded(np.zeros(29)))


def _label_ten(place: Path) -> None:
    write(place / TRAIN_LABELS, encoded(np.full(30, 10)))


def _other_size(place: Path) -> None:
    write(place / TEST_IMAGES, encoded(np.zeros((20, 32, 32))))


def _folder_for_file(place: Path) -> None:
    (place / TRAIN_IMAGES).unlink()
    (place / TRAIN_IMAGES).mkdir()


@pytest.mark.parametrize(
    ("damage", "file", "says"),
    [
        (_drop, TRAIN_LABELS, "is not there: download it from https://"),
        (_folder_for_file, TRAIN_IMAGES, "is not there: download it"),
        (_cut, TRAIN_IMAGES, "is cut short: download it again"),
        (_cut_to_nothing, TRAIN_IMAGES, "download it again|put one in its place"),
        (_flip, TRAIN_IMAGES, "is no sound gzip file .*: download it again"),
        (_no_gzip, TRAIN_IMAGES, "is no sound gzip file .*: download it again"),
        (_swap, TRAIN_IMAGES, "holds labels, not images: swap"),
        (_magic, TRAIN_IMAGES, "begins with 00000d03, not with 00000803"),
        (_header_only, TRAIN_IMAGES, "ends within its header"),
        (_short, TRAIN_IMAGES, "should hold 23520 values .* holds 23519"),
        (_long, TRAIN_IMAGES, "should hold 23520 values .* holds 23521"),
        (_empty, TRAIN_IMAGES, "is empty"),
        (_vast, TRAIN_IMAGES, "should hold 79228162458924105385300197375 values"),
        (_fewer_labels, TRAIN_LABELS, "30 images but .* 29 labels"),
        (_label_ten, TRAIN_LABELS, "label 10 at index 0 is out of range"),
        (_other_size, TEST_IMAGES, "use files of one data set"),
    ],
)
def test_damage_is_told_in_one_line(
    folder: Path, damage: Callable[[Path], None], file: str, says: str
) -> None:
    damage(folder / "mnist")
    with pytest.raises(BadInput, match=says) as refusal:
        mnist.load(folder, allow_unverified=True)
    assert file in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_content_beyond_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(gzip.compress(bytes(idx.LARGEST + 1), compresslevel=1))
    with pytest.raises(BadInput, match="larger than"):
        idx.decompress(path, mnist.URL)


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 9)))
    | arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6)))
)
def test_parse_inverts_the_encoding(array: np.ndarray) -> None:
    parsed = idx.parse(encoded(array), Path("some.gz"), dimensions=array.ndim)
    np.testing.assert_array_equal(parsed, array)
    assert parsed.dtype == np.uint8


@given(st.binary(max_size=64), st.sampled_from([1, 3]))
def test_any_bytes_are_parsed_or_refused(content: bytes, dimensions: int) -> None:
    try:
        parsed = idx.parse(content, Path("some.gz"), dimensions)
    except BadInput as refusal:
        assert "some.gz" in str(refusal)
    else:
        assert encoded(parsed) == content


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_the_published_files(module: object) -> None:
    if not (FILES / module.FOLDER).is_dir():  # type: ignore[attr-defined]
        pytest.skip("no folder of downloaded data sets; CAMPARISON_DATA names one")
    dataset = module.load(FILES)  # type: ignore[attr-defined]
    assert dataset.verified
    assert dataset.train_images.shape == (60000, 28, 28, 1)
    assert dataset.test_images.shape == (10000, 28, 28, 1)
    # The first training labels, as printed in both sets' own documentation.
    first = {"mnist": [5, 0, 4, 1, 9], "fashion_mnist": [9, 0, 0, 3, 0]}
    assert dataset.train_labels[:5].tolist() == first[dataset.name]
