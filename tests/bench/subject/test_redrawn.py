"""Weights drawn anew, from the logits down."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.subject.redrawn import SEED, Redrawn
from implementations.architecture import graph, weights

NODES = [
    {"name": "conv1", "kind": "conv", "filters": 3, "kernel": 3, "inputs": "input"},
    {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
    {"name": "gap1", "kind": "global_average_pool", "inputs": "norm1"},
    {"name": "dense1", "kind": "dense", "units": 2, "inputs": "gap1"},
]
FORM = {"input_shape": [6, 6, 1], "classes": 2, "nodes": NODES}


def test_the_layers_nearest_the_logits_come_first_and_statistics_stay() -> None:
    architecture = graph.parse(FORM, "normed")
    trained = weights.randomise(architecture, 1)
    seen: list[dict[str, Any]] = []

    def explain(tensors: Any) -> np.ndarray:
        seen.append(dict(tensors))
        return np.zeros((1, 2, 2))

    anew = Redrawn(architecture, trained, "lecun_normal", explain)
    drawn = weights.initialise(architecture, SEED, "lecun_normal")
    owners = list(dict.fromkeys(name.rpartition(".")[0] for name in trained))
    assert anew.layers == len(owners) == 3
    anew.explain(0, 0)
    anew.explain(1, 0)
    anew.explain(anew.layers, 0)
    anew.explain(anew.layers, 1)
    none, head, every, other = seen
    changed = {name for name in trained if not np.array_equal(head[name], trained[name])}
    assert {name.rpartition(".")[0] for name in changed} == {owners[-1]}
    for name, values in trained.items():
        np.testing.assert_array_equal(none[name], values)
        statistic = name.endswith((".mean", ".variance"))
        np.testing.assert_array_equal(every[name], values if statistic else drawn[name])
    assert not np.array_equal(other["conv1.kernel"], every["conv1.kernel"])
    weights.check(architecture, every)
