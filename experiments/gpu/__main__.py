"""The core cells on a GPU, in minutes, on a bare machine without a network: rows to take home.

    python -m experiments.gpu wheels FOLDER [-- PIP-OPTIONS]
    python -m experiments.gpu run --wheels FOLDER --out FOLDER [--minutes 8] [--device gpu]

The machine has Python and BARE: JAX's build for its GPU, PyTorch's, and what these need. `wheels`,
in this suite's environment and with a network, fetches the rest in the versions that are installed
here (for another Python or system: `-- --python-version 3.12 --platform manylinux2014_x86_64`).
`run`, in the same checkout there, unpacks the wheels that the machine lacks, and then

1. holds the core methods to the oracle (`agree`),
2. times forward pass, training step and Grad-CAM, eager and compiled, two processes each (`time`),
3. holds each map in float32, TF32 and bfloat16 to the oracle's (`precision`),
4. times all core methods, and Captum's and SHAP's like them, for as long as there is time,

in JAX, PyTorch and, but for 4, Keras on both; what is timed agrees first. What has not ended when
a step's share of the minutes is over is ended; whatever rows there are then stand in FOLDER/runs,
each file with the machine, its GPU and driver, the versions and the commit in its head, and can be
published like any other run: copy them to `results/local/runs`, then `nox -s publish -- RUN`.

Exit status 4 where there is no GPU of NVIDIA's, or where JAX or PyTorch does not see it; 1 where a
step left no row.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATASET, NETWORK = "digits", "cnn-32-16-8"
COLUMNS = ("jax", "pytorch", "keras[jax]", "keras[torch]")
OWN = ("jax", "pytorch")
ON = ("--dataset", DATASET, "--architectures", NETWORK, "--frameworks")
STEPS = (
    (0.2, ("agree", *ON, *COLUMNS, "--precisions", "float32", "--images", "64")),
    (0.3, ("time", *ON, *COLUMNS, "--modes", "eager", "compiled", "--rounds", "2",
           "--grid", "quick")),
    (0.15, ("precision", *ON, *COLUMNS, "--images", "64")),
    (0.35, ("time", *ON, *OWN, "--rounds", "1", "--grid", "default")),
)  # fmt: skip
"""A step's share of the minutes, and its command."""
BARE = (
    "flax", "jax", "jaxlib", "numpy", "optax", "pandas", "pytest", "pytest-benchmark",
    "safetensors", "scikit-learn", "scipy", "torch",
)  # fmt: skip
"""What the machine has, with all that these need."""
WANTED = (
    "captum", "cyclopts", "jinja2", "keras", "pooch", "psutil", "rich", "shap",
)  # fmt: skip
GRACE_S = 20.0
"""Seconds in which a command that is asked to end does."""
UNAVAILABLE = 4
SEEN = {
    "jax": "import jax; print([d for d in jax.devices() if d.platform == 'gpu'][0])",
    "torch": "import torch; print(torch.cuda.get_device_name(0))",
}


def needed(roots: Iterable[str], known: Iterable[str] = ()) -> set[str]:
    """The distributions installed here that these need, themselves among them."""
    found, waiting = set(known), list(roots)
    before = set(found)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting += [
            match.group()
            for line in requirements
            if "extra ==" not in line and (match := re.match(r"[\w.-]+", line))
        ]
    return found - before


def wheels(folder: Path, given: Sequence[str]) -> int:
    """Fetch what a bare machine lacks."""
    names = sorted(needed(WANTED, needed(BARE)))
    pinned = [f"{name}=={metadata.version(name)}" for name in names]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
               "--only-binary=:all:", "--dest", str(folder), *given, *pinned]  # fmt: skip
    done = subprocess.run(command, check=False)
    print(f"{len(names)} wheels in {folder}: {', '.join(pinned)}")
    return done.returncode


def unpack(folder: Path, site: Path) -> list[str]:
    """Unpack the wheels of what is not installed; their names."""
    taken = []
    for wheel in sorted(folder.glob("*.whl")):
        name = wheel.name.partition("-")[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            with zipfile.ZipFile(wheel) as content:
                content.extractall(site)
            taken.append(name)
    return taken


def no_gpu(environment: Mapping[str, str]) -> str:
    """Why there is no GPU to measure; empty where there is one."""
    if shutil.which("nvidia-smi") is None:
        return "no GPU: nvidia-smi is not there; run this on a machine with one of NVIDIA's"
    asked = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        return f"no GPU: nvidia-smi says {(done.stdout + done.stderr).strip()[:200]!r}"
    print(f"GPU: {done.stdout.splitlines()[0]}")
    for package, code in SEEN.items():
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["nothing"])[-1][:200]
            return f"{package} does not see the GPU ({last}); install its build for CUDA"
    return ""


def step(words: Sequence[str], seconds: float, environment: Mapping[str, str]) -> None:
    """Run a command, and ask it to end when its time is over."""
    began = time.monotonic()
    command = [sys.executable, "-m", "bench", *words]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            process.wait(timeout=max(seconds, 0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
    print(
        f"{words[0]}: {time.monotonic() - began:.0f} s, exit status {process.returncode}",
        flush=True,
    )


def cut_short(results: Path) -> Iterator[Path]:
    """Make files of the runs that have not come to their end, as far as they came."""
    from bench.record import under_way

    for folder in sorted(path.parent for path in results.glob("work/*/rows.jsonl")):
        head = under_way.head(folder / "head.json")
        rows = [row for rows in under_way.rows(folder / "rows.jsonl") for row in rows]
        if head and rows:
            path = results / "runs" / f"{head['run_id']}.jsonl.gz"
            path.parent.mkdir(exist_ok=True)
            lines = [json.dumps({"head": head}), *map(json.dumps, rows)]
            path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
            yield path


def told(path: Path) -> str:
    """What a run's file brings home."""
    from bench.record import reading

    head, rows = reading.read(path)
    by = {status: sum(row["status"] == status for row in rows) for status in
          dict.fromkeys(row["status"] for row in rows)}  # fmt: skip
    wrong = sum(row.get("agree") is False for row in rows)
    counts = ", ".join(f"{count} {status}" for status, count in by.items())
    where = f"{head['gpu'] or head['cpu']}, driver {head['driver'] or '-'}, {head['git_sha']}"
    return f"{path}: {counts} rows, {wrong} disagree; {where}"


def run(given: argparse.Namespace) -> int:
    """Everything, within so many minutes."""
    deadline = time.monotonic() + 60 * given.minutes
    results = given.out.resolve()
    site = results / "site-packages"
    paths = [str(site), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    if given.device == "gpu" and (why := no_gpu(environment)):
        print(f"python -m experiments.gpu: {why}", file=sys.stderr)
        return UNAVAILABLE
    site.mkdir(parents=True, exist_ok=True)
    if given.wheels:
        print(f"unpacked: {', '.join(unpack(given.wheels, site)) or 'nothing is lacking'}")
    sys.path[:0] = [str(site)]
    # Those of the published rows, so that the maps are of the same network.
    (results / "weights").mkdir(exist_ok=True)
    file = f"{DATASET}--{NETWORK}.safetensors"
    shutil.copy(ROOT / "results" / "weights" / file, results / "weights" / file)
    left = sum(share for share, _ in STEPS)
    for share, words in STEPS:
        seconds = (deadline - time.monotonic() - GRACE_S) * share / left  # all that others left
        left -= share
        device = ("--device", given.device, "--results", str(results))
        step((*words, *device), seconds, environment)
    partial = list(cut_short(results))
    files = sorted((results / "runs").glob("*.jsonl.gz"))
    for path in files:
        print(told(path) + (" (cut short)" if path in partial else ""))
    stages = {path.name.partition("-")[0] for path in files}
    if lacking := sorted({words[0] for _, words in STEPS} - stages):
        print(f"python -m experiments.gpu: no rows of {', '.join(lacking)}", file=sys.stderr)
    return 1 if lacking else 0


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m experiments.gpu")
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("wheels", help="fetch what a bare machine lacks")
    fetch.add_argument("folder", type=Path)
    fetch.add_argument("pip", nargs="*", help="further options of pip download, after --")
    measure = commands.add_parser("run", help="agree, time and precision; rows into a folder")
    measure.add_argument("--wheels", type=Path, help="folder of what the machine lacks")
    measure.add_argument("--out", type=Path, required=True)
    measure.add_argument("--minutes", type=float, default=8.0)
    measure.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    given = parser.parse_args(words)
    return wheels(given.folder, given.pip) if given.command == "wheels" else run(given)


if __name__ == "__main__":
    sys.exit(main())
