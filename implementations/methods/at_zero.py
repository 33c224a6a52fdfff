"""What a node gives where it reads 0: its bias, or what batch norm and standardisation add.

Of a ReLU6 it is its `output` where that clips, 6. Each framework's function gives an array that
broadcasts to this output.
"""

from __future__ import annotations

from implementations.architecture.graph import Architecture
from implementations.architecture.node import Node
from implementations.arrays import Array
from implementations.contract import KerasNetwork, Network
from implementations.methods.folding import STATISTICS


def biased(architecture: Architecture) -> list[str]:
    """The nodes that contribute more than they read."""
    kinds = ("conv", "dense", "batch_norm", "normalise", "relu6")
    return [n.name for n in architecture.nodes if n.kind in kinds and n.settings.get("bias", True)]


def jax(network: Network, node: Node, output: Array) -> Array:
    """What it adds, of its output."""
    import jax.numpy as jnp

    match node.kind:
        case "relu6":
            return jnp.where(output >= 6, output, 0)
        case "normalise":
            return -jnp.asarray(node["mean"], output.dtype) / jnp.asarray(
                node["deviation"], output.dtype
            )
        case "batch_norm":
            scale, offset, mean, variance = (network.tensor(f"{node.name}.{p}") for p in STATISTICS)
            return offset - mean * scale / jnp.sqrt(variance + node["epsilon"])
    return network.tensor(f"{node.name}.bias")


def pytorch(network: Network, node: Node, output: Array) -> Array:
    """What it adds, of its output."""
    import torch

    match node.kind:
        case "relu6":
            return torch.where(output >= 6, output, 0)
        case "normalise":
            vector = -output.new_tensor(node["mean"]) / output.new_tensor(node["deviation"])
        case "batch_norm":
            scale, offset, mean, variance = (network.tensor(f"{node.name}.{p}") for p in STATISTICS)
            vector = offset - mean * scale / torch.sqrt(variance + node["epsilon"])
        case _:
            vector = network.tensor(f"{node.name}.bias")
    return vector[:, None, None] if output.ndim == 4 else vector


def keras(network: KerasNetwork, node: Node, output: Array) -> Array:
    """What it adds, of its output."""
    from keras import ops

    match node.kind:
        case "relu6":
            return ops.where(output >= 6, output, ops.zeros_like(output))
        case "normalise":
            mean, deviation = (
                ops.convert_to_tensor(node[part], output.dtype) for part in ("mean", "deviation")
            )
            return -mean / deviation
        case "batch_norm":
            scale, offset, mean, variance = (network.tensor(f"{node.name}.{p}") for p in STATISTICS)
            return offset - mean * scale / ops.sqrt(variance + node["epsilon"])
    return network.tensor(f"{node.name}.bias")
