"""A small network in its JSON form with a branch, broken in ways that the tests ask for."""

import json

import pytest

from implementations.architecture.graph import parse
from implementations.errors import BadInput

RESIDUAL = {
    "schema": 1,
    "name": "residual",
    "input_shape": [6, 6, 2],
    "classes": 3,
    "nodes": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
        {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
        {"name": "relu1", "kind": "relu", "inputs": "norm1"},
        {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 4, "kernel": 3},
        {"name": "add1", "kind": "add", "inputs": ["relu1", "conv2"]},
        {"name": "concat1", "kind": "concat", "inputs": ["add1", "conv1", "input"]},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "concat1"},
        {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 3},
    ],
}


def changed(position=None, **values):
    """RESIDUAL with a node's settings changed, or its own."""
    form = json.loads(json.dumps(RESIDUAL))
    (form if position is None else form["nodes"][position]).update(values)
    return form


CONV, NORM, DENSE = 0, 1, 7
NODE = {"name": "extra1", "inputs": "input"}
POOL = {**NODE, "kind": "max_pool", "size": 2, "stride": 2}
NORMALISE = {**NODE, "kind": "normalise", "mean": [0, 0], "deviation": [1, 1]}


def refusal(form):
    """The one line that a form is refused with."""
    with pytest.raises(BadInput) as caught:
        parse(form, "my.json")
    line = str(caught.value)
    assert line.startswith("my.json: ")
    assert "\n" not in line
    return line


def extended(node):
    """RESIDUAL with a node before all the others; the convolution reads it."""
    form = changed(CONV, inputs=node["name"])
    form["nodes"].insert(0, node)
    return form
