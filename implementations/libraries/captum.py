"""Captum (Kokhlikyan et al. 2020, arXiv 2009.07896): Meta's attribution library for PyTorch.

Each offer is called as its documentation calls it; the score is handed over as a function of images
and targets, so that logits and probabilities go the same way. Captum returns one attribution a
colour channel, (N, C, H, W); the one reduction made here is named in each offer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.errors import BadInput
from implementations.libraries import Offer
from implementations.methods.card import Choice, Flag, Number

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

TITLE = "Captum"
PACKAGE = "captum"
IMPORTS = {"captum": "captum", "torch": "torch"}
FRAMEWORK = "pytorch"

_RULES = ("gausslegendre", "riemann_middle", "riemann_trapezoid", "riemann_left", "riemann_right")

OFFERS = {
    "layer_grad_cam": Offer(
        like="grad_cam",
        at="layer",
        why=(
            "The same sum over channels of activation times mean gradient, without a ReLU unless "
            "relu_attributions is set; (N, 1, h, w), whose channel axis is dropped here."
        ),
        options={"relu_attributions": Flag(False, "keep only the evidence for the class")},
        canonical={"relu_attributions": "true"},
    ),
    "saliency": Offer(
        like="saliency",
        at="input",
        why=(
            "The gradient's magnitude (abs=false: signed) for each colour channel; Captum leaves "
            "the channels apart, the one of largest magnitude is taken here."
        ),
        options={"abs": Flag(True, "the gradient's magnitude")},
        canonical={},
    ),
    "integrated_gradients": Offer(
        like="integrated_gradients",
        at="input",
        why=(
            "The same path from a black image and the same 50 Gauss-Legendre points, whose weights "
            "Captum rounds to float32 even in a float64 network; summed over colour channels here."
        ),
        options={
            "n_steps": Number(50, 1, 10_000, "points on the path"),
            "method": Choice("gausslegendre", _RULES, "quadrature rule"),
            "internal_batch_size": Number(256, 1, 1_000_000, "images in one forward pass"),
        },
        canonical={},
    ),
    "occlusion": Offer(
        like="occlusion",
        at="input",
        why=(
            "Each pixel is the mean over the windows that cover it. Windows start at 0, stride, "
            "2 stride, ... until the far edge is covered, so the last one is cut off there and "
            "hides fewer pixels where size - window is no multiple of the stride. A window covers "
            "all colour channels, which therefore carry the same value: the first is taken here, a "
            "sum would count it once a channel. The result is float32 even in a float64 network."
        ),
        options={
            "window": Number(7, 1, 1000, "side of the square window, in pixels"),
            "stride": Number(3, 1, 1000, "pixels between two windows; at most the window"),
            "baseline": Number(0.0, 0.0, 1.0, "what the window is filled with"),
            "internal_batch_size": Number(256, 1, 1_000_000, "images in one forward pass"),
        },
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap`: (N, h, w) at the layer or (N, H, W) at the input.

    Raises BadInput for windows that do not fit.
    """
    from captum import attr

    def scores(network: Network, images: Array, targets: Array) -> Array:
        return network.score(options.score, network(images), targets)

    def layer_grad_cam(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.LayerGradCam(partial(scores, network), network.layers[layer])
        attributions = explainer.attribute(
            images,
            additional_forward_args=targets,
            relu_attributions=options.relu_attributions,
        )
        return attributions[:, 0].detach()

    def saliency(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.Saliency(partial(scores, network))
        # Captum warns when it has to ask for the gradient itself, and does so on the given tensor.
        leaf = images.detach().requires_grad_()
        gradients = explainer.attribute(leaf, abs=options.abs, additional_forward_args=targets)
        strongest = gradients.abs().argmax(dim=1, keepdim=True)
        return gradients.gather(1, strongest)[:, 0]

    def integrated_gradients(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.IntegratedGradients(partial(scores, network))
        attributions = explainer.attribute(
            images,
            additional_forward_args=targets,
            n_steps=options.n_steps,
            method=options.method,
            # One step of every image is the least that Captum passes at once; less makes it warn.
            internal_batch_size=max(options.internal_batch_size, len(images)),
        )
        return attributions.sum(dim=1)

    def occlusion(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.Occlusion(partial(scores, network))
        channels = images.shape[1]
        attributions = explainer.attribute(
            images,
            sliding_window_shapes=(channels, options.window, options.window),
            strides=(channels, options.stride, options.stride),
            baselines=options.baseline,
            additional_forward_args=targets,
            perturbations_per_eval=max(1, options.internal_batch_size // len(images)),
        )
        return attributions[:, 0]

    if offer == "occlusion":
        _check_windows(options, network.architecture.input_shape)
    attribute = {
        "layer_grad_cam": layer_grad_cam,
        "saliency": saliency,
        "integrated_gradients": integrated_gradients,
        "occlusion": occlusion,
    }[offer]

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        return {"heatmap": attribute(network, images, targets)}

    return explain


def _check_windows(options: Options, input_shape: tuple[int, int, int]) -> None:
    if options.window > min(input_shape[:2]):
        raise BadInput(f"window={options.window} is larger than the image {input_shape[:2]}")
    if options.stride > options.window:
        raise BadInput(
            f"stride={options.stride} leaves pixels between windows of {options.window} uncovered; "
            "give at most the window"
        )
