"""tf-explain: explanations of Keras models on TensorFlow, drawn over the images."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries._tensorflow import require_tensorflow
from implementations.methods.card import Flag

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

TITLE = "tf-explain"
PACKAGE = "tf-explain"
# Not TensorFlow: a process of another backend does not see it, and `build` says why.
IMPORTS = {"tf_explain": "tf-explain", "cv2": "opencv-python-headless", "keras": "keras"}
FRAMEWORK = "keras"
BACKEND = "tensorflow"

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        why=(
            "By default gradients are guided at the layer: before the mean over places, those that "
            "are not positive are zero, and those where the activation is not; float32 only. With "
            "use_guided_grads=false the weights are ours. The same sum over channels, but never a "
            "ReLU: the map is signed. It is taken here before the library draws it, that is before "
            "OpenCV's bilinear resizing (half-pixel centres), min-max without a guard, and 256 "
            "colours laid over the image. One class a call, which runs back through the whole "
            "network. Logits only."
        ),
        options={"use_guided_grads": Flag(True, "only positive gradients at positive activations")},
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, h, w), NumPy, signed.

    Raises Unavailable for another score, on another backend, for a node that is no Keras layer, and
    for guided gradients in another precision than float32.
    """
    require_tensorflow(TITLE, network, layer)
    if options.score != "logit":
        raise Unavailable(f"{TITLE} is asked for logits only; omit --score")
    if options.use_guided_grads and network.dtype != "float32":
        raise Unavailable(
            f"{TITLE} guides gradients in float32 only, not in {network.precision}; "
            "give --option use_guided_grads=false"
        )
    import numpy as np
    from tf_explain.core.grad_cam import GradCAM

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        pixels, classes = images.numpy(), targets.numpy()
        maps: dict[int, Array] = {}
        for target in set(classes.tolist()):
            (places,) = np.nonzero(classes == target)
            with warnings.catch_warnings():
                # It nests the model's inputs in one list more than the images it hands over.
                warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
                activations, gradients = GradCAM.get_gradients_and_filters(
                    network.model, pixels[places], layer, target, options.use_guided_grads
                )
            cams = GradCAM.generate_ponderated_output(activations, gradients)
            maps.update(zip(places.tolist(), cams, strict=True))
        return {"heatmap": np.stack([maps[place] for place in range(len(classes))])}

    return explain
