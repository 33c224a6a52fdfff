"""`import`: a folder of two files, whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main
from bench.cli.importing import ARCHITECTURE, WEIGHTS
from implementations.architecture import graph, weights

pytest.importorskip("onnx")

from onnx_graphs import CONV, HEAD, saved
from onnx_graphs import WEIGHTS as TENSORS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "mine.onnx", [*CONV, ("Relu", ["c"], "y"), *HEAD], TENSORS)


def test_a_file_becomes_a_folder(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    assert main(["import", str(model), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "mine reads 8 x 6 x 3 images and tells 5 classes" in said
    assert "onnx's own evaluator in float64" in said and f"--network {out}" in said
    assert sorted(path.name for path in out.iterdir()) == [ARCHITECTURE, WEIGHTS]
    architecture = graph.read(out / ARCHITECTURE)
    tensors = weights.load(out / WEIGHTS)
    weights.check(architecture, tensors)
    assert {array.dtype for array in tensors.values()} == {np.dtype("float32")}
    about = weights.about(out / WEIGHTS)
    assert about["layout"] == "NCHW" and len(about["sha256"]) == 64
    assert any("no batch norm" in note for note in json.loads(about["decided"]))
    assert str(tmp_path) not in json.dumps(about)
    assert main(["import", str(model), "--out", str(out)]) == 0  # again, in its place


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no.onnx", "--out", "out"], "no ONNX file no.onnx"),
        (["mine.onnx", "--out", "no/out"], "no folder no"),
        (["mine.onnx", "--out", "."], "it holds 'empty.onnx' too; name a new folder"),
        (
            ["mine.onnx", "--out", "mine.onnx"],
            "cannot write mine.onnx: it is a file; name a folder",
        ),
        (["mine.onnx", "--out", "out", "--size", "9"], "two numbers, height and width, not 1"),
        (["mine.onnx", "--out", "out", "--size", "9", "9"], "reads 8 x 6 images"),
        (["mine.onnx", "--out", "out", "--layout", "NWCH"], "unknown layout"),
        (["mine.onnx", "--out", "out", "--layout", "NHWC"], "try --layout"),
        (["mine.onnx", "--out", "out", "--mean", "1", "2"], "--mean has 2 numbers for 3 channels"),
        (["mine.onnx", "--out", "out", "--mean", "a"], "'a' is not a number"),
        (["mine.onnx", "--out", "out", "--deviation", "1", "0", "1"], "--deviation: '0' is not"),
        (["mine.onnx", "--out", "out", "--scale=-1"], "--scale: '-1' is not from"),
        (["mine.onnx", "--out", "out", "--output", "nothing"], "nothing gives the output"),
        (["text.onnx", "--out", "out"], "no readable ONNX file"),
        (["empty.onnx", "--out", "out"], "an empty file"),
        (["page.onnx", "--out", "out"], "a web page"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(
    model: Path, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(model.parent)
    for name, text in (("text", "not a message"), ("empty", ""), ("page", "<!doctype html>")):
        Path(f"{name}.onnx").write_text(text)
    before = sorted(model.parent.rglob("*"))
    assert main(["import", *words]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and said in line
    assert sorted(model.parent.rglob("*")) == before


KILLED = """
import os, sys
from bench.__main__ import main
from bench.cli import importing
from implementations.importers.onnx import checking

def kill(*_, **__):
    os.kill(os.getpid(), 9)

if sys.argv[1] == "checking":
    checking.subprocess.run = kill
else:
    importing.weights.save = kill
main(["import", *sys.argv[2:]])
"""


@pytest.mark.parametrize("where", ["checking", "writing"])
def test_what_a_killed_import_leaves_goes_with_the_next(
    model: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "checking":
        pytest.importorskip("onnxruntime")
    scratch = model.parent / "scratch"
    scratch.mkdir()
    variables = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    words = [str(model), "--out", str(model.parent / "mine")]
    died = subprocess.run(
        [sys.executable, "-c", KILLED, where, *words], cwd=ROOT, env=variables, check=False
    )
    assert died.returncode == -signal.SIGKILL
    assert [*scratch.glob("camparison-*")]
    for left in model.parent.glob(".mine.*.tmp"):
        os.utime(left, (0, 0))  # as if the next came later
    subprocess.run(
        [sys.executable, "-m", "bench", "import", *words], cwd=ROOT, env=variables, check=True,
        capture_output=True,
    )  # fmt: skip
    assert not [*scratch.iterdir()]
    assert sorted(path.name for path in model.parent.iterdir()) == ["mine", "mine.onnx", "scratch"]
