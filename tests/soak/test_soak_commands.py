"""`train`, `compare` and `report` killed over and over while they are at it: `nox -s soak`.

A tenth of SOAK's number of kills for each. A command is struck at a random moment and given again,
and struck again, until it has had its kills; then it comes to the end, and what it leaves is what
one leaves that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.record.runs import digest
from implementations.architecture import weights

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("SOAK", "0")) // 10
pytestmark = pytest.mark.skipif(not KILLS, reason="takes long: nox -s soak")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
TRAIN = ("train", "--framework", "pytorch", "--architecture", "cnn-gap", "--dataset", "digits",
         "--epochs", "3", "--seed", "1")  # fmt: skip
COMPARE = ("compare", "--dataset", "digits", "--architectures", "cnn-gap", "--frameworks",
           "pytorch", "reference", "--methods", "saliency", "grad_cam", "--images", "8",
           "--epochs", "2", "--precisions", "float32", "--stages", "train", "agree")  # fmt: skip
ABOUT_IT = {"run_id", "started_at", "cell_s", "peak_rss_mb", "import_s", "build_s", "train_s",
            "step_ms"}  # fmt: skip


class Struck:
    """A command, killed and given again, all of whose processes share a folder for scratch."""

    def __init__(self, folder: Path, *words: object) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.words = [sys.executable, "-m", "bench", *map(str, words)]
        self.chance = random.Random(int(os.environ.get("SEED", "1")))
        self.how: Counter[str] = Counter()

    def start(self) -> subprocess.Popen[str]:
        variables = {**os.environ, "TMPDIR": str(self.scratch)}
        return subprocess.Popen(
            self.words, cwd=ROOT, env=variables, text=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def finish(self) -> float:
        """To the end, undisturbed: seconds."""
        began = time.monotonic()
        process = self.start()
        _, complained = process.communicate(timeout=500)
        assert process.returncode == 0, complained
        assert not list(self.scratch.iterdir())
        return time.monotonic() - began

    def over_and_over(self, kills: int, most_s: float, results: Path | None = None) -> None:
        """So many kills, each within `most_s` seconds of the start; then to the end.

        A command that outlives the loss of a child comes to its end: then its results are taken
        away, and it begins anew.
        """
        tries = 0
        while self.how.total() < kills and tries < 4 * kills:
            tries += 1
            process = self.start()
            time.sleep(self.chance.uniform(0.3, most_s))
            sent, whom = self.chance.choice(SIGNALS), self.chance.choice(("parent", "child"))
            target = psutil.Process(process.pid)
            with contextlib.suppress(psutil.NoSuchProcess, StopIteration):
                if process.poll() is None:
                    target = worker(target) if whom == "child" else target
                    target.send_signal(sent)
                    self.how[f"{whom} {sent.name}"] += 1
            _, complained = process.communicate(timeout=500)
            assert "Traceback" not in complained, (whom, sent, complained)
            self.gone((whom, sent))
            if results and process.returncode == 0:
                shutil.rmtree(results)
        self.finish()
        assert self.how.total() >= kills // 2, "most came too late"

    def gone(self, how: object) -> None:
        deadline = time.monotonic() + 20
        while True:
            left = [
                each.pid
                for each in psutil.process_iter(["environ"])
                if (each.info["environ"] or {}).get("TMPDIR", "").startswith(str(self.scratch))
            ]
            if not left:
                return
            assert time.monotonic() < deadline, ("left behind after", how, left)
            time.sleep(0.1)

    def tell(self, what: str) -> None:
        """For the note; seen with -s."""
        told = ", ".join(f"{count} {how}" for how, count in sorted(self.how.items()))
        sys.stderr.write(f"\n{what}: {self.how.total()} kills ({told}), nothing lost\n")


def worker(command: psutil.Process) -> psutil.Process:
    """A child that does its work, not Python's own, which keeps count of semaphores."""
    return next(c for c in command.children() if "resource_tracker" not in " ".join(c.cmdline()))


def rows(results: Path) -> list[str]:
    """Of the one run there is, without what a second try changes."""
    [file] = (results / "runs").iterdir()
    found = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()[1:]]
    plain = [{k: v for k, v in row.items() if k not in ABOUT_IT} for row in found]
    return sorted(json.dumps(row, sort_keys=True) for row in plain)


def whole(results: Path) -> dict[str, str]:
    """The files of a results folder by name, with digests; all generated ones are listed."""
    listed = json.loads((results / "written.json").read_text())
    for name, digests in listed.items():
        assert digests == [digest(results / name)], name
    generated = {
        path.relative_to(results).as_posix(): digest(path)
        for folder in ("tables", "figures", "site")
        for path in (results / folder).rglob("*")
        if path.is_file()
    }
    assert generated.keys() <= listed.keys()
    hidden = [p for p in results.rglob(".*") if p.name.startswith(".")]
    assert not hidden and not list(results.glob("work/*/rows.jsonl"))
    return generated


def test_training_is_killed(tmp_path: Path) -> None:
    one, other = tmp_path / "one.safetensors", tmp_path / "out" / "other.safetensors"
    other.parent.mkdir()
    took = Struck(tmp_path, *TRAIN, "--out", one).finish()
    struck = Struck(tmp_path, *TRAIN, "--out", other)
    struck.over_and_over(KILLS, took)
    struck.tell("train")
    found: list[dict[str, Any]] = [dict(weights.load(path)) for path in (one, other)]
    assert found[0].keys() == found[1].keys()
    assert all((found[0][name] == found[1][name]).all() for name in found[0])
    aged(other.parent)
    struck.finish()
    assert [*other.parent.iterdir()] == [other]


def aged(folder: Path) -> None:
    """As if the next command came later: of what a SIGKILL left."""
    for path in folder.rglob(".*"):
        os.utime(path, (0, 0))


def test_comparing_and_reporting_are_killed(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    took = Struck(tmp_path, *COMPARE, "--results", one).finish()
    struck = Struck(tmp_path, *COMPARE, "--results", other)
    struck.over_and_over(KILLS, took, other)
    struck.tell("compare")
    assert rows(one) == rows(other)
    aged(other)
    reporting = Struck(tmp_path, "report", "--results", other)
    took = reporting.finish()
    before = whole(other)
    assert before.keys() == whole(one).keys()
    reporting.over_and_over(KILLS, took)
    reporting.tell("report")
    aged(other)
    reporting.finish()
    assert whole(other) == before
