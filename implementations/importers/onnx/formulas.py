"""Formulas of several operators that are one kind of ours: swishes, hard sigmoids, scaled channels.

Constants are compared with the numbers they stand for to the rounding of float32.
"""

from __future__ import annotations

import numpy as np

from implementations.importers.onnx.draft import Draft, Network

SAME = 2.0**-22
"""How far a constant that a file has in float32 may be from the number it stands for."""


def _scalar(node: Draft) -> tuple[float, float] | None:
    """The one factor and the one offset of an affine node, or None."""
    if node.kind != "affine" or np.ptp(node.factor) or np.ptp(node.offset):
        return None
    return float(node.factor[0]), float(node.offset[0])


def _near(value: float, wanted: float) -> bool:
    return abs(value - wanted) <= SAME * max(abs(wanted), SAME)


def source_of(network: Network, node: Draft) -> Draft | None:
    """The node that a node of one input reads; None for the images."""
    return network.nodes.get(node.inputs[0])


def line(network: Network, name: str) -> bool:
    """(a x + b within 0 and m) / m is a hard sigmoid."""
    if name not in network.nodes:
        return False
    node = network.nodes[name]
    scale = 1.0
    clip = node
    if node.kind == "affine":
        source, end = source_of(network, node), _scalar(node)
        if source is None or end is None or end[1] or not network.lone(node.inputs[0]):
            return False
        clip, scale = source, end[0]
    high = clip.settings.get("high") if clip.kind == "clip" else None
    if high is None or clip.settings["low"] != 0 or not _near(high * scale, 1.0):
        return False
    start = source_of(network, clip)
    within = None if start is None else _scalar(start)
    if start is None or within is None or within[0] <= 0:
        return False
    slope, offset = within[0] * scale, within[1] * scale
    slope = 1 / 6 if _near(slope, 1 / 6) else slope
    offset = 0.5 if _near(offset, 0.5) else offset
    node.kind, node.tensors = "hard_sigmoid", {}
    node.settings = {"slope": slope, "offset": offset}
    node.inputs = [*start.inputs]
    return True


def gated_by_itself(network: Network, name: str) -> bool:
    """X sigmoid(x) is SiLU, x hard_sigmoid(x) hard swish, x min(max(x + 3, 0), 6) six of these."""
    if name not in network.nodes or network.nodes[name].kind != "multiply":
        return False
    node = network.nodes[name]
    for x, gate in (node.inputs, node.inputs[::-1]):
        held = network.nodes.get(gate)
        if held is None or x == gate:
            continue
        if held.kind == "sigmoid" and held.inputs == [x]:
            node.kind, node.inputs = "silu", [x]
            return True
        if held.kind == "hard_sigmoid" and held.inputs == [x] and is_sixth(held):
            node.kind, node.inputs = "hard_swish", [x]
            return True
        start = source_of(network, held) if held.kind == "clip" else None
        shifted = None if start is None or start.inputs != [x] else _scalar(start)
        if shifted == (1.0, 3.0) and held.settings == {"low": 0.0, "high": 6.0}:
            channels = network.shapes[name][-1]
            swish = Draft("hard_swish", [x], origin=node.origin)
            made = f"{name}s"
            node.kind, node.inputs = "affine", [made]
            node.tensors = {"factor": np.full(channels, 6.0), "offset": np.zeros(channels)}
            network.insert(name, made, swish)
            return True
    return False


def gelu(network: Network, name: str) -> bool:
    """The formula x (a + a erf(x / sqrt 2)) is 2 a GELU(x), the first x perhaps times a factor."""
    node = network.nodes.get(name)
    if node is None or node.kind != "multiply":
        return False
    for first, second in (node.inputs, node.inputs[::-1]):
        share = network.nodes.get(second)
        ends = None if share is None else _scalar(share)
        bent = source_of(network, share) if share is not None and ends else None
        start = source_of(network, bent) if bent is not None and bent.kind == "erf" else None
        scale = None if start is None else _scalar(start)
        if start is None or scale is None or ends is None:
            continue
        if scale[1] or not _near(scale[0], 0.5**0.5) or not _near(ends[0], ends[1]):
            continue
        (x,) = start.inputs
        before = network.nodes.get(first)
        factor = 2 * ends[0]
        if first != x:
            own = None if before is None or before.inputs != [x] else _scalar(before)
            if own is None or own[1]:
                continue
            factor *= own[0]
        channels = network.shapes[name][-1]
        made = f"{name}g"
        node.kind, node.inputs = "affine", [made]
        node.tensors = {"factor": np.full(channels, factor), "offset": np.zeros(channels)}
        network.insert(name, made, Draft("gelu", [x], {"approximate": False}, origin=node.origin))
        return True
    return False


def is_sixth(node: Draft) -> bool:
    """Whether a hard sigmoid is that of hard swish."""
    return _near(node.settings["slope"], 1 / 6) and _near(node.settings["offset"], 0.5)


def sixth(network: Network, name: str) -> bool:
    """A slope that is 1/6 in float32 is 1/6."""
    node = network.nodes.get(name)
    if node is None or node.kind != "hard_sigmoid" or not is_sixth(node):
        return False
    exact = {"slope": 1 / 6, "offset": 0.5}
    changed = node.settings != exact
    node.settings = exact
    return changed


def single_channels(network: Network, name: str) -> bool:
    """Every channel of one map by itself, each scaled, put together again: an order, scaled."""
    node = network.nodes.get(name)
    if node is None or node.kind != "concat":
        return False
    factors, offsets, order, sources = [], [], [], set()
    for each in node.inputs:
        part = network.nodes.get(each)
        scaled = (1.0, 0.0)
        if part is not None and part.kind == "affine":
            scaled = (float(part.factor[0]), float(part.offset[0]))
            part = source_of(network, part)
        if part is None or part.kind != "channels" or network.shapes[each][-1] != 1:
            return False
        order.append(part.settings["start"])
        sources.add(part.inputs[0])
        factors.append(scaled[0])
        offsets.append(scaled[1])
    (source, *others) = sources
    if others or sorted(order) != [*range(network.shapes[source][-1])]:
        return False
    made = f"{name}o"
    moved = Draft("order", [source], {"order": order}, origin=node.origin)
    node.kind, node.inputs = "affine", [made]
    node.tensors = {"factor": np.array(factors), "offset": np.array(offsets)}
    network.insert(name, made, moved)
    return True
