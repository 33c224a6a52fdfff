"""`explain` and `train` through the command line: what they refuse, and training by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from bench.__main__ import main
from bench.engine.child import ROOT
from bench.engine.run import Run
from bench.record import runs
from bench.subject.request import Request
from implementations import libraries
from implementations.architecture import registered, weights

GOOD = {
    "framework": "pytorch", "dataset": "digits", "architecture": "cnn-32-16-8", "epochs": "1",
    "out": "weights.safetensors",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": "digit"}, "did you mean digits?"),
        ({"dataset": "photographs"}, "no training images"),
        ({"framework": "torch"}, "unknown framework"),
        ({"framework": "reference"}, "never trained"),
        ({"architecture": "cnn-32-16-9"}, "unknown architecture"),
        ({"architecture": "none.json"}, "none.json"),
        ({"architecture": "squeezenet-1.0"}, "reads (227, 227, 3), not (28, 28, 1) images"),
        ({"epochs": "0"}, "at least 1"),
        ({"seed": "-1"}, "whole number of at least 0"),
        ({"seed": "4294967296"}, "at most 4294967295"),
        ({"dataset": ""}, "--dataset: it is empty"),
        ({"backend": "jax"}, "pytorch has no backends"),
        ({"optimizer": "adam"}, "unknown optimizer"),
        ({"out": "missing/weights.safetensors"}, "no folder missing"),
        ({"out": "."}, "it is a folder"),
    ],
    ids=str,
)
def test_bad_requests(
    changes: dict[str, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    before = set((ROOT / "results").rglob("*"))
    monkeypatch.chdir(tmp_path)
    arguments = [
        word for name, value in {**GOOD, **changes}.items() for word in (f"--{name}", value)
    ]
    status = main(["train", *arguments])
    said = capsys.readouterr().err
    assert (status, said.count("\n")) == (2, 1) and words in said, said
    assert not list(tmp_path.iterdir()) and set((ROOT / "results").rglob("*")) == before


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the code, as training by hand keeps its run beside the code."""
    for name in ("bench", "implementations", "datasets"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "checkout" / name, ignore=ignored)
    return tmp_path / "checkout"


def test_training_by_hand(small: Any, checkout: Path) -> None:
    pytest.importorskip("jax")
    out = checkout / "weights.safetensors"

    asked = {**GOOD, "framework": "jax", "architecture": small.cell.architecture}
    words = [word for name, value in asked.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "train", *words], cwd=checkout, check=False,
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("test accuracy 0.")
    weights.check(small.architecture, weights.load(out))
    lines = done.stderr.splitlines()
    assert any("epoch 1/1" in line for line in lines) and "\r" not in done.stderr
    assert "\x1b" not in done.stderr
    assert not list(checkout.rglob("*.tmp"))


def test_a_network_for_another_data_set_is_not_trained(
    small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    form = json.loads(Path(small.cell.architecture).read_text())
    few = {"classes": 4, "nodes": [*form["nodes"][:-1], {**form["nodes"][-1], "units": 4}]}
    for changed, words in (({"input_shape": [32, 32, 1]}, "(32, 32, 1)"), (few, "4 classes")):
        path = tmp_path / "other.json"
        path.write_text(json.dumps({**form, **changed}))
        registered.get.cache_clear()
        for out, told in ((tmp_path / "out", words), (path, "it is the input")):
            given = {**GOOD, "architecture": path, "out": out}
            asked = [str(word) for name, value in given.items() for word in (f"--{name}", value)]
            assert main(["train", *asked]) == 2
            said = capsys.readouterr().err
            assert said.count("\n") == 1 and told in said, said
    assert not list(Path(small.context["out"]).iterdir())


@pytest.mark.parametrize(
    ("row", "given"),
    [
        ({"status": "oom", "reason": "killed by the system"}, 1),
        ({"status": "skipped", "reason": "no GPU"}, 4),
    ],
)
def test_a_training_that_fails_leaves_no_run(
    row: dict[str, str], given: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def execute(run: Run, *asked: Any, **named: Any) -> list[runs.Row]:
        run.add(asked[2][0], 0, [row])
        return run.rows

    monkeypatch.setattr("bench.engine.execute.execute", execute)
    monkeypatch.setattr(Request, "context", lambda self: {})
    monkeypatch.setattr("bench.engine.run.Run", partial(Run, results=tmp_path))
    words = "train --framework pytorch --dataset digits --architecture cnn-gap --out"
    assert main([*words.split(), str(tmp_path / "w.safetensors")]) == given
    assert capsys.readouterr().err == f"python -m bench train: {row['reason']}\n"
    assert not [*tmp_path.rglob("*")]


def test_what_a_broken_training_wrote_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def execute(run: Run, *asked: Any, **named: Any) -> list[runs.Row]:
        (run.folder / "children.log").write_text("Traceback")
        run.add(asked[2][0], 0, [{"status": "failed", "reason": "it broke"}])
        return run.rows

    monkeypatch.setattr("bench.engine.execute.execute", execute)
    monkeypatch.setattr(Request, "context", lambda self: {})
    monkeypatch.setattr("bench.engine.run.Run", partial(Run, results=tmp_path))
    words = "train --framework pytorch --dataset digits --architecture cnn-gap --out"
    assert main([*words.split(), str(tmp_path / "w.safetensors")]) == 1
    (log,) = tmp_path.rglob("*.log")
    told = f"python -m bench train: it broke (what its process wrote: {log})\n"
    assert (capsys.readouterr().err, log.read_text()) == (told, "Traceback")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layer": "convl"}, "conv1"),
        ({"layer": "dense1"}, "unknown layer"),
        ({"layer": "relu1:pre"}, "unknown layer"),
        ({"layer": "conv1", "method": "saliency"}, "omit --layer"),
        ({"method": "grad-cam"}, "did you mean grad_cam"),
        ({"framework": "pytroch"}, "did you mean pytorch?"),
        ({"framework": "keras", "backend": "tensorflw"}, "did you mean tensorflow?"),
        ({"backend": "jax"}, "pytorch has no backends"),
        ({"backend": ""}, "--backend: it is empty"),
        ({"layer": ""}, "--layer: it is empty"),
        ({"targets": ""}, "--targets: it is empty"),
        ({"option": ""}, "--option: it is empty"),
        ({"imagse": "x.npy"}, "Unknown option: --imagse. Did you mean --images"),
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
        ({"mode": "jit"}, "unknown mode"),
        ({"batch": "0"}, "at least 1"),
        ({"images": None}, "--images"),
        ({"images": "no.npy"}, "no file of images no.npy"),
        ({"targets": "no.npy"}, "no file of targets no.npy"),
        ({"weights": "no.safetensors"}, "no.safetensors"),
        ({"architecture": "no.json"}, "no.json"),
        ({"images": "."}, "no pictures in this folder"),
        ({"baselines": "no.npy"}, "grad_cam draws none; leave it out"),
        (
            {"method": "expected_gradients", "layer": None, "baselines": "no.npy"},
            "no file of images no.npy",
        ),
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


def test_what_is_not_here(refused: Callable[..., str]) -> None:
    import torch

    if not torch.cuda.is_available():
        assert "no GPU: looked for an NVIDIA one" in refused(4, device="gpu")
    assert "TF32" in refused(4, precision="tf32")
    assert "XLA" in refused(4, mode="xla")
    assert "global average pooling" in refused(4, method="cam")
    assert "pytorch only" in refused(4, framework="reference", library="captum", method="saliency")


def explain_apart(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, **environment}, check=False,
    )  # fmt: skip


def test_no_compiler_for_torch_compile(place: Any) -> None:
    arguments = place.arguments(mode="compiled")
    done = explain_apart(arguments, PATH=str(place.folder), CXX=str(place.folder / "none"))
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "needs a C++ compiler; looked for $CXX, then g++" in done.stderr
    assert not list(place.out.parent.iterdir())


def test_no_float64_in_the_framework(place: Any) -> None:
    pytest.importorskip("keras")
    pytest.importorskip("jax")
    changes = {"framework": "keras", "backend": "jax", "precision": "float64"}
    done = explain_apart(place.arguments(**changes))
    if done.returncode == 0:  # a Keras that computes in float64 must say so by its numbers
        assert {a.dtype.name for a in load_file(place.out).values()} == {"float64", "int32"}
        return
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "float64" in done.stderr and not list(place.out.parent.iterdir())
