"""PAIR's saliency (`saliency.core`): Google's methods over a function that calls the model.

It explains a network of any framework, image after image: a user writes `call_model_function`,
which here is written for each as the library's own notebooks have it: a hook and `torch.autograd`,
a `GradientTape` (on Keras' other backends their own gradient), and for JAX `jax.grad` behind
`jax.jit`. It is contrasted in PyTorch. The score is that function's, so it may be any of ours.
VarGrad it does not have.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Framework, Options
from implementations.libraries._seeds import seeded

TITLE = "PAIR saliency"
PACKAGE = "saliency"
IMPORTS = {"saliency": "saliency", "skimage": "scikit-image", "scipy": "scipy"}
FRAMEWORK = "pytorch"
FRAMEWORKS = ("jax", "pytorch", "keras")

Called = Callable[..., dict[str, NDArray[Any]]]
"""`call_model_function`: images (n, H, W, C), the class, what is asked for -> that, by its name."""
Mask = Callable[[Any, NDArray[Any], int, Called], NDArray[Any]]
"""(library, image (H, W, C), class, `call_model_function`) -> the map, (H, W) or (h, w)."""
Passed = Callable[[Array, Array], Any]
"""(placed images, classes) -> scores (n,), or what is read at the layer and its gradient."""


@cache
def imported() -> Any:
    """The library, `saliency.core`.

    Its guided IG asks `numpy.quantile` for `interpolation`, which NumPy 2.4 calls `method` alone:
    that module is given a NumPy whose `quantile` takes the old name.
    """
    import saliency.core
    from saliency.core import guided_ig

    def quantile(values: Any, q: float, interpolation: Any) -> Any:
        return np.quantile(values, q, method=interpolation)

    guided_ig.np = types.SimpleNamespace(**{**vars(np), "quantile": quantile})
    return saliency.core


def explained(
    mask: Mask, network: Any, layer: str, options: Options, framework: Framework
) -> Explain:
    """An `explain` that gives `heatmap`, NumPy: one image after another, by this mask."""
    library = imported()
    make = _pytorch if hasattr(network, "named_modules") else _jax
    made = (_keras if hasattr(network, "model") else make)(network, layer, options.score)

    def explain(network: Any, images: Array, targets: Array) -> Intermediates:
        called = _called(*made(network), network, framework)
        pixels, classes = framework.to_numpy(images), framework.to_numpy(targets).tolist()
        with seeded(options.get("seed", 0)):
            pairs = zip(pixels, map(int, classes), strict=True)
            return {"heatmap": np.stack([mask(library, *pair, called) for pair in pairs])}

    return explain


def _called(scored: Passed, pulled: Passed, network: Any, framework: Framework) -> Called:
    """`call_model_function` of two passes over placed images and classes."""
    base = imported()

    def called(
        images: NDArray[Any], call_model_args: int = 0, expected_keys: Sequence[str] = ()
    ) -> dict[str, NDArray[Any]]:
        classes = np.full(len(images), call_model_args, np.int32)
        placed = framework.put(network, images, classes)
        if base.OUTPUT_LAYER_VALUES in expected_keys:
            return {base.OUTPUT_LAYER_VALUES: framework.to_numpy(scored(*placed))}
        read, slopes = pulled(*placed)
        found = {
            base.INPUT_OUTPUT_GRADIENTS: slopes,
            base.CONVOLUTION_OUTPUT_GRADIENTS: slopes,
            base.CONVOLUTION_LAYER_VALUES: read,
        }
        return {key: framework.to_numpy(found[key]) for key in expected_keys}

    return called


def _pytorch(network: Any, layer: str, score: str) -> Callable[[Any], tuple[Passed, Passed]]:
    import torch

    def made(network: Any) -> tuple[Passed, Passed]:
        @torch.no_grad()  # type: ignore[untyped-decorator]
        def scored(images: Array, targets: Array) -> Array:
            return network.score(score, network(images), targets)

        @torch.enable_grad()  # type: ignore[untyped-decorator]
        def pulled(images: Array, targets: Array) -> tuple[Array, Array]:
            read = [images.requires_grad_()]

            def keep(module: Any, inputs: Any, output: Array) -> Array:
                read.append(output)
                return output.clone()  # which a ReLU in place may overwrite

            hooked = nullcontext()
            if layer != "input":
                hooked = network.layers[layer].register_forward_hook(keep)
            with hooked:
                total = network.score(score, network(images), targets).sum()
            (slopes,) = torch.autograd.grad(total, read[-1])
            return read[-1], slopes

        return scored, pulled

    return made


def _jax(network: Any, layer: str, score: str) -> Callable[[Any], tuple[Passed, Passed]]:
    import jax

    structure = jax.tree.structure(network)

    @jax.jit  # type: ignore[untyped-decorator]
    def scored(leaves: list[Array], images: Array, targets: Array) -> Array:
        network = jax.tree.unflatten(structure, leaves)
        return network.score(score, network(images), targets)

    @jax.jit  # type: ignore[untyped-decorator]
    def pulled(leaves: list[Array], images: Array, targets: Array) -> tuple[Array, Array]:
        network = jax.tree.unflatten(structure, leaves)
        read, rest = network.features(layer, images)

        def total(read: Array) -> Array:
            return network.score(score, network.head(layer, read, rest), targets).sum()

        return read, jax.grad(total)(read)

    def made(network: Any) -> tuple[Passed, Passed]:
        leaves = jax.tree.leaves(network)
        return partial(scored, leaves), partial(pulled, leaves)

    return made


def _keras(network: Any, layer: str, score: str) -> Callable[[Any], tuple[Passed, Passed]]:
    from keras import ops

    network.split(layer)

    def made(network: Any) -> tuple[Passed, Passed]:
        def scored(images: Array, targets: Array) -> Array:
            return network.score(score, network(images), targets)

        def pulled(images: Array, targets: Array) -> tuple[Array, Array]:
            read, rest = network.features(layer, images)

            def total(read: Array) -> Array:
                return ops.sum(network.score(score, network.head(layer, read, rest), targets))

            return read, network.gradient(total)(read)

        return scored, pulled

    return made
