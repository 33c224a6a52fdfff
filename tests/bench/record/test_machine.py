from __future__ import annotations

import json
import os
from importlib import metadata

import pytest

from bench.record import machine
from implementations.errors import Unavailable


def test_provenance_says_machine_versions_and_code() -> None:
    found = machine.provenance()
    assert json.loads(json.dumps(found)) == found
    assert len(found["machine_id"]) == 8 and int(found["machine_id"], 16) >= 0
    assert found["cpu"] and found["cpus_allowed"] == len(os.sched_getaffinity(0))
    assert found["ram_gb"] >= 1 and isinstance(found["git_dirty"], bool)
    assert found["versions"]["numpy"] == metadata.version("numpy")
    assert found["machine_id"] == machine.describe()["machine_id"]


def test_versions_name_only_what_is_installed() -> None:
    for name, version in machine.versions().items():
        assert metadata.version(name) == version
    assert set(machine.versions()) <= set(machine.PACKAGES)


def test_of_several_gpus_the_first_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "NVIDIA H200, 570.1\nNVIDIA L4, 570.1"
    monkeypatch.setattr(machine, "_run", lambda *command: told)
    found = machine.describe.__wrapped__()
    assert (found["gpu"], found["driver"]) == ("NVIDIA H200", "570.1")


def test_a_gpu_is_required_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for gpu in ("", "an accelerator"):
        monkeypatch.setattr(machine, "describe", lambda gpu=gpu: {"gpu": gpu})
        machine.require("cpu")
    machine.require("gpu")
    monkeypatch.setattr(machine, "describe", lambda: {"gpu": ""})
    with pytest.raises(Unavailable, match="no GPU: looked for an NVIDIA one with nvidia-smi"):
        machine.require("gpu")
