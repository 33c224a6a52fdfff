"""A million images through `explain --shards`, killed on the way: `nox -s soak`; figures with -s.

SOAK_IMAGES says how many; what SOAK_FOLDER has of them is gone on with and stays, so that it can be
had in pieces. Memory stays flat, the shards that were there are kept, and the speed is that of the
bare compiled calls, which is to be read where nothing else runs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from bench.engine.environment import environment
from bench.record.cell import Cell

ROOT = Path(__file__).resolve().parents[2]
COUNT = int(os.environ.get("SOAK_IMAGES", "1000000"))
SHARDS = 50
WEIGHTS = ROOT / "results" / "weights" / "digits--cnn-gap.safetensors"
QUIET = "SOAK_QUIET" in os.environ
"""Whether nothing else runs, so that the speed counts."""
BATCH = 256
SOME = 50_000
"""Images of the bare calls, once before and once after the others."""
pytestmark = [
    pytest.mark.skipif("SOAK" not in os.environ, reason="takes long: nox -s soak"),
    pytest.mark.skipif(not WEIGHTS.exists(), reason="no published weights"),
]
BARE = """
import json, sys, time
from pathlib import Path
import numpy as np
from bench.record.cell import Cell
from bench.subject.explainer import build
from implementations.architecture import registered, weights
images = np.load(sys.argv[1], mmap_mode="r")[: int(sys.argv[4])]
cell = Cell(stage="explain", framework="jax", method="grad_cam", dataset="",
            architecture="cnn-gap", mode="compiled")
network = registered.get("cnn-gap", (28, 28, 1), 10)
built = build(cell, network, weights.load(Path(sys.argv[2])))
batch = int(sys.argv[3])

def call(start):
    block = np.ascontiguousarray(images[start:start + batch])
    targets = built.logits(block).argmax(axis=1).astype(np.int32)
    out = built.call(*built.put(block, targets))
    built.framework.to_numpy(out["heatmap"])
    built.upsample(out["heatmap"], (28, 28))

call(0)
whole = len(images) // batch * batch
began = time.perf_counter()
for start in range(0, whole, batch):
    call(start)
print(json.dumps((time.perf_counter() - began) / whole))
"""


def images(path: Path, count: int) -> Path:
    if path.exists():
        return path
    array = np.lib.format.open_memmap(path, "w+", np.float32, (count, 28, 28, 1))
    generator = np.random.default_rng(0)
    for start in range(0, count, 10_000):
        part = array[start : start + 10_000]
        part[:] = generator.random(part.shape, np.float32)
    return path


def start(given: Path, out: Path) -> subprocess.Popen[bytes]:
    """What it says goes to a file: nobody reads it meanwhile, and a full pipe would stop it."""
    words = [
        sys.executable, "-m", "bench", "explain", "--framework", "jax", "--method", "grad_cam",
        "--architecture", "cnn-gap", "--weights", WEIGHTS, "--images", given, "--batch", BATCH,
        "--shards", SHARDS, "--out", out,
    ]  # fmt: skip
    with said(out).open("wb") as log:
        return subprocess.Popen([*map(str, words)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log)


def said(out: Path) -> Path:
    return out.with_suffix(".log")


def shards(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in out.glob("shard-*.safetensors")}


def held_mb(process: psutil.Process) -> float:
    """Anonymous memory of a process and its children: pages of mapped files are the system's."""
    found = 0
    for each in [process, *process.children(recursive=True)]:
        for line in Path(f"/proc/{each.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                found += int(line.split()[1])
    return found / 1024


def followed(process: subprocess.Popen[bytes], out: Path) -> list[tuple[float, int, float]]:
    """Until it ends: seconds, shards that are there, megabytes held."""
    found, began = [], time.perf_counter()
    about = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            found.append((time.perf_counter() - began, len(shards(out)), held_mb(about)))
        except (OSError, psutil.Error):
            continue
        time.sleep(0.25)
    assert process.returncode == 0, said(out).read_text()[-2000:]
    return found


def bare(given: Path) -> float:
    """Images a second of the calls alone, in a process with the settings that a child has."""
    words = [sys.executable, "-c", BARE, given, WEIGHTS, BATCH, SOME]
    cell = Cell(
        stage="explain", framework="jax", mode="compiled", dataset="", architecture="cnn-gap"
    )
    done = subprocess.run(
        [*map(str, words)], cwd=ROOT, env={**os.environ, **environment(cell)}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return 1 / float(json.loads(done.stdout))


def tell(text: str) -> None:
    """For the note; seen with -s."""
    sys.stderr.write(f"\n{text}\n")


def test_many_images_in_flat_memory_resumed_and_as_fast_as_bare_calls(tmp_path: Path) -> None:
    folder = Path(os.environ.get("SOAK_FOLDER", tmp_path))
    given, out = images(folder / "images.npy", COUNT), folder / "maps"
    alone = bare(given)
    there = len(shards(out))
    with start(given, out) as first:
        while len(shards(out)) < there + SHARDS // 8:
            assert first.poll() is None, said(out).read_text()[-2000:]
            time.sleep(0.1)
        first.send_signal(signal.SIGKILL)
    before = shards(out)
    with start(given, out) as second:
        series = followed(second, out)
    after = shards(out)
    assert len(after) == SHARDS and before.items() <= after.items()
    assert {path.name for path in out.iterdir()} == {*after, "index.json"}
    index: dict[str, Any] = json.loads((out / "index.json").read_text())
    assert index
    # From the second shard that it makes to the last: what it takes to start is not in it.
    made = [point for point in series if point[1] > len(before)]
    half = len(made) // 2
    early, late = (max(p[2] for p in part) for part in (made[:half], made[half:]))
    seconds = made[-1][0] - made[0][0]
    rate = (made[-1][1] - made[0][1]) * COUNT / SHARDS / seconds
    alone = max(alone, bare(given))
    tell(f"{COUNT} images of 28 x 28, killed after {len(before)} of {SHARDS} shards, which are "
         f"kept: at most {early:.0f} MB in the first half and {late:.0f} MB in the second; "
         f"{rate:.0f} images a second, {rate / alone:.2f} of the bare calls")  # fmt: skip
    assert late < 1.05 * early + 20
    assert not QUIET or rate >= 0.9 * alone
    if "SOAK_FOLDER" not in os.environ:
        for path in (given, *out.iterdir()):
            path.unlink()
