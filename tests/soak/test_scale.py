"""What a Ray cluster costs, of two nodes of one core: `nox -s soak`, with Ray; figures with -s.

The constants of docs/scale.md's plan are measured here; `python -m experiments.scale` makes it of
them. Jobs of ten seconds wait, so that a machine on which others compute measures the engine too.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from bench.record import machine

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = ROOT / "tests" / "bench" / "children"
JOBS, SECONDS = int(os.environ.get("SOAK_TENS", "8")), 10.0
MANY = int(os.environ.get("SOAK_JOBS", "10000"))
pytestmark = [
    pytest.mark.skipif("SOAK" not in os.environ, reason="takes long: nox -s soak"),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="nox -s ray"),
]
TIMED = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from bench.engine.cluster import Cluster
from bench.engine.connection import connected
from bench.engine.engines import LOCAL
from bench.engine.execute import execute
from bench.engine.run import Run
from bench.record.cell import Cell
address, results = sys.argv[1], Path(sys.argv[2])
count, seconds = int(sys.argv[3]), float(sys.argv[4])
cell = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-gap")
cells = [replace(cell, seed=n) for n in range(count)]
engine = Cluster(address, False) if address else LOCAL
if address:
    connected(address)
began = time.monotonic()
rows = execute(Run("agree", {}, results), "agree", "sleeping", cells, {"seconds": seconds},
               isolate=True, at_once=2, engine=engine)
assert sorted(row["n_images"] for row in rows) == list(range(count))
print(json.dumps(time.monotonic() - began))
"""
MANY_JOBS = """
import json, pickle, resource, sys, time
from dataclasses import replace
from pathlib import Path
from bench.engine import cluster, node
from bench.engine.execute import execute
from bench.engine.connection import connected
from bench.engine.run import Run
from bench.record.cell import Cell
address, results, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
out = results / "work" / "networks"
out.mkdir(parents=True)

def work(expected, job, told, files, refs, n_cores, timeout_s):
    # A node that has done its job at once: ten rows and a file of 1000 bytes.
    size = len(pickle.dumps((expected, job, files)))
    for cell in job.cells:
        rows = [{"status": "ok", "metric": f"m{n}", "value": 1.0, "n_images": size}
                for n in range(10)]
        yield node.Done(cell.cell_id, rows, {f"@work/networks/{cell.seed}.bin": bytes(1000)})
    yield node.Ended(0.0, b"")

cluster._work = work
cell = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-gap")
cells = [replace(cell, seed=n) for n in range(count)]
connected(address)
began, cpu = time.monotonic(), time.process_time()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = execute(Run("agree", {}, results), "agree", "sleeping", cells,
               {"out": str(out), "n_images": 1}, isolate=True,
               engine=cluster.Cluster(address, False))
assert sorted({row["seed"] for row in rows}) == list(range(count)) and len(rows) == 10 * count
assert sum(1 for _ in out.iterdir()) == count
print(json.dumps({
    "wall_s": time.monotonic() - began, "cpu_s": time.process_time() - cpu, "before_kb": before,
    "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "told": rows[0]["n_images"]}))
"""


def tell(text: str) -> None:
    """For the note; seen with -s."""
    sys.stderr.write(f"\n{text}\n")


@pytest.fixture(scope="module")
def several() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CHILDREN), str(ROOT)]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        place = Path(f"/tmp/rs{os.getpid()}")  # sockets have short paths
        place.mkdir()
        patch.setenv("TMPDIR", str(place))
        from ray.cluster_utils import Cluster

        small = {"object_store_memory": 1 << 27, "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        made.add_node(num_cpus=1, object_store_memory=1 << 27)
        yield made
        made.shutdown()
        subprocess.run(["rm", "-rf", str(place)], check=True)


def keep(**figures: Any) -> None:
    """For `python -m experiments.scale`, in the file that SCALE_FIGURES names."""
    if name := os.environ.get("SCALE_FIGURES"):
        path = ROOT / name
        known = json.loads(path.read_text()) if path.exists() else {}
        head = machine.provenance()
        about = {
            "date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": head["git_sha"],
            "machine": f"{head['cpu']}, Ray {metadata.version('ray')}",
        }  # fmt: skip
        path.write_text(json.dumps({**known, **about, **figures}, indent=1) + "\n")


def said(script: str, *words: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_two_nodes_are_nearly_twice_one_and_cost_little(several: Any, tmp_path: Path) -> None:
    address = str(several.address)
    one = said(TIMED, address, tmp_path / "one", JOBS, SECONDS)
    several.add_node(num_cpus=1, object_store_memory=1 << 27)
    two = said(TIMED, address, tmp_path / "two", JOBS, SECONDS)
    here = said(TIMED, "", tmp_path / "here", JOBS, SECONDS)
    tell(f"{JOBS} jobs of {SECONDS:.0f} s: one node {one:.1f} s, two {two:.1f} s "
         f"({one / two:.2f} times), the local engine {here:.1f} s (overhead "
         f"{100 * (two / here - 1):.1f} %)")  # fmt: skip
    keep(waits=JOBS, seconds=SECONDS, one_s=one, two_s=two, here_s=here)
    assert one / two >= 1.8 and two / here < 1.05


def test_ten_thousand_jobs_and_their_rows_fit(several: Any, tmp_path: Path) -> None:
    found = said(MANY_JOBS, several.address, tmp_path, MANY)
    tell(f"{MANY} jobs of 10 rows: {1000 * found['cpu_s'] / MANY:.1f} ms of the driver and "
         f"{1000 * found['wall_s'] / MANY:.1f} ms in all a job, told {found['told']} bytes; "
         f"driver {found['peak_kb'] / 1024:.0f} MB")  # fmt: skip
    keep(
        jobs=MANY, rows=10, cpu_ms=1000 * found["cpu_s"] / MANY, told_bytes=found["told"],
        wall_ms=1000 * found["wall_s"] / MANY, peak_mb=found["peak_kb"] / 1024,
        before_mb=found["before_kb"] / 1024,
    )  # fmt: skip
    assert found["peak_kb"] < 1 << 20
