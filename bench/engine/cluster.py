"""The engine that is a Ray cluster: jobs go where there is room, their rows come back as made.

A job is what it is on this machine, a child process of one framework and one environment, placed by
Ray with the cores, the memory and the GPU that it needs. Its files travel by digest through Ray's
store of objects, once to a node. What a lost node was at runs elsewhere; a row and its files are
here before the next, so this process may die too, and the same command goes on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.engine import connection, node
from bench.engine.child import Finished, Job
from bench.engine.parts import Part, cut
from bench.engine.travel import Packed
from implementations.errors import BadInput, Unavailable

POLL_S = 0.5
MEMORY = 2 << 30
"""Bytes that a job is given room for, or all of a smaller node's."""
LOST = 3
"""Losses of its node in a row after which a cell is what has failed."""
SLOW, PATIENCE_S = 2.0, 30.0
"""What takes so many times the median, and these seconds, is begun a second time at the end."""


class Cluster:
    """A Ray cluster: that at an address, or one of this machine alone while the command runs.

    `exclusive`: a job has a node, of those that have the most cores, for itself, and its rows have
    the node's machine.
    """

    def __init__(self, address: str, exclusive: bool) -> None:
        if importlib.util.find_spec("ray") is None:
            raise Unavailable(connection.INSTALL)
        self.address = address
        self.exclusive = exclusive
        self.machines: dict[str, dict[str, Any]] = {}
        self._refs: dict[str, Any] = {}

    def alone(self) -> None:
        """Raises BadInput where other jobs may compute on the machine."""
        if not self.exclusive:
            raise BadInput(
                "--engine ray: others compute on a machine that Ray places jobs on, and this stage "
                "takes times; give its jobs whole nodes with --exclusive, or leave --engine out"
            )

    def _places(self) -> int:
        """How many jobs of one core, or of a node each, are at work at once."""
        return connection.wholes() if self.exclusive else connection.cores()

    def run(
        self,
        jobs: Sequence[Job],
        finished: Finished,
        *,
        at_once: int,
        timeout_s: float,
        log: Path,
        say: Callable[[str], None],
    ) -> float:
        """Jobs in parts, as many at once as there are cores for."""
        if not jobs:
            return 0.0
        ray = connection.connected(self.address)
        waiting, running = deque(cut(jobs, self._places())), dict[Any, Part]()
        outside, took = 0.0, list[float]()
        try:
            while waiting or running:
                room = 2 * self._places() - len(running)
                for _ in range(min(room, len(waiting))):
                    self._submit(waiting.popleft(), running, timeout_s)
                if not waiting:
                    self._hurry(running, took, timeout_s)
                for stream in ray.wait([*running], num_returns=1, timeout=POLL_S)[0]:
                    part = running[stream]
                    try:
                        event = ray.get(next(stream))
                    except StopIteration:
                        event = None
                    except ray.exceptions.RayError as error:
                        connection.raise_known(error)
                        event = error
                    if isinstance(event, node.Said):
                        part.packed.take(event.changes)
                        say(event.text)
                    elif isinstance(event, node.Done):
                        part.lost = 0
                        if cell := part.left.get(event.cell_id):
                            part.packed.take(event.changes)
                            self._know(event.machine)
                            finished(cell, part.job.round, event.rows)
                            del part.left[event.cell_id]
                    elif isinstance(event, node.Ended):
                        outside += event.outside
                        took.append(time.monotonic() - part.began)
                        _append(log, event.log)
                    else:
                        self._ended(stream, running, waiting, finished, event)
                    if not part.left:
                        self._dismiss(part, running)
        finally:
            for part in running.values():
                for stream in part.streams:
                    with suppress(Exception):
                        ray.cancel(stream, force=True)
        return outside

    def _ended(
        self,
        stream: Any,
        running: dict[Any, Part],
        waiting: deque[Part],
        finished: Finished,
        error: BaseException | None,
    ) -> None:
        """What a stream that has ended leaves goes to another node."""
        part = running.pop(stream)
        part.streams.remove(stream)
        if not part.left or part.streams:
            return
        part.lost += 1
        if part.lost >= LOST:
            cell = next(iter(part.left.values()))
            why = str(error or "it ended").strip().splitlines()[0][:200]
            reason = f"its node was lost {LOST} times: {why}"
            finished(cell, part.job.round, [{"status": "failed", "reason": reason}])
            del part.left[cell.cell_id]
            part.lost = 0
        if part.left:
            waiting.appendleft(part)

    def _dismiss(self, part: Part, running: dict[Any, Part]) -> None:
        """End whoever is still at what another was first with; one that ends by itself does."""
        import ray

        if len(part.streams) > 1:
            for stream in part.streams:
                running.pop(stream, None)
                ray.cancel(stream, force=True)
            part.streams.clear()

    def _hurry(self, running: dict[Any, Part], took: Sequence[float], timeout_s: float) -> None:
        """Begin the slowest of the last parts again where there is room: the first counts."""
        if not took or len(running) >= self._places():
            return
        slow = max(SLOW * statistics.median(took), PATIENCE_S)
        late = [part for part in running.values() if len(part.streams) == 1 and part.left]
        late = [part for part in late if time.monotonic() - part.began > slow]
        if late:
            self._submit(min(late, key=lambda part: part.began), running, timeout_s)

    def _submit(self, part: Part, running: dict[Any, Part], timeout_s: float) -> None:
        import ray

        job = replace(part.job, cells=tuple(part.left.values()), context={})
        files = part.packed.files(job.cells)
        digests = {name: part.packed.digest(path) for name, path in files.items()}
        for name, path in files.items():
            if digests[name] not in self._refs:
                self._refs[digests[name]] = connection.put(path.read_bytes())
        told = self._put(part.packed)
        refs = {digest: self._refs[digest] for digest in digests.values()}
        for name, content in part.packed.pieces(job.cells):
            digest = digests[name] = hashlib.sha256(content).hexdigest()
            if digest not in part.held:
                part.held[digest] = connection.put(content)
            refs[digest] = part.held[digest]
        most = connection.largest()
        n_cores = int(min(0 if self.exclusive else job.cells[0].threads or 1, most["CPU"]))
        memory = min(MEMORY, int(most.get("memory", MEMORY)))
        task = ray.remote(_work).options(
            num_returns="streaming", max_retries=0, num_cpus=n_cores or most["CPU"], memory=memory,
            num_gpus=int(job.on_gpu), name=str(job.cells[0]),
        )  # fmt: skip
        stream = task.remote(node.about(), job, told, digests, refs, n_cores, timeout_s)
        if not part.streams:
            part.began = time.monotonic()
        part.streams.append(stream)
        running[stream] = part

    def _know(self, machine: Mapping[str, Any]) -> None:
        if machine:
            self.machines[str(machine["machine_id"])] = dict(machine)

    def _put(self, packed: Packed) -> Any:
        """What children are told, in the store once."""
        key = f"context {id(packed)}"
        if key not in self._refs:
            self._refs[key] = connection.put(packed.context)
        return self._refs[key]


def _work(
    expected: node.About,
    job: Job,
    told: Mapping[str, Any],
    files: Mapping[str, str],
    refs: Mapping[str, Any],
    n_cores: int,
    timeout_s: float,
) -> Iterator[node.Event]:
    import ray

    job = replace(job, context=told)

    def fetch(digest: str) -> Any:
        return ray.get(refs[digest])

    yield from node.work(expected, job, files, fetch, n_cores, timeout_s)


def _append(log: Path, said: bytes) -> None:
    with suppress(OSError), log.open("ab") as stream:  # without room the run says so itself
        stream.write(said)
