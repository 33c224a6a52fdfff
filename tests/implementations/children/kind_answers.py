"""What a framework makes of every kind of node: `kind_answers.py FRAMEWORK PRECISION MODE OUT.npz`.

Of each case of `node_cases` the logits, and the activations and gradients at its node `before`.
"""

from __future__ import annotations

import sys

import numpy as np
from node_cases import READ, SETTINGS, around

from implementations import methods
from implementations.architecture import graph, weights
from implementations.architecture.graph import Architecture
from implementations.frameworks import load

TARGETS = np.array([2, 0, 1], np.int32)
COMPILED = (
    "multiply", "multiply gate", "multiply flattened", "multiply vectors", "sigmoid",
    "hard_sigmoid", "hard_sigmoid steeper", "hard_sigmoid beside",
    "silu", "hard_swish", "channels", "crop", "subtract",
    "gelu", "gelu approximate", "leaky_relu", "layer_norm", "layer_norm vectors",
    "local_response_norm", "local_response_norm even",
)  # fmt: skip
"""What is compiled here; the other kinds are by every method's own test."""


def network_of(case: str) -> Architecture:
    nodes = []
    for position, node in enumerate(around(SETTINGS[case])):
        before = nodes[-1]["name"] if nodes else "input"
        nodes.append({"name": f"node{position}", "inputs": [before], **node})
    form = {"name": case, "input_shape": list(READ), "classes": 3, "nodes": nodes}
    return graph.parse(form, case)


def images() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 3, (3, *READ)).astype(np.float32)


def main(framework: str, precision: str, mode: str, out: str) -> None:
    module, method = load(framework), methods.load("grad_cam")
    stages, found = ("activations", "gradients"), {}
    options = method.resolve({}, "log_probability")
    for case in COMPILED if mode == "compiled" else SETTINGS:
        architecture = network_of(case)
        network = module.build(architecture, weights.randomise(architecture, 7), "cpu", precision)
        explain = method.bind(
            framework, module, network, "before", options, ("heatmap", *stages), mode
        )
        made = explain(*module.put(network, images(), TARGETS))
        arrays = {"logits": network(module.put(network, images())), **made}
        found |= {f"{case}|{name}": module.to_numpy(arrays[name]) for name in ("logits", *stages)}
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
