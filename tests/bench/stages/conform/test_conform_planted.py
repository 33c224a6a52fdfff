"""A table of known traps: each is planted in an explainer of each framework, and caught there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
NEVER = "cannot happen"
"""No host of the framework has it: there are no hooks, nothing in place, no ReLU that is shared."""
FRAMEWORKS = ("pytorch", "keras", "jax")
TABLE = {
    "none": ("same", "same", "same"),
    "softmax in the head": ("score probability",) * 3,
    "layer before the ReLU": ("layer partner",) * 3,
    "gradient before the ReLU": ("pairing gradient of the partner",) * 3,
    "channels first": ("differs",) * 3,
    "axes swapped": ("differs",) * 3,
    "flatten order": ("differs", "flatten in the order", "flatten in the order"),
    "normaliser of the batch": ("normalise max",) * 3,
    "epsilon that fades": ("normalise max plus epsilon",) * 3,
    "sign of an eigenvector": ("differs",) * 3,
    "training mode": ("batch norm by the batch", "differs", "raises"),
    "ReLU in place": ("pairing activation of the partner", NEVER, NEVER),
    "ReLU used twice": ("layer relu1", NEVER, NEVER),
    "hooks on a compiled module": ("raises", NEVER, NEVER),
}
"""Trap -> what is said of it, by framework."""


@cache
def told(framework: str) -> dict[str, list[str]]:
    """What the runs say of each planted fault, in a process of that framework."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, ROOT / "tests/bench/children/planted_faults.py", framework],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    found: dict[str, list[str]] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("trap", TABLE)
def test_a_planted_fault_is_caught(trap: str, framework: str) -> None:
    said = TABLE[trap][FRAMEWORKS.index(framework)]
    if said == NEVER:
        assert trap not in told(framework)
        return
    verdict, conventions, *_ = told(framework)[trap]
    assert (verdict == "same") == (trap == "none")
    # A flatten order is the dearest of conventions: a longer search than a test's names it.
    assert said in f"{verdict} {conventions}"
