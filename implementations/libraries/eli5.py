"""ELI5: explanations of many libraries' models, Grad-CAM for Keras on TensorFlow among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries._tensorflow import require_tensorflow
from implementations.methods.card import Flag

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

TITLE = "ELI5"
PACKAGE = "eli5"
# Not TensorFlow: a process of another backend does not see it, and `build` says why.
IMPORTS = {"eli5": "eli5", "PIL": "pillow", "keras": "keras"}
FRAMEWORK = "keras"
BACKEND = "tensorflow"

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        why=(
            "Summed over channels by a loop in float64. normalize=false takes the library's "
            "weights and activations and does without that division here. One image a call, which "
            "goes forward through the network twice and back through the whole of it. Asked for "
            "logits only."
        ),
        convention=Convention(resize="none", normalise="max plus epsilon", epsilon=1e-7),
        options={"normalize": Flag(True, "divide each image's map by its maximum")},
        canonical={"normalize": "false"},
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, h, w), float64 NumPy.

    Raises Unavailable for another score, on another backend, and for a node that is no Keras layer.
    """
    require_tensorflow(TITLE, network, layer)
    if options.score != "logit":
        raise Unavailable(f"{TITLE} is asked for logits only; omit --score")
    import numpy as np
    from eli5 import explain_prediction
    from eli5.keras import gradcam_backend

    def normalized(model: Any, image: Array, target: int) -> Array:
        explanation = explain_prediction(model, image, targets=[target], layer=layer)
        return explanation.targets[0].heatmap

    def raw(model: Any, image: Array, target: int) -> Array:
        found = gradcam_backend(model, image, [target], model.get_layer(layer))
        weights, activations = (part.astype(np.float64) for part in found[:2])
        return np.maximum(activations @ weights, 0)

    one = normalized if options.normalize else raw

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        pairs = zip(images.numpy(), targets.numpy().tolist(), strict=True)
        heatmaps = [one(network.model, image[None], target) for image, target in pairs]
        return {"heatmap": np.stack(heatmaps)}

    return explain
