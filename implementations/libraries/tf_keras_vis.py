"""tf-keras-vis: class activation methods for Keras on TensorFlow, by a gradient tape and SciPy."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.libraries import Offer
from implementations.libraries._tensorflow import require_tensorflow
from implementations.methods.card import Flag

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

TITLE = "tf-keras-vis"
PACKAGE = "tf-keras-vis"
# Not TensorFlow: a process of another backend does not see it, and `build` says why.
IMPORTS = {"tf_keras_vis": "tf-keras-vis", "keras": "keras"}
FRAMEWORK = "keras"
BACKEND = "tensorflow"

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        why=(
            "The same mean gradients, sum over channels and ReLU, the last two in NumPy; with "
            "expand_cam=false and normalize_cam=false it is ours. By default the map is brought to "
            "the image's size by SciPy's zoom of order 1, which aligns the corners (not the halves "
            "of pixels) and whose rounding zeroes the last row or column of some sizes (32 to "
            "224); then min-max with 1e-7 added to the range, so a faint map fades away. It runs "
            "back through the whole network. Any score."
        ),
        options={
            "expand_cam": Flag(True, "bring the map to the image's size"),
            "normalize_cam": Flag(True, "min-max each image's map"),
        },
        canonical={"expand_cam": "false", "normalize_cam": "false"},
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap`, NumPy: (N, H, W), or (N, h, w) with expand_cam=false.

    Raises Unavailable on another backend, and for a node that is no Keras layer.
    """
    require_tensorflow(TITLE, network, layer)
    import numpy as np

    with warnings.catch_warnings():
        # It takes SciPy's zoom from a module that SciPy 2 means to drop.
        warnings.filterwarnings("ignore", "Please import `zoom`", DeprecationWarning)
        from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        # Any function of the logits is a score; the library's own is one class's logit.
        score = (
            CategoricalScore(targets.numpy().tolist())
            if options.score == "logit"
            else partial(network.score, options.score, targets=targets)
        )
        heatmap = Gradcam(network.model)(
            score,
            images,
            penultimate_layer=layer,
            # Otherwise it goes on from that layer to the last convolution before it.
            seek_penultimate_conv_layer=False,
            expand_cam=options.expand_cam,
            normalize_cam=options.normalize_cam,
        )
        return {"heatmap": np.asarray(heatmap)}

    return explain
