from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from implementations import frameworks
from implementations.frameworks import tuned

ROOT = Path(tuned.__file__).parents[2]
HERE = [c for c in frameworks.columns() if c.label in tuned.COLUMNS and c.missing is None]
GRAD_CAM = """
import json, sys
import jax
import numpy as np
from implementations import frameworks, methods
from implementations.architecture import registered, weights
from implementations.frameworks import tuned

column = frameworks.column(*sys.argv[1:])
plain = frameworks.load(column.framework)
spread = tuned.Tuned(plain, column)
architecture = registered.get("cnn-gap")
tensors = weights.randomise(architecture, 0)
images = np.random.default_rng(0).random((6, 28, 28, 1), np.float32)
targets = np.arange(6, dtype=np.int32)
method = methods.load("grad_cam")
layer, options = method.layer(architecture, None), method.resolve({}, "logit")
found = []
for framework, mode in ((plain, "compiled"), (spread, "tuned")):
    network = framework.build(architecture, tensors, "cpu", "float32")
    call = method.bind(column.framework, framework, network, layer, options, mode=mode)
    found.append(call(*framework.put(network, images, targets))["heatmap"])
one, two = (framework.to_numpy(heatmap) for heatmap in found)
try:
    spread.put(network, images[:3], targets[:3])
    refused = ""
except Exception as error:
    refused = str(error)
print(json.dumps({
    "devices": len(jax.devices()),
    "shares": [sorted(s.data.shape[0] for s in heatmap.addressable_shards) for heatmap in found],
    "apart": float(np.abs(one - two).max() / np.abs(one).max()),
    "refused": refused,
    "gpu": spread.probe("gpu", "float32", "tuned"),
    "probe": spread.probe("cpu", "float32", "tuned"),
}))
"""


@pytest.mark.parametrize("column", HERE, ids=lambda column: column.label)
def test_the_batch_is_spread_and_the_maps_are_the_same(column: frameworks.Column) -> None:
    environment = {**os.environ, **tuned.environment(2), "KERAS_BACKEND": column.backend or "jax"}
    done = subprocess.run(
        [sys.executable, "-c", GRAD_CAM, column.framework, column.backend], cwd=ROOT,
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["devices"] == 2 and found["shares"] == [[6], [3, 3]]
    assert found["apart"] < 2e-6
    assert "3 cannot be shared by 2 host devices" in found["refused"]
    assert found["probe"] is None and "one device" in found["gpu"]


def test_the_flags_given_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")
    flags = tuned.environment(3)["XLA_FLAGS"].split()
    assert flags == ["--xla_dump_to=x", "--xla_force_host_platform_device_count=3"]


def test_other_columns_have_nothing_to_tune() -> None:
    for column in frameworks.columns():
        reason = tuned.missing(column, "cpu")
        assert (reason is None) == (column.label in tuned.COLUMNS)
        assert reason is None or column.label in reason
