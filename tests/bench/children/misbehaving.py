"""A stage whose cells do what their option `how` says: most of it is what no stage should do."""

from __future__ import annotations

import atexit
import ctypes
import errno
import getpass
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.engine.worker import Reporter, Row
from bench.engine.worker import serve as serve_cells
from bench.record.cell import Cell
from implementations.errors import BadInput, Unavailable


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    how = dict(cell.options)["how"]
    if how == "exit":
        sys.stderr.write("about to leave\n")
        os._exit(7)
    if how == "leave":
        sys.exit("left politely")
    if how == "crash":
        ctypes.string_at(0)
    if how == "no room":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/kept")
    if how == "hang":
        time.sleep(600)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "unavailable":
        raise Unavailable("no such device here")
    if how == "bad":
        raise BadInput("the weights are of another architecture")
    if how == "broken":
        raise ZeroDivisionError("a line\nand another")
    if how == "half":
        yield {"value": 1.0}
        raise RuntimeError("after the first row")
    if how == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
        np.ones(1 << 40)
    if how == "junk":
        sys.stdout.write("junk of a library\n")
        os.write(1, b'{"event": "row", "not": "ours"}\n')
        subprocess.run(["echo", "from a grandchild"], check=True)
    if how == "lingers":
        atexit.register(time.sleep, 600)
        helper = subprocess.Popen(["sleep", "600"])
        yield {"helper": helper.pid}
        return
    if how == "has a helper and waits":
        helper = subprocess.Popen(["sleep", "600"])
        Path(context["told"]).write_text(f"{os.getpid()} {helper.pid}", encoding="utf-8")
        time.sleep(600)
    if how == "tells its environment":
        yield {"value": 1.0, "seen": dict(os.environ), "user": getpass.getuser()}
        return
    if how == "slow":
        began = time.time()
        time.sleep(3)
        yield {"began": began, "ended": time.time()}
        return
    yield {"value": 2.0, "pid": os.getpid(), "seen": context["word"]}


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    if context.get("early"):
        raise ImportError("broken before the first cell")
    serve_cells(measure, cells, context, report)
