"""pytorch-grad-cam: class activation methods for PyTorch, by hooks, answered in NumPy.

Whatever the method, its map loses what is negative, is divided by its range (1e-7 added), brought
to the image's size (bilinear, half-pixel centres) and divided by its range again, in float32.
`scaled=false` takes the map before all that but the first, at the layer's size. Logits only.

What takes another of its methods, or several layers, is not offered: SESS, RefineCAM, smoothing.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain
from implementations.conventions import Convention
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

SCALED = {"scaled": Flag(True, "divide by the range, and bring to the image's size")}
BARE = {"scaled": "false"}

Targets = Callable[[int], Any]


def cam_offer(like: str, convention: Convention | str, why: str = "", **said: Any) -> Offer:
    """The row of a method with a map at a layer: of options it has `scaled` besides its own.

    Of what has no convention the whole is scaled as the others are.
    """
    options = {**said.pop("options", {}), **SCALED}
    if isinstance(convention, str):
        why = " ".join(filter(None, (why, "Scaled as its Grad-CAM is.")))
    return Offer(
        like=like, at="layer", why=why, convention=convention, scores=("logit",), options=options,
        **said,
    )  # fmt: skip


def shipped(formula: str, sign: str = "as defined") -> Convention:
    """A map that is scaled, resized and scaled again."""
    scaled = "min_max twice plus epsilon"
    return Convention(formula=formula, sign=sign, normalise=scaled, epsilon=1e-7)


def imported() -> Any:
    """The library. It imports torchvision for transforms alone, but fails without its operators.

    Where torchvision's binary does not fit PyTorch, these are declared first.
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
    import pytorch_grad_cam

    return pytorch_grad_cam


def trained(network: Any, trains: bool = True) -> None:
    """Have a network's weights ask for gradients, as those of a user's do; a user's stay."""
    if not getattr(network, "written", False):
        network.requires_grad_(trains)


def explained_by(make: Callable[[Network], Any], target: Targets | None = None) -> Explain:
    """An `explain` that gives `heatmap`, NumPy: (N, H, W), or (N, h, w) of a bare explainer.

    `make` gives the explainer of a network, `target` what is differentiated: the class's logit.
    """
    import torch

    if target is None:
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        target = ClassifierOutputTarget

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        classes = [target(label) for label in targets.tolist()]
        # Where the weights are frozen, the gradient has to be asked for at the images.
        frozen = not any(weight.requires_grad for weight in network.parameters())
        given = images.detach().requires_grad_(frozen)
        with (
            torch.enable_grad(),
            contextlib.redirect_stderr(io.StringIO()),  # Some show a bar of their progress.
            make(network) as explainer,
        ):
            return {"heatmap": explainer(given, classes)}

    return explain


def bare(kind: Any) -> Any:
    """The same explainer, whose map is left as its `get_cam_image` made it, but for the ReLU."""
    import numpy as np

    class Bare(kind):  # type: ignore[misc]
        """As published, without scaling."""

        def compute_cam_per_layer(self, images: Array, targets: Any, smooth: bool) -> list[Any]:
            """The map of the one layer (N, 1, h, w)."""
            hooks = self.activations_and_grads
            values = [hooks.activations[0], hooks.gradients[0] if hooks.gradients else None]
            if self.detach:
                values = [None if value is None else value.numpy() for value in values]
            cam = self.get_cam_image(images, self.target_layers[0], targets, *values, smooth)
            return [np.maximum(cam, 0)[:, None]]

        def aggregate_multi_layers(self, maps: list[Any]) -> Any:
            """That map, (N, h, w)."""
            return maps[0][:, 0]

    return Bare
