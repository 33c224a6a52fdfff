"""Formulas found in a draft and put in place of their parts, only where they are the same numbers.

Each pass changes one place and says whether it did; they are run until none does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from implementations.importers.onnx.draft import Draft, Network
from implementations.importers.onnx.formulas import (
    SAME,
    gated_by_itself,
    gelu,
    line,
    single_channels,
    sixth,
    source_of,
)

TINY = 1e-15
"""What float64 leaves of a factor and its reciprocal."""


def tidied(network: Network) -> None:
    """Run every pass until nothing changes."""
    network.prune()
    while any(change(network, name) for change in PASSES for name in [*network.nodes]):
        network.prune()


def affine_of_affine(network: Network, name: str) -> bool:
    """One after another is one."""
    if name not in network.nodes or network.nodes[name].kind != "affine":
        return False
    node = network.nodes[name]
    before = source_of(network, node)
    if before is None or before.kind != "affine":
        return False
    factor, offset = node.factor, node.offset
    node.tensors = {
        "factor": before.factor * factor, "offset": before.offset * factor + offset
    }  # fmt: skip
    node.inputs = [*before.inputs]
    return True


def nothing(network: Network, name: str) -> bool:
    """A factor of 1 without an offset, bounds that bound nothing, an order that is the same.

    Within formulas a factor is 1 to the rounding of float32. At the images it is kept: 255 times
    the 1/255 of a file is 1 + 6e-8, which a deep network may magnify.
    """
    if name not in network.nodes:
        return False
    node = network.nodes[name]
    most = TINY if node.inputs[0] == "input" else SAME
    empty = (
        (
            node.kind == "affine"
            and bool((np.abs(node.factor - 1) <= most).all())
            and not node.offset.any()
        )
        or (node.kind == "clip" and node.settings == {"low": -np.inf, "high": np.inf})
        or (
            node.kind == "order" and node.settings["order"] == [*range(len(node.settings["order"]))]
        )
    )
    if empty:
        network.bypass(name)
    return empty


def bias(network: Network, name: str) -> bool:
    """An offset after a kernel that nothing else reads is its bias."""
    if name not in network.nodes or network.nodes[name].kind != "affine":
        return False
    node = network.nodes[name]
    before = source_of(network, node)
    if (
        before is None
        or before.kind not in ("conv", "dense")
        or (node.factor != 1).any()
        or not network.lone(node.inputs[0])
    ):
        return False
    held = before.tensors.get("bias", np.zeros(len(node.offset)))
    before.tensors["bias"] = held + node.offset
    before.settings["bias"] = True
    network.bypass(name)
    return True


def clip_of_clip(network: Network, name: str) -> bool:
    """Both bounds are those that bind."""
    if name not in network.nodes or network.nodes[name].kind != "clip":
        return False
    node = network.nodes[name]
    before = source_of(network, node)
    if before is None or before.kind != "clip":
        return False
    low = max(node.settings["low"], before.settings["low"])
    high = min(node.settings["high"], before.settings["high"])
    if not low < high:
        return False
    node.settings = {"low": low, "high": high}
    node.inputs = [*before.inputs]
    return True


def padding(network: Network, name: str) -> bool:
    """Zeros before a convolution are its padding, minus infinity that of a max-pool."""
    node = network.nodes.get(name)
    if node is None or node.kind not in ("conv", "max_pool"):
        return False
    before = source_of(network, node)
    wanted = "pad" if node.kind == "conv" else "border"
    if before is None or before.kind != wanted or any(before.settings["channels"]):
        return False
    given = node.settings["padding"]
    if given == "same" or (wanted == "pad" and not network.lone(node.inputs[0])):
        return False
    if node.kind == "max_pool" and node.settings["rounding"] == "ceil":
        return False
    own = [[0, 0], [0, 0]] if given == "valid" else given
    whole = np.add(own, before.settings["spatial"]).astype(int)
    if before.settings.get("by") == "edge" and np.any(whole.max(axis=1) >= node.settings["size"]):
        return False  # a window may lie beyond the edge, whose own value it then has not
    node.settings["padding"] = whole.tolist()
    node.inputs = [*before.inputs]
    return True


def crop_of_crop(network: Network, name: str) -> bool:
    """One after another is one."""
    node = network.nodes.get(name)
    before = source_of(network, node) if node is not None and node.kind == "crop" else None
    if node is None or before is None or before.kind != "crop":
        return False
    cut = np.add(node.settings["spatial"], before.settings["spatial"])
    node.settings, node.inputs = {"spatial": cut.tolist()}, [*before.inputs]
    return True


def order_first(network: Network, name: str) -> bool:
    """An order after an affine node goes before it; one after another is one."""
    node = network.nodes.get(name)
    if node is None or node.kind != "order":
        return False
    before, order = source_of(network, node), node.settings["order"]
    if before is None or before.kind not in ("affine", "order"):
        return False
    if before.kind == "order":
        node.settings = {"order": [before.settings["order"][n] for n in order]}
        node.inputs = [*before.inputs]
        return True
    made = f"{name}o"
    moved = Draft("order", [*before.inputs], {"order": order}, origin=node.origin)
    node.kind, node.settings, node.inputs = "affine", {}, [made]
    node.tensors = {"factor": before.factor[order], "offset": before.offset[order]}
    network.insert(name, made, moved)
    return True


PASSES: tuple[Callable[[Network, str], bool], ...] = (
    affine_of_affine, nothing, clip_of_clip, line, sixth, gated_by_itself, gelu, padding,
    crop_of_crop, order_first, single_channels, bias,
)  # fmt: skip
"""A bias is absorbed last: what is added may be a part of a formula."""
