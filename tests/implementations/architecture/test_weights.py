import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from implementations.architecture import weights
from implementations.architecture.graph import parse
from implementations.architecture.registered import get
from implementations.architecture.shapes import parameters
from implementations.errors import BadInput

SMALL = get("cnn-32-16", (6, 6, 1), 3)
NORMED = parse(
    {
        "input_shape": [4, 4, 1],
        "classes": 2,
        "nodes": [
            {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 2, "kernel": 3},
            {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
            {"name": "gap1", "kind": "global_average_pool", "inputs": "norm1"},
            {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 2},
        ],
    },
    "normed",
)


def test_initial_weights_are_lecun_normal():
    tensors = weights.initialise(get("cnn-gap"), 3)
    kernel = tensors["conv4.kernel"]
    assert kernel.dtype == np.float32
    assert kernel.std() == pytest.approx(1 / np.sqrt(9 * 64), rel=0.02)
    assert abs(kernel.mean()) < 0.02 * kernel.std()
    assert np.abs(kernel).max() > 3 * kernel.std()  # the tails of a normal distribution
    assert not tensors["conv4.bias"].any()
    normed = weights.initialise(NORMED, 3)
    assert normed["norm1.variance"].tolist() == normed["norm1.scale"].tolist() == [1, 1]
    assert normed["norm1.mean"].tolist() == normed["norm1.offset"].tolist() == [0, 0]


def test_initial_weights_are_glorot_uniform_where_the_recipe_says_so():
    tensors = weights.initialise(get("cnn-gap"), 3, "glorot_uniform")
    for name, fans in (("conv4.kernel", 9 * (64 + 128)), ("dense1.kernel", 128 + 10)):
        kernel, most = tensors[name], np.sqrt(6 / fans)
        assert kernel.dtype == np.float32
        assert 0.98 * most < np.abs(kernel).max() <= most * (1 + 1e-6)
        assert kernel.std() == pytest.approx(most / np.sqrt(3), rel=0.03)
    assert not tensors["conv4.bias"].any()


@pytest.mark.parametrize("make", [weights.initialise, weights.randomise])
def test_a_seed_is_a_set_of_weights(make):
    first, again, other = (weights.digest(make(NORMED, seed)) for seed in (1, 1, 2))
    assert first == again != other
    weights.check(NORMED, make(NORMED, 1))


def test_random_weights_leave_nothing_at_rest():
    tensors = weights.randomise(NORMED, 0)
    assert list(tensors) == list(parameters(NORMED))
    assert all(array.std() > 0 and array.all() for array in tensors.values())
    assert (tensors["norm1.variance"] > 0).all()


@given(st.sampled_from(sorted(parameters(NORMED))), st.sampled_from(["lost", "bent", "nan", "new"]))
def test_check_names_the_tampered_tensor(name, how):
    tensors = weights.randomise(NORMED, 0)
    if how == "lost":
        del tensors[name]
    elif how == "bent":
        tensors[name] = tensors[name][..., None]
    elif how == "nan":
        tensors[name].flat[-1] = np.nan
    else:
        name = f"x{name}"
        tensors[name] = np.zeros(1, np.float32)
    with pytest.raises(BadInput) as caught:
        weights.check(NORMED, tensors, "my.safetensors")
    assert str(caught.value).startswith("my.safetensors: ")
    assert repr(name) in str(caught.value)


def test_digest_sees_names_types_shapes_and_bytes():
    base = {"a": np.arange(6, dtype=np.float32)}
    others = [
        {"b": base["a"]},
        {"a": base["a"].astype(np.float64)},
        {"a": base["a"].reshape(2, 3)},
        {"a": base["a"] + np.float32(1e-6)},
    ]
    assert len({weights.digest(arrays) for arrays in (base, *others)}) == 5
    transposed = np.arange(6.0).reshape(2, 3).T
    assert weights.digest({"a": transposed}) == weights.digest({"a": transposed.copy()})


def test_saved_arrays_come_back(tmp_path):
    path = tmp_path / "w.safetensors"
    arrays = {
        **weights.randomise(SMALL, 0),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "targets": np.arange(3, dtype=np.int32),
        "step": np.array(7, np.int32),
    }
    weights.save(path, arrays, {"seed": "0"})
    again = weights.load(path)
    assert set(again) == set(arrays)
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype and again[name].shape == array.shape
        np.testing.assert_array_equal(again[name], array)
    header = path.read_bytes()
    length = struct.unpack("<Q", header[:8])[0]
    assert json.loads(header[8 : 8 + length])["__metadata__"] == {"seed": "0"}
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "w.safetensors"
    for value in (1.0, 2.0):
        weights.save(path, {"a": np.full(3, value)})
    np.testing.assert_array_equal(weights.load(path)["a"], np.full(3, 2.0))


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\xff" * 64, "cut"])
def test_broken_files_are_one_line(tmp_path, content):
    path = tmp_path / "w.safetensors"
    if content == "cut":
        weights.save(path, weights.randomise(SMALL, 0))
        content = path.read_bytes()[:-100]
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"w\.safetensors is not a readable") as caught:
        weights.load(path)
    assert "\n" not in str(caught.value)


def test_places_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(BadInput, match=r"no safetensors file .*absent\.safetensors"):
        weights.load(tmp_path / "absent.safetensors")
    with pytest.raises(BadInput, match="it is a folder; name a plain file"):
        weights.load(tmp_path)
    with pytest.raises(BadInput, match=r"cannot write .*name another place"):
        weights.save(tmp_path / "absent" / "w.safetensors", {"a": np.zeros(1)})
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="cannot write"):
        weights.save(tmp_path / "folder", {"a": np.zeros(1)})
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="it is a pipe or a device; name a file"):
        weights.save(tmp_path / "pipe", {"a": np.zeros(1)})
    assert [p.is_fifo() for p in tmp_path.iterdir()] == [True]


@pytest.mark.parametrize("target", ["w.safetensors", "link", "absent"])
def test_a_link_is_not_replaced(tmp_path, target):
    (tmp_path / "w.safetensors").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(BadInput, match="it is a link; name a file"):
        weights.save(tmp_path / "link", {"a": np.zeros(1)})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "w.safetensors").read_bytes() == b"kept"


def _raw(path, dtype, content, shape=(2, 3)):
    """A safetensors file of one tensor `a`, written by hand."""
    form = {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": [0, len(content)]}}
    header = json.dumps(form).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + content)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=6, max_size=6))
def test_bfloat16_is_taken_without_loss(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("bf16") / "w.safetensors"
    bits = np.array(values, "<f4").view("<u4") >> 16
    _raw(path, "BF16", bits.astype("<u2").tobytes())
    found = weights.load(path)["a"]
    assert found.dtype == np.float32 and found.shape == (2, 3)
    np.testing.assert_array_equal(found.view("<u4").ravel() >> 16, bits)
    assert not (found.view("<u4") & 0xFFFF).any()


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "Q8", "C64"])
def test_types_that_numpy_has_not_are_one_line(tmp_path, dtype):
    size = {"F4": 3, "C64": 48}.get(dtype, 6)
    _raw(tmp_path / "w.safetensors", dtype, bytes(size))
    with pytest.raises(BadInput, match=r"w\.safetensors") as caught:
        weights.load(tmp_path / "w.safetensors")
    assert "\n" not in str(caught.value) and dtype in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04archive/data.pkl" + bytes(40), "PyTorch's .pt"),
        (b"\x80\x02}q\x00.", "pickle"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html></html>", "web page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "Keras' .h5"),
        (b"\x1f\x8b" + bytes(40), "unpack it"),
        (b"", "empty file"),
    ],
)
def test_another_format_is_named_with_the_mend(tmp_path, content, words):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(BadInput) as caught:
        weights.load(tmp_path / "w.safetensors")
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["conv2.kernel", "dense1.kernel"])
def test_the_layout_of_pytorch_is_recognised(name):
    tensors = weights.randomise(SMALL, 0)
    kernel = tensors[name]
    back = (2, 3, 1, 0) if kernel.ndim == 4 else (1, 0)
    tensors[name] = kernel.transpose(np.argsort(back))
    told = ", ".join(map(str, back))
    with pytest.raises(BadInput, match=rf"PyTorch's layout: save kernel\.transpose\({told}\)"):
        weights.check(SMALL, tensors)
    weights.check(SMALL, {**tensors, name: tensors[name].transpose(back)})


def test_a_file_without_a_tensor_and_negative_variances():
    with pytest.raises(BadInput, match="holds no tensor"):
        weights.check(SMALL, {})
    tensors = weights.randomise(NORMED, 0)
    tensors["norm1.variance"][0] = -1
    with pytest.raises(BadInput, match=r"'norm1\.variance' has negative variances"):
        weights.check(NORMED, tensors)


def test_some_arrays_and_shapes_alone(tmp_path):
    path = tmp_path / "w.safetensors"
    weights.save(path, weights.randomise(SMALL, 0))
    assert list(weights.load(path, only=["conv1.bias"])) == ["conv1.bias"]
    assert weights.shapes(path) == parameters(SMALL)


def test_a_pipe_is_neither_waited_for_nor_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="it is a pipe or a device; name a plain file"):
        weights.load(tmp_path / "pipe")
    assert weights.about(tmp_path / "pipe") == {}
