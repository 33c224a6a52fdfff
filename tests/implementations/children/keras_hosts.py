"""Run by a test in a process of TensorFlow's: how far each host's output is from the oracle's.

Writes a JSON object: probe and host, as `base plain`, to the largest difference, or why there is
none.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from bench.stages.conform.design import Run
from bench.stages.conform.examined import gate
from bench.truth import probes
from implementations.errors import Unavailable
from implementations.frameworks import hosts

FRAMEWORK = "keras"

if __name__ == "__main__":
    found: dict[str, float | str] = {}
    for name in ("base", "strided", "norm", "branch"):
        probe = probes.load(name)
        for host in hosts.about(FRAMEWORK):
            try:
                made = hosts.make(FRAMEWORK, host, probe.architecture, probe.weights)
                found[f"{name} {host}"] = gate(made, Run(host, name), probe)
            except Unavailable as error:
                found[f"{name} {host}"] = str(error)
    assert np.isfinite([each for each in found.values() if isinstance(each, float)]).all()
    json.dump(found, sys.stdout)
