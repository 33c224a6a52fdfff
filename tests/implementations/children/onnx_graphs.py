"""Small ONNX files, node by node: every value that is not given before is an initializer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

Op = tuple[Any, ...]
"""(type, inputs, output or outputs, attributes...)."""


def saved(
    path: Path,
    ops: list[Op],
    weights: dict[str, Any],
    shape: tuple[Any, ...] = ("batch", 3, 8, 6),
    opset: int = 20,
    kind: int = TensorProto.FLOAT,
    outputs: tuple[str, ...] = ("logits",),
) -> Path:
    """Write a file of these operators and give its path."""
    nodes = []
    for number, (op, inputs, made, *rest) in enumerate(ops):
        attributes = rest[0] if rest else {}
        names = [made] if isinstance(made, str) else list(made)
        nodes.append(helper.make_node(op, inputs, names, name=f"n{number}", **attributes))
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in weights.items()
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path


def floats(*shape: int, seed: int = 0, low: float = -1.0) -> np.ndarray:
    """Random float32 numbers from `low` to 1."""
    return np.random.default_rng(seed).uniform(low, 1, shape).astype(np.float32)


CONV: list[Op] = [("Conv", ["images", "k"], "c", {"pads": [1, 1, 1, 1]})]
HEAD: list[Op] = [
    ("GlobalAveragePool", ["y"], "p"), ("Flatten", ["p"], "f"),
    ("Gemm", ["f", "w", "b"], "logits", {"transB": 1}),
]  # fmt: skip
WEIGHTS = {"k": floats(4, 3, 3, 3), "w": floats(5, 4, seed=1), "b": floats(5, seed=2)}
"""Of a convolution that makes `c` (4 channels) and a head that reads `y`."""
