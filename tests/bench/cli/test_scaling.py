"""`--scaling`: a network that wants its images scaled, and has no node that does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from implementations.architecture import graph, registered, scaling, weights
from implementations.errors import BadInput
from implementations.oracle import runtime

FORM: dict[str, Any] = {
    "input_shape": [6, 5, 3], "classes": 4,
    "nodes": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "pool", "kind": "global_average_pool", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "inputs": "pool", "units": 4},
    ],
}  # fmt: skip
BY_HAND = {
    "255": lambda x: 255 * x,
    "symmetric": lambda x: 2 * x - 1,
    "imagenet": lambda x: (x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    "caffe": lambda x: 255 * x[..., ::-1] - [103.939, 116.779, 123.68],
}


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    architecture = graph.parse(FORM, "net")
    (tmp_path / "net" / "architecture.json").write_text(json.dumps(graph.document(architecture)))
    weights.save(tmp_path / "net" / "weights.safetensors", weights.randomise(architecture, 4))
    images = np.random.default_rng(1).random((2, 6, 5, 3), np.float32)
    np.save(tmp_path / "images.npy", images)
    return tmp_path


@pytest.mark.parametrize("name", BY_HAND)
def test_both_commands_scale_by_name_and_say_it(
    net: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    architecture = graph.read(net / "net" / "architecture.json")
    network = runtime.build(architecture, weights.load(net / "net" / "weights.safetensors"))
    images = np.load(net / "images.npy").astype(np.float64)
    np.save(net / "logits.npy", network(BY_HAND[name](images)))
    common = (
        f"--framework reference --network {net}/net --images {net}/images.npy --scaling {name} "
        f"--expect {net}/logits.npy"
    )
    assert main(f"explain --method grad_cam {common} --out {net}/maps.safetensors".split()) == 0
    said = capsys.readouterr()
    assert "agree to" in said.out and "the network scales 0..255 itself: less" in said.err
    assert main(f"predict {common}".split()) == 0
    assert main(f"predict {common.replace(f'--scaling {name}', '')}".split()) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--network {net}/net --scaling other", "scaling"),
        ("--network {net}/grey --scaling imagenet", "--scaling imagenet is of 3 colours"),
        ("--network {net}/own --scaling 255", "in node first; omit --scaling"),
        ("--architecture cnn-gap --weights {net}/net/weights.safetensors --scaling 255",
         "of files and folders, not of cnn-gap"),
    ],
)  # fmt: skip
def test_a_scaling_that_cannot_be_is_one_line(
    net: Path, words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = {**FORM, "input_shape": [6, 5, 1]}
    first = {"name": "first", "kind": "normalise", "inputs": "input", "mean": [0] * 3,
             "deviation": [1] * 3}  # fmt: skip
    own = {**FORM, "nodes": [first, {**FORM["nodes"][0], "inputs": "first"}, *FORM["nodes"][1:]]}
    for name, form in (("grey", grey), ("own", own)):
        (net / name).mkdir()
        made = graph.parse(form, name)
        (net / name / "architecture.json").write_text(json.dumps(graph.document(made)))
        weights.save(net / name / "weights.safetensors", weights.randomise(made, 4))
    told = words.format(net=net)
    command = f"predict --framework reference {told} --images {net}/images.npy"
    assert main(command.split()) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and said in line


def test_a_published_network_is_scaled_under_a_name_of_its_own() -> None:
    name = scaling.take("resnet-18", "imagenet")
    assert name != "resnet-18" and registered.get(name).nodes[0].kind == "normalise"
    assert registered.get(name).nodes[1:] and registered.get("resnet-18").nodes[0].kind == "conv"
    (form,) = registered.forms([name]).values()
    assert form["nodes"][0]["name"] == scaling.NODE
    with pytest.raises(BadInput, match="scales images itself, in node normalise1"):
        scaling.take("efficientnet-lite0", "imagenet")
