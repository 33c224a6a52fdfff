"""Captum's gradients at the image, plain or behind other ReLUs, and on a path from black."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.libraries import Offer
from implementations.libraries.captum import scored, scored_module, strongest
from implementations.methods.card import Choice, Flag, Number

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

_RULES = ("gausslegendre", "riemann_middle", "riemann_trapezoid", "riemann_left", "riemann_right")

OFFERS = {
    "saliency": Offer(
        like="saliency",
        at="input",
        convention=Convention(formula="saliency", rectify="none", resize="none"),
        why=(
            "Signed with abs=false. Captum leaves the colour channels apart: the one of largest "
            "magnitude is taken here."
        ),
        options={"abs": Flag(True, "the gradient's magnitude")},
        canonical={},
    ),
    "input_x_gradient": Offer(
        like="gradient_x_input",
        at="input",
        convention=Convention(formula="gradient_x_input", rectify="none", resize="none"),
        why="For each colour channel; their sum is taken here.",
        canonical={},
    ),
    "integrated_gradients": Offer(
        like="integrated_gradients",
        at="input",
        convention=Convention(formula="integrated_gradients", rectify="none", resize="none"),
        why=(
            "The weights of the same 50 Gauss-Legendre points Captum rounds to float32 even in a "
            "float64 network; summed over colour channels here."
        ),
        sums_to=lambda options, images: 0.0,
        options={
            "n_steps": Number(50, 1, 10_000, "points on the path"),
            "method": Choice("gausslegendre", _RULES, "quadrature rule"),
            "internal_batch_size": Number(256, 1, 1_000_000, "images in one forward pass"),
        },
        canonical={},
    ),
    "guided_backprop": Offer(
        like="guided_backprop",
        at="input",
        convention=Convention(formula="saliency", rule="guided", rectify="none", resize="none"),
        why=(
            "Signed, for each colour channel; the largest magnitude of the channels is taken here. "
            "Guided are the modules of type nn.ReLU: an nn.ReLU6 "
            "passes its ordinary gradient, where ours guides it too."
        ),
        canonical={},
    ),
    "deconvolution": Offer(
        like="deconvolution",
        at="input",
        convention=Convention(
            formula="saliency", rule="deconvolution", rectify="none", resize="none"
        ),
        why=(
            "Signed, for each colour channel; the largest magnitude is taken here. An nn.ReLU6 "
            "passes its ordinary gradient, where ours changes it too."
        ),
        canonical={},
    ),
    "guided_grad_cam": Offer(
        like="guided_grad_cam",
        at="input",
        reads="layer",
        convention=(
            "The same product; by default Captum brings the layer's map to the image's size by "
            "the nearest value."
        ),
        why=(
            "Signed, for each colour channel, of which the largest magnitude is taken here. An "
            "nn.ReLU6 is not guided."
        ),
        options={
            "interpolate_mode": Choice(
                "nearest", ("nearest", "bilinear", "bicubic"), "how the layer's map is resized"
            )
        },
        canonical={"interpolate_mode": "bilinear"},
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W) at the input."""
    from captum import attr

    def saliency(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.Saliency(scored(network, options.score))
        # Captum warns when it has to ask for the gradient itself, and does so on the given tensor.
        leaf = images.detach().requires_grad_()
        gradients = explainer.attribute(leaf, abs=options.abs, additional_forward_args=targets)
        return strongest(gradients)

    def input_x_gradient(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.InputXGradient(scored(network, options.score))
        leaf = images.detach().requires_grad_()
        attributions = explainer.attribute(leaf, additional_forward_args=targets)
        return attributions.detach().sum(dim=1)

    def integrated_gradients(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.IntegratedGradients(scored(network, options.score))
        attributions = explainer.attribute(
            images,
            additional_forward_args=targets,
            n_steps=options.n_steps,
            method=options.method,
            # One step of every image is the least that Captum passes at once; less makes it warn.
            internal_batch_size=max(options.internal_batch_size, len(images)),
        )
        return attributions.sum(dim=1)

    def guided_backprop(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.GuidedBackprop(scored_module(network, options.score))
        leaf = images.detach().requires_grad_()
        return strongest(explainer.attribute(leaf, additional_forward_args=targets)).abs()

    def deconvolution(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.Deconvolution(scored_module(network, options.score))
        leaf = images.detach().requires_grad_()
        return strongest(explainer.attribute(leaf, additional_forward_args=targets)).abs()

    def guided_grad_cam(network: Network, images: Array, targets: Array) -> Array:
        module = scored_module(network, options.score)
        explainer = attr.GuidedGradCam(module, network.layers[layer])
        attributions = explainer.attribute(
            images.detach().requires_grad_(),
            additional_forward_args=targets,
            interpolate_mode=options.interpolate_mode,
        )
        return strongest(attributions.detach()).abs()

    attribute = {
        "saliency": saliency,
        "input_x_gradient": input_x_gradient,
        "integrated_gradients": integrated_gradients,
        "guided_backprop": guided_backprop,
        "deconvolution": deconvolution,
        "guided_grad_cam": guided_grad_cam,
    }[offer]

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        with warnings.catch_warnings():
            # It announces the hooks that it sets on ReLUs and takes away again.
            warnings.filterwarnings("ignore", "Setting backward hooks on ReLU", UserWarning)
            return {"heatmap": attribute(network, images, targets)}

    return explain
