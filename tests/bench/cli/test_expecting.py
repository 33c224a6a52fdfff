"""`--expect`: a user's logits beside ours, and the cause of a difference, which is planted here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from bench.cli.expected import held
from bench.cli.trial import Subject
from implementations.architecture import graph, weights
from implementations.oracle import runtime

FORM: dict[str, Any] = {
    "input_shape": [12, 10, 3], "classes": 4,
    "nodes": [
        {"name": "normalise1", "kind": "normalise", "inputs": "input", "mean": [0.5, 0.4, 0.3],
         "deviation": [0.2, 0.3, 0.25]},
        {"name": "conv1", "kind": "conv", "inputs": "normalise1", "filters": 6, "kernel": 3,
         "stride": 2},
        {"name": "norm1", "kind": "batch_norm", "inputs": "conv1", "epsilon": 1e-5},
        {"name": "relu1", "kind": "relu", "inputs": "norm1"},
        {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 5, "kernel": 3},
        {"name": "pool1", "kind": "average_pool", "inputs": "conv2", "size": 3, "stride": 2,
         "padding": [[1, 1], [1, 1]]},
        {"name": "relu2", "kind": "relu", "inputs": "pool1"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
        {"name": "dropout1", "kind": "dropout", "inputs": "flatten1", "rate": 0.5},
        {"name": "dense1", "kind": "dense", "inputs": "dropout1", "units": 4},
    ],
}  # fmt: skip


def subject(**changed: Any) -> Subject:
    """The network above, a change of a node's settings by its name."""
    nodes = [{**node, **changed.get(node["name"], {})} for node in FORM["nodes"]]
    architecture = graph.parse({**FORM, "nodes": nodes}, "theirs")
    images = np.random.default_rng(2).random((3, *FORM["input_shape"]), np.float32)
    return Subject(architecture, weights.randomise(architecture, 4), images)


def logits(of: Subject) -> Any:
    network = runtime.build(of.architecture, of.tensors)
    return network(runtime.put(network, of.images))


def scaled(change: Callable[[Any], Any], **changed: Any) -> Subject:
    made = subject(**changed)
    return made._replace(images=change(made.images).astype(np.float32))


def reordered() -> Subject:
    made = subject()
    shape = made.architecture.shapes["relu2"]
    kernel = made.tensors["dense1.kernel"]
    rows = np.arange(len(kernel)).reshape(shape[2], shape[0], shape[1]).transpose(1, 2, 0).ravel()
    return made._replace(tensors={**made.tensors, "dense1.kernel": kernel[rows]})


BARE = {"normalise1": {"mean": [0, 0, 0], "deviation": [1, 1, 1]}}
IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
PLANTED: dict[str, tuple[Callable[[], Subject], list[str]]] = {
    "epsilon": (lambda: subject(norm1={"epsilon": 1e-3}), ["epsilon 0.001 in norm1"]),
    "symmetric padding": (
        lambda: subject(conv1={"padding": [[1, 1], [1, 1]]}),
        ["as much padding before as after in conv1 they",
         'write "padding": [[1, 1], [1, 1]] into conv1']),
    "same padding of a pool": (
        lambda: subject(pool1={"padding": "same"}), ["padding `same` in pool1 they agree"]),
    "counted padding": (
        lambda: subject(pool1={"count_padding": True}),
        ["padding counted in the averages of pool1", '"count_padding": true']),
    "order of features": (reordered, ["features of dense1 in the order (C, H, W)"]),
    "BGR": (lambda: scaled(lambda x: x[..., ::-1]), ["BGR", "order [2, 1, 0]"]),
    "BGR behind the scaling": (
        lambda: scaled(
            lambda x: ((x - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.25])[..., ::-1], **BARE),
        ["BGR behind node normalise1 they agree",
         'write "order": [2, 1, 0], "mean": [0.3, 0.4, 0.5], "deviation": [0.25, 0.3, 0.2] into']),
    "0 to 255": (lambda: scaled(lambda x: x * 255), ["0 to 255", "--scale 255"]),
    "divided twice": (lambda: scaled(lambda x: x / 255), ["divided by 255 once more"]),
    "-1 to 1": (lambda: scaled(lambda x: 2 * x - 1), ["-1 to 1", "--mean 0.5 0.5 0.5"]),
    "mean and deviation": (
        lambda: scaled(lambda x: (x - IMAGENET[0]) / IMAGENET[1]),
        ["ImageNet's mean and deviation", "--deviation 0.229 0.224 0.225"]),
    "not scaled": (lambda: subject(**BARE), ["no scaling by node normalise1"]),
    "another scaling": (
        lambda: scaled(lambda x: (x - IMAGENET[0]) / IMAGENET[1], **BARE),
        ["no scaling by node normalise1 and ImageNet's mean and deviation"]),
    "Caffe's": (
        lambda: scaled(lambda x: (x * 255)[..., ::-1] - [103.939, 116.779, 123.68], **BARE),
        ["BGR", "ImageNet's mean taken from images of 0 to 255", "--scale 255 --mean 0.485019608"]),
    "two at once": (
        lambda: subject(norm1={"epsilon": 1e-3}, conv1={"padding": [[1, 1], [1, 1]]}),
        ["epsilon 0.001", "as much padding before as after"]),
}  # fmt: skip


@pytest.mark.parametrize("named", PLANTED)
def test_a_planted_cause_is_found(named: str) -> None:
    made, words = PLANTED[named]
    said, agree = held(logits(subject()), logits(made()), 1e-4, subject(), logits)
    assert not agree and said.startswith("differ by") and "they agree to" in said, said
    assert all(word in said for word in words), said


def test_where_the_network_has_no_scaling_its_name_is_told() -> None:
    def without() -> Subject:
        nodes = [{**node, "inputs": "input"} if node["name"] == "conv1" else node
                 for node in FORM["nodes"][1:]]  # fmt: skip
        architecture = graph.parse({**FORM, "nodes": nodes}, "theirs")
        return subject()._replace(architecture=architecture)

    ours = without()
    for name, change in (("255", lambda x: 255 * x), ("symmetric", lambda x: 2 * x - 1)):
        theirs = ours._replace(images=change(ours.images).astype(np.float32))
        said, agree = held(logits(ours), logits(theirs), 1e-4, ours, logits)
        assert not agree and f"or name --scaling {name} here" in said


def test_a_softmax_is_no_difference() -> None:
    ours = logits(subject())
    odds = np.exp(ours - ours.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    for theirs, words in ((ours, ""), (odds, "after a softmax"), (np.log(odds), "a log softmax")):
        said, agree = held(ours, theirs, 1e-4, subject(), logits)
        assert agree and said.startswith("agree to") and words in said
        assert ("cut off" in said) is bool(words)
    made = subject(norm1={"epsilon": 1e-3})
    odds = np.exp(logits(made))
    odds /= odds.sum(axis=1, keepdims=True)
    said, agree = held(ours, odds, 1e-6, subject(), logits)
    assert not agree and "epsilon 0.001 in norm1 and a softmax they agree" in said


def test_another_network_has_no_cause() -> None:
    other = subject()._replace(tensors=weights.randomise(subject().architecture, 5))
    said, agree = held(logits(subject()), logits(other), 1e-4, subject(), logits)
    assert not agree and said.endswith("none of the usual causes makes them agree")


def test_one_logit_is_our_second() -> None:
    ours = np.array([[0.0, 2.0], [0.0, -1.0]])
    for theirs in (ours[:, 1:], 1 / (1 + np.exp(-ours[:, 1:]))):
        said, agree = held(ours, theirs, 1e-4, subject(), logits)
        assert agree and said.startswith("agree")


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Subject]:
    made = subject()
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "architecture.json").write_text(
        json.dumps(graph.document(made.architecture))
    )
    weights.save(tmp_path / "net" / "weights.safetensors", made.tensors)
    np.save(tmp_path / "images.npy", made.images)
    np.save(tmp_path / "logits.npy", logits(made).astype(np.float32))
    return tmp_path, made


def test_both_commands_take_logits(
    given: tuple[Path, Subject], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, made = given
    common = f"--framework reference --network {folder}/net --images {folder}/images.npy"
    explain = f"explain --method grad_cam {common} --out {folder}/maps.safetensors"
    file = folder / "logits.npy"
    assert main(f"{explain} --expect {file}".split()) == 0
    assert f"{file}: agree to" in capsys.readouterr().out
    np.save(file, logits(replace_epsilon(made)))
    assert main(f"predict {common} --expect {file} --json".split()) == 3
    told = capsys.readouterr()
    assert len(json.loads(told.out)) == 3
    assert "epsilon 0.001 in norm1 they agree to" in told.err
    np.save(file, np.random.default_rng(0).random((3, 4)))
    assert main(f"{explain} --expect {file}".split()) == 3
    assert "none of the usual causes" in capsys.readouterr().out
    assert len(weights.load(folder / "maps.safetensors")["heatmap"]) == 3


def replace_epsilon(of: Subject) -> Subject:
    nodes = tuple(
        replace(node, settings={**node.settings, "epsilon": 1e-3}) if node.name == "norm1" else node
        for node in of.architecture.nodes
    )
    return of._replace(architecture=replace(of.architecture, nodes=nodes))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 5)), "logits have shape (3, 5); 3 images and 4 classes need (3, 4)"),
        (np.zeros(4), "logits have shape (4,)"),
        (np.zeros((3, 4), int), "logits are int64; they must be float32 or float64"),
        (np.full((3, 4), np.nan), "value nan at (0, 0); mend it"),
        (None, "none.npy"),
    ],
)
def test_wrong_logits_are_one_line(
    given: tuple[Path, Subject], array: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = given
    file = folder / ("none.npy" if array is None else "logits.npy")
    if array is not None:
        np.save(file, array)
    words = (
        f"predict --framework reference --network {folder}/net --images {folder}/images.npy "
        f"--expect {file}"
    )
    assert main(words.split()) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and said in line
