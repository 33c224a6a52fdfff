"""tf-keras-vis: attribution for Keras on TensorFlow, by a gradient tape and SciPy.

By default a map at a layer is brought to the image's size by SciPy's zoom of order 1, which aligns
the corners (not the halves of pixels) and whose rounding zeroes the last row or column of some
sizes (32 to 224); every map is divided by its range, 1e-7 added, so a faint one fades away.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.errors import Unavailable
from implementations.formulas import EXPONENTIAL
from implementations.libraries import Offer
from implementations.libraries._seeds import seeded
from implementations.libraries._tensorflow import require_tensorflow
from implementations.methods.card import Flag, Number

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

TITLE = "tf-keras-vis"
PACKAGE = "tf-keras-vis"
# Not TensorFlow: a process of another backend does not see it, and `build` says why.
IMPORTS = {"tf_keras_vis": "tf-keras-vis", "keras": "keras"}
FRAMEWORK = "keras"
BACKEND = "tensorflow"

_SCALING = {
    "expand_cam": Flag(True, "bring the map to the image's size"),
    "normalize_cam": Flag(True, "min-max each image's map"),
}
_BARE = {"expand_cam": "false", "normalize_cam": "false"}
_NORMALIZE = {"normalize_map": Flag(True, "min-max each image's map")}


def _shipped(formula: str) -> Convention:
    """A map at a layer, brought to the image's size and scaled."""
    return Convention(
        formula=formula, resize="SciPy's zoom", normalise="min_max plus epsilon", epsilon=1e-7
    )


OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        why="Sum and ReLU are NumPy's. It runs back through the whole network. Any score.",
        convention=_shipped("grad_cam"),
        options=_SCALING,
        canonical=_BARE,
    ),
    "layer_cam": Offer(
        like="layer_cam",
        at="layer",
        why="",
        convention=_shipped("layer_cam"),
        options=_SCALING,
        canonical=_BARE,
    ),
    "grad_cam_plus_plus": Offer(
        like="grad_cam_plus_plus",
        at="layer",
        why=(
            "Nearly the authors' code, whose sums leave out the alphas of negative gradients: here "
            "alphas of both signs may sum to nearly 0, and float32 then decides the third digit. "
            "Weights have the factor exp(score): the division by the range removes it where "
            "neither the epsilon added to that nor float32, which ends at exp(88), is felt."
        ),
        convention=_shipped(EXPONENTIAL),
        options=_SCALING,
    ),
    "score_cam": Offer(
        like="score_cam",
        at="layer",
        scores=("logit",),
        why="Sized and scaled as its Grad-CAM. In float32 only.",
        convention=(
            "Channels are brought to the image's size with aligned corners, 1e-7 is added to "
            "their range, and a weight is the class's softmax of the masked image, not a softmax "
            "over channels."
        ),
        options={**_SCALING, "batch_size": Number(32, 1, 1_000_000, "images in one forward pass")},
    ),
    "saliency": Offer(
        like="saliency",
        at="input",
        why="",
        convention=Convention(
            formula="saliency",
            rectify="none",
            resize="none",
            normalise="min_max plus epsilon",
            epsilon=1e-7,
        ),
        options=_NORMALIZE,
        canonical={"normalize_map": "false"},
    ),
    "smooth_grad": Offer(
        like="smooth_grad",
        at="input",
        why=(
            "The mean of the gradients' magnitudes, not the magnitude of their mean, the largest "
            "of the colour channels. Noise of 0.2 of each image's range; then min-max."
        ),
        convention="Noise by NumPy's old generator, other for each image of a batch.",
        options={
            "smooth_samples": Number(20, 1, 10_000, "noisy copies of the image"),
            "smooth_noise": Number(0.2, 0.0, 10.0, "deviation of the noise, of the image's range"),
            **_NORMALIZE,
            "seed": Number(0, 0, 2**31 - 1, "seed of NumPy's generator"),
        },
        still={"smooth_noise": "0", "normalize_map": "false"},
        still_like="saliency",
        timed=({"smooth_noise": "0.15", "smooth_samples": "50"},),
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap`, NumPy: (N, H, W), or (N, h, w) with expand_cam=false.

    Raises Unavailable on another backend, for a node that is no Keras layer, and for Score-CAM in
    another precision than float32.
    """
    at_layer = OFFERS[offer].at == "layer"
    require_tensorflow(TITLE, network, layer if at_layer else network.architecture.output)
    if offer == "score_cam" and network.dtype != "float32":
        raise Unavailable(f"{TITLE}'s Score-CAM weighs in float32 and raises in {network.dtype}")
    import numpy as np

    kind = _kind(offer)
    from tf_keras_vis.utils.scores import CategoricalScore

    given = {name: value for name, value in options.items() if name in OFFERS[offer].options}
    seed = given.pop("seed", 0)
    if at_layer:
        # Otherwise it goes on from that layer to the last convolution before it.
        given |= {"penultimate_layer": layer, "seek_penultimate_conv_layer": False}

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        # Any function of the logits is a score; the library's own is one class's logit.
        score = (
            CategoricalScore(targets.numpy().tolist())
            if options.score == "logit"
            else partial(network.score, options.score, targets=targets)
        )
        with (
            seeded(seed),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),  # Score-CAM shows a bar of its progress.
        ):
            # Some nest the images in one list more than the model's inputs are.
            warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
            return {"heatmap": np.asarray(kind(network.model)(score, images, **given))}

    return explain


def _kind(offer: str) -> Any:
    with warnings.catch_warnings():
        # It takes SciPy's zoom from a module that SciPy 2 means to drop.
        warnings.filterwarnings("ignore", "Please import `zoom`", DeprecationWarning)
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
        from tf_keras_vis.layercam import Layercam
        from tf_keras_vis.saliency import Saliency
        from tf_keras_vis.scorecam import Scorecam
    return {
        "grad_cam": Gradcam,
        "layer_cam": Layercam,
        "grad_cam_plus_plus": GradcamPlusPlus,
        "score_cam": Scorecam,
        "saliency": Saliency,
        "smooth_grad": Saliency,
    }[offer]
