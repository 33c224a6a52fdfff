"""What `explain` is given and cannot take: one line, and nothing written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from bench.cli import user_files
from implementations.architecture import registered, weights
from implementations.errors import BadInput


def _bad(kind: str, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    images = images.copy()
    bytes_of_greys = (images * 255).astype(np.uint8)
    if kind == "nan":
        images[4, 7, 8, 1] = np.nan
    if kind == "above":
        images[1, 0, 3, 0] = 1.5
    if kind == "below":
        images[2, 0, 0, 0] = -1e-6
    wrong = {
        "shape": images[:, :7],
        "transposed": images.transpose(0, 3, 1, 2),
        "channels": images[..., :1],
        "rank 3": images[..., 0],
        "rank 0": np.float32(0.5),
        "rank 5": images[None],
        "empty": images[:0],
        "objects": np.array([images[0], None], dtype=object),
        "integers": bytes_of_greys.astype(np.int32),
        "greys": bytes_of_greys.astype(np.float32),
        "standardised": (images - 0.5) / np.float32(0.25),
        "complex": images.astype(np.complex64),
        "record": np.zeros(len(images), [("a", "f4")]),
    }
    return np.asarray(wrong.get(kind, images))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("shape", "(7, 9, 2)"), ("transposed", "(2, 8, 9)"), ("channels", "(8, 9, 1)"),
        ("rank 3", "(N, H, W, C)"), ("rank 0", "(N, H, W, C)"), ("rank 5", "(N, H, W, C)"),
        ("empty", "empty"), ("objects", "object"), ("nan", "nan at (4, 7, 8, 1)"),
        ("above", "1.5 at (1, 0, 3, 0)"), ("below", "at (2, 0, 0, 0)"), ("integers", "int32"),
        ("greys", "divide the images by 255"), ("standardised", "in a node of kind normalise"),
        ("complex", "complex64"), ("record", "(N, H, W, C)"),
    ],
)  # fmt: skip
def test_bad_images(place: Any, refused: Callable[..., str], kind: str, words: str) -> None:
    np.save(place.folder / "images.npy", _bad(kind, place.images), allow_pickle=True)
    assert words in refused()


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (np.array([0, 1, 4, 0, 0]), "target 4 at 2 is not one of 0 to 3"),
        (np.array([0, -1, 0, 0, 0]), "target -1 at 1"),
        (np.array([0, 1]), "(2,), 5 images need (5,)"),
        (np.zeros((5, 1), int), "(5, 1)"),
        (np.zeros(5), "float64; they must be whole numbers"),
        (np.zeros(5, bool), "bool"),
        (np.array([2**40, 0, 0, 0, 0]), "not one of 0 to 3"),
        (np.array([None] * 5), "object"),
    ],
)
def test_bad_targets(
    place: Any, refused: Callable[..., str], targets: np.ndarray[Any, Any], words: str
) -> None:
    path = place.folder / "targets.npy"
    np.save(path, targets, allow_pickle=True)
    assert words in refused(targets=path)


@pytest.mark.parametrize("name", ["images.npy", "targets.npy", "w.safetensors", "small.json"])
def test_no_input_is_replaced(place: Any, refused: Callable[..., str], name: str) -> None:
    np.save(place.folder / "targets.npy", np.zeros(5, np.int32))
    other = place.folder / "out" / "link"
    other.symlink_to(place.folder / name)
    for out in (place.folder / name, place.folder / "out" / ".." / name):
        assert "it is the input" in refused(out=out, targets=place.folder / "targets.npy")
    assert "it is a link; name a file" in refused(out=other)


def test_a_pipe_is_not_replaced(place: Any, refused: Callable[..., str]) -> None:
    os.mkfifo(place.folder / "pipe")
    assert "it is a pipe or a device; name a file" in refused(out=place.folder / "pipe")
    assert (place.folder / "pipe").is_fifo()


def test_images_of_other_channels_than_the_weights(place: Any, refused: Callable[..., str]) -> None:
    grey = weights.randomise(registered.get("cnn-32-16", (8, 9, 1), 4), 0)
    weights.save(place.folder / "w.safetensors", grey)
    said = refused(architecture="cnn-32-16")
    assert "images.npy: images have 2 channels (the last axis), the weights want 1" in said


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("images.npy", b"not an array"),
        ("images.npy", b""),
        ("images.npy", b"\x80\x04N."),
        ("w.safetensors", b"\xff" * 40),
        ("w.safetensors", b""),
        ("small.json", b"{"),
        ("small.json", b"[]"),
        ("small.json", b"\xff\xfe"),
    ],
)
def test_broken_files(place: Any, refused: Callable[..., str], name: str, content: bytes) -> None:
    (place.folder / name).write_bytes(content)
    assert str(place.folder / name) in refused()


def test_broken_networks(place: Any, refused: Callable[..., str]) -> None:
    nodes = place.form["nodes"]
    for broken in (nodes[:-1], [*nodes, {"kind": "convv"}]):
        (place.folder / "small.json").write_text(json.dumps({**place.form, "nodes": broken}))
        assert str(place.folder / "small.json") in refused()


def test_torn_files(place: Any, refused: Callable[..., str]) -> None:
    for name in ("images.npy", "w.safetensors"):
        whole = (place.folder / name).read_bytes()
        (place.folder / name).write_bytes(whole[:-4])
        assert str(place.folder / name) in refused()
        (place.folder / name).write_bytes(whole)


def test_a_file_that_is_not_numpy_s(place: Any, refused: Callable[..., str]) -> None:
    (place.folder / "images.npy").write_text("pickled objects, allow_pickle, Python objects")
    said = refused()
    assert "it is no file of NumPy's" in said and "object" not in said


def test_an_archive_of_arrays(place: Any, refused: Callable[..., str]) -> None:
    np.savez(place.folder / "images.npz", place.images, place.images)
    assert "an archive of 2 files" in refused(images=place.folder / "images.npz")


def test_an_archive_of_gigabytes_of_nothing(
    place: Any, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_files, "SMALL", 1 << 20)
    path = place.folder / "images.npz"
    np.savez_compressed(path, np.zeros((2000, 8, 9, 2), np.float32))
    assert "bytes of nothing" in refused(images=path)
    np.savez_compressed(path, np.zeros((1500, 8, 9, 2), np.float32))
    assert user_files.read_images(path)[0].shape == (1500, 8, 9, 2)


def test_weights_of_another_architecture(place: Any, refused: Callable[..., str]) -> None:
    path = place.folder / "w.safetensors"
    kernel = np.zeros((3, 3, 2, 7), np.float32)
    save_file({**place.tensors, "conv1.kernel": kernel}, path)
    assert "tensor 'conv1.kernel' is (3, 3, 2, 7)" in refused()
    save_file({name: a for name, a in place.tensors.items() if name != "conv2.bias"}, path)
    assert "no tensor 'conv2.bias'" in refused()
    save_file({**place.tensors, "conv9.bias": kernel}, path)
    assert "'conv9.bias' belongs to no node" in refused()
    save_file({**place.tensors, "dense1.bias": np.full(4, np.nan, np.float32)}, path)
    assert "'dense1.bias' has values that are not finite" in refused()


def test_weights_of_a_type_that_numpy_has_not(place: Any, refused: Callable[..., str]) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    tensors = {
        name: torch.from_numpy(array).to(torch.float8_e4m3fn)
        for name, array in place.tensors.items()
    }
    save_torch(tensors, place.folder / "w.safetensors")
    assert "w.safetensors" in refused()


def test_images_that_a_registered_network_cannot_read(
    place: Any, refused: Callable[..., str]
) -> None:
    said = refused(architecture="cnn-32-16-8")
    assert "8 x 9 x 2" in said


def test_images_are_not_blamed_for_weights_that_are_not_finite(
    place: Any, refused: Callable[..., str]
) -> None:
    architecture = registered.get("cnn-32-16", (8, 9, 2), 4)
    tensors = {name: array.copy() for name, array in weights.randomise(architecture, 1).items()}
    tensors["conv1.bias"][0] = np.nan
    save_file(tensors, place.folder / "w.safetensors")
    said = refused(architecture="cnn-32-16")
    assert "'conv1.bias' has values that are not finite" in said and "another size" not in said


def test_a_place_that_cannot_be_written(place: Any, refused: Callable[..., str]) -> None:
    blocked = place.folder / "small.json" / "maps.safetensors"
    assert "cannot write" in refused(out=blocked)
    assert "cannot write /proc/maps.safetensors: " in refused(out="/proc/maps.safetensors")


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a.astype(np.float64), lambda a: a.astype(">f4"), np.asfortranarray,
        lambda a: np.where(a > 0.5, np.float32(1.0000001), np.float32(-1e-7)),
        lambda a: a.astype(np.float16), lambda a: (a * 255).astype(np.uint8), lambda a: a[0],
    ],
)  # fmt: skip
def test_images_that_are_taken(place: Any, make: Callable[..., Any]) -> None:
    array = make(place.images)
    np.save(place.folder / "given.npy", array)
    np.savez_compressed(place.folder / "given.npz", array)
    for name in ("given.npy", "given.npz"):
        images, told = user_files.read_images(place.folder / name)
        batch = array if array.ndim == 4 else array[None]
        expected = np.clip(batch / (255 if array.dtype == np.uint8 else 1), 0, 1)
        assert images[:2].dtype == np.float32 and images.shape == batch.shape
        np.testing.assert_allclose(images[:], expected, rtol=0, atol=6e-8)
        assert (told is not None) == (array.dtype == np.uint8)


def _npy(header: str, version: bytes = b"\1\0") -> bytes:
    text = header.encode()
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + bytes(64)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\3\4", b"PK", b"\x93NUMPY", b"\x93NUMPY\1\0\xff\xff{", _npy("{((("), _npy("["),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}"),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (True, 2)}"),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"),
        _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)" + " " * 10_001 + "}"),
        _npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}"),
        _npy("{}", b"\7\0"), _npy("(" * 5000), _npy("{'descr': 1, 'fortran_order': 2}"),
    ],
    ids=lambda content: content[:40].hex(),
)  # fmt: skip
def test_broken_headers(place: Any, refused: Callable[..., str], content: bytes) -> None:
    (place.folder / "images.npy").write_bytes(content)
    assert str(place.folder / "images.npy") in refused()


@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\3\4", b"\x93NUMPY\1\0"]))
def test_any_bytes_are_one_line(tmp_path_factory: Any, content: bytes, head: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "images.npy"
    path.write_bytes(head + content)
    with pytest.raises(BadInput) as caught:
        user_files.read_images(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["images.npy", "w.safetensors", "small.json"])
def test_a_pipe_given_is_not_waited_for(place: Any, refused: Callable[..., str], name: str) -> None:
    (place.folder / name).unlink()
    os.mkfifo(place.folder / name)
    assert "it is a pipe or a device; name a plain file" in refused()
