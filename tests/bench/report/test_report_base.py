from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.report import base
from implementations.architecture import registered
from implementations.architecture.graph import document


def what(**values: Any) -> dict[str, Any]:
    plain = {
        "task": "heatmap", "library": "", "method": "grad_cam", "options": "", "score": "logit",
        "layer": "", "precision": "float32", "batch": 64,
    }  # fmt: skip
    return plain | values


def test_the_base_precision_hides_the_others_where_it_is_there() -> None:
    assert base.precisions(["float64", "float32", "float64"]) == ["float32"]
    assert base.precisions(["tf32", "bfloat16", "tf32"]) == ["bfloat16", "tf32"]
    assert base.precisions([]) == []


@pytest.mark.parametrize("name", ["cnn-48-32-16", "squeezenet-1.0"])
def test_layers_stand_in_the_order_of_the_graph(name: str) -> None:
    nodes = [n.name for n in registered.get(name).nodes if n.kind == "relu"]
    assert base.by_depth(name, ["", "input", *sorted(nodes)]) == ["input", *nodes, ""]
    assert base.layer_name(name, "") == nodes[-1]
    assert base.layer_name(name, nodes[0]) == nodes[0]


def test_a_convolution_is_the_relu_after_it() -> None:
    assert base.layer_name("cnn-48-32-16", "conv2") == "relu2"
    assert base.by_depth("cnn-48-32-16", ["conv3", "relu1", "conv2"])[-1] == "conv3"


@pytest.mark.parametrize("name", ["no-such-network", "no/such/file.json", "mlp-512-100"])
def test_an_architecture_that_is_not_known_goes_by_its_numbers(name: str) -> None:
    assert base.by_depth(name, ["relu10", "relu9", "relu2"]) == ["relu2", "relu9", "relu10"]
    assert base.by_depth(name, ["relu10", ""])[-1] == ""
    assert base.layer_name(name, "") == ""
    assert base.layer_name(name, "relu10") == "relu10"


def test_a_json_architecture_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document(registered.get("cnn-32-16"))), encoding="utf-8")
    assert base.layer_name(str(path), "") == "relu2"


def test_plain_takes_the_deepest_layer_and_base_precision_of_each_thing() -> None:
    kept = [what(), what(method="saliency", precision="bfloat16"), what(task="forward", method="")]
    left_out = [
        what(layer="relu1"), what(precision="float64"), what(layer="relu1", precision="tf32"),
    ]  # fmt: skip
    assert base.plain("cnn-gap", [*kept, *left_out]) == kept
    assert base.plain("cnn-gap", [what(layer="relu1"), what(layer="relu2")]) == [
        what(layer="relu2")
    ]
    assert base.plain("cnn-gap", []) == []


def test_one_batch_is_64_and_what_has_none_keeps_its_largest() -> None:
    forward = [what(task="forward", method="", batch=n) for n in (1, 64, 256)]
    maps = [what(batch=n) for n in (1, 64, 256)]
    costly = [what(method="occlusion", batch=n) for n in (1, 8)]
    kept = base.one_batch([*forward, *maps, *costly])
    assert kept == [forward[1], maps[1], costly[1]]


def test_batches_stay_where_forward_passes_have_only_one() -> None:
    whats = [what(batch=1), what(batch=64), what(task="forward", method="", batch=8)]
    assert base.one_batch(whats) == whats


def test_the_common_batch_without_64() -> None:
    assert base.common_batch([what(batch=n) for n in (1, 8, 1)]) == 1
    assert base.common_batch([what(batch=n) for n in (1, 8)]) == 8
    assert base.common_batch([what(batch=n) for n in (1, 1, 64)]) == 64
    assert base.common_batch([]) == 0
