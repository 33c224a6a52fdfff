"""Explainers with a planted fault, real PyTorch code: the runs report each, and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch

from bench.engine.worker import Row
from bench.stages.conform import examined, explaining
from bench.stages.conform.design import Run

BASE = Run()
User = Callable[..., Any]


def rows(user: User, runs: Iterable[Run], method: str = "grad_cam") -> list[Row]:
    subject = examined.Subject(explaining.of_user(user), "pytorch", method)
    return list(examined.rows(subject, runs))


def grad_cam(
    model: Any, images: Any, targets: Any, layer: Any, keep: User = torch.Tensor.clone
) -> Any:
    """Grad-CAM by a hook, as somebody would write it; `keep` is what the hook keeps of a tensor."""
    held = {}

    def hook(module: Any, given: Any, output: Any) -> Any:
        held["kept"] = keep(output)
        output.register_hook(lambda gradient: held.update(gradient=gradient))

    handle = layer.register_forward_hook(hook)
    try:
        with torch.enable_grad():
            logits = model(images.requires_grad_())
            logits.gather(1, targets[:, None]).sum().backward()
    finally:
        handle.remove()
    weights = held["gradient"].mean((2, 3), keepdim=True)
    return (weights * held["kept"]).sum(1).relu().detach()


def as_it_is(tensor: Any) -> Any:
    return tensor.detach()


def test_a_right_explainer_is_the_same_wherever_it_can_be() -> None:
    runs = [BASE, Run("inplace"), Run("frozen"), Run("strided_input"), Run("float64"),
            Run("inplace", place="before"), Run("functional", place="before"),
            *(Run(probe=probe) for probe in ("strided", "branch", "dead", "negative", "tiny-1x1")),
            *(Run(inputs=inputs) for inputs in ("permuted", "one by one"))]  # fmt: skip
    assert {row["verdict"] for row in rows(grad_cam, runs)} == {"same"}


def test_a_softmax_head_is_named() -> None:
    _, row = rows(grad_cam, [BASE, Run("softmax")])
    assert (row["verdict"], row["conventions"]) == ("same up to", "score probability")


def test_an_activation_that_an_inplace_relu_overwrites() -> None:
    def careless(*given: Any) -> Any:
        return grad_cam(*given, keep=as_it_is)

    base, after, before = rows(careless, [BASE, Run("inplace"), Run("inplace", place="before")])
    assert base["verdict"] == after["verdict"] == "same"
    assert before["verdict"] == "differs" and before["first"] == "gradients"
    assert "activation of the partner" in before["conventions"]
    assert before["heard"] == "silent"


def test_a_relu_that_is_used_twice() -> None:
    def first_call(model: Any, images: Any, targets: Any, layer: Any) -> Any:
        kept: list[Any] = []
        handle = layer.register_forward_hook(lambda m, i, o: kept.append(o))
        with torch.enable_grad():
            score = model(images.requires_grad_()).gather(1, targets[:, None]).sum()
        handle.remove()
        (gradient,) = torch.autograd.grad(score, kept[0])
        return (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1).relu().detach()

    base, reused = rows(first_call, [BASE, Run("reused")])
    assert base["verdict"] == "same" and reused["verdict"] == "differs"
    assert "layer relu1" in reused["conventions"]


def test_training_mode_is_seen_and_a_model_put_right_is_the_same() -> None:
    def careful(model: Any, *given: Any) -> Any:
        return grad_cam(model.eval(), *given)

    runs = [BASE, Run("train", probe="norm")]
    assert [row["verdict"] for row in rows(careful, runs)] == ["same", "same"]
    _, row = rows(grad_cam, runs)
    assert row["verdict"] == "differs" and "batch norm by the batch" in row["conventions"]


@pytest.mark.parametrize(
    ("scale", "runs", "condition", "said"),
    [
        # A normaliser that reads the whole batch: one image alone comes out otherwise.
        (lambda maps: maps / maps.max().clamp_min(1e-12),
         [Run(inputs="one by one")], "one by one", "normalise max"),
        # An epsilon that fades a faint map.
        (lambda maps: maps / (maps.amax((1, 2), keepdim=True) + 1e-7),
         [Run(probe="scaled-down")], "probe scaled-down", "normalise max plus epsilon"),
    ],
)  # fmt: skip
def test_a_normaliser_shows_its_hand(
    scale: User, runs: list[Run], condition: str, said: str
) -> None:
    base, row = rows(lambda *given: scale(grad_cam(*given)), [BASE, *runs])
    assert base["verdict"] == "same up to" and row["condition"] == condition
    assert row["verdict"] == "differs" and row["conventions"].startswith(said)


def test_a_flatten_order_and_channels_that_are_swapped() -> None:
    def transposed(*given: Any) -> Any:
        return grad_cam(*given).transpose(1, 2)

    (row,) = rows(transposed, [BASE])
    assert (row["verdict"] == "differs" and row["size"] is None) or row["size"] > 1e-2


def test_an_eigenvectors_sign_is_seen() -> None:
    def first_component(model: Any, images: Any, targets: Any, layer: Any) -> Any:
        kept = []
        handle = layer.register_forward_hook(lambda m, i, o: kept.append(o.detach()))
        model(images)
        handle.remove()
        maps = []
        for each in kept[0]:
            places = each.flatten(1).T
            _, _, right = torch.linalg.svd(places - places.mean(0), full_matrices=False)
            maps.append((places @ -right[0]).reshape(each.shape[1:]))
        return torch.stack(maps).relu()

    (row,) = rows(first_component, [BASE], "eigen_cam")
    assert row["verdict"] in ("differs", "other formula")


def test_what_raises_and_what_refuses_has_its_line() -> None:
    def fails(model: Any, images: Any, targets: Any, layer: Any) -> Any:
        return model(images[:, :2])

    (row,) = rows(fails, [BASE])
    assert row["verdict"] == "raises" and row["heard"] == "loud" and "conv" in row["line"]
