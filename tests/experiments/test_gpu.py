"""`python -m experiments.gpu`: what it runs is what commands take, and without a GPU it says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bench.cli.arguments import app, parse
from bench.cli.commands import COMMANDS
from bench.record import reading
from experiments.gpu import __main__ as gpu

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("words", [words for _, words in gpu.STEPS], ids=lambda words: words[0])
def test_every_step_is_a_command(words: tuple[str, ...], tmp_path: Path) -> None:
    given = (*words, "--device", "gpu", "--results", str(tmp_path))
    made = parse(app(COMMANDS, ""), list(given))
    assert made is not None and made.command == words[0]
    assert sum(share for share, _ in gpu.STEPS) == pytest.approx(1)


def test_without_a_gpu_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-m", "experiments.gpu", "run", "--out", str(out)], cwd=ROOT,
        env={**os.environ, "PATH": "/nowhere"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 4 and not out.exists()
    assert done.stderr.count("\n") == 1 and "no GPU: nvidia-smi is not there" in done.stderr


def test_a_driver_that_finds_none_is_told_of(tmp_path: Path) -> None:
    fake = tmp_path / "nvidia-smi"
    fake.write_text("#!/bin/sh\necho 'No devices were found'; exit 6\n")
    fake.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        assert gpu.no_gpu({}) == "no GPU: nvidia-smi says 'No devices were found'"


def test_what_is_lacking_is_what_the_wanted_need_beyond_the_bare() -> None:
    lacking = gpu.needed(gpu.WANTED, gpu.needed(gpu.BARE))
    assert {"keras", "captum", "shap", "cyclopts"} <= lacking
    assert not {"torch", "jax", "numpy", "pandas", "scikit-learn"} & lacking


def test_wheels_are_unpacked_where_the_machine_lacks_them(tmp_path: Path) -> None:
    for name in ("numpy", "a_package_that_is_not_here"):
        with zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")
    site = tmp_path / "site"
    assert gpu.unpack(tmp_path, site) == ["a_package_that_is_not_here"]
    assert [path.name for path in site.iterdir()] == ["a_package_that_is_not_here.py"]


def test_rows_of_a_run_that_was_cut_short_come_home(tmp_path: Path) -> None:
    folder = tmp_path / "work" / "time-0123456789"
    folder.mkdir(parents=True)
    head = {"run_id": "time-20260101T000000-m1-00000000", "machine_id": "m1", "gpu": "a GPU",
            "driver": "1", "git_sha": "abc"}  # fmt: skip
    (folder / "head.json").write_text(json.dumps(head))
    row = {"stage": "time", "cell_id": "c", "round": 0, "code_hash": "0", "status": "ok",
           "task": "forward", "framework": "jax", "column": "jax", "dataset": "digits",
           "architecture": "cnn-gap"}  # fmt: skip
    (folder / "rows.jsonl").write_text(json.dumps([row]) + "\n" + '[{"stage": "ti')
    [path] = gpu.cut_short(tmp_path)
    assert len(reading.read(path)[1]) == 1
    assert gpu.told(path).endswith("1 ok rows, 0 disagree; a GPU, driver 1, abc")
