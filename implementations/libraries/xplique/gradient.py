"""Xplique's gradients at the image, plain, behind other ReLUs, on a path and under noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from implementations.contract import Explain, Options
from implementations.libraries import Offer
from implementations.libraries.xplique import BATCH, SEED, at_input, explained_by, offered
from implementations.methods.card import Choice, Number, Option

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

_REDUCER: Mapping[str, Option] = {
    "reducer": Choice("mean", ("mean", "sum", "max", "min"), "what is taken of the colours")
}
_NOISE: Mapping[str, Option] = {
    **BATCH,
    **_REDUCER,
    **SEED,
    "nb_samples": Number(50, 1, 10_000, "noisy copies of the image"),
    "noise": Number(0.2, 0.0, 10.0, "deviation of the noise"),
}
_DRAWN = "Noise by TensorFlow's generator."
_SAMPLED = "Noise has one deviation for all images. Float32 only."

OFFERS = {
    "saliency": Offer(
        like="saliency",
        at="input",
        scores=("logit",),
        convention=at_input("saliency"),
        why="Float32 only.",
        options=BATCH,
        canonical={},
    ),
    "gradient_input": offered(
        "gradient_x_input",
        at_input("gradient times input, mean of the colours"),
        "Float32 only.",
        {**BATCH, **_REDUCER},
        canonical={"reducer": "sum"},
    ),
    "guided_backprop": offered(
        "guided_backprop",
        at_input("mean of the colours", rule="guided"),
        "Float32 only.",
        {**BATCH, **_REDUCER},
    ),
    "deconvolution": offered(
        "deconvolution",
        at_input("mean of the colours", rule="deconvolution"),
        "Float32 only.",
        {**BATCH, **_REDUCER},
    ),
    "integrated_gradients": Offer(
        like="integrated_gradients",
        at="input",
        scores=("logit",),
        convention=(
            "The same path from a black image at 50 equally spaced points by the trapezoidal rule, "
            "where ours has Gauss-Legendre points; the mean over colour channels, not the sum."
        ),
        why="Float32 only.",
        options={**BATCH, "steps": Number(50, 2, 10_000, "points on the path")},
    ),
    "smooth_grad": offered(
        "smooth_grad",
        _DRAWN,
        "The mean gradient, signed, and the mean over colour channels, where ours is the largest "
        f"magnitude. {_SAMPLED}",
        _NOISE,
    ),
    "square_grad": offered(
        "smooth_grad_squared",
        _DRAWN,
        f"The mean squared gradient, and the mean over colour channels. {_SAMPLED}",
        _NOISE,
    ),
    "var_grad": offered(
        "var_grad",
        _DRAWN,
        f"The gradient's variance, of n - 1, and the mean over colour channels. {_SAMPLED}",
        _NOISE,
    ),
}
NAMES = {
    "saliency": "Saliency",
    "gradient_input": "GradientInput",
    "guided_backprop": "GuidedBackprop",
    "deconvolution": "DeconvNet",
    "integrated_gradients": "IntegratedGradients",
    "smooth_grad": "SmoothGrad",
    "square_grad": "SquareGrad",
    "var_grad": "VarGrad",
}
"""The library's class for each."""


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W), float32. Raises Unavailable."""
    return explained_by(NAMES[offer], network, options, OFFERS[offer].options)
