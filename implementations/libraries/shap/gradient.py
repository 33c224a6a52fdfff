"""SHAP's explainers of gradients: expected gradients, and DeepLIFT from a background."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Framework, Options
from implementations.conventions import Convention
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries._seeds import seeded
from implementations.libraries._tensorflow import require_tensorflow
from implementations.libraries.shap import TITLE, imported
from implementations.methods.card import Choice, Number

OFFERS = {
    "gradient": Offer(
        like="expected_gradients",
        at="input",
        convention="Baselines and places are drawn by NumPy's old generator.",
        scores=("logit",),
        why=(
            "(x - baseline) times the gradient between the two, averaged over nsamples of both. "
            "baselines=uniform are 64 random "
            "images, black is one black image. Summed over colour channels here. One image after "
            "another, whose draws follow each other; float32 only."
        ),
        options={
            "nsamples": Number(200, 1, 100_000, "samples of each image"),
            "batch_size": Number(50, 1, 1_000_000, "images in one pass"),
            "baselines": Choice("uniform", ("uniform", "black"), "where paths begin"),
            "seed": Number(0, 0, 2**31 - 1, "seed of NumPy's generators"),
        },
    ),
    "deep": Offer(
        like="deep_lift",
        at="input",
        convention=Convention(formula="deep_lift", rectify="none", resize="none"),
        scores=("logit",),
        why=(
            "From one black image, by hooks on a doubled batch, one image "
            "after another. Where input and baseline of a ReLU are within 1e-6 it falls back on "
            "the gradient, of a pool within 1e-7 on 0. Windows that share a maximum are not added "
            "up, and where its sum is off for that or another reason it raises. Summed over "
            "colour channels here. On TensorFlow it explains every class."
        ),
        sums_to=lambda options, images: 0.0,
        canonical={},
    ),
}
Values = Callable[[Any, Array, NDArray[Any]], NDArray[Any]]
BASELINES = 64
"""How many images `baselines=uniform` are."""


def build(offer: str, network: Any, layer: str, options: Options, framework: Framework) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W), signed, NumPy.

    Raises Unavailable where the explainer does not know the framework, or a module of the network.
    """
    if offer == "gradient" and network.precision != "float32":
        raise Unavailable(f"{TITLE}'s gradient explainer fills its samples in as float32")
    shape = network.architecture.input_shape
    background = np.zeros((1, *shape), np.float32)
    if offer == "gradient" and options.baselines == "uniform":
        generator = np.random.Generator(np.random.PCG64(options.seed))
        background = generator.random((BASELINES, *shape), dtype=np.float32)
    if hasattr(network, "named_modules"):
        values = _pytorch(offer, network, options, framework.put(network, background))
    elif hasattr(network, "model"):
        values = _tensorflow(offer, network, options, background)
    else:
        raise Unavailable(f"{TITLE}'s {offer} explainer knows PyTorch and TensorFlow only")

    def explain(network: Any, images: Array, targets: Array) -> Intermediates:
        labels = framework.to_numpy(targets).astype(int)
        with seeded(options.get("seed", 0)), warnings.catch_warnings():
            # Its check of the sum takes one in NumPy of a tensor; graphs, which it warns of for
            # newer releases of TensorFlow, are not used.
            warnings.filterwarnings("ignore", "__array_wrap__ must accept", DeprecationWarning)
            warnings.filterwarnings("ignore", "Your TensorFlow version is newer", UserWarning)
            # It nests the model's inputs in one list more than they are.
            warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
            return {"heatmap": values(network, images, labels)}

    return explain


def _pytorch(offer: str, network: Any, options: Options, background: Array) -> Values:
    import torch

    shap = imported()
    if offer == "deep":
        _check_modules(network)

    def of_class(model: Any, images: Array) -> NDArray[Any]:
        if offer == "deep":
            found = shap.DeepExplainer(model, background).shap_values(images)
        else:
            explainer = shap.GradientExplainer(model, background, batch_size=options.batch_size)
            found = explainer.shap_values(images, nsamples=options.nsamples, rseed=options.seed)
        # (N, C, H, W, 1): of the one output that the model has.
        return np.asarray(found[..., 0].sum(axis=1))

    def values(network: Any, images: Array, labels: NDArray[Any]) -> NDArray[Any]:
        found = np.zeros((len(labels), *network.architecture.input_shape[:2]))
        with torch.enable_grad():
            for label in np.unique(labels):
                (places,) = np.nonzero(labels == label)
                given = images[places.tolist()].detach()
                found[places] = of_class(_chosen(network, int(label)), given)
        return found

    return values


def _tensorflow(offer: str, network: Any, options: Options, background: NDArray[Any]) -> Values:
    require_tensorflow(f"{TITLE}'s {offer} explainer", network, network.architecture.output)
    shap = imported()

    def values(network: Any, images: Array, labels: NDArray[Any]) -> NDArray[Any]:
        pixels = images.numpy()
        if offer == "deep":
            # (N, H, W, C, K): it explains every output, or those of the largest values.
            every = shap.DeepExplainer(network.model, background).shap_values(pixels)
            return np.asarray(every[np.arange(len(labels)), ..., labels].sum(axis=-1))
        explainer = shap.GradientExplainer(network.model, background, batch_size=options.batch_size)
        found, _ = explainer.shap_values(
            pixels,
            nsamples=options.nsamples,
            rseed=options.seed,
            ranked_outputs=labels[:, None],
            output_rank_order="custom",
        )
        return np.asarray(found[..., 0].sum(axis=-1))

    return values


def _chosen(network: Any, target: int) -> Any:
    """A model of one output (N, 1), whose modules hang right under it: others are not tidied up."""
    from torch import nn

    class Chosen(nn.Module):  # type: ignore[misc]
        """The logit of one class."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = network.layers

        def forward(self, images: Array) -> Array:
            """(N, 1)."""
            return network(images)[:, target : target + 1]

    return Chosen()


def _check_modules(network: Any) -> None:
    from shap.explainers._deep.deep_pytorch import op_handler

    for name, module in network.named_modules():
        kind = type(module).__name__
        if not any(module.children()) and kind not in op_handler:
            raise Unavailable(f"{TITLE}'s deep explainer does not know {kind}, which {name} is")
