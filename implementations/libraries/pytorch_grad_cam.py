"""pytorch-grad-cam: class activation methods for PyTorch, by hooks, answered in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.methods.card import Flag

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

TITLE = "pytorch-grad-cam"
PACKAGE = "grad-cam"
IMPORTS = {
    "pytorch_grad_cam": "grad-cam",
    "torchvision": "torchvision",
    "cv2": "opencv-python-headless",
    "torch": "torch",
}
FRAMEWORK = "pytorch"

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        why=(
            "The same sum over channels and ReLU, then always min-max with 1e-7 added, bilinear to "
            "the size of the image (not the layer's) and min-max again; float32. It runs back "
            "through the whole network, to the gradients of its weights unless they are frozen. "
            "Logits only."
        ),
        options={"frozen": Flag(False, "freeze the weights first: gradients of theirs cost time")},
        timed=({"frozen": "true"},),
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W), NumPy. Raises Unavailable for another score."""
    import torch

    _define_operators()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    if options.score != "logit":
        raise Unavailable("pytorch-grad-cam is asked for logits only; omit --score")

    # Trainable weights are what a network has unless somebody freezes them.
    network.requires_grad_(not options.frozen)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        classes = [ClassifierOutputTarget(target) for target in targets.tolist()]
        with torch.enable_grad(), GradCAM(network, [network.layers[layer]]) as explainer:
            # Where the weights are frozen, the gradient has to be asked for at the images.
            return {"heatmap": explainer(images.detach().requires_grad_(options.frozen), classes)}

    return explain


def _define_operators() -> None:
    """Declare torchvision's two operators where its binary does not fit PyTorch.

    The library imports torchvision for transforms alone, but that import fails without them.
    """
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", signature)
