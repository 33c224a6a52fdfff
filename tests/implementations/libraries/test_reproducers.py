"""What libraries do that no document of theirs says: a file each, which runs alone.

A file has at most 30 lines, literals, and prints what is expected and what is found. Where one no
longer differs, the installed version has mended it: say so where it is told of, and drop the file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
FILES = sorted((HERE / "reproducers").glob("*.py"))


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """File -> what it prints, all run in one new process."""
    if not all(map(find_spec, ("torch", "torchcam", "pytorch_grad_cam", "tf_explain"))):
        pytest.skip("the libraries are not all installed")
    command = [sys.executable, str(HERE / "run_reproducers.py"), *map(str, FILES)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_reproducer_is_short_and_shows_what_it_says(path: Path, printed: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30
    assert "In the library's issues: " in text.split('"""')[1]  # a number, or that there is none
    lines = printed[path.stem].splitlines()
    (expected,) = (line for line in lines if line.startswith("expected: "))
    (found,) = (line for line in lines if line.startswith("found: "))
    assert found.removeprefix("found: ") not in expected
