"""A host of a chain of nodes as the lines of a file that needs PyTorch alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from implementations.architecture.graph import Architecture
from implementations.architecture.node import Node
from implementations.arrays import Floats, Weights
from implementations.errors import Unavailable
from implementations.frameworks.hosts import Source, literal
from implementations.frameworks.pytorch.hosts import make
from implementations.frameworks.pytorch.layers import layer

ENDS = {
    "frozen": "model.requires_grad_(False)",
    "train": "model.train()",
    "compiled": 'model = torch.compile(model, backend="aot_eager"); model(images)',
    "float64": "model, images = model.double(), images.double()",
    "strided_input": "images = images.repeat_interleave(2, dim=3)[..., ::2]",
}

FUNCTIONS = {"functional": "torch.relu(x)", "softmax": "x.softmax(1)"}
"""What a host calls as a function, where a user may have a module."""


def source(
    name: str, architecture: Architecture, weights: Weights, images: Floats, node: str
) -> Source:
    """The lines that make `model`, `layer` and `images`. Raises Unavailable for no chain."""
    nodes = architecture.nodes
    if any(after.inputs != (before.name,) for before, after in pairwise(nodes)):
        raise Unavailable("a network with joins is no nn.Sequential")
    modules = [_module(each, name, architecture) for each in nodes]
    modules += ["Function()"] if name == "softmax" else []
    function = ["class Function(nn.Module):", "    def forward(self, x):"]
    function += [f"        return {FUNCTIONS.get(name)}"]
    held = make("plain", architecture, weights).model.state_dict()
    values = ", ".join(literal(tensor.numpy()) for tensor in held.values())
    place = [each.name for each in nodes].index(node) if node in {n.name for n in nodes} else 0
    return Source(
        "import torch\nfrom torch import nn",
        [
            "relu = nn.ReLU()" if name == "reused" else "",
            *(function if name in FUNCTIONS else ()),
            f"model = nn.Sequential({', '.join(modules)}).eval()",
            f"values = [{values}]",
            "for tensor, value in zip(model.state_dict().values(), values):",
            "    tensor.copy_(torch.tensor(value).reshape(tensor.shape))",
            f"layer = model[{place}]",
            f"images = torch.tensor({literal(images.transpose(0, 3, 1, 2))}, dtype=torch.float32)",
            f"images = images.reshape{tuple(np.transpose(images, (0, 3, 1, 2)).shape)}",
            ENDS.get(name, ""),
        ],
        "found = torch.as_tensor(found).detach().numpy()",
        "torch.set_grad_enabled(False)" if name == "no_grad" else "",
    )


def _module(node: Node, host: str, architecture: Architecture) -> str:
    if node.kind == "relu":
        named = {"inplace": "nn.ReLU(inplace=True)", "reused": "relu", "functional": "Function()"}
        return named.get(host, "nn.ReLU()")
    text = repr(layer(node, architecture))
    if "\n" in text:  # one that pads before it
        inner = ", ".join(f"nn.{line.split(': ', 1)[1]}" for line in text.splitlines()[1:-1])
        return f"nn.Sequential({inner})"
    return f"nn.{text}"
