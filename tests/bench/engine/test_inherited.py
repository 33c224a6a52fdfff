from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.engine import inherited, processes
from bench.engine.child import ROOT, Job
from bench.engine.environment import made
from bench.record.cell import Cell

CHILDREN = Path(__file__).parents[1] / "children"
CELL = Cell(
    stage="agree", framework="reference", dataset="digits", architecture="cnn-32-16-8",
    options=(("how", "tells its environment"),),
)  # fmt: skip
SETTINGS = {
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true", "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
    "TF_ENABLE_ONEDNN_OPTS": "0", "ONEDNN_MAX_CPU_ISA": "SSE41", "OMP_PROC_BIND": "true",
    "KMP_AFFINITY": "compact", "TORCHINDUCTOR_FREEZING": "1", "TORCH_COMPILE_DISABLE": "1",
    "TORCHDYNAMO_DISABLE": "1", "ATEN_CPU_CAPABILITY": "default", "JAX_DISABLE_JIT": "1",
    "PYTEST_ADDOPTS": "--benchmark-timer=time.process_time", "PYTHONOPTIMIZE": "2",
    "CAMPARISON_PYTHON": "/bin/false", "KERAS_NNX_ENABLED": "1", "LD_PRELOAD": "",
}  # fmt: skip


def test_no_setting_of_the_shell_reaches_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / ".keras"
    theirs.mkdir()
    (theirs / "keras.json").write_text('{"image_data_format": "channels_first"}')
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    monkeypatch.setenv("KERAS_HOME", str(theirs))
    monkeypatch.setenv("A_WORD", "of nobody's concern")
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    for name in ("USER", "LOGNAME"):  # as a user of a container who has no name
        monkeypatch.delenv(name, raising=False)
    rows: list[dict[str, Any]] = []
    processes.run(
        [Job("misbehaving", (CELL,), {})], lambda cell, n, found: rows.extend(found), 60,
        tmp_path / "log", print,
    )  # fmt: skip
    seen = rows[0]["seen"]
    assert not seen.keys() & SETTINGS.keys() and "A_WORD" not in seen
    assert rows[0]["user"] == seen["LOGNAME"] == f"user{os.getuid()}"
    assert seen["KERAS_HOME"] != str(theirs) and seen["PATH"] == os.environ["PATH"]
    told = inherited.dropped()
    assert told.items() >= {**SETTINGS, "KERAS_HOME": str(theirs)}.items()
    assert "A_WORD" not in told and "PATH" not in told


def test_keras_has_its_own_defaults_whatever_the_users_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("keras")
    (tmp_path / "child").mkdir()
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cell = replace(CELL, framework="keras", backend="jax")
    text = "import keras; print(keras.config.image_data_format(), keras.config.backend())"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True,
        env=made(cell, tmp_path / "child"),
    )  # fmt: skip
    assert done.stdout.split()[-2:] == ["channels_last", "jax"]


PARENT = """
import signal, sys
from bench.engine import processes
from bench.engine.child import Job
from bench.record.cell import from_document
import json
cell = from_document(json.loads(sys.argv[1]))
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as a terminal has it, unlike nohup
context = {"told": sys.argv[2]}
job = Job("misbehaving", (cell,), context)
from pathlib import Path
processes.run([job], print, 600, Path(sys.argv[2] + ".log"), print)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_parent_leaves_no_process(tmp_path: Path, how: signal.Signals) -> None:
    cell = replace(CELL, options=(("how", "has a helper and waits"),))
    told = tmp_path / "told"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, json.dumps(asdict(cell)), str(told)], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(CHILDREN), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (told.exists() and len(told.read_text().split()) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    numbers = [int(number) for number in told.read_text().split()]
    parent.send_signal(how)
    parent.wait(timeout=30)
    while any(psutil.pid_exists(number) and _alive(number) for number in numbers):
        assert time.monotonic() < deadline, numbers
        time.sleep(0.05)


def _alive(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
