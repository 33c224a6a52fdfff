"""Captum's attributions at a layer: Grad-CAM, and activation times gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.libraries import Offer
from implementations.libraries.captum import scored
from implementations.methods.card import Flag

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

OFFERS = {
    "layer_grad_cam": Offer(
        like="grad_cam",
        at="layer",
        convention=Convention(rectify="none", resize="none"),
        why="relu_attributions sets one. (N, 1, h, w), whose channel axis is dropped here.",
        options={"relu_attributions": Flag(False, "keep only the evidence for the class")},
        canonical={"relu_attributions": "true"},
    ),
    "layer_gradient_x_activation": Offer(
        like="hires_cam",
        at="layer",
        convention=Convention(formula="hires_cam", rectify="none", resize="none"),
        why="Activation times gradient for each channel: their sum is taken here.",
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, h, w) at the layer."""
    from captum import attr

    def layer_grad_cam(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.LayerGradCam(scored(network, options.score), network.layers[layer])
        attributions = explainer.attribute(
            images,
            additional_forward_args=targets,
            relu_attributions=options.relu_attributions,
        )
        return attributions[:, 0].detach()

    def layer_gradient_x_activation(network: Network, images: Array, targets: Array) -> Array:
        module = network.layers[layer]
        explainer = attr.LayerGradientXActivation(scored(network, options.score), module)
        attributions = explainer.attribute(images, additional_forward_args=targets)
        return attributions.detach().sum(dim=1)

    attribute = {
        "layer_grad_cam": layer_grad_cam,
        "layer_gradient_x_activation": layer_gradient_x_activation,
    }[offer]

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        return {"heatmap": attribute(network, images, targets)}

    return explain
