"""Processes that draw end with the report, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SCRIPT = """
import time
from functools import partial

from bench.report.beside import drawing

if __name__ == "__main__":
    with drawing([partial(time.sleep, 60)] * 2) as drawn:
        list(drawn)
"""
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_stays_behind_a_killed_report(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "draws.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as process:
        parent, deadline = psutil.Process(process.pid), time.monotonic() + 60
        while not (found := at_work(parent)) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(how)
    assert found
    _, alive = psutil.wait_procs(found, timeout=20)
    assert not alive


def at_work(parent: psutil.Process) -> list[psutil.Process]:
    """Its two processes, once each watches it from a second thread."""
    children = [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
    return children if len(children) == 2 and all(c.num_threads() > 1 for c in children) else []
