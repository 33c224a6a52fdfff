"""Hundreds of wrong and hostile files at three doors: one line each, nothing left, and small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.engine.child import ROOT
from implementations.architecture import graph, weights

pytest.importorskip("onnx")
pytest.importorskip("PIL")

MOST_MB = 1000
REFUSED = {"json": 200, "picture": 90, "onnx": 95}
"""Door -> how many of its files are refused, at the least."""


@pytest.mark.parametrize("door", REFUSED)
def test_a_hostile_file_is_one_line_and_little_memory(door: str, tmp_path: Path) -> None:
    from hostile import FORM

    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "architecture.json").write_text(json.dumps(FORM))
    tensors = weights.initialise(graph.parse(FORM, "net"), 0)
    weights.save(tmp_path / "net" / "weights.safetensors", tensors)
    folders = [ROOT, ROOT / "tests/bench/children", ROOT / "tests/implementations/children"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    command = [sys.executable, str(folders[1] / "hostile.py"), door, str(tmp_path)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert not told["wrong"], told["wrong"]
    assert told["refused"] >= REFUSED[door], told
    assert told["peak"] < MOST_MB, told
