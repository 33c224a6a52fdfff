"""TorchCAM: class activation methods for PyTorch, by forward and backward hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.methods.card import Flag

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

TITLE = "TorchCAM"
PACKAGE = "torchcam"
IMPORTS = {"torchcam": "torchcam", "torch": "torch"}
FRAMEWORK = "pytorch"

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        why=(
            "The same sum over channels (nansum) and ReLU at the layer's size; by default then "
            "min-max with 1e-8 added to the range, so a faint map fades away. Logits only."
        ),
        options={"normalized": Flag(True, "min-max each image's map")},
        canonical={"normalized": "false"},
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, h, w). Raises Unavailable for another score."""
    import torch
    from torchcam.methods import GradCAM

    if options.score != "logit":
        raise Unavailable("torchcam is asked for logits only; omit --score")

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        with torch.enable_grad(), GradCAM(network, network.layers[layer]) as extractor:
            # The weights are frozen, so the gradient has to be asked for at the images.
            logits = network(images.detach().requires_grad_())
            heatmaps = extractor(targets.tolist(), logits, normalized=options.normalized)
        return {"heatmap": heatmaps[0].detach()}

    return explain
