"""Xplique's class activation methods: maps at a layer, brought to the image's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from implementations.contract import Explain, Options
from implementations.libraries import Offer
from implementations.libraries.xplique import BATCH, explained_by, offered
from implementations.methods.card import Number

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

_BICUBIC = "Then brought to the image's size by a bicubic resizing. Logits, float32 only."

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        scores=("logit",),
        why=(
            "The same mean gradients, sum over channels and ReLU, then always brought to the "
            "image's size, one image at a time, by a bicubic resizing whose values can be below "
            "zero. Batches of 32 in two traced functions; it runs back to the layer. Logits and "
            "float32 only."
        ),
        options=BATCH,
    ),
    "grad_cam_plus_plus": offered(
        "grad_cam_plus_plus",
        "The mean of the activations stands where equation 19 has their sum, and the mean of the "
        f"alphas where it has theirs. {_BICUBIC}",
        BATCH,
        at="layer",
    ),
    "fem": offered(
        "fem",
        "The same mean of each channel where it is at least (ours: above) mean plus two "
        f"deviations. {_BICUBIC}",
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
