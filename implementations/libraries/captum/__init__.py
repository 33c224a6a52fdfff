"""Captum (Kokhlikyan et al. 2020, arXiv 2009.07896): Meta's attribution library for PyTorch.

Each offer is called as its documentation calls it; the score is handed over as a function of images
and targets, so that logits and probabilities go the same way. Captum returns one attribution a
colour channel, (N, C, H, W); the one reduction made here is named in each offer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from implementations.arrays import Array

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

TITLE = "Captum"
PACKAGE = "captum"
IMPORTS = {"captum": "captum", "torch": "torch"}
FRAMEWORK = "pytorch"


def scored(network: Network, score: str) -> Callable[[Array, Array], Array]:
    """The score (N,) of images and targets: the function that is explained."""
    return partial(_score, network, score)


def scored_module(network: Network, score: str) -> Any:
    """The same as an `nn.Module`: what Captum asks for where it puts hooks on all of a network."""
    from torch import nn

    class Scored(nn.Module):  # type: ignore[misc]
        """The score, and the network's modules: it visits these, and no `Network` needs that."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = network.layers

        def forward(self, images: Array, targets: Array) -> Array:
            """The score (N,)."""
            return _score(network, score, images, targets)

    return Scored()


def _score(network: Network, score: str, images: Array, targets: Array) -> Array:
    return network.score(score, network(images), targets)


def strongest(attributions: Array) -> Array:
    """The attribution (N, H, W) of largest magnitude among a pixel's colours (N, C, H, W)."""
    colour = attributions.abs().argmax(dim=1, keepdim=True)
    return attributions.gather(1, colour)[:, 0]


def cells(network: Network, grid: int) -> Array:
    """The `grid` x `grid` cells of an image as Captum's feature mask, (1, 1, H, W) whole numbers.

    Pixel (r, c) is in cell floor(r grid / H) grid + floor(c grid / W), all colours together.
    """
    import torch

    height, width, _ = network.architecture.input_shape
    down = torch.arange(height) * grid // height
    across = torch.arange(width) * grid // width
    mask: Array = down[:, None] * grid + across
    return mask[None, None]
