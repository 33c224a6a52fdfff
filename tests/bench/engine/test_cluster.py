"""Ray's engine on clusters of two nodes of one core, on this machine."""

from __future__ import annotations

import http.server
import importlib.util
import itertools
import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from bench.engine import cluster, connection, engines, node
from bench.engine.cluster import Cluster
from bench.engine.engines import LOCAL, Engine
from bench.engine.execute import execute
from bench.engine.run import Run
from bench.record import machine, reading
from bench.record.cell import Cell
from bench.record.schema import COLUMNS
from implementations.errors import BadInput, Unavailable

ROOT = Path(__file__).resolve().parents[3]
CHILDREN = Path(__file__).parents[1] / "children"
CELL = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-32-16-8")
CONTEXT = {"word": "hello"}
INSTALLED = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not INSTALLED, reason="ray is not installed: nox -s ray")
COST = {"started_at", "run_id", "cell_s", "peak_rss_mb", "import_s", "build_s", "efficiency"}
"""What a row has of when, where and how fast."""


def cells(*how: str) -> list[Cell]:
    return [replace(CELL, options=(("how", each),), seed=n) for n, each in enumerate(how)]


def plain(rows: list[dict[str, Any]]) -> list[str]:
    """Rows without their costs, in an order."""
    return sorted(
        json.dumps({k: v for k, v in row.items() if k not in COST}, sort_keys=True) for row in rows
    )


class Nodes:
    """A head without cores, and two nodes of one."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster as Several

        small = {"object_store_memory": 1 << 27, "include_dashboard": False}
        self.several = Several(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        self.nodes = [self.add() for _ in range(2)]

    def add(self, **given: Any) -> Any:
        return self.several.add_node(num_cpus=1, object_store_memory=1 << 27, **given)

    def kill(self, which: Any) -> None:
        self.several.remove_node(which, allow_graceful=False)

    @property
    def address(self) -> str:
        return str(self.several.address)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(CHILDREN))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Nodes()
        yield made
        import ray

        ray.shutdown()
        made.several.shutdown()


@pytest.fixture
def ray_engine(nodes: Nodes) -> Engine:
    return Cluster(nodes.address, False)


def test_without_ray_one_line_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="ray is not installed; `nox -s ray`"):
        engines.engine("ray")


def test_options_of_ray_are_not_those_of_the_local_engine() -> None:
    with pytest.raises(BadInput, match="--address is of --engine ray"):
        engines.engine("local", "10.0.0.1:6379")
    assert engines.engine("local") is LOCAL


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:1", r"^--address 127.0.0.1:1: nothing answers there \(.*; start Ray there"),
        ("10.0.0.1", "is not HOST:PORT"), ("ray://10.0.0.1:1", "is not HOST:PORT"),
        ("host:99999", "is not HOST:PORT"), ("host:port", "is not HOST:PORT"),
    ],
)  # fmt: skip
def test_an_address_where_no_cluster_is(address: str, told: str) -> None:
    with pytest.raises(BadInput, match=told) as refused:
        connection.check(address)
    assert "\n" not in str(refused.value)


@needs_ray
def test_where_something_else_answers_it_is_said_at_once() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(BadInput, match=r"^--address .*: no Ray cluster answers there, some"):
            connection.connected(f"127.0.0.1:{other.server_address[1]}")
        other.shutdown()
    assert time.monotonic() - began < connection.PATIENCE_S + 5


@needs_ray
def test_a_cluster_that_asks_for_a_token_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = Path(f"/tmp/t{os.getpid()}")
    words = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block",
             f"--port={port}", f"--temp-dir={place}", "--num-cpus=1", "--include-dashboard=false",
             f"--object-store-memory={1 << 27}"]  # fmt: skip
    own = {connection.AUTH: "token", "RAY_AUTH_TOKEN": 64 * "7", "RAY_USAGE_STATS_ENABLED": "0"}
    head = subprocess.Popen(words, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True)
    try:
        assert head.stdout and any("started" in line for line in head.stdout)
        address = f"127.0.0.1:{port}"
        ask = "import sys; from bench.engine.connection import connected; connected(sys.argv[1])"
        for name in own:
            monkeypatch.delenv(name, raising=False)
        for given in ({}, {**own, "RAY_AUTH_TOKEN": 64 * "8"}):
            told = asked(ask, address, given)
            assert "asks for a token; set RAY_AUTH_MODE=token, and" in told, told
        assert asked(ask, address, own) == ""
    finally:
        head.send_signal(signal.SIGTERM)
        head.communicate()
        shutil.rmtree(place)


def asked(code: str, address: str, given: dict[str, str]) -> str:
    """The last line of what Python complains of."""
    words = [sys.executable, "-c", code, address]
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **given}, capture_output=True,
                          text=True, check=False)  # fmt: skip
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def test_a_node_must_have_the_same_code_and_packages() -> None:
    mine = node.about()
    node.check(mine)
    with pytest.raises(BadInput, match=r"^node .*: numpy is .*, the driver's is 0.1; install"):
        node.check({**mine, "numpy": "0.1"})
    with pytest.raises(BadInput, match=r"take the same commit there$"):
        node.check({**mine, node.CHECKOUT: "another"})


def test_who_computes_on_a_core_has_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Under names of its own: others may hold this machine's cores at the moment.
    monkeypatch.setattr(node, "CORE", f"\0{tmp_path.name}-{os.getpid()}-{{}}")
    allowed = os.sched_getaffinity(0)
    with node.cores(1) as first, node.cores(1) as second:
        assert {*first, *second} <= allowed and len(first) == len(second) == 1
        assert len(allowed) == 1 or first != second
    with node.cores(len(allowed) + 3) as every:
        assert set(every) == allowed


@needs_ray
def test_rows_and_failures_are_those_of_the_local_engine(
    ray_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    asked = cells("unavailable", "exit", "bad", "killed", "broken")
    found = []
    for name, engine in (("here", LOCAL), ("there", ray_engine)):
        run = Run("agree", {}, tmp_path / name)
        found.append(execute(run, "agree", "misbehaving", asked, CONTEXT, engine=engine))
        assert "about to leave" in (run.folder / "children.log").read_text()
    assert len(found[0]) == 5 and plain(found[0]) == plain(found[1])
    died = [row["reason"] for row in found[1] if row["status"] in ("oom", "failed")]
    assert sum(reason.startswith("twice: ") for reason in died) == 2, died


@needs_ray
def test_contrast_and_its_files_are_those_of_the_local_engine(
    ray_engine: Engine, small: Any, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    cell = replace(small.cell, stage="contrast", layer="", batch=16)
    asked = [
        replace(cell, framework="pytorch", precision="float32", method="grad_cam"),
        replace(cell, framework="pytorch", precision="float32", method="saliency"),
        *(replace(cell, library="control", method=each) for each in ("noise", "edges")),
    ]
    found, maps = [], []
    for name, engine in (("here", LOCAL), ("there", ray_engine)):
        results = tmp_path / name
        out = results / "work" / "networks"
        out.mkdir(parents=True)
        context = {
            **small.context, "n_again": 2, "n_anew": 2, "maps": str(results / "work" / "maps"),
            "oracle": str(results / "work" / "oracle"), "out": str(out),
        }  # fmt: skip
        run = Run("contrast", {}, results)
        rows = execute(run, "contrast", "bench.stages.contrast", asked, context, engine=engine)
        assert {row["status"] for row in rows} == {"ok"}, rows
        assert not set().union(*rows) - set(COLUMNS)
        found.append(rows)
        maps.append({p.name: p.read_bytes() for p in (results / "work" / "maps").iterdir()})
        assert list((results / "work" / "oracle").iterdir())
    assert plain(found[0]) == plain(found[1]) and maps[0] == maps[1] and maps[0]


@needs_ray
def test_explain_writes_what_the_local_engine_writes(nodes: Nodes, place: Any) -> None:
    images = np.random.default_rng(0).random((300, *place.images.shape[1:]), np.float32)
    np.save(place.folder / "images.npy", images)
    np.save(place.folder / "targets.npy", np.arange(300) % 4)
    asked = {"targets": place.folder / "targets.npy", "framework": "reference", "mode": None}
    elsewhere = {**asked, "engine": "ray", "address": nodes.address}
    out = place.out.parent
    for given in (
        asked,
        {**elsewhere, "out": out / "one"},
        {**asked, "out": out / "here", "shards": 7},
        {**elsewhere, "out": out / "there", "shards": 7},
    ):
        words = [sys.executable, "-m", "bench", *place.arguments(**given)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (out / "one").read_bytes() == place.out.read_bytes()
    here, there = (sorted((out / name).iterdir()) for name in ("here", "there"))
    assert [path.name for path in here] == [path.name for path in there] and len(here) == 8
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(here, there, strict=True))
    assert {path.name for path in out.iterdir()} == {place.out.name, "one", "here", "there"}


@needs_ray
def test_stages_that_take_times_have_whole_nodes_or_refuse(ray_engine: Engine) -> None:
    with pytest.raises(BadInput, match="takes times; give its jobs whole nodes with --exclusive"):
        ray_engine.alone()
    Cluster("", True).alone()


@needs_ray
def test_whole_nodes_have_one_job_each_and_are_named_by_its_rows(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    large = nodes.several.add_node(num_cpus=2, object_store_memory=1 << 27)
    try:
        run = Run("agree", {}, tmp_path)
        context = {"peak": 0, "cache": str(tmp_path / "compiled")}
        asked = [replace(cell, threads=1) for cell in cells(*"abcd")]
        rows = execute(run, "agree", "placed", asked, context, engine=Cluster(nodes.address, True))
    finally:
        nodes.kill(large)
    here = machine.describe()
    # One at a time on the largest node, and the cores are as the cells ask for.
    times = sorted((row["value"], row["max_abs"]) for row in rows)
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(times))
    assert {(r["machine_id"], r["n_images"]) for r in rows} == {(here["machine_id"], 1)}
    # What is measured of a machine is of the node, and what was compiled stays where it was.
    assert all(row["max_rel"] >= 1 and row["notes"] == "cache " for row in rows)
    head, read = reading.read(run.finish())
    assert head["machines"] == {here["machine_id"]: here} and len(read) == 4


@needs_ray
def test_a_node_that_is_lost_but_listed_is_not_waited_for(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    lost = nodes.add()
    connection.connected(nodes.address)
    found = connection.nodes()
    nodes.kill(lost)
    asked = iter([found, found])
    monkeypatch.setattr(connection, "nodes", lambda: next(asked, None) or living(ray))
    connection._check_nodes()


def living(ray: Any) -> list[dict[str, Any]]:
    return [each for each in ray.nodes() if each["Alive"] and each["Resources"].get("CPU")]


@needs_ray
def test_what_a_lost_node_was_at_runs_elsewhere(
    nodes: Nodes, ray_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    run = Run("agree", {}, tmp_path)
    asked = cells(*["slow"] * 6)
    add, killed = run.add, list[Any]()

    def adding(*given: Any) -> None:
        add(*given)
        if not killed:
            killed.append(nodes.nodes.pop(0))
            nodes.kill(killed[0])
            nodes.nodes.append(nodes.add())

    monkeypatch.setattr(run, "add", adding)
    rows = execute(run, "agree", "sleeping", asked, CONTEXT, engine=ray_engine)
    assert killed and [row["status"] for row in rows] == ["ok"] * 6
    lines = run.rows_path.read_text().splitlines()
    assert len(lines) == len({json.loads(line)[0]["cell_id"] for line in lines}) == 6


@needs_ray
def test_a_slow_node_is_not_waited_for_at_the_end(
    ray_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    monkeypatch.setattr(cluster, "PATIENCE_S", 5.0)
    run = Run("agree", {}, tmp_path)
    context = {"slow_once": str(tmp_path / "marker"), "seconds": 0.1}
    began = time.monotonic()
    rows = execute(run, "agree", "sleeping", cells("a", "b"), context, engine=ray_engine)
    assert sorted(row["n_images"] for row in rows) == [0, 1]
    assert (tmp_path / "marker").exists() and time.monotonic() - began < 250
    assert len(run.rows_path.read_text().splitlines()) == 2


DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_cluster import CONTEXT, cells
from bench.engine.cluster import Cluster
from bench.engine.execute import execute
from bench.engine.run import Run
run = Run("agree", {}, Path(sys.argv[1]))
execute(run, "agree", "sleeping", cells(*["slow"] * 6), CONTEXT, engine=Cluster(sys.argv[2], False))
print(len(run.rows))
"""


def processes_of(folder: Path) -> list[psutil.Process]:
    found = []
    for each in psutil.process_iter(["cmdline", "environ"]):
        about = [*(each.info["cmdline"] or ()), *(each.info["environ"] or {}).values()]
        if each.pid != os.getpid() and any(str(folder) in text for text in about):
            found.append(each)
    return found


@needs_ray
@pytest.mark.parametrize("own", [True, False], ids=["a cluster of its own", "the nodes"])
def test_the_driver_is_killed_and_the_same_command_goes_on(
    own: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address = "" if own else request.getfixturevalue("nodes").address
    scratch = tmp_path / "s"
    scratch.mkdir()
    words = [sys.executable, "-c", DRIVER, str(tmp_path), address, str(Path(__file__).parent)]
    path = os.pathsep.join([str(CHILDREN), str(ROOT)])
    # Sockets have short paths, pytest's folders long ones.
    short = Path(f"/tmp/s{os.getpid()}")
    short.symlink_to(scratch)
    home = tmp_path / "home"
    home.mkdir()
    variables = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(short), "HOME": str(home)}
    try:
        driver = subprocess.Popen(words, cwd=ROOT, env=variables, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 240
        while not list(tmp_path.glob("work/*/rows.jsonl")) and time.monotonic() < deadline:
            assert driver.poll() is None, driver.stderr and driver.stderr.read()
            time.sleep(0.1)
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        while left := processes_of(short):
            assert time.monotonic() < deadline, left
            time.sleep(0.2)
        before = next(tmp_path.glob("work/*/rows.jsonl")).read_text().splitlines()
        again = subprocess.run(words, cwd=ROOT, env=variables, capture_output=True, text=True,
                               check=False)  # fmt: skip
        assert again.stdout.split() == ["6"], again.stderr
        lines = next(tmp_path.glob("work/*/rows.jsonl")).read_text().splitlines()
        assert 1 <= len(before) < 6 and lines[: len(before)] == before and len(lines) == 6
        while left := processes_of(short):
            assert time.monotonic() < deadline, left
            time.sleep(0.2)
        assert not list(scratch.iterdir()) and not list(home.iterdir())
    finally:
        short.unlink()


@needs_ray
def test_a_node_with_other_packages_is_refused_in_one_line(nodes: Nodes, tmp_path: Path) -> None:
    import ray

    about = tmp_path / "numpy-0.0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n")
    path = os.pathsep.join([str(tmp_path), str(CHILDREN)])
    other = nodes.add(env_vars={"PYTHONPATH": path})
    try:
        ray.shutdown()
        with pytest.raises(BadInput, match=r"^node .*: numpy is 0\.0\.1, the driver's") as told:
            execute(Run("agree", {}, tmp_path / "r"), "agree", "misbehaving", cells("bad"), CONTEXT,
                    engine=Cluster(nodes.address, False))  # fmt: skip
        assert "\n" not in str(told.value)
    finally:
        nodes.kill(other)


FULL = """
import sys, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster as Several
from bench.engine.cluster import Cluster
from bench.engine.connection import connected
from bench.engine.execute import execute
from bench.engine.run import Run
from implementations.errors import BadInput
sys.path.insert(0, sys.argv[2])
from test_cluster import cells
store = {"object_store_memory": 80 << 20, "include_dashboard": False}
brim = {"_system_config": {"local_fs_capacity_threshold": 1e-9}}  # its disk counts as full too
several = Several(initialize_head=True, head_node_args={"num_cpus": 0, **brim, **store})
several.add_node(num_cpus=1, object_store_memory=80 << 20)
results = Path(sys.argv[1])
out, file = results / "work" / "networks", results / "large.bin"
out.mkdir(parents=True)
file.write_bytes(bytes(20 << 20))
context = {"seconds": 0.1, "out": str(out), "weights": str(file)}
connected(several.address)
held = [ray.put(bytes(4 << 20)) for _ in range(18)]
for turn in range(2):
    run = Run("agree", {}, results)
    try:
        engine = Cluster(several.address, False)
        rows = execute(run, "agree", "sleeping", cells("a", "b"), context, engine=engine)
        print([row["status"] for row in rows])
        run.finish()
    except BadInput as error:
        print(error)
    run._release()
    held.clear()
    time.sleep(3)  # the store lets go of it in the background
"""


@needs_ray
def test_a_store_and_a_disk_that_are_full_are_told_of_in_one_line(tmp_path: Path) -> None:
    short = Path(f"/tmp/f{os.getpid()}")
    short.symlink_to(tmp_path)
    path = os.pathsep.join([str(CHILDREN), str(ROOT)])
    variables = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(short)}
    try:
        done = subprocess.run(
            [sys.executable, "-c", FULL, str(tmp_path / "r"), str(Path(__file__).parent)],
            cwd=ROOT, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        told, after = done.stdout.splitlines() or [done.stderr, ""]
        assert told.startswith("the Ray cluster has no room for what travels (Local disk is full)")
        assert after == "['ok', 'ok']", done.stderr
    finally:
        short.unlink()
