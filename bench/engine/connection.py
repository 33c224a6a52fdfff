"""A Ray cluster, connected: that at an address, or one of this machine alone for one command."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.engine import node, scratch
from implementations.errors import BadInput

PATIENCE_S = 10.0
"""Seconds for a machine to answer at all."""
LISTED_S = 60.0
"""Seconds that a cluster may list a node for which is lost."""
AUTH = "RAY_AUTH_MODE"
GREETING = "/ray.rpc.NodeInfoGcsService/GetClusterId"
INSTALL = "ray is not installed; `nox -s ray` installs it (pip install 'ray[default]')"


def nodes() -> list[dict[str, Any]]:
    """The nodes that have a core, as Ray describes them. Raises BadInput where there is none."""
    import ray

    found = [each for each in ray.nodes() if each["Alive"] and each["Resources"].get("CPU")]
    if not found:
        raise BadInput("no node of the Ray cluster has a core; add one")
    return found


def cores() -> int:
    """The cores of all nodes together."""
    return int(sum(each["Resources"]["CPU"] for each in nodes()))


def largest() -> dict[str, float]:
    """What the node of the most cores has: `CPU`, `memory` in bytes, `GPU` where there is one."""
    return dict(max((n["Resources"] for n in nodes()), key=lambda r: r["CPU"]))


def wholes() -> int:
    """The nodes that have as many cores as the one of the most."""
    found = [each["Resources"]["CPU"] for each in nodes()]
    return found.count(max(found))


def check(address: str) -> None:
    """Raises BadInput where nothing answers at HOST:PORT: Ray itself takes minutes to say so."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535 or "/" in host:
        raise BadInput(f"--address {address!r} is not HOST:PORT, as in 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S).close()
    except OSError as error:
        told = f"--address {address}: nothing answers there ({error.strerror or error})"
        raise BadInput(f"{told}; start Ray there, or leave it out") from error


def _greet(address: str) -> None:
    """Raises BadInput where no cluster answers, or one that asks for a token: Ray tries for long.

    Ray has the token sent to an address only where the user has said so.
    """
    import grpc
    from ray._raylet import AuthenticationTokenLoader

    if os.environ.get("RAY_USE_TLS", "0") != "0":
        return  # with certificates that Ray knows about
    loader, known = AuthenticationTokenLoader.instance(), []
    if os.environ.get(AUTH) == "token" and loader.has_token(ignore_auth_mode=True):
        known = [("authorization", f"Bearer {loader.get_raw_token(ignore_auth_mode=True)}")]
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary(GREETING)(b"", timeout=PATIENCE_S, metadata=known)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAUTHENTICATED:
                raise BadInput(
                    f"--address {address}: the Ray cluster there asks for a token; set "
                    f"{AUTH}=token, and RAY_AUTH_TOKEN where ~/.ray/auth_token is not its own"
                ) from error
            told = f"--address {address}: no Ray cluster answers there, something else does"
            raise BadInput(f"{told}; start one, or leave it out") from error


def connected(address: str) -> Any:
    """Ray, connected, all of its nodes like this process. Raises BadInput."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_DISABLE_FAILURE_SIGNAL_HANDLER"] = "1"  # it traces a SIGTERM back
    ending = signal.getsignal(signal.SIGTERM)
    scratch.folder()  # made before Ray is there, it goes after it
    scratch.guard()
    import ray

    if ray.is_initialized():
        return ray
    # What a lost node's own process has to say is no answer of a command's.
    ray._private.worker._worker_logs_enabled = False
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address:
        check(address)
        _greet(address)
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            why = str(error).strip().splitlines()[0]
            told = f"--address {address}: no Ray cluster answers there ({why})"
            raise BadInput(f"{told}; start one, or leave it out") from error
    else:
        # Of this command alone: Ray would write one into the home, if there is one, for ever.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        with _temporary(scratch.folder()) as place:
            ray.init(
                address="local", num_cpus=len(os.sched_getaffinity(0)),
                include_dashboard=False, _temp_dir=str(place), **quiet,
            )  # fmt: skip
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, ending)  # as any command ends, not as Ray's would
    _check_nodes()
    return ray


def _check_nodes() -> None:
    """Raises BadInput where a node is not like this process, or does not answer.

    One that is lost meanwhile has not: a cluster lists it for some seconds after its end.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    checks = {}
    for each in nodes():
        there = NodeAffinitySchedulingStrategy(each["NodeID"], soft=False)
        task = ray.remote(node.check).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
        checks[each["NodeID"]] = task.remote(node.about())
    for identity, checked in checks.items():
        try:
            ray.get(checked)
        except ray.exceptions.RayError as error:
            raise_known(error)
            deadline = time.monotonic() + LISTED_S
            while any(each["NodeID"] == identity for each in nodes()):
                if time.monotonic() > deadline:
                    why = str(error).strip().splitlines()[0]
                    raise BadInput(f"a node does not answer: {why}") from error
                time.sleep(0.2)


def raise_known(error: Exception) -> None:
    """Raise what a task raised: code of ours, which would raise it on every node.

    Raises BadInput where there is no room for what travels.
    """
    import ray

    cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else error
    full = ray.exceptions.ObjectStoreFullError, ray.exceptions.OutOfDiskError
    if isinstance(cause, full):
        why = str(cause).strip().splitlines()[0]
        mend = "give it more, and the same command goes on from here"
        raise BadInput(f"the Ray cluster has no room for what travels ({why}); {mend}") from error
    if isinstance(error, ray.exceptions.RayTaskError):
        raise cause if isinstance(cause, BadInput) else error


def put(value: Any) -> Any:
    """A value in the cluster's store. Raises BadInput where there is no room."""
    import ray

    try:
        return ray.put(value)
    except ray.exceptions.RayError as error:
        raise_known(error)
        raise


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """Meanwhile, what is started has its temporary files in this folder, which goes with us."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield folder / "ray"
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
