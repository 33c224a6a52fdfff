"""What frameworks make of a network otherwise: epsilons, padding, the order of features."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.cli.trial import Subject, Trial, changing, named
from implementations.architecture.graph import Node
from implementations.architecture.kinds import KINDS
from implementations.architecture.window import window

EPSILONS = (1e-3, 1e-5, 1e-4, 1e-6, 1e-8, 1e-2)
ALONE = 12
"""Windows of a network up to which each is tried by itself too."""


def of_network(of: Subject) -> Iterator[Trial]:
    """Every trial, the likeliest first."""
    yield from _epsilons(of)
    yield from _windows(of)
    yield from _counted(of)
    yield from _flattened(of)


def _epsilons(of: Subject) -> Iterator[Trial]:
    nodes = [node for node in of.architecture.nodes if "epsilon" in node.settings]
    for kind in dict.fromkeys(node.kind for node in nodes):
        mine = [node.name for node in nodes if node.kind == kind]
        for epsilon in EPSILONS:
            yield Trial(
                f"epsilon {epsilon:g} in {named(mine)}",
                f'write "epsilon": {epsilon:g} into the nodes of kind {kind} of the architecture',
                changing({name: {"epsilon": epsilon} for name in mine}),
            )


def _windows(of: Subject) -> Iterator[Trial]:
    """Padding of all windows that slide, of those of a kind, of those with a stride, of each."""
    nodes = [node for node in of.architecture.nodes if "padding" in node.settings]
    sized = [n for n in nodes if max(_kernel(n)) > 1]
    groups = [sized, [node for node in sized if max(node["stride"]) > 1]]
    groups += [[n for n in group if n.kind == kind] for group in list(groups) for kind in KINDS]
    groups += [[node] for node in sized] if len(sized) <= ALONE else []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for group in groups:
        for told, pads in PADDINGS.items():
            changed = {node.name: {"padding": pads(node, of)} for node in group}
            moved = [n for n in group if window(n, _read(of, n)) != _moved(n, of, changed[n.name])]
            yield from _once(seen, told, "padding", {n.name: changed[n.name] for n in moved})
        other = {"floor": "ceil", "ceil": "floor"}
        pools = {n.name: {"rounding": other[n["rounding"]]} for n in group if "size" in n.settings}
        yield from _once(seen, "the other rounding", "rounding", pools)


def _once(
    seen: set[tuple[str, tuple[str, ...]]],
    told: str,
    setting: str,
    changed: Mapping[str, Mapping[str, Any]],
) -> Iterator[Trial]:
    """A change of a setting in some nodes, where there are any, and it was not tried before."""
    if not changed or (told, tuple(changed)) in seen:
        return
    seen.add((told, tuple(changed)))
    values = [each[setting] for each in changed.values()]
    value = json.dumps(values[0]) if values.count(values[0]) == len(values) else "what is meant"
    mend = f'write "{setting}": {value} into {named([*changed])} of the architecture'
    yield Trial(f"{told} in {named([*changed])}", mend, changing(changed))


def _kernel(node: Node) -> tuple[int, int]:
    kernel: tuple[int, int] = node.settings.get("kernel") or node["size"]
    return kernel


def _read(of: Subject, node: Node) -> tuple[int, ...]:
    return of.architecture.shapes[node.inputs[0]]


def _moved(node: Node, of: Subject, changed: Mapping[str, Any]) -> Any:
    try:
        return window(replace(node, settings={**node.settings, **changed}), _read(of, node))
    except ValueError:
        return None


def _symmetric(node: Node, of: Subject) -> Any:
    dilation = node.settings.get("dilation", (1, 1))
    halves = [(k - 1) * d // 2 for k, d in zip(_kernel(node), dilation, strict=True)]
    return tuple((half, half) for half in halves)


def _mirrored(node: Node, of: Subject) -> Any:
    return tuple((after, before) for before, after in window(node, _read(of, node)).pads)


PADDINGS: dict[str, Callable[[Node, Subject], Any]] = {
    "padding `same`": lambda node, of: "same",
    "as much padding before as after": _symmetric,
    "the odd row of padding at the other side": _mirrored,
    "no padding": lambda node, of: "valid",
}
"""How frameworks pad: TensorFlow and Flax, PyTorch, Caffe and SAME_LOWER, not at all."""


def _counted(of: Subject) -> Iterator[Trial]:
    pools = [node for node in of.architecture.nodes if node.kind == "average_pool"]
    for counted in (True, False):
        mine = [node.name for node in pools if node["count_padding"] is not counted]
        if mine:
            told = "padding counted" if counted else "padding not counted"
            yield Trial(
                f"{told} in the averages of {named(mine)}",
                f'write "count_padding": {str(counted).lower()} into {named(mine)}',
                changing({name: {"count_padding": counted} for name in mine}),
            )


def _flattened(of: Subject) -> Iterator[Trial]:
    """Rows of the kernels behind a flattened map, in the order of the other layout."""
    shapes, rows = of.architecture.shapes, {}
    behind: dict[str, tuple[int, ...]] = {}
    for node in of.architecture.nodes:
        shape = shapes[node.inputs[0]]
        if node.kind == "flatten" and len(shape) == 3:
            behind[node.name] = shape
        elif node.kind == "dense" and node.inputs[0] in behind:
            rows[node.name] = behind[node.inputs[0]]
        elif len(node.inputs) == 1 and node.inputs[0] in behind and node.kind != "dense":
            behind[node.name] = behind[node.inputs[0]]
    if not rows:
        return
    for order, lies, told in (
        ((2, 0, 1), (1, 2, 0), "(C, H, W)"), ((0, 1, 2), (2, 0, 1), "(H, W, C), written twice over")
    ):  # fmt: skip
        mend = f"put the rows of {named([*rows])} into the order (H, W, C) of the features"
        what = f"the features of {named([*rows])} in the order {told}"
        yield Trial(what, mend, _reordering(rows, order, lies))


def _reordering(
    rows: Mapping[str, tuple[int, ...]], order: tuple[int, ...], lies: tuple[int, ...]
) -> Callable[[Subject], Subject | None]:
    def change(subject: Subject) -> Subject | None:
        tensors = dict(subject.tensors)
        for name, shape in rows.items():
            kernel = tensors[f"{name}.kernel"]
            lying = kernel.reshape(*(shape[axis] for axis in order), -1).transpose(*lies, 3)
            tensors[f"{name}.kernel"] = np.ascontiguousarray(lying).reshape(kernel.shape)
        return subject._replace(tensors=tensors)

    return change
