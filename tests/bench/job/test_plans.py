from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import datasets
from bench.job import plans
from bench.subject.inputs import shared_weights
from bench.subject.names import pick_columns
from bench.subject.request import Request
from implementations.architecture import registered
from implementations.errors import BadInput


def ask(**changes: Any) -> Request:
    given = {"datasets": ("digits", "shapes"), "architectures": (), "methods": ("grad_cam",)}
    return Request(columns=pick_columns(["jax"]), **{**given, **changes})


def test_networks_are_those_planned_or_named() -> None:
    planned = plans.planned("compare", ask())
    expected = [
        (d, name, who) for d in ("digits", "shapes") for name, who in plans.PLANS[d].items()
    ]
    assert planned == expected and len({name for _, name, _ in planned}) >= 2
    named = plans.planned("compare", ask(datasets=("digits",), architectures=("mlp-512-100",)))
    assert [each[:2] for each in named] == [("digits", "mlp-512-100")]
    for dataset, names in plans.PLANS.items():
        assert dataset in datasets.names() and set(names) <= set(registered.names())
    several = plans.planned("compare", ask(architectures=("cnn-gap", "mlp-512-100")))
    assert {each[1] for each in several} == {"cnn-gap"}


def test_nothing_planned_is_said() -> None:
    with pytest.raises(BadInput, match="for shapes64; name --architectures"):
        plans.planned("compare", ask(datasets=("shapes64",)))
    planned = (("cnn-48-32-16", "fashion_mnist"), ("mlp-512-100", "mnist"))
    for name, known in ((name, rf" \(planned: {where}\)") for name, where in planned):
        words = f"for {name} on digits or shapes; name one --dataset{known}$"
        with pytest.raises(BadInput, match=words):
            plans.planned("agree", ask(datasets=(), architectures=(name,)))


def test_only_a_network_that_comes_trained_goes_with_images_that_train_none() -> None:
    assert plans.trainable("digits") and not plans.trainable("photographs")
    with pytest.raises(BadInput, match="nothing is planned for cnn-gap on photographs"):
        plans.planned("compare", ask(datasets=("photographs",), architectures=("cnn-gap",)))
    given = plans.planned("agree", ask(datasets=("photographs",)))
    assert given == [("photographs", "squeezenet-1.0", "given")]


def test_a_sweep_takes_every_architecture_with_a_convolution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAMPARISON_WEIGHTS", raising=False)
    path = shared_weights(plans.SWEPT, "cnn-gap", tmp_path)
    path.parent.mkdir()
    path.touch()
    swept = plans.planned("sweep", ask(datasets=(), results=tmp_path))
    trainers = {architecture: trainer for _, architecture, trainer in swept}
    assert trainers.keys() == set(registered.names()) - {"mlp-512-100", "squeezenet-1.0"}
    assert trainers.pop("cnn-gap") == "given" and set(trainers.values()) == {"pytorch"}
    with pytest.raises(BadInput, match="set CAMPARISON_WEIGHTS to the folder that has squeezenet"):
        plans.everything(ask(architectures=("squeezenet-1.0",), results=tmp_path))
    monkeypatch.setenv("CAMPARISON_WEIGHTS", str(tmp_path))
    (tmp_path / "squeezenet_v1_0.safetensors").touch()
    swept = plans.planned("sweep", ask(datasets=(), results=tmp_path))
    assert ("photographs", "squeezenet-1.0", "given") in swept
    with pytest.raises(BadInput, match="no convolution in mlp"):
        plans.everything(ask(architectures=("mlp-512-100",), results=tmp_path))


def test_what_has_no_convolution_is_trained_and_agreed_but_not_contrasted() -> None:
    names = {one.architecture for one in plans.planned("compare", ask(datasets=("mnist",)))}
    assert "mlp-512-100" in names
    contrasted = {one.architecture for one in plans.planned("contrast", ask(datasets=("mnist",)))}
    assert contrasted == names - {"mlp-512-100"}
    with pytest.raises(BadInput, match="nothing to do for mlp-512-100: no convolution in mlp"):
        plans.planned("contrast", ask(datasets=("mnist",), architectures=("mlp-512-100",)))


def test_a_stage_with_networks_of_its_own_refuses_those_named() -> None:
    assert plans.planned("conform", ask(command="conform", datasets=())) == []
    for named in ({"datasets": ("digits",)}, {"datasets": (), "architectures": ("cnn-gap",)}):
        with pytest.raises(BadInput, match="`conform` is of networks and images of its own"):
            plans.planned("conform", ask(command="conform", **named))
