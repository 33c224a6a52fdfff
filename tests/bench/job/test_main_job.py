"""The main job, killed in mid-run and started again, on one small network in one framework."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.engine.child import ROOT
from bench.record import runs

ARGUMENTS = (
    "--dataset", "digits", "--architectures", "cnn-32-16-8", "--epochs", "1", "--images", "8",
    "--batch", "4", "--rounds", "1", "--frameworks", "jax", "--methods", "grad_cam",
    "--precisions", "float32",
)  # fmt: skip
BROKEN = {"wrong", "failed", "timeout", "oom"}


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """A shell's background job ignores Ctrl-C, and so would its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(results: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench", "compare", *ARGUMENTS, "--results", str(results)],
        cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def lines(results: Path) -> list[list[dict[str, Any]]]:
    """The finished cells of the run under way."""
    found = list((results / "work").glob("compare-*/rows.jsonl"))
    whole = found[0].read_text().split("\n")[:-1] if found else []
    return [json.loads(line) for line in whole]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.1)


def is_gone(children: list[psutil.Process]) -> bool:
    return not any(c.is_running() and c.status() != psutil.STATUS_ZOMBIE for c in children)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_a_killed_run_goes_on_without_a_row_lost_torn_or_twice(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    # Stopped by hand while the first network is trained.
    process = start(tmp_path)
    wait_for(lambda: bool(psutil.Process(process.pid).children()), process, 120)
    children = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    assert "stopped; the same command goes on from here" in process.communicate(timeout=30)[1]
    assert process.returncode == 130 and is_gone(children)

    # Killed among the agreement's cells; a kill may also tear the last line.
    process = start(tmp_path)
    wait_for(lambda: len(lines(tmp_path)) >= 8, process, 400)
    children = psutil.Process(process.pid).children()
    process.kill()
    process.communicate()
    psutil.wait_procs(children, timeout=10)
    assert is_gone(children)
    before = lines(tmp_path)
    path = next((tmp_path / "work").glob("compare-*/rows.jsonl"))
    with path.open("a") as stream:
        stream.write('[{"schema": 1, "run_id"')

    process = start(tmp_path)
    said = process.communicate()[1]
    assert process.returncode in (0, 3), said
    assert f"{sum(map(len, before))} rows are there already" in " ".join(said.split())

    (head, rows), *more = runs.published(tmp_path)
    assert not more and not list((tmp_path / "work").glob("compare-*"))
    cells: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault((row["cell_id"], row["round"]), []).append(row)
    for finished in before:  # as they were, and once
        assert cells[finished[0]["cell_id"], finished[0]["round"]] == finished
    for measured in cells.values():
        if measured[0]["stage"] == "agree":
            compared = Counter(row.get("compared") for row in measured)
            assert set(compared.values()) == {1}
    stages = {row["stage"] for row in rows}
    assert {"train", "oracle", "agree", "time"} <= stages
    bad = [row for row in rows if row["status"] in BROKEN or row.get("agree") is False]
    assert (process.returncode == 3) == bool(bad)
    assert not [row for row in bad if row["stage"] != "time"], bad
    assert head["run_id"] == rows[0]["run_id"]
    assert (tmp_path / "README.md").exists() and list((tmp_path / "tables").glob("*.md"))
    assert not list(tmp_path.rglob("*.tmp"))
