"""`export`, and `import` of what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main
from implementations.architecture import graph, registered, weights

pytest.importorskip("onnx")


def test_what_goes_out_comes_in_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    architecture = registered.get("cnn-gap", (12, 10, 3), 4)
    tensors = weights.randomise(architecture, 5)
    weights.save(tmp_path / "w.safetensors", tensors)
    out = tmp_path / "gap.onnx"
    words = f"export --architecture cnn-gap --weights {tmp_path}/w.safetensors --out {out}"
    assert main([*words.split(), "--size", "12", "10"]) == 0
    assert "reads `images` (batch, 3, 12, 10) in [0, 1]" in capsys.readouterr().out
    assert main(f"import {out} --out {tmp_path}/gap --name cnn-gap".split()) == 0
    assert graph.read(tmp_path / "gap" / "architecture.json") == architecture
    back = weights.load(tmp_path / "gap" / "weights.safetensors")
    assert back.keys() == tensors.keys()
    assert all(np.array_equal(back[name], tensors[name]) for name in tensors)
    again = tmp_path / "again.onnx"
    assert main(f"export --network {tmp_path}/gap --out {again}".split()) == 0
    assert again.read_bytes() == out.read_bytes()
    other = [*f"export --network {tmp_path}/gap --out {again} --size".split()]
    assert main([*other, "12", "10"]) == 0
    capsys.readouterr()
    assert main([*other, "10", "12"]) == 2
    assert "the network reads 12 x 10; leave it out" in capsys.readouterr().err


def test_a_refusal_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights.save(tmp_path / "w.safetensors", {"conv1.kernel": np.zeros((3, 3, 1, 4), np.float32)})
    words = f"export --architecture cnn-gap --weights {tmp_path}/w.safetensors --out {tmp_path}/o"
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "weights of another architecture" in said
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
