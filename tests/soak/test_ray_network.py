"""Nodes of Ray with a network and folders of their own, cut off: `nox -s soak`, with Ray, as root.

Nothing reaches a node but by its link, which is cut for some seconds while it computes on. Where
that is long, it is given up, and what it was at runs elsewhere though it is at work still; once
the link is back, both have an answer. A fifth of SOAK's number of runs.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.soak.test_ray import CELLS, CHILDREN, DRIVER, ROOT, RUNS, rows, tell, whole

NET, PORT = "10.77.31", 6479
HEALTH = '{"health_check_initial_delay_ms": 1000, "health_check_period_ms": 500, ' \
         '"health_check_timeout_ms": 1000, "health_check_failure_threshold": 4}'  # fmt: skip
"""So that a node is given up after some 5 seconds, not 30."""
CUTS = 12, 0.5, 4, 2, 7
"""Seconds: of those a node is given up for certain, not, or perhaps."""
pytestmark = [
    pytest.mark.skipif(not RUNS, reason="takes long: nox -s soak"),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="nox -s ray"),
    pytest.mark.skipif(shutil.which("ip") is None or os.getuid() != 0, reason="needs ip, as root"),
]


def ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


class Machines:
    """A head, where the driver is, and two nodes of one core; `place` is another folder on each."""

    def __init__(self, place: Path) -> None:
        self.place, self.added = place, 0
        self.head = f"c{os.getpid()}-0"
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.namespaces: list[str] = []
        self.nodes: list[str] = []

    def build(self) -> None:
        self.namespace(self.head)
        ip("-n", self.head, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.head, "address", "add", f"{NET}.1/24", "dev", "bridge")
        ip("-n", self.head, "link", "set", "bridge", "up")
        self.ray(self.head, "--head", f"--port={PORT}", "--num-cpus=0", f"--system-config={HEALTH}",
                 "--include-dashboard=false", f"--temp-dir={self.place}/ray",
                 f"--node-ip-address={NET}.1")  # fmt: skip
        self.address = f"{NET}.1:{PORT}"
        self.until(lambda: b"started" in self.log(self.head).read_bytes())
        for _ in range(2):
            self.nodes.append(self.add())

    def namespace(self, name: str) -> None:
        ip("netns", "add", name)
        self.namespaces.append(name)
        ip("-n", name, "link", "set", "lo", "up")

    def ray(self, namespace: str, *words: str, own: bool = False) -> None:
        apart = f"mount -t tmpfs -o size=1g tmpfs {self.place} && " if own else ""
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block",
                   f"--object-store-memory={80 << 20}", *words]  # fmt: skip
        with self.log(namespace).open("wb") as log:
            self.started[namespace] = subprocess.Popen(
                ["ip", "netns", "exec", namespace, "sh", "-c", apart + 'exec "$@"', "sh", *command],
                cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def log(self, namespace: str) -> Path:
        return self.place.parent / f"{namespace}.log"

    def until(self, there: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not there():
            assert time.monotonic() < deadline, self.log(self.namespaces[-1]).read_bytes()[-2000:]
            time.sleep(0.1)

    def add(self) -> str:
        """A node: its namespace, which is also the name of its link at the head."""
        self.added += 1
        name = f"c{os.getpid()}-{self.added}"
        self.namespace(name)
        ip("-n", self.head, "link", "add", name, "type", "veth", "peer", "name", "eth0",
           "netns", name)  # fmt: skip
        ip("-n", self.head, "link", "set", name, "master", "bridge", "up")
        ip("-n", name, "address", "add", f"{NET}.{1 + self.added}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        self.ray(name, f"--address={self.address}", f"--node-ip-address={NET}.{1 + self.added}",
                 "--num-cpus=1", own=True)  # fmt: skip
        self.until(lambda: b"started" in self.log(name).read_bytes())
        return name

    def link(self, node: str, how: str) -> None:
        ip("-n", self.head, "link", "set", node, how)

    def alive(self, node: str) -> bool:
        """Whether a node's Ray goes on, and has not found itself given up."""
        return self.started[node].poll() is None

    def pids(self, namespace: str) -> list[int]:
        return [int(word) for word in ip("netns", "pids", namespace).split()]

    def remove(self, namespace: str) -> None:
        """End whatever is there, and the link with it."""
        self.namespaces.remove(namespace)
        for pid in self.pids(namespace):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if namespace in self.started:
            self.started[namespace].wait(timeout=30)
        self.until(lambda: not self.pids(namespace))
        ip("netns", "del", namespace)

    def left(self) -> list[str]:
        """Our processes, on whatever node, that are at a job still."""
        found = []
        for each in psutil.process_iter(["cmdline"]):
            words = each.info["cmdline"] or ()
            if any("camparison-" in word and str(self.place) in word for word in words):
                found.append(" ".join(words))
        return found


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    place = Path(f"/tmp/rn{os.getpid()}/place")  # sockets have short paths
    place.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CHILDREN), str(ROOT)]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # no token of the user's, who may have one
        patch.setenv("TMPDIR", str(place))
        made = Machines(place)
        try:
            made.build()
            yield made
        finally:
            for namespace in reversed([*made.namespaces]):
                made.remove(namespace)
            shutil.rmtree(place.parent)


def start(machines: Machines, results: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", DRIVER, machines.address, str(results), "1000", "0"]
    return subprocess.Popen(
        ["ip", "netns", "exec", machines.head, *words],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_link_is_cut_in_the_middle(machines: Machines) -> None:
    """Nothing of the results is in a folder that nodes have, so that all of it travelled."""
    chance = random.Random(int(os.environ.get("SEED", "1")))
    struck = lost = 0
    began = time.monotonic()
    for number in range(RUNS):
        results = machines.place / f"r{number}"
        results.mkdir()
        process = start(machines, results)
        while process.poll() is None and not rows(results):
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 1.5))
        struck += process.poll() is None and 0 < len(rows(results)) < CELLS
        which, seconds = chance.randrange(2), CUTS[number % len(CUTS)]
        node = machines.nodes[which]
        machines.link(node, "down")
        time.sleep(seconds)
        machines.link(node, "up")
        said, complained = process.communicate(timeout=180)
        assert said.split() == [str(CELLS)], (number, seconds, complained)
        whole(results, 1000)
        machines.until(lambda: not machines.left())
        if seconds > 5:  # it is told that it was given up, and ends
            machines.until(lambda node=node: not machines.alive(node))
            lost += 1
        if seconds > 2:
            machines.remove(node)
            machines.nodes[which] = machines.add()
        assert all(map(machines.alive, machines.nodes)), (number, seconds)
        shutil.rmtree(results)
    tell(f"a link cut: {RUNS} runs, {struck} in the middle, {lost} times until the node was lost, "
         f"{time.monotonic() - began:.0f} s")  # fmt: skip
    assert struck >= RUNS // 2
