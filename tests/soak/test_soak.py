"""Kills, full disks and poor machines, over and over: `nox -s soak` (SOAK=100 kills by default).

Whatever happens, the same command then comes to the end, and nothing is torn, lost, there twice or
left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from implementations.architecture import graph, weights

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = ROOT / "tests" / "bench" / "children"
KILLS = int(os.environ.get("SOAK", "0"))
pytestmark = pytest.mark.skipif(not KILLS, reason="takes long: nox -s soak")
CELLS = 5
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
DRIVER = """
import signal, sys
from dataclasses import replace
from pathlib import Path
from bench.engine.execute import execute
from bench.record.cell import Cell
from bench.engine.run import Run
from implementations.errors import BadInput
for each in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(each, signal.default_int_handler)
results, size = Path(sys.argv[1]), int(sys.argv[2])
cell = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-gap")
cells = [replace(cell, seed=n) for n in range(5)]
try:
    run = Run("agree", {}, results)
    out = results / "work" / "networks"
    out.mkdir(exist_ok=True)
    context = {"seconds": 0.2, "out": str(out), "size": size}
    execute(run, "agree", "sleeping", cells, context)
    print(len(run.rows))
    run.finish()
except BadInput as error:
    print(error, file=sys.stderr)
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def start(results: Path, scratch: Path, size: int = 1000, **how: Any) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(CHILDREN), str(ROOT)])
    variables = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(scratch)}
    words = [sys.executable, "-c", DRIVER, str(results), str(size)]
    return subprocess.Popen(
        words, cwd=ROOT, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **how,
    )  # fmt: skip


def gone(scratch: Path) -> bool:
    """Whether no process is left whose temporary files are there."""
    for each in psutil.process_iter(["environ"]):
        if each.pid != os.getpid() and (each.info["environ"] or {}).get("TMPDIR", "").startswith(
            str(scratch)
        ):
            return False
    return True


def whole(results: Path, scratch: Path) -> None:
    """Everything is there, once."""
    [file] = (results / "runs").iterdir()
    import gzip

    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()[1:]]
    assert sorted(row["n_images"] for row in rows) == list(range(CELLS))
    assert {row["status"] for row in rows} == {"ok"}
    made = sorted((results / "work" / "networks").iterdir())
    assert [path.name for path in made] == [f"{n}.safetensors" for n in range(CELLS)]
    for number, path in enumerate(made):
        assert (weights.load(path)["array"] == number).all()
    left = [path for path in (results / "work").rglob("*") if path.name.startswith(".")]
    assert not left and not list(scratch.iterdir())


def test_kills_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(int(os.environ.get("SEED", "1")))
    struck = 0
    for number in range(KILLS):
        results, scratch = tmp_path / f"r{number}", tmp_path / f"s{number}"
        results.mkdir()
        scratch.mkdir()
        how = chance.choice(SIGNALS), chance.choice(["parent", "child"]), chance.uniform(0.3, 3)
        process = start(results, scratch)
        time.sleep(how[2])
        target = psutil.Process(process.pid)
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):
            target = target.children()[0] if how[1] == "child" else target
            target.send_signal(how[0])
            struck += process.poll() is None or process.returncode != 0
        process.communicate(timeout=120)
        deadline = time.monotonic() + 20
        while not gone(scratch):
            assert time.monotonic() < deadline, f"left behind after {how}"
            time.sleep(0.1)
        if not (results / "runs").exists():
            again = start(results, scratch)
            said, complained = again.communicate(timeout=120)
            assert (said.split(), again.returncode) == ([str(CELLS)], 0), (how, complained)
        whole(results, scratch)
    assert struck >= KILLS // 2, "most came too late"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; skipped where none may be made."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("no disk may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_disk_that_is_full_or_read_only(small_disk: Path, scratch: Path, fault: str) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(900_000))
    size = 50_000 if fault == "full" else 1000
    process = start(small_disk / "r", scratch, size)
    if fault == "read-only":
        time.sleep(1.0)
        with contextlib.suppress(subprocess.CalledProcessError):  # something is being written
            remount(small_disk, "ro")
    _, complained = process.communicate(timeout=120)
    if fault == "full":
        assert process.returncode == 2 and "No space left on device" in complained, complained
    assert "Traceback" not in complained.splitlines()[-1], complained
    remount(small_disk, "rw,size=4m")
    ballast.unlink()
    if not (small_disk / "r" / "runs").exists():
        again = start(small_disk / "r", scratch, size)
        said, complained = again.communicate(timeout=120)
        assert (said.split(), again.returncode) == ([str(CELLS)], 0), complained
    whole(small_disk / "r", scratch)


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def one_core() -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


@pytest.mark.parametrize("poor", [few_files, one_core])
def test_a_poor_machine(tmp_path: Path, scratch: Path, poor: Callable[[], None]) -> None:
    process = start(tmp_path / "r", scratch, preexec_fn=poor)
    said, complained = process.communicate(timeout=120)
    assert (said.split(), process.returncode) == ([str(CELLS)], 0), complained
    whole(tmp_path / "r", scratch)


def test_two_runs_in_one_folder(tmp_path: Path, scratch: Path) -> None:
    first = start(tmp_path / "r", scratch)
    while not list(tmp_path.glob("r/work/*/head.json")):
        assert first.poll() is None
    first.send_signal(signal.SIGSTOP)  # so that it is at work still, however fast it is
    second = start(tmp_path / "r", scratch)
    _, complained = second.communicate(timeout=120)
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 2 and complained.count("\n") == 1, complained
    assert f"process {first.pid} is at this run already" in complained
    assert first.communicate(timeout=120)[0].split() == [str(CELLS)]
    whole(tmp_path / "r", scratch)


def explaining(folder: Path, n: int, out: Path) -> list[str | Path]:
    """The words that explain so many images of a small network, which are made."""
    form = {"input_shape": [8, 9, 2], "classes": 4, "nodes": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 3, "kernel": 3},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 4},
    ]}  # fmt: skip
    (folder / "n.json").write_text(json.dumps(form))
    weights.save(folder / "w.safetensors", weights.randomise(graph.parse(form, "n"), 3))
    images = np.random.default_rng(0).random((n, 8, 9, 2), np.float32)
    np.save(folder / "i.npy", images)
    return [
        sys.executable, "-m", "bench", "explain", "--framework", "reference",
        "--architecture", folder / "n.json", "--weights", folder / "w.safetensors",
        "--method", "grad_cam", "--images", folder / "i.npy", "--out", out,
    ]  # fmt: skip


def test_kills_of_a_users_command(tmp_path: Path, scratch: Path) -> None:
    chance = random.Random(int(os.environ.get("SEED", "1")))
    out = tmp_path / "answers" / "maps.safetensors"
    out.parent.mkdir()
    words = explaining(tmp_path, 20_000, out)
    how = {"cwd": ROOT, "env": {**os.environ, "TMPDIR": str(scratch)}}
    subprocess.run(words, capture_output=True, check=True, **how)
    whole_answer = out.read_bytes()
    struck = 0
    for _ in range(max(KILLS // 4, 1)):
        out.unlink()
        process = subprocess.Popen(
            words, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how
        )
        time.sleep(chance.uniform(0.3, 4))
        sent = chance.choice(SIGNALS)
        struck += process.poll() is None
        process.send_signal(sent)
        _, complained = process.communicate(timeout=120)
        assert "Traceback" not in complained, (sent, complained)
        deadline = time.monotonic() + 20
        while not gone(scratch):
            assert time.monotonic() < deadline, f"left behind after {sent}"
            time.sleep(0.1)
        left = [path for path in out.parent.iterdir() if path != out]
        assert sent == signal.SIGKILL or not left, (sent, left)
        for path in left:  # as if the next command came later
            os.utime(path, (0, 0))
        subprocess.run(words, capture_output=True, check=True, **how)
        assert [*out.parent.iterdir()] == [out] and out.read_bytes() == whole_answer
        assert not list(scratch.iterdir())
    assert struck, "all came too late"


def test_no_home_and_few_files_for_a_users_heatmaps(tmp_path: Path, scratch: Path) -> None:
    answers = []
    for number, limit in enumerate((None, few_files)):
        out = tmp_path / f"{number}.safetensors"
        words = explaining(tmp_path, 50, out)
        variables = {**os.environ, "TMPDIR": str(scratch)}
        if limit:
            del variables["HOME"]
        done = subprocess.run(
            words, cwd=ROOT, env=variables, preexec_fn=limit, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answers.append(out.read_bytes())
    assert answers[0] == answers[1] and not list(scratch.iterdir())
