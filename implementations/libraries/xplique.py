"""Xplique (Fel et al. 2022, arXiv 2206.04394): attribution for Keras on TensorFlow, traced."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries._tensorflow import require_tensorflow
from implementations.methods.card import Number

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

TITLE = "Xplique"
PACKAGE = "xplique"
# Not TensorFlow: a process of another backend does not see it, and `build` says why.
IMPORTS = {"xplique": "xplique", "keras": "keras"}
FRAMEWORK = "keras"
BACKEND = "tensorflow"
# It pins an older TensorFlow, SciPy and scikit-learn than the rest of the suite has.
ENVIRONMENT = "xplique"

_BATCH = Number(32, 1, 1_000_000, "images in one forward pass")

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        why=(
            "The same mean gradients, sum over channels and ReLU, then always brought to the "
            "image's size, one image at a time, by a bicubic resizing whose values can be below "
            "zero. Batches of 32 in two traced functions; it runs back to the layer. Logits and "
            "float32 only."
        ),
        options={"batch_size": _BATCH},
    ),
    "saliency": Offer(
        like="saliency",
        at="input",
        why="The gradient's magnitude, the largest of the colour channels. Logits, float32 only.",
        options={"batch_size": _BATCH},
        canonical={},
    ),
    "integrated_gradients": Offer(
        like="integrated_gradients",
        at="input",
        why=(
            "The same path from a black image at 50 equally spaced points by the trapezoidal rule, "
            "where ours has Gauss-Legendre points; the mean over colour channels, not the sum. "
            "Logits and float32 only."
        ),
        options={"batch_size": _BATCH, "steps": Number(50, 2, 10_000, "points on the path")},
    ),
    "occlusion": Offer(
        like="occlusion",
        at="input",
        why=(
            "Each pixel is the sum (ours: the mean) over the windows that cover it, none of which "
            "is cut off at the far edge; one image at a time. Logits and float32 only."
        ),
        options={
            "batch_size": _BATCH,
            "patch_size": Number(3, 1, 1000, "side of the square window, in pixels"),
            "patch_stride": Number(3, 1, 1000, "pixels between two windows"),
            "occlusion_value": Number(0.0, 0.0, 1.0, "what the window is filled with"),
        },
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W), float32.

    Raises Unavailable for another score or precision, on another backend, and for a node that is
    no Keras layer.
    """
    output = network.architecture.output
    require_tensorflow(TITLE, network, layer if offer == "grad_cam" else output)
    if options.score != "logit" or network.precision != "float32":
        raise Unavailable(f"{TITLE} is asked for logits in float32 only")
    import tensorflow as tf

    with warnings.catch_warnings():
        # TensorFlow Probability, which it imports, reads versions by what Python dropped.
        warnings.filterwarnings("ignore", "distutils Version classes", DeprecationWarning)
        from xplique import attributions

    settings = {name: options[name] for name in OFFERS[offer].options}
    explainer: Any
    if offer == "grad_cam":
        explainer = attributions.GradCAM(network.model, conv_layer=layer, **settings)
    elif offer == "saliency":
        explainer = attributions.Saliency(network.model, **settings)
    elif offer == "integrated_gradients":
        explainer = attributions.IntegratedGradients(network.model, **settings)
    else:
        explainer = attributions.Occlusion(network.model, **settings)
    classes = network.architecture.classes

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        return {"heatmap": explainer.explain(images, tf.one_hot(targets, classes))[..., 0]}

    return explain
