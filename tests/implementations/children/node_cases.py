"""Every kind of node in all its settings, each in a small network of its own."""

from __future__ import annotations

CONV = {"kind": "conv", "filters": 4, "kernel": 3}
MAX = {"kind": "max_pool", "size": 2, "stride": 2}
AVERAGE = {"kind": "average_pool", "size": 2, "stride": 2}
SETTINGS = {
    "conv": CONV,
    "conv strided same": {**CONV, "stride": 2},
    "conv even kernel same": {**CONV, "kernel": 2, "stride": [1, 2]},
    "conv valid leaves a rest": {**CONV, "stride": 3, "padding": "valid"},
    "conv asymmetric pads": {**CONV, "kernel": [3, 2], "padding": [[2, 0], [0, 1]]},
    "conv dilated": {**CONV, "kernel": [2, 3], "dilation": [3, 2], "padding": 1},
    "conv grouped": {**CONV, "filters": 6, "groups": 2, "stride": [2, 1]},
    "conv depthwise": {**CONV, "filters": 8, "groups": 4, "bias": False, "dilation": 2},
    "batch_norm": {"kind": "batch_norm", "epsilon": 0.2},
    "relu": {"kind": "relu"},
    "relu6": {"kind": "relu6"},
    "max_pool": MAX,
    "max_pool overlapping": {**MAX, "size": 3, "stride": [1, 2], "padding": [[1, 0], [0, 1]]},
    "max_pool same": {**MAX, "size": 3, "padding": "same"},
    "max_pool ceil": {**MAX, "size": [2, 3], "rounding": "ceil"},
    "average_pool": AVERAGE,
    "average_pool padded": {**AVERAGE, "size": 3, "padding": [[1, 0], [1, 1]]},
    "average_pool counted": {**AVERAGE, "size": 3, "padding": 1, "count_padding": True},
    "average_pool same": {**AVERAGE, "size": 3, "padding": "same"},
    "average_pool ceil counted": {
        **AVERAGE, "size": 3, "padding": [[0, 0], [0, 1]], "rounding": "ceil",
        "count_padding": True,
    },
    "global_average_pool": {"kind": "global_average_pool"},
    "flatten": {"kind": "flatten"},
    "dense": [{"kind": "flatten"}, {"kind": "dense", "units": 5, "bias": False}],
    "dropout": {"kind": "dropout", "rate": 0.5},
    "pad": {"kind": "pad", "spatial": [[1, 0], [2, 1]], "channels": [1, 2]},
    "normalise": {
        "kind": "normalise", "mean": [1, 2, 3, 4], "deviation": [1, 2, 4, 8], "order": [2, 0, 3, 1]
    },
    "add": [{"kind": "add", "inputs": ["before", "before", "input"]}],
    "concat": [{"kind": "concat", "inputs": ["input", "before", "input"]}],
    "multiply": [{"kind": "multiply", "inputs": ["before", "input"]}],
    "multiply gate": [
        {"name": "mean", "kind": "global_average_pool"},
        {"name": "gate", "kind": "dense", "units": 4},
        {"kind": "multiply", "inputs": ["before", "gate"]},
    ],
    "multiply flattened": [
        {"name": "two", "kind": "conv", "filters": 2, "kernel": 1},
        {"name": "small", "kind": "average_pool", "size": [5, 3], "stride": [5, 3]},
        {"name": "flat", "kind": "flatten"},
        {"kind": "multiply", "inputs": ["before", "flat"]},
    ],
    "multiply vectors": [
        {"name": "mean", "kind": "global_average_pool"},
        {"name": "gate", "kind": "dense", "units": 4},
        {"kind": "multiply", "inputs": ["mean", "gate"]},
        {"kind": "relu"},
    ],
    "sigmoid": {"kind": "sigmoid"},
    "hard_sigmoid": {"kind": "hard_sigmoid"},
    "hard_sigmoid steeper": {"kind": "hard_sigmoid", "slope": 0.3, "offset": 0.4},
    "hard_sigmoid beside": [{"kind": "hard_sigmoid"}, {"name": "relu6", "kind": "relu"}],
    "channels": {"kind": "channels", "start": 1, "stop": 3},
    "crop": {"kind": "crop", "spatial": [[1, 0], [2, 1]]},
    "subtract": [{"kind": "subtract", "inputs": ["input", "before"]}],
    "silu": {"kind": "silu"},
    "gelu": {"kind": "gelu"},
    "gelu approximate": {"kind": "gelu", "approximate": True},
    "leaky_relu": {"kind": "leaky_relu", "slope": 0.1},
    "layer_norm": {"kind": "layer_norm", "epsilon": 0.1},
    "layer_norm vectors": [
        {"name": "two", "kind": "conv", "filters": 2, "kernel": 1},
        {"name": "flat", "kind": "flatten"},
        {"kind": "layer_norm"},
    ],
    "local_response_norm": {
        "kind": "local_response_norm", "size": 3, "alpha": 0.3, "beta": 0.6, "bias": 1.5
    },
    "local_response_norm even": {"kind": "local_response_norm", "size": 2, "alpha": 0.5},
    "hard_swish": {"kind": "hard_swish"},
}  # fmt: skip
READ = (5, 7, 4)


def around(nodes):
    """The nodes between a smooth layer `before` and a classifier."""
    nodes = nodes if isinstance(nodes, list) else [nodes]
    flat = nodes[-1]["kind"] in ("flatten", "dense", "global_average_pool")
    end = [] if flat else [{"kind": "flatten"}]
    before = {"name": "before", "kind": "conv", "filters": 4, "kernel": 1}
    return [before, *nodes, *end, {"kind": "dense", "units": 3}]
