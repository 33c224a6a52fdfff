"""Xplique's class activation methods: maps at a layer, brought to the image's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.libraries import Offer
from implementations.libraries.xplique import BATCH, explained_by, offered
from implementations.methods.card import Number

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network


def _shipped(formula: str) -> Convention:
    """A map brought to the image's size."""
    return Convention(formula=formula, resize="TensorFlow's bicubic")


OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        scores=("logit",),
        convention=_shipped("grad_cam"),
        why=(
            "Resized one image at a time, to values that can be below zero. Batches of 32 in two "
            "traced functions; it runs back to the layer. Float32 only."
        ),
        options=BATCH,
    ),
    "grad_cam_plus_plus": offered(
        "grad_cam_plus_plus",
        _shipped("grad_cam_plus_plus, of means"),
        "The mean of the activations stands where equation 19 has their sum, and the mean of the "
        "alphas where it has theirs. Float32 only.",
        BATCH,
        at="layer",
    ),
    "fem": offered(
        "fem",
        _shipped("fem"),
        "Kept is what is at least, ours what is above mean plus two deviations. Float32 only.",
        {**BATCH, "k": Number(2.0, 0.0, 100.0, "deviations above the mean")},
        at="layer",
    ),
}
NAMES = {
    "grad_cam": "GradCAM",
    "grad_cam_plus_plus": "GradCAMPP",
    "fem": "FEM",
}
"""The library's class for each."""


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W), float32. Raises Unavailable."""
    return explained_by(NAMES[offer], network, options, OFFERS[offer].options, layer)
