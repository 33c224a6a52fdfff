"""A tidied draft as an architecture and its weights: the head cut off, every kind one of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture import graph, weights
from implementations.architecture.graph import Architecture
from implementations.architecture.settings import SMALLEST
from implementations.importers.onnx.draft import PASSING, Draft, Network, Refusal
from implementations.importers.onnx.walk import Walk

EXACT = SMALLEST
"""An epsilon that makes sqrt(1 + epsilon) exactly 1 in every precision."""
USUAL = (1e-30, 1e30)
"""Magnitudes of a mean that may stand for an offset."""


def behead(walk: Walk, output: str) -> str:
    """Cut a softmax or a sigmoid off the end. The file's name of the value that gives the logits.

    A network of one logit gets a second class: logits (0, z), whose softmax is (1 - s(z), s(z)).
    """
    network = walk.network
    last = network.nodes.get(network.output)
    if last is None:
        raise Refusal("the output is the input")
    if last.kind in ("softmax", "sigmoid", "hard_sigmoid"):
        walk.note(f"logits are taken before the {last.kind.replace('_', ' ')}")
        output = last.reads or output
        network.output = last.inputs[0]
    return output


def two_classes(walk: Walk) -> bool:
    """A second logit for a network of one. Raises Refusal where its last node is not dense."""
    network = walk.network
    last = network.nodes[network.output]
    if network.shapes[network.output] != (1,):
        return False
    if last.kind != "dense":
        raise Refusal("it has one logit, and not of a dense layer; two classes at least")
    for name, tensor in last.tensors.items():
        last.tensors[name] = np.concatenate([np.zeros_like(tensor), tensor], axis=-1)
    last.settings["units"] = 2
    network.shapes[network.output] = (2,)
    walk.note("one logit became two classes: 0, and the logit")
    return True


def finished(
    walk: Walk, name: str, images: tuple[int, int, int], where: str
) -> tuple[Architecture, dict[str, NDArray[Any]]]:
    """The architecture and its float32 weights, of the file `where`. Raises Refusal, BadInput."""
    network = walk.network
    for key in [*network.nodes]:
        _plain(network, network.nodes[key])
    network.prune()
    names = network.named()
    nodes, tensors = [], {}
    for key, node in network.nodes.items():
        nodes.append(
            {"name": names[key], "kind": node.kind, "inputs": [names[n] for n in node.inputs],
             **node.settings}
        )  # fmt: skip
        for part, values in node.tensors.items():
            tensors[f"{names[key]}.{part}"] = np.ascontiguousarray(values, np.float32)
    (classes,) = network.shapes[network.output]
    form = {"name": name, "input_shape": images, "classes": classes, "nodes": nodes}
    architecture = graph.parse(form, where)
    weights.check(architecture, tensors, where)
    return architecture, tensors


def _plain(network: Network, node: Draft) -> None:
    """A node that only drafts have, as one of ours. Raises Refusal."""
    where = f"node {node.origin!r}"
    if node.kind == "clip":
        bounds = (node.settings["low"], node.settings["high"])
        kinds: dict[tuple[float, float], tuple[str, dict[str, Any]]] = {
            (0, np.inf): ("relu", {}), (0, 6): ("relu6", {}),
            (0, 1): ("hard_sigmoid", {"slope": 1.0, "offset": 0.0}),
        }  # fmt: skip
        if bounds not in kinds:
            raise Refusal(f"{where} clips to [{bounds[0]:g}, {bounds[1]:g}], as no kind here does")
        node.kind, node.settings = kinds[bounds]
    elif node.kind == "affine":
        _affine(network, node)
    elif node.kind == "order":
        if len(network.shapes[node.inputs[0]]) != 3:
            raise Refusal(f"{where} puts the features of a vector in another order")
        channels = len(node.settings["order"])
        node.kind = "normalise"
        node.settings |= {"mean": [0.0] * channels, "deviation": [1.0] * channels}
    elif node.kind in PASSING or node.kind == "border":
        what = {
            "softmax": "a softmax (attention) within the network",
            "border": "a pad by the edge, or with minus infinity, that is not a max-pool's own",
        }.get(node.kind, f"{node.kind} outside a formula")
        raise Refusal(f"{where} is {what}, which is no part of a CNN here")


def _affine(network: Network, node: Draft) -> None:
    """Standardisation at the images, else a batch norm that has learnt nothing of its own."""
    source = network.nodes.get(node.inputs[0])
    ordered = source is not None and source.kind in ("order", "normalise")
    at_images = node.inputs[0] == "input" or (
        ordered and source is not None and source.inputs[0] == "input"
    )
    if at_images and (node.factor > 0).all() and len(network.shapes[node.inputs[0]]) == 3:
        deviation = 1 / node.factor
        settings: dict[str, Any] = {
            "mean": [float(mean) for mean in -node.offset * deviation],
            "deviation": [float(each) for each in deviation],
        }
        if ordered and source is not None:
            settings["order"] = source.settings["order"]
            node.inputs = ["input"]
        node.kind, node.settings, node.tensors = "normalise", settings, {}
        return
    mean = _carried(node)
    offset = node.offset + node.factor * mean
    node.kind, node.settings = "batch_norm", {"epsilon": EXACT}
    node.tensors = {
        "scale": node.factor, "offset": offset, "mean": mean, "variance": np.ones(len(mean))
    }  # fmt: skip


def _carried(node: Draft) -> NDArray[np.float64]:
    """A mean where float32 cannot hold an offset: both then hold twice its digits.

    Keras writes its norms as a difference, a product and a sum, whose one offset is no float32.
    """
    factor, offset = node.factor, node.offset
    lost = (offset.astype(np.float32) != offset) & (factor != 0)
    with np.errstate(all="ignore"):
        mean = np.where(lost, -offset / np.where(lost, factor, 1), 0).astype(np.float32)
    usual = (np.abs(mean) > USUAL[0]) & (np.abs(mean) < USUAL[1])
    return np.where(usual, mean, 0).astype(np.float64)
