"""`explain` through the command line, in this process, with PyTorch on a small network."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from bench.__main__ import main
from bench.child import ROOT
from bench.worker import Blinkered
from implementations import architectures, graph, libraries, weights

SHAPE, CLASSES, N = (8, 9, 2), 4, 5
NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 3, "kernel": 3},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 5, "kernel": 3, "stride": 2},
    {"name": "relu2", "kind": "relu", "inputs": "conv2"},
    {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
    {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": CLASSES},
]
FORM = {"input_shape": SHAPE, "classes": CLASSES, "nodes": NODES}
SMALL = graph.parse(FORM, "small")
IMAGES = np.random.default_rng(0).random((N, *SHAPE), np.float32)
TENSORS = weights.randomise(SMALL, 3)


class Place(NamedTuple):
    """The files of a good request, and where its answer goes."""

    folder: Path
    out: Path

    def arguments(self, **changes: Any) -> list[str]:
        """`explain` with these changes; None leaves an argument away."""
        given = {
            "framework": "pytorch", "method": "grad_cam", "mode": "eager",
            "architecture": self.folder / "small.json", "weights": self.folder / "w.safetensors",
            "images": self.folder / "images.npy", "out": self.out, **changes,
        }  # fmt: skip
        words = ["explain"]
        for name, value in given.items():
            if value is not None:
                for each in value if isinstance(value, list) else [value]:
                    words += [f"--{name}", str(each)]
        return words


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A folder with a small network's files. What `explain` does to this process is undone."""
    (tmp_path / "small.json").write_text(json.dumps(FORM))
    weights.save(tmp_path / "w.safetensors", TENSORS)
    np.save(tmp_path / "images.npy", IMAGES)
    (tmp_path / "out").mkdir()
    finders, environment, names = list(sys.meta_path), dict(os.environ), Blinkered.names
    yield Place(tmp_path, tmp_path / "out" / "maps.safetensors")
    sys.meta_path[:] = finders
    Blinkered.names = names
    os.environ.clear()
    os.environ.update(environment)


def _files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def refused(place: Place, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line that a bad request gives; nothing may be written."""

    def refuse(status: int = 2, **changes: Any) -> str:
        before = _files(place.folder)
        try:
            given = main(place.arguments(**changes))
        except SystemExit as error:  # argparse's own way out
            given = int(str(error.code))
        said = capsys.readouterr()
        assert (given, said.out, said.err.count("\n")) == (status, "", 1), said.err
        assert said.err.startswith("python -m bench explain: ")
        assert _files(place.folder) == before
        return said.err

    return refuse


def test_heatmaps_with_every_stage(place: Place) -> None:
    assert main(place.arguments(save="stages", batch=2)) == 0
    found = load_file(place.out)
    assert {name: (a.shape, a.dtype.name) for name, a in found.items()} == {
        "logits": ((N, CLASSES), "float32"),
        "targets": ((N,), "int32"),
        "heatmap": ((N, 4, 5), "float32"),
        "upsampled": ((N, 8, 9), "float32"),
        "signed": ((N, 4, 5), "float32"),
        "activations": ((N, 4, 5, 5), "float32"),
        "gradients": ((N, 4, 5, 5), "float32"),
        "weights": ((N, 5), "float32"),
    }
    np.testing.assert_array_equal(found["targets"], found["logits"].argmax(axis=1))
    np.testing.assert_array_equal(found["heatmap"], np.maximum(found["signed"], 0))
    assert [path.name for path in place.out.parent.iterdir()] == [place.out.name]
    with safe_open(place.out, "numpy") as opened:
        assert opened.metadata()["layer"] == "relu2"
        assert opened.metadata()["score"] == "logit"

    oracle = place.out.with_name("oracle.safetensors")
    arguments = place.arguments(framework="reference", mode=None, save="stages", out=oracle)
    assert main(arguments) == 0
    expected = load_file(oracle)
    assert expected.keys() == found.keys()
    assert {a.dtype.name for a in expected.values()} == {"float64", "int32"}
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=2e-6 * np.abs(array).max())


def test_the_completeness_gap_is_kept_with_the_stages(place: Place) -> None:
    asked = {"method": "integrated_gradients", "option": ["points=8"], "save": "stages"}
    assert main(place.arguments(**asked, layer=None)) == 0
    found = load_file(place.out)
    gap = found["completeness_gap"]
    assert gap.shape == (N,) and np.isfinite(gap).all()
    assert (np.abs(gap) < 0.2 * np.abs(found["signed"]).sum(axis=(1, 2))).all()


def test_targets_layer_score_and_options_are_obeyed(place: Place) -> None:
    targets = place.folder / "targets.npy"
    np.save(targets, np.array([3, 2, 1, 0, 3], np.int64))
    asked = {"targets": targets, "layer": "conv1:pre", "score": "probability"}
    for option, out in (("relu=false", "a"), ("relu=true", "b")):
        path = place.out.with_name(out)
        assert main(place.arguments(**asked, option=[option, "reduction=sum"], out=path)) == 0
    signed, positive = (load_file(place.out.with_name(name)) for name in "ab")
    np.testing.assert_array_equal(signed["targets"], [3, 2, 1, 0, 3])
    assert set(signed) == {"logits", "targets", "heatmap", "upsampled"}
    assert signed["heatmap"].shape == (N, 8, 9)
    assert signed["heatmap"].min() < 0 <= positive["heatmap"].min()
    np.testing.assert_array_equal(positive["heatmap"], np.maximum(signed["heatmap"], 0))


def test_an_answer_replaces_an_older_one_whole(place: Place) -> None:
    place.out.write_bytes(b"older")
    assert main(place.arguments(method="saliency")) == 0
    assert load_file(place.out)["heatmap"].shape == (N, 8, 9)


def test_a_library_answers_in_the_same_form(place: Place) -> None:
    pytest.importorskip("captum")
    ours = place.out.with_name("ours")
    assert main(place.arguments(library="captum", method="saliency")) == 0
    assert main(place.arguments(method="saliency", out=ours)) == 0
    found, expected = load_file(place.out), load_file(ours)
    np.testing.assert_allclose(found["heatmap"], expected["heatmap"], rtol=1e-4, atol=1e-6)


def _bad(kind: str) -> np.ndarray[Any, Any]:
    images = IMAGES.copy()
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
        "float64": images.astype(np.float64),
        "uint8": bytes_of_greys,
        "complex": images.astype(np.complex64),
        "record": np.zeros(N, [("a", "f4")]),
    }
    return np.asarray(wrong.get(kind, images))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("shape", "(7, 9, 2)"), ("transposed", "(2, 8, 9)"), ("channels", "(8, 9, 1)"),
        ("rank 3", "(N, H, W, C)"), ("rank 0", "(N, H, W, C)"), ("rank 5", "(N, H, W, C)"),
        ("empty", "empty"), ("objects", "object"), ("nan", "nan at (4, 7, 8, 1)"),
        ("above", "1.5 at (1, 0, 3, 0)"), ("below", "at (2, 0, 0, 0)"), ("float64", "float64"),
        ("uint8", "uint8"), ("complex", "complex64"), ("record", "(N, H, W, C)"),
    ],
)  # fmt: skip
def test_bad_images(place: Place, refused: Callable[..., str], kind: str, words: str) -> None:
    np.save(place.folder / "images.npy", _bad(kind), allow_pickle=True)
    assert words in refused()


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (np.array([0, 1, 4, 0, 0]), "target 4 at 2 is not one of 0 to 3"),
        (np.array([0, -1, 0, 0, 0]), "target -1 at 1"),
        (np.array([0, 1]), "(2,), 5 images need (5,)"),
        (np.zeros((N, 1), int), "(5, 1)"),
        (np.zeros(N), "float64; they must be whole numbers"),
        (np.zeros(N, bool), "bool"),
        (np.array([2**40, 0, 0, 0, 0]), "not one of 0 to 3"),
        (np.array([None] * N), "object"),
    ],
)
def test_bad_targets(
    place: Place, refused: Callable[..., str], targets: np.ndarray[Any, Any], words: str
) -> None:
    path = place.folder / "targets.npy"
    np.save(path, targets, allow_pickle=True)
    assert words in refused(targets=path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layer": "convl"}, "conv1"),
        ({"layer": "dense1"}, "unknown layer"),
        ({"layer": "relu1:pre"}, "unknown layer"),
        ({"layer": "conv1", "method": "saliency"}, "leave --layer"),
        ({"method": "grad-cam"}, "did you mean grad_cam"),
        ({"framework": "pytroch"}, "did you mean pytorch?"),
        ({"framework": "keras", "backend": "tensorflw"}, "did you mean tensorflow?"),
        ({"backend": "jax"}, "pytorch has no backends"),
        ({"backend": ""}, "--backend: it is empty"),
        ({"layer": ""}, "--layer: it is empty"),
        ({"targets": ""}, "--targets: it is empty"),
        ({"option": ""}, "--option: it is empty"),
        ({"imagse": "x.npy"}, "unknown argument '--imagse'; did you mean --images"),
        ({"framework": "reference", "backend": "jax"}, "backend"),
        ({"library": "captun"}, "did you mean captum?"),
        ({"library": "captum", "method": "salency"}, "did you mean saliency"),
        ({"score": "logits"}, "did you mean logit?"),
        ({"architecture": "cnn-32-16-9"}, "cnn-32-16-8"),
        ({"option": "reducton=sum"}, "did you mean reduction"),
        ({"option": "reduction=max"}, "one of sum, mean"),
        ({"option": "relu"}, "NAME=VALUE"),
        ({"option": "relu=perhaps"}, "true or false"),
        ({"method": "integrated_gradients", "option": "points=0"}, "whole number from 1"),
        ({"method": "integrated_gradients", "option": "points=2.5"}, "whole number"),
        ({"method": "integrated_gradients", "option": "points=nan"}, "whole number"),
        ({"method": "occlusion", "option": "fill=inf"}, "a number from"),
        ({"mode": "jit"}, "invalid choice"),
        ({"batch": "0"}, "at least 1"),
        ({"images": None}, "--images"),
        ({"images": "no.npy"}, "no images file no.npy"),
        ({"targets": "no.npy"}, "no targets file no.npy"),
        ({"weights": "no.safetensors"}, "no.safetensors"),
        ({"architecture": "no.json"}, "no.json"),
        ({"images": "."}, "not a readable .npy"),
        ({"weights": "."}, "safetensors"),
        ({"out": "missing/maps.safetensors"}, "no folder missing"),
        ({"out": "."}, "it is a folder"),
        ({"out": "a" * 300}, "File name too long"),
    ],
    ids=str,
)
def test_bad_arguments(refused: Callable[..., str], changes: dict[str, str], words: str) -> None:
    assert words in refused(**changes)


@pytest.mark.parametrize("library", libraries.names())
@pytest.mark.parametrize("mode", ["compiled", "xla"])
def test_libraries_run_eagerly(refused: Callable[..., str], library: str, mode: str) -> None:
    asked = {"library": library, "method": "grad_cam", "images": "no.npy"}
    assert f"leave --mode {mode} out" in refused(mode=mode, **asked)


@pytest.mark.parametrize("name", ["images.npy", "targets.npy", "w.safetensors", "small.json"])
def test_no_input_is_replaced(place: Place, refused: Callable[..., str], name: str) -> None:
    np.save(place.folder / "targets.npy", np.zeros(N, np.int32))
    other = place.folder / "out" / "link"
    other.symlink_to(place.folder / name)
    for out in (place.folder / name, place.folder / "out" / ".." / name, other):
        assert "it is the input" in refused(out=out, targets=place.folder / "targets.npy")


def test_a_pipe_is_not_replaced(place: Place, refused: Callable[..., str]) -> None:
    os.mkfifo(place.folder / "pipe")
    assert "it is a pipe or a device; name a file" in refused(out=place.folder / "pipe")
    assert (place.folder / "pipe").is_fifo()


def test_weights_that_overflow(
    place: Place, refused: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    large = {name: array * np.float32(1e30) for name, array in TENSORS.items()}
    weights.save(place.folder / "w.safetensors", large)
    assert "image 0: its logits are not finite; the weights are too large" in refused()
    kernels = {name: large[name] for name in ("conv1.kernel", "conv2.kernel")}
    weights.save(place.folder / "w.safetensors", {**TENSORS, **kernels})
    images = np.zeros_like(IMAGES)
    images[3:] = 1
    np.save(place.folder / "images.npy", images)
    assert main(place.arguments(batch=2)) == 2
    assert "image 3: its logits are not finite" in capsys.readouterr().err
    assert not list(place.out.parent.iterdir())


def test_images_of_other_channels_than_the_weights(
    place: Place, refused: Callable[..., str]
) -> None:
    grey = weights.randomise(architectures.get("cnn-32-16", (8, 9, 1), CLASSES), 0)
    weights.save(place.folder / "w.safetensors", grey)
    said = refused(architecture="cnn-32-16")
    assert "images.npy: images have 2 channels (the last axis), the weights want 1" in said


def test_a_network_without_weights(place: Place) -> None:
    nodes = [{"name": "gap1", "kind": "global_average_pool", "inputs": "input"}]
    form = {"input_shape": SHAPE, "classes": SHAPE[-1], "nodes": nodes}
    (place.folder / "small.json").write_text(json.dumps(form))
    (place.folder / "w.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    assert main(place.arguments(method="saliency")) == 0
    found = load_file(place.out)["logits"]
    np.testing.assert_allclose(found, IMAGES.mean(axis=(1, 2)), rtol=1e-5)


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
        ("small.json", json.dumps({**FORM, "nodes": NODES[:-1]}).encode()),
        ("small.json", json.dumps({**FORM, "nodes": [*NODES, {"kind": "convv"}]}).encode()),
    ],
)
def test_broken_files(place: Place, refused: Callable[..., str], name: str, content: bytes) -> None:
    (place.folder / name).write_bytes(content)
    assert str(place.folder / name) in refused()


def test_torn_files(place: Place, refused: Callable[..., str]) -> None:
    for name in ("images.npy", "w.safetensors"):
        whole = (place.folder / name).read_bytes()
        (place.folder / name).write_bytes(whole[:-4])
        assert str(place.folder / name) in refused()
        (place.folder / name).write_bytes(whole)


def test_a_file_that_is_not_numpy_s(place: Place, refused: Callable[..., str]) -> None:
    (place.folder / "images.npy").write_text("pickled objects, allow_pickle, Python objects")
    said = refused()
    assert "it is no file of NumPy's" in said and "object" not in said


def test_an_archive_of_arrays(place: Place, refused: Callable[..., str]) -> None:
    np.savez(place.folder / "images.npz", IMAGES)
    assert "archive" in refused(images=place.folder / "images.npz")


def test_weights_of_another_architecture(place: Place, refused: Callable[..., str]) -> None:
    path = place.folder / "w.safetensors"
    kernel = np.zeros((3, 3, 2, 7), np.float32)
    save_file({**TENSORS, "conv1.kernel": kernel}, path)
    assert "tensor 'conv1.kernel' is (3, 3, 2, 7)" in refused()
    save_file({name: a for name, a in TENSORS.items() if name != "conv2.bias"}, path)
    assert "no tensor 'conv2.bias'" in refused()
    save_file({**TENSORS, "conv9.bias": kernel}, path)
    assert "'conv9.bias' belongs to no node" in refused()
    save_file({**TENSORS, "dense1.bias": np.full(4, np.nan, np.float32)}, path)
    assert "'dense1.bias' has values that are not finite" in refused()


def test_weights_of_a_type_that_numpy_has_not(place: Place, refused: Callable[..., str]) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    tensors = {name: torch.from_numpy(array).bfloat16() for name, array in TENSORS.items()}
    save_torch(tensors, place.folder / "w.safetensors")
    assert "w.safetensors" in refused()


def test_images_that_a_registered_network_cannot_read(
    place: Place, refused: Callable[..., str]
) -> None:
    said = refused(architecture="cnn-32-16-8")
    assert "8 x 9 x 2" in said


def test_a_place_that_cannot_be_written(place: Place, refused: Callable[..., str]) -> None:
    blocked = place.folder / "small.json" / "maps.safetensors"
    assert "cannot write" in refused(out=blocked)
    assert "cannot write /proc/maps.safetensors: " in refused(out="/proc/maps.safetensors")


def test_what_is_not_here(refused: Callable[..., str]) -> None:
    import torch

    if not torch.cuda.is_available():
        assert "no GPU: looked for an NVIDIA one" in refused(4, device="gpu")
    assert "TF32" in refused(4, precision="tf32")
    assert "XLA" in refused(4, mode="xla")
    assert "global average pooling" in refused(4, method="cam")
    assert "pytorch only" in refused(4, framework="reference", library="captum", method="saliency")


def test_what_breaks_in_mid_run_leaves_nothing(place: Place, refused: Callable[..., str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        assert "cannot write" in refused()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def explain_apart(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, **environment}, check=False,
    )  # fmt: skip


def test_no_compiler_for_torch_compile(place: Place) -> None:
    arguments = place.arguments(mode="compiled")
    done = explain_apart(arguments, PATH=str(place.folder), CXX=str(place.folder / "none"))
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "needs a C++ compiler; looked for $CXX, then g++" in done.stderr
    assert not list(place.out.parent.iterdir())


def test_no_float64_in_the_framework(place: Place) -> None:
    pytest.importorskip("keras")
    pytest.importorskip("jax")
    changes = {"framework": "keras", "backend": "jax", "precision": "float64"}
    done = explain_apart(place.arguments(**changes))
    if done.returncode == 0:  # a Keras that computes in float64 must say so by its numbers
        assert {a.dtype.name for a in load_file(place.out).values()} == {"float64", "int32"}
        return
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "float64" in done.stderr and not list(place.out.parent.iterdir())


PEAK = """
import resource, sys
from bench.__main__ import main
status = main(sys.argv[1:])
print(status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_images(place: Place) -> None:
    tensors = weights.randomise(graph.parse({**FORM, "input_shape": [28, 28, 1]}, "wide"), 0)
    weights.save(place.folder / "w.safetensors", tensors)
    (place.folder / "small.json").write_text(json.dumps({**FORM, "input_shape": [28, 28, 1]}))
    peaks, sizes = [], []
    for n in (200, 2000):
        images = np.random.default_rng(0).random((n, 28, 28, 1), np.float32)
        np.save(place.folder / "images.npy", images)
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *place.arguments(save="stages")],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        status, peak = map(int, done.stdout.split())
        assert status == 0, done.stderr
        peaks.append(peak / 1024)
        sizes.append((images.nbytes + place.out.stat().st_size) / 2**20)
    assert peaks[1] - peaks[0] <= sizes[1] - sizes[0], (peaks, sizes)
