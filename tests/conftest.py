"""Files of tests run side by side, each on cores of its own, its children too."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Give one of several workers its share of the cores: sharing them costs far more."""
    worker = getattr(config, "workerinput", None)
    if worker is None or not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    share = max(len(cores) // worker["workercount"], 1)
    first = int(worker["workerid"].removeprefix("gw")) * share % len(cores)
    os.sched_setaffinity(0, cores[first : first + share])
