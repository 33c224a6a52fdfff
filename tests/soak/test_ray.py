"""A Ray cluster of two nodes of one core, of which something is lost: `nox -s soak`, with Ray.

A fifth of SOAK's number of runs for each fault, 20 by default. Whatever is lost, the same command
comes to the end; nothing is lost, there twice, or left behind.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from implementations.architecture import weights

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = ROOT / "tests" / "bench" / "children"
RUNS = int(os.environ.get("SOAK", "0")) // 5
CELLS, LARGE = 8, 5_000_000
STORE = 80 << 20
"""Bytes of a node's store: four files of LARGE numbers, of the eight of a run."""
pytestmark = [
    pytest.mark.skipif(not RUNS, reason="takes long: nox -s soak"),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="nox -s ray"),
]
DRIVER = """
import sys
from dataclasses import replace
from pathlib import Path
from bench.engine.cluster import Cluster
from bench.engine.execute import execute
from bench.record.cell import Cell
from bench.engine.run import Run
from implementations.errors import BadInput
address, results, size, ballast = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
cell = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-gap")
cells = [replace(cell, seed=n) for n in range(8)]
out = results / "work" / "networks"
out.mkdir(parents=True, exist_ok=True)
engine = Cluster(address, False)
if ballast:
    import ray
    from bench.engine.connection import connected
    connected(address)
    held = [ray.put(bytes(1 << 22)) for _ in range(ballast)]
run = Run("agree", {}, results)
context = {"seconds": 0.8, "out": str(out), "size": size}
try:
    execute(run, "agree", "sleeping", cells, context, engine=engine)
except BadInput as error:
    sys.exit(str(error))
print(len(run.rows_path.read_text().splitlines()))
run.finish()
"""


class Nodes:
    """A head without cores, and two nodes of one, whose temporary files lie in a folder."""

    def __init__(self, place: Path) -> None:
        from ray.cluster_utils import Cluster

        self.place = place
        small = {"object_store_memory": STORE, "include_dashboard": False}
        self.several = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        self.nodes = [self.add() for _ in range(2)]
        self.address = str(self.several.address)

    def add(self) -> Any:
        return self.several.add_node(num_cpus=1, object_store_memory=STORE)

    def lose(self, which: int) -> None:
        self.several.remove_node(self.nodes.pop(which), allow_graceful=False)

    def left(self) -> list[str]:
        """What of ours is there once nobody computes: folders, and processes."""
        found = [str(path) for path in self.place.glob("*camparison-*")]
        for each in psutil.process_iter(["cmdline", "environ"]):
            about = [*(each.info["cmdline"] or ()), *(each.info["environ"] or {}).values()]
            ours = any(str(self.place / "camparison-") in text for text in about)
            if ours and each.pid != os.getpid():
                found.append(" ".join(each.info["cmdline"] or ()))
        return found

    def quiet(self, what: object) -> None:
        """Wait until nothing of ours is left: a node needs a moment to notice."""
        deadline = time.monotonic() + 60
        while left := self.left():
            assert time.monotonic() < deadline, (what, left)
            time.sleep(0.1)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    place = Path(f"/tmp/rs{os.getpid()}")  # sockets have short paths
    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CHILDREN), str(ROOT)]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("TMPDIR", str(place))
        made = Nodes(place)
        yield made
        made.several.shutdown()
        assert not made.left()
        subprocess.run(["rm", "-rf", str(place)], check=True)


def tell(text: str) -> None:
    """For the note; seen with -s."""
    sys.stderr.write(f"\n{text}\n")


def start(nodes: Nodes, results: Path, size: int, ballast: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", DRIVER, nodes.address, str(results), str(size), str(ballast)]
    return subprocess.Popen(
        words, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def rows(results: Path) -> list[str]:
    found = [*results.glob("work/*/rows.jsonl")]
    return found[0].read_text().splitlines() if found else []


def whole(results: Path, size: int) -> None:
    """Everything is there, once."""
    import gzip

    [file] = (results / "runs").iterdir()
    found = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()[1:]]
    assert sorted(row["n_images"] for row in found) == list(range(CELLS))
    assert {row["status"] for row in found} == {"ok"}
    made = sorted((results / "work" / "networks").iterdir())
    assert [path.name for path in made] == [f"{n}.safetensors" for n in range(CELLS)]
    for number, path in enumerate(made):
        array = weights.load(path)["array"]
        assert array.shape == (size,) and (array == number).all()
    assert not [path for path in (results / "work").rglob("*") if path.name.startswith(".")]


def over_and_over(
    nodes: Nodes, folder: Path, strike: Callable[[subprocess.Popen[str]], None] | None,
    size: int = 1000, ballast: int = 0,
) -> tuple[int, int, int]:  # fmt: skip
    """Runs, each struck: how many were in the middle, took a second command, or spilled."""
    chance = random.Random(int(os.environ.get("SEED", "1")))
    struck = again = spilled = 0
    for number in range(RUNS):
        results = folder / f"r{number}"
        results.mkdir()
        process, full = start(nodes, results, size, ballast), False
        if strike:
            while process.poll() is None and not rows(results):
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 1.5))
            before = rows(results)
            struck += process.poll() is None and 0 < len(before) < CELLS
            strike(process)
        while process.poll() is None and size == LARGE:
            full |= any(nodes.place.glob("ray/session_*/ray_spilled_objects*/*"))
            time.sleep(0.02)
        said, complained = process.communicate(timeout=180)
        if not (results / "runs").exists():
            again += 1
            before = rows(results)
            second = start(nodes, results, size, ballast)
            said, complained = second.communicate(timeout=180)
        assert said.split() == [str(CELLS)], (number, complained)
        whole(results, size)
        spilled += full
        nodes.quiet(number)
        subprocess.run(["rm", "-rf", str(results)], check=True)
    return struck, again, spilled


def test_a_node_is_killed_in_the_middle(nodes: Nodes, tmp_path: Path) -> None:
    chance = random.Random(7)

    def strike(_: object) -> None:
        nodes.lose(chance.randrange(2))
        nodes.nodes.append(nodes.add())

    began = time.monotonic()
    struck, again, _ = over_and_over(nodes, tmp_path, strike)
    tell(f"a node killed: {RUNS} runs, {struck} in the middle, {again} again, "
         f"{time.monotonic() - began:.0f} s")  # fmt: skip
    assert struck >= RUNS // 2 and not again


def test_the_driver_is_killed_in_the_middle(nodes: Nodes, tmp_path: Path) -> None:
    began = time.monotonic()
    struck, again, _ = over_and_over(
        nodes, tmp_path, lambda process: process.send_signal(signal.SIGKILL)
    )
    tell(f"the driver killed: {RUNS} runs, {struck} in the middle, {again} again, "
         f"{time.monotonic() - began:.0f} s")  # fmt: skip
    assert struck >= RUNS // 2 and again >= struck


def test_the_store_is_full(nodes: Nodes, tmp_path: Path) -> None:
    began = time.monotonic()
    _, again, spilled = over_and_over(nodes, tmp_path, None, LARGE, STORE >> 22)
    tell(f"the store full: {RUNS} runs, {spilled} spilled, {again} again, "
         f"{time.monotonic() - began:.0f} s")  # fmt: skip
    assert not again and spilled == RUNS
