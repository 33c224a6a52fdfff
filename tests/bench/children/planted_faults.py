"""Explainers with a planted fault in three frameworks, put through the run that must tell.

Argument: a framework. Prints JSON: trap -> verdict, conventions, first stage and what was heard.
Each framework has one function, `pieces`, of the activations at a layer and the gradient of a
score, by its own means; the traps that are no framework's are made of these alike.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.stages.conform import examined, explaining
from bench.stages.conform.design import Run
from bench.truth import claims

Pieces = tuple[np.ndarray, np.ndarray]
User = Callable[..., Any]
BASE = Run()


def torch_pieces(
    model: Any, images: Any, targets: Any, layer: Any, *, shared: bool = False, flat: Any = None
) -> Pieces:
    """By hooks: `shared` keeps what an in-place ReLU overwrites, `flat` is another flatten."""
    import torch

    held = {}

    def hook(module: Any, given: Any, output: Any) -> None:
        held.setdefault("a", output.detach() if shared else output.clone())
        if output.requires_grad:
            output.register_hook(lambda gradient: held.update(g=gradient))

    inner = getattr(model, "_orig_mod", model)
    kept = inner.layers["flatten1"]
    if flat is not None:
        inner.layers["flatten1"] = flat
    with layer.register_forward_hook(hook), torch.enable_grad():
        model(images.requires_grad_()).gather(1, targets[:, None]).sum().backward()
    inner.layers["flatten1"] = kept
    return tuple(held[name].detach().numpy().transpose(0, 2, 3, 1) for name in ("a", "g"))


def torch_layer_before(model: Any, images: Any, targets: Any, layer: Any) -> Pieces:
    return torch_pieces(model, images, targets, model.layers["conv2"])


def torch_flatten(model: Any, images: Any, targets: Any, layer: Any) -> Pieces:
    import torch

    class Turned(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            n, c, h, w = x.shape
            return x.permute(0, 2, 3, 1).reshape(n, h * w, c).reshape(n, -1)

    class Other(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.flatten(1)

    probe = torch.arange(24.0).reshape(1, 2, 3, 4)
    same = torch.equal(model.layers["flatten1"](probe), Other()(probe))
    return torch_pieces(model, images, targets, layer, flat=Turned() if same else Other())


def keras_pieces(
    model: Any, images: Any, targets: Any, layer: str, *, training: bool = False, head: Any = None
) -> Pieces:
    """By a tape: `head` stands for what the model does after the layer."""
    import keras
    import tensorflow as tf

    outputs = [model.get_layer(layer).output, *model.outputs]
    features = keras.Model(model.inputs, outputs)
    with tf.GradientTape() as tape:
        activations, scores = features(images, training=training)
        if head is not None:
            tape.watch(activations)
            scores = head(activations)
        chosen = tf.gather(scores, targets, axis=1, batch_dims=1)
    return np.asarray(activations), np.asarray(tape.gradient(chosen, activations))


def keras_layer_before(model: Any, images: Any, targets: Any, layer: str) -> Pieces:
    return keras_pieces(model, images, targets, "conv2")


def keras_train(model: Any, images: Any, targets: Any, layer: str) -> Pieces:
    return keras_pieces(model, images, targets, layer, training=True)


def keras_flatten(model: Any, images: Any, targets: Any, layer: str) -> Pieces:
    import tensorflow as tf

    def head(activations: Any) -> Any:
        pooled = model.get_layer("pool1")(activations)
        turned = tf.transpose(pooled, (0, 3, 1, 2))
        return model.get_layer("dense1")(tf.reshape(turned, (len(pooled), -1)))

    return keras_pieces(model, images, targets, layer, head=head)


def jax_pieces(model: Any, images: Any, targets: Any, layer: str, *, head: Any = None) -> Pieces:
    """By the gradient of the head."""
    import jax
    import jax.numpy as jnp

    activations, rest = model.features(layer, images)

    def score(activations: Any) -> Any:
        scores = head(activations) if head else model.head(layer, activations, rest)
        return jnp.take_along_axis(scores, targets[:, None], axis=1).sum()

    return np.asarray(activations), np.asarray(jax.grad(score)(activations))


def jax_layer_before(model: Any, images: Any, targets: Any, layer: str) -> Pieces:
    return jax_pieces(model, images, targets, "conv2")


def jax_flatten(model: Any, images: Any, targets: Any, layer: str) -> Pieces:
    from flax import nnx

    def head(activations: Any) -> Any:
        pooled = nnx.max_pool(activations, (2, 2), (2, 2))
        return model.layers["dense1"](pooled.transpose(0, 3, 1, 2).reshape(len(pooled), -1))

    return jax_pieces(model, images, targets, layer, head=head)


def cam(pieces: Pieces, over: tuple[int, ...] = (1, 2), onto: int = -1) -> np.ndarray:
    activations, gradients = pieces
    weights = gradients.mean(over, keepdims=True)
    return np.maximum((weights * activations).sum(onto), 0)


def first_component(pieces: Pieces) -> np.ndarray:
    """Eigen-CAM of a component that is turned over."""
    maps = []
    for each in pieces[0]:
        places = each.reshape(-1, each.shape[-1]).astype(float)
        right = np.linalg.svd(places, full_matrices=False)[2][0]
        maps.append((places @ -(right * np.sign(right.sum()))).reshape(each.shape[:2]))
    return np.maximum(np.stack(maps), 0)


def paired(pieces: User, before: User) -> User:
    """The activation after the ReLU with the gradient before it."""
    return lambda *given: cam((pieces(*given)[0], before(*given)[1]))


def traps(framework: str) -> dict[str, tuple[User, str, list[Run]]]:
    """Trap -> the explainer, the method that it is to be, and the runs; the last one tells."""
    pieces, before, flatten = {
        "pytorch": (torch_pieces, torch_layer_before, torch_flatten),
        "keras": (keras_pieces, keras_layer_before, keras_flatten),
        "jax": (jax_pieces, jax_layer_before, jax_flatten),
    }[framework]

    def right(*given: Any) -> np.ndarray:
        return cam(pieces(*given))

    def batch(*given: Any) -> np.ndarray:
        maps = right(*given)
        return maps / max(maps.max(), 1e-12)

    def fading(*given: Any) -> np.ndarray:
        maps = right(*given)
        return maps / (maps.max((1, 2), keepdims=True) + np.float32(1e-7))

    grad = "grad_cam"
    found: dict[str, tuple[User, str, list[Run]]] = {
        "none": (right, grad, [BASE]),
        "softmax in the head": (right, grad, [BASE, Run("softmax")]),
        "layer before the ReLU": (lambda *g: cam(before(*g)), grad, [BASE]),
        "gradient before the ReLU": (paired(pieces, before), grad, [BASE]),
        "channels first": (lambda *g: cam(pieces(*g), (2, 3), 1), grad, [BASE]),
        "axes swapped": (lambda *g: right(*g).swapaxes(1, 2), grad, [BASE]),
        "flatten order": (lambda *g: cam(flatten(*g)), grad, [BASE]),
        "normaliser of the batch": (batch, grad, [BASE, Run(inputs="one by one")]),
        "epsilon that fades": (fading, grad, [BASE, Run(probe="scaled-down")]),
        "sign of an eigenvector": (lambda *g: first_component(pieces(*g)), "eigen_cam", [BASE]),
    }
    if framework == "keras":
        found["training mode"] = (lambda *g: cam(keras_train(*g)), grad, [Run(probe="norm")])
    else:
        found["training mode"] = (right, grad, [BASE, Run("train", probe="norm")])
    if framework == "pytorch":
        careless = lambda *g: cam(torch_pieces(*g, shared=True))  # noqa: E731
        found["ReLU in place"] = (careless, grad, [BASE, Run("inplace", place="before")])
        found["ReLU used twice"] = (right, grad, [BASE, Run("reused")])
        found["hooks on a compiled module"] = (_first_module, grad, [BASE, Run("compiled")])
    return found


def _first_module(model: Any, images: Any, targets: Any, layer: Any) -> np.ndarray:
    """Grad-CAM by hooks that are put on after the model has been run, so that it is compiled."""
    import torch

    with torch.enable_grad():
        model(images.requires_grad_())
    return cam(torch_pieces(model, images, targets, layer))


def main(framework: str) -> None:
    """Put each through its runs, with searches of a second."""
    claims.SECONDS = 1.0
    told = {}
    for name, (user, method, runs) in traps(framework).items():
        subject = examined.Subject(explaining.of_user(user), framework, method)
        row = list(examined.rows(subject, runs))[-1]
        told[name] = [row.get(key) for key in ("verdict", "conventions", "first", "heard", "notes")]
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
