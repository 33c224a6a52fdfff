"""Out and in again: the network that comes back is the one that went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")

from implementations.architecture import registered, weights
from implementations.architecture.graph import KINDS, Architecture, parse
from implementations.architecture.window import window
from implementations.errors import BadInput
from implementations.frameworks.onnxruntime import write
from implementations.importers.onnx.checking import check
from implementations.importers.onnx.convert import Wanted, convert

SHORT = {
    "max_pool": "pool", "batch_norm": "norm", "global_average_pool": "gap", "relu6": "relu",
}  # fmt: skip


def through(architecture: Architecture, folder: Path) -> None:
    """Write, read, compare: settings to the rounding of float32, weights to the last digit."""
    tensors = weights.randomise(architecture, 3)
    path = folder / f"{architecture.name}.onnx"
    path.write_bytes(write.serialised(architecture, tensors))
    made = convert(path, Wanted())
    back = made.architecture
    assert [n.name for n in back.nodes] == [n.name for n in architecture.nodes]
    for ours, theirs in zip(architecture.nodes, back.nodes, strict=True):
        assert (theirs.kind, theirs.inputs) == (ours.kind, ours.inputs)
        assert theirs.settings.keys() == ours.settings.keys()
        for name, value in ours.settings.items():
            expected = pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
            if isinstance(value, tuple) and any(isinstance(each, float) for each in value):
                expected = pytest.approx(value, rel=1e-5, abs=1e-6)
            if (
                name == "padding"
                and value == "same"
                and max(ours.settings.get("dilation", [1])) > 1
            ):
                # Nobody runs such a file; it has the padding in numbers.
                pads = window(ours, architecture.shapes[ours.inputs[0]]).pads
                expected = pads if np.any(pads) else "valid"
            assert theirs[name] == expected, (ours.name, name)
    assert made.weights.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(made.weights[name], tensor)
    found = check(made)
    assert found.exact is None or found.exact < 1e-6


STEPS = [
    "relu", "relu6", "silu", "hard_swish", "sigmoid", "hard_sigmoid", "pool", "gate", "parts",
    "crop", "drop", "gelu", "leaky", "layer_norm", "lrn",
]  # fmt: skip
PAD = st.integers(0, 2)
PADS = st.tuples(st.tuples(PAD, PAD), st.tuples(PAD, PAD)).filter(np.any)
PADDING = st.one_of(st.sampled_from(["same", "valid"]), PADS)


@st.composite
def nodes(draw: st.DrawFn) -> list[dict]:
    """A graph of every kind that keeps a map, with joins, and a head."""
    made: list[dict] = []
    shapes = {"input": (11, 10, 3)}

    def add(kind: str, *inputs: str, **given: object) -> str | None:
        short = SHORT.get(kind, kind)
        number = 1 + sum(SHORT.get(node["kind"], node["kind"]) == short for node in made)
        node = {"name": f"{short}{number}", "kind": kind, "inputs": list(inputs), **given}
        try:
            form = {"input_shape": (11, 10, 3), "classes": 2, "nodes": [
                *made, node, {"name": "f", "kind": "flatten", "inputs": node["name"]},
                {"name": "d", "kind": "dense", "inputs": "f", "units": 2},
            ]}  # fmt: skip
            reached = parse({**form, "name": "part"}, "part") if not joined(form) else None
            shapes[node["name"]] = (reached or _open(form)).shapes[node["name"]]
        except BadInput:
            return None
        made.append(node)
        return node["name"]

    last = "input"
    if draw(st.booleans()):
        order = draw(st.one_of(st.none(), st.permutations([0, 1, 2])))
        if order == [0, 1, 2]:
            order = None
        last = add("normalise", last, mean=[0.4, 0.5, 0.6], deviation=[0.2, 0.3, 0.25],
                   order=order) or last  # fmt: skip
    for _ in range(draw(st.integers(1, 4))):
        filters = draw(st.integers(1, 4)) * 2
        groups = draw(st.sampled_from([1, shapes[last][-1]]))
        last = add(
            "conv", last, filters=filters * groups if groups > 1 else filters,
            kernel=draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
            stride=draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
            dilation=draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
            padding=draw(PADDING), groups=groups, bias=draw(st.booleans()),
        ) or last  # fmt: skip
        if last == "input" or last.startswith("normalise"):
            continue
        if draw(st.booleans()):
            last = add("batch_norm", last, epsilon=0.01, momentum=0.9) or last
        kind = draw(st.sampled_from(STEPS))
        match kind:
            case "pool":
                average = draw(st.booleans())
                more = {"count_padding": draw(st.booleans())} if average else {}
                last = add(
                    "average_pool" if average else "max_pool", last,
                    size=draw(st.tuples(st.integers(2, 3), st.integers(2, 3))),
                    stride=draw(st.tuples(st.integers(1, 2), st.integers(1, 2))), **more,
                ) or last  # fmt: skip
            case "gate":
                gap = str(add("global_average_pool", last))
                dense = str(add("dense", gap, units=shapes[last][-1], bias=True))
                opened = str(add("sigmoid", dense))
                product = add("multiply", last, opened)
                both = add("subtract", str(product), last)
                last = str(add("add", str(both), last, str(product)))
            case "parts":
                half = shapes[last][-1] // 2
                first = add("channels", last, start=0, stop=half)
                second = add("channels", last, start=half, stop=shapes[last][-1])
                bent = add("relu", str(second))
                last = str(add("concat", str(first), str(bent)))
            case "crop":
                last = add("crop", last, spatial=[[1, 0], [0, 1]]) or last
                last = add("relu", last) or last
            case "leaky":
                last = add("leaky_relu", last, slope=0.125) or last
            case "lrn":
                last = add("local_response_norm", last, size=3, alpha=0.25) or last
            case "drop":
                last = add("dropout", last, rate=0.25) or last
            case _:
                last = add(kind, last) or last
    head = draw(st.sampled_from(["flatten", "global_average_pool"]))
    last = str(add(head, last))
    add("dense", last, units=5, bias=draw(st.booleans()))
    return made


def joined(form: dict) -> bool:
    """Whether a half-made graph still has nodes that nothing reads."""
    read = {name for node in form["nodes"] for name in np.atleast_1d(node["inputs"])}
    return any(node["name"] not in read for node in form["nodes"][:-1])


def _open(form: dict) -> Architecture:
    """A half-made graph, whatever does not reach its end."""
    from implementations.architecture.node import Node

    held = []
    for node in form["nodes"]:
        given = {k: v for k, v in node.items() if k not in ("name", "kind", "inputs")}
        plain = {
            name: setting.read(given.get(name, setting.default), name)
            for name, setting in KINDS[node["kind"]].settings.items()
        }
        inputs = node["inputs"]
        read = (inputs,) if isinstance(inputs, str) else tuple(inputs)
        held.append(Node(node["name"], node["kind"], read, plain))
    return Architecture("part", form["input_shape"], 2, tuple(held))


@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(nodes())
def test_a_network_comes_back_as_it_went(tmp_path: Path, made: list[dict]) -> None:
    if not any(node["kind"] == "conv" for node in made):
        return
    form = {"name": "made", "input_shape": [11, 10, 3], "classes": 5, "nodes": made}
    through(parse(form, "made"), tmp_path)


@pytest.mark.parametrize("name", ["cnn-32-16-8", "cnn-gap", "cnn-32-64-128", "cnn-pool-dropout"])
def test_registered_networks_come_back(tmp_path: Path, name: str) -> None:
    through(registered.get(name, (16, 16, 3), 5), tmp_path)


def test_every_kind_is_written() -> None:
    assert write.KINDS.keys() == KINDS.keys()
