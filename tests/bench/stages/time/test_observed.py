from __future__ import annotations

import mmap
import time

import psutil
import pytest

from bench.record.schema import COLUMNS
from bench.stages.time import observed as module
from bench.stages.time.observed import Observed


def test_a_busy_core_is_a_core_in_use() -> None:
    began = time.perf_counter()
    with Observed() as busy:
        end = time.process_time() + 0.5
        while time.process_time() < end:
            pass
    # Beside other work the core is this process' for a part of the time only.
    share = 0.5 / (time.perf_counter() - began)
    assert share <= busy.row["cores_in_use"] <= 1.2
    with Observed() as idle:
        time.sleep(0.5)
    assert idle.row["cores_in_use"] < min(0.2, busy.row["cores_in_use"])
    assert not set(busy.row) - set(COLUMNS)


def test_work_of_any_kind_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    times = psutil.cpu_times()
    for kind in ("user", "nice", "system", "irq", "softirq", "steal"):
        seen = iter((times, times._replace(**{kind: getattr(times, kind) + 5})))
        monkeypatch.setattr(module.psutil, "cpu_times", lambda seen=seen: next(seen))
        with Observed() as beside:
            time.sleep(0.05)
        assert beside.row["busy_others"] > 1 and beside.row["stable"] is False, kind
    seen = iter((times, times._replace(idle=times.idle + 5, iowait=times.iowait + 5)))
    monkeypatch.setattr(module.psutil, "cpu_times", lambda: next(seen))
    with Observed() as alone:
        time.sleep(0.05)
    assert alone.row["stable"] is True


def test_pages_that_come_from_the_system_are_counted() -> None:
    pages = 1000
    observed = Observed()
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as fresh:
        for count in (pages, 0):  # the second time they are there
            before = observed.faults
            with observed:
                for page in range(pages):
                    fresh[page * mmap.PAGESIZE] = 1
            assert count <= observed.faults - before < count + 100


def test_what_lies_between_two_visits_is_not_observed() -> None:
    observed = Observed()
    with observed:
        time.sleep(0.2)
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    with observed:
        time.sleep(0.2)
    assert observed.row["cores_in_use"] < 0.2
    assert 0.4 <= observed.wall < 0.5
