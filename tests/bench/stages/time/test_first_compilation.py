from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.engine import compile_caches
from bench.engine.child import ROOT
from bench.record.cell import Cell
from bench.stages.time import first_compilation

CELL = Cell(
    stage="time", task="forward", framework="jax", dataset="digits", architecture="cnn-32-16-8",
    batch=8, mode="compiled",
)  # fmt: skip


@pytest.fixture(autouse=True)
def cold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(compile_caches.STATE, "cold")
    monkeypatch.setenv(compile_caches.FOLDER, str(tmp_path))
    monkeypatch.setenv(compile_caches.INDUCTOR, str(tmp_path))
    first_compilation._seconds.cache_clear()


def test_it_is_paid_once_a_process_whatever_is_compiled() -> None:
    pytest.importorskip("jax")
    paid = first_compilation.seconds(CELL)
    assert paid is not None and paid > 0
    assert first_compilation.seconds(replace(CELL, batch=64, mode="tuned")) == paid


def test_nothing_is_compiled_for_an_eager_cell() -> None:
    assert first_compilation.seconds(replace(CELL, mode="eager")) is None
    assert first_compilation._seconds.cache_info().misses == 0


def test_from_warm_caches_it_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.setenv(compile_caches.STATE, "warm")
    assert first_compilation.seconds(CELL) is None
    assert first_compilation._seconds.cache_info().misses == 1


@pytest.mark.parametrize(
    ("package", "framework", "backend", "mode"),
    [("torch", "pytorch", "", "compiled"), ("tensorflow", "keras", "tensorflow", "xla")],
)
def test_every_compiler_starts(package: str, framework: str, backend: str, mode: str) -> None:
    pytest.importorskip(package)
    pytest.importorskip(framework.replace("pytorch", "torch"))
    code = (
        "from dataclasses import replace\n"
        "from bench.engine import compile_caches\n"
        "from bench.record.cell import Cell\n"
        "from bench.stages.time import first_compilation\n"
        f"cell = {CELL!r}\n"
        f"cell = replace(cell, framework={framework!r}, backend={backend!r}, mode={mode!r})\n"
        "with compile_caches.compile_cache(None, 0):\n"
        "    print(first_compilation.seconds(cell))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert 0 < float(done.stdout) < 300
