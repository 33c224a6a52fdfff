"""`explain` through the command line, with PyTorch on a small network."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from bench.__main__ import main
from bench.engine.child import ROOT
from bench.stages import shards
from implementations import methods
from implementations.architecture import graph, weights
from implementations.oracle import runtime as oracle


def test_heatmaps_with_every_stage(place: Any) -> None:
    assert main(place.arguments(save="stages", batch=2)) == 0
    found = load_file(place.out)
    assert {name: (a.shape, a.dtype.name) for name, a in found.items()} == {
        "logits": ((5, 4), "float32"),
        "targets": ((5,), "int32"),
        "heatmap": ((5, 4, 5), "float32"),
        "upsampled": ((5, 8, 9), "float32"),
        "signed": ((5, 4, 5), "float32"),
        "activations": ((5, 4, 5, 5), "float32"),
        "gradients": ((5, 4, 5, 5), "float32"),
        "weights": ((5, 5), "float32"),
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


def test_the_completeness_gap_is_kept_with_the_stages(place: Any) -> None:
    asked = {"method": "integrated_gradients", "option": ["points=8"], "save": "stages"}
    assert main(place.arguments(**asked, layer=None)) == 0
    found = load_file(place.out)
    gap = found["completeness_gap"]
    assert gap.shape == (5,) and np.isfinite(gap).all()
    assert (np.abs(gap) < 0.2 * np.abs(found["signed"]).sum(axis=(1, 2))).all()


def test_baselines_of_ones_own_are_drawn_from(
    place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the oracle they are the draws that the method makes of them; shards tell them apart."""
    own = np.random.default_rng(9).random((3, *place.images.shape[1:]), np.float32)
    baselines, folder = place.folder / "training.npy", place.out.with_name("shards")
    np.save(baselines, own)
    asked = {
        "method": "expected_gradients[samples=5]", "layer": None, "framework": "reference",
        "mode": None, "baselines": baselines,
    }  # fmt: skip
    assert main(place.arguments(**asked)) == 0
    found = load_file(place.out)
    network = oracle.build(graph.parse(place.form, "small"), place.tensors)
    method = methods.load(asked["method"])
    draws = method.draws(method.resolve({}), network.architecture, "input", 0, own)
    assert {image.tobytes() for image in draws["baselines"]} <= {
        image.astype(float).tobytes() for image in own
    }
    explain = method.builder("reference")(network, "input", method.resolve({}), lambda whole: whole)
    expected = explain(network, place.images.astype(float), found["targets"], draws)["heatmap"]
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-12, atol=1e-15)

    assert main(place.arguments(**asked, out=folder, shards=2)) == 0
    np.testing.assert_array_equal(sharded(folder)["heatmap"], found["heatmap"])
    np.save(baselines, own[:2])
    assert main(place.arguments(**asked, out=folder, shards=2)) == 2
    assert "has heatmaps of something else" in capsys.readouterr().err


def test_targets_layer_score_and_options_are_obeyed(place: Any) -> None:
    targets = place.folder / "targets.npy"
    np.save(targets, np.array([3, 2, 1, 0, 3], np.int64))
    asked = {"targets": targets, "layer": "conv1:pre", "score": "probability"}
    for option, out in (("relu=false", "a"), ("relu=true", "b")):
        path = place.out.with_name(out)
        assert main(place.arguments(**asked, option=[option, "reduction=sum"], out=path)) == 0
    named = "grad_cam[reduction=sum,relu=false]"
    out = place.out.with_name("c")
    assert main(place.arguments(**asked, method=named, out=out)) == 0
    with safe_open(out, "numpy") as opened:
        assert named in opened.metadata()["cell"]
    by_option = load_file(place.out.with_name("a"))["heatmap"]
    np.testing.assert_array_equal(load_file(out)["heatmap"], by_option)
    signed, positive = (load_file(place.out.with_name(name)) for name in "ab")
    np.testing.assert_array_equal(signed["targets"], [3, 2, 1, 0, 3])
    assert set(signed) == {"logits", "targets", "heatmap", "upsampled"}
    assert signed["heatmap"].shape == (5, 8, 9)
    assert signed["heatmap"].min() < 0 <= positive["heatmap"].min()
    np.testing.assert_array_equal(positive["heatmap"], np.maximum(signed["heatmap"], 0))


def test_an_answer_replaces_an_older_one_whole(place: Any) -> None:
    place.out.write_bytes(b"older")
    assert main(place.arguments(method="saliency")) == 0
    assert load_file(place.out)["heatmap"].shape == (5, 8, 9)


def test_a_library_answers_in_the_same_form(place: Any) -> None:
    pytest.importorskip("captum")
    ours = place.out.with_name("ours")
    assert main(place.arguments(library="captum", method="saliency")) == 0
    assert main(place.arguments(method="saliency", out=ours)) == 0
    found, expected = load_file(place.out), load_file(ours)
    np.testing.assert_allclose(found["heatmap"], expected["heatmap"], rtol=1e-4, atol=1e-6)


def test_a_network_without_weights(place: Any) -> None:
    nodes = [{"name": "gap1", "kind": "global_average_pool", "inputs": "input"}]
    form = {"input_shape": [8, 9, 2], "classes": 2, "nodes": nodes}
    (place.folder / "small.json").write_text(json.dumps(form))
    (place.folder / "w.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    assert main(place.arguments(method="saliency")) == 0
    found = load_file(place.out)["logits"]
    np.testing.assert_allclose(found, place.images.mean(axis=(1, 2)), rtol=1e-5)


def test_weights_that_overflow(
    place: Any, refused: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    large = {name: array * np.float32(1e30) for name, array in place.tensors.items()}
    weights.save(place.folder / "w.safetensors", large)
    assert "image 0: its logits are not finite; the weights are too large" in refused()
    kernels = {name: large[name] for name in ("conv1.kernel", "conv2.kernel")}
    weights.save(place.folder / "w.safetensors", {**place.tensors, **kernels})
    images = np.zeros_like(place.images)
    images[3:] = 1
    np.save(place.folder / "images.npy", images)
    assert main(place.arguments(batch=2)) == 2
    assert "image 3: its logits are not finite" in capsys.readouterr().err
    assert not list(place.out.parent.iterdir())


def test_what_breaks_in_mid_run_leaves_nothing(place: Any, refused: Callable[..., str]) -> None:
    images = np.random.default_rng(0).random((400, *place.images.shape[1:]), np.float32)
    np.save(place.folder / "images.npy", images)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        assert "cannot write" in refused()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_answer_that_is_stopped_leaves_nothing(place: Any) -> None:
    images = np.random.default_rng(0).random((40_000, *place.images.shape[1:]), np.float32)
    np.save(place.folder / "images.npy", images)
    words = place.arguments(framework="reference", mode=None, batch=8)
    with subprocess.Popen(
        [sys.executable, "-m", "bench", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert "of 40000 images" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
    assert process.returncode == 130 and "stopped" in said.splitlines()[-1]
    assert not list(place.out.parent.iterdir())


PEAK = """
import resource, sys
from bench.__main__ import main
status = main(sys.argv[1:])
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_images(place: Any) -> None:
    form = {**place.form, "input_shape": [28, 28, 1]}
    tensors = weights.randomise(graph.parse(form, "wide"), 0)
    weights.save(place.folder / "w.safetensors", tensors)
    (place.folder / "small.json").write_text(json.dumps(form))
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


def sharded(folder: Any) -> dict[str, np.ndarray]:
    """All arrays of a folder of shards, put together as the index says."""
    index = json.loads((folder / "index.json").read_text())
    parts = [load_file(folder / entry["file"]) for entry in index["shards"]]
    assert [entry["start"] for entry in index["shards"]][1:] == [
        entry["stop"] for entry in index["shards"]
    ][:-1]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def test_shards_are_the_one_file_and_only_what_is_missing_is_made(
    place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = place.folder / "targets.npy"
    np.save(targets, np.array([3, 2, 1, 0, 3], np.int64))
    asked = {"framework": "reference", "mode": None, "targets": targets}
    folder = place.out.with_name("shards")
    assert main(place.arguments(**asked)) == 0
    assert main(place.arguments(**asked, out=folder, shards=3)) == 0
    expected, found = load_file(place.out), sharded(folder)
    assert {path.name for path in folder.iterdir()} == {
        "index.json", *(f"shard-{n:05}.safetensors" for n in range(3))
    }  # fmt: skip
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)

    def made() -> dict[str, int]:
        return {path.name: path.stat().st_ino for path in folder.glob("shard-*")}

    before = made()
    (folder / "shard-00001.safetensors").unlink()
    (folder / ".shard-00001.safetensors.abc.tmp").write_bytes(b"of a kill")
    images = place.images.copy()
    images[4] = 0
    np.save(place.folder / "images.npy", images)  # the last shard's
    assert main(place.arguments(**asked, out=folder, shards=3)) == 0
    after = made()
    assert {name for name in after if after[name] == before[name]} == {"shard-00000.safetensors"}
    assert not list(folder.glob(".*"))
    assert main(place.arguments(**asked, out=folder, shards=2)) == 0
    assert len(sharded(folder)["heatmap"]) == 5 and len(made()) == 2
    capsys.readouterr()
    assert main(place.arguments(**{**asked, "layer": "conv1"}, out=folder, shards=2)) == 2
    assert "has heatmaps of something else; name another folder" in capsys.readouterr().err
    (folder / "mine.txt").write_text("mine")
    assert main(place.arguments(**asked, out=folder, shards=2)) == 2
    assert "has other files (mine.txt)" in capsys.readouterr().err
    assert main(place.arguments(**asked, out=folder, shards=2, picture=place.out)) == 2


def test_an_index_of_many_short_shards_is_written_now_and_then(tmp_path: Path) -> None:
    index = shards.Index(tmp_path, 10**6, 2000, {}, lambda start, stop: (np.zeros(0), None))
    written = set()
    for shard in index.missing:
        index.add({**shard._asdict(), "bytes": 0, "inputs_sha": ""})
        written.add((tmp_path / "index.json").stat().st_mtime_ns)
    assert len(json.loads((tmp_path / "index.json").read_text())["shards"]) == 2000
    assert len(written) < 200


def test_killed_shards_go_on_where_they_were(place: Any) -> None:
    images = np.random.default_rng(0).random((20_000, *place.images.shape[1:]), np.float32)
    np.save(place.folder / "images.npy", images)
    folder = place.out.with_name("shards")
    asked = {"framework": "reference", "mode": None, "batch": 64, "out": folder}
    words = [sys.executable, "-m", "bench", *place.arguments(**asked, shards=40)]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        while not (folder / "shard-00001.safetensors").exists():
            assert process.poll() is None
        process.kill()
    first = folder / "shard-00000.safetensors"
    before = first.stat().st_ino
    np.save(place.folder / "images.npy", images[:1000])
    assert main(place.arguments(**asked, shards=2)) == 2, "of other images"
    np.save(place.folder / "images.npy", images)
    index = json.loads((folder / "index.json").read_text())
    assert 1 <= len(index["shards"]) < 40
    assert subprocess.run(words, cwd=ROOT, check=False, capture_output=True).returncode == 0
    assert first.stat().st_ino == before
    assert len(sharded(folder)["heatmap"]) == len(images) and not list(folder.glob(".*"))
