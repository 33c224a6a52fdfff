"""Every way in which a user writes a Keras network says what the oracle says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_every_host_says_what_the_oracle_says() -> None:
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, ROOT / "tests/implementations/children/keras_hosts.py"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    said = {name: error for name, error in found.items() if isinstance(error, float)}
    assert max(said.values()) < 1e-5 and len(said) >= 28
    absent = {name for name, reason in found.items() if isinstance(reason, str)}
    assert "base channels_first" in absent and "branch sequential" in absent
    assert {"base sequential", "base nested", "base fused", "base softmax"} <= said.keys()
