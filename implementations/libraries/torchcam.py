"""TorchCAM: class activation methods for PyTorch, by forward and backward hooks.

By default a map is divided by its range, 1e-8 added, so a faint map fades away; `normalized=false`
leaves it as it is. RefineCAM, which takes several layers, and LeGrad, which takes a transformer's
attention, are not offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries._seeds import seeded
from implementations.methods import pooled
from implementations.methods.card import Flag, Number, Option

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

TITLE = "TorchCAM"
PACKAGE = "torchcam"
IMPORTS = {"torchcam": "torchcam", "torch": "torch"}
FRAMEWORK = "pytorch"

_NORMALIZED = {"normalized": Flag(True, "min-max each image's map")}
_BARE = {"normalized": "false"}
_BATCH: dict[str, Option] = {"batch_size": Number(32, 1, 1_000_000, "images in one forward pass")}
_SEED: dict[str, Option] = {"seed": Number(0, 0, 2**31 - 1, "seed of PyTorch's generator")}


def _offer(like: str, convention: Convention | str, why: str = "", **said: Any) -> Offer:
    options = {**said.pop("options", {}), **_NORMALIZED}
    return Offer(
        like=like, at="layer", why=why, convention=convention, scores=("logit",), options=options,
        **said,
    )  # fmt: skip


def _shipped(formula: str, rectify: str = "before resizing") -> Convention:
    """A map at the layer's size, scaled."""
    return Convention(
        formula=formula, rectify=rectify, resize="none", normalise="min_max plus epsilon",
        epsilon=1e-8,
    )  # fmt: skip


OFFERS = {
    "cam": _offer(
        like="cam",
        convention=_shipped("cam", rectify="none"),
        canonical=_BARE,
    ),
    "grad_cam": _offer(
        like="grad_cam",
        convention=_shipped("grad_cam"),
        why="Summed by nansum.",
        canonical=_BARE,
    ),
    "grad_cam_plus_plus": _offer(
        like="grad_cam_plus_plus",
        convention=_shipped("grad_cam_plus_plus, alpha ignored"),
        why=(
            "The squares of the gradient stand where its alphas should: they are divided in a copy "
            "that is dropped (`alpha[idx][mask].div_`), so a weight is the sum of the positive "
            "gradients' cubes."
        ),
    ),
    "smooth_grad_cam_plus_plus": _offer(
        like="smooth_grad_cam_plus_plus",
        convention="Noise by PyTorch's generator, other for each image of a batch.",
        why=(
            "Noise has one deviation, std, for all images. Squares and cubes of the gradient are "
            "averaged over the copies, but the gradient that they weigh, and the activations that "
            "are summed, are those of the last copy; the cubes are multiplied with the activations "
            "place by place. Then min-max."
        ),
        options={
            "num_samples": Number(4, 1, 10_000, "noisy copies of the image"),
            "std": Number(0.3, 1e-9, 10.0, "deviation of the noise"),
            **_SEED,
        },
        timed=({"num_samples": "25"},),
    ),
    "xgrad_cam": _offer(
        like="xgrad_cam",
        convention=_shipped("xgrad_cam"),
        why="1e-8 is added to the sum of the activations.",
        canonical=_BARE,
    ),
    "layer_cam": _offer(
        like="layer_cam",
        convention=_shipped("layer_cam"),
        canonical=_BARE,
    ),
    "finer_cam": _offer(
        like="finer_cam",
        convention=_shipped("finer_cam"),
        options={
            "gamma": Number(0.6, 0.0, 100.0, "strength of the comparison"),
            "num_references": Number(3, 1, 1000, "classes compared with"),
        },
        canonical=_BARE,
    ),
    "score_cam": _offer(
        like="score_cam",
        convention=(
            "Channels are divided by their range at the layer's size, before they are resized, "
            "with 1e-8 added."
        ),
        why="Then min-max.",
        options=_BATCH,
    ),
    "ss_cam": _offer(
        like="",
        convention="Noise by PyTorch's generator, other for each image of a batch.",
        why=(
            "Score-CAM with the mean score of masks with noise of deviation 2 on their range of 1. "
            "Then min-max."
        ),
        options={
            **_BATCH,
            "num_samples": Number(35, 1, 10_000, "noisy masks of a channel"),
            "std": Number(2.0, 1e-9, 100.0, "deviation of the noise"),
            **_SEED,
        },
    ),
    "is_cam": _offer(
        like="",
        convention=(
            "Score-CAM with the mean score over steps of the masked image, whose factors are "
            "summed up: the last is 5.5, not 1."
        ),
        why="Then min-max.",
        options={**_BATCH, "num_samples": Number(10, 1, 10_000, "steps")},
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, h, w). Raises Unavailable where CAM does not fit."""
    import torch
    from torchcam import methods

    head = {"fc_layer": network.layers[_dense(network, layer)]} if offer == "cam" else {}
    kind = {
        "cam": methods.CAM,
        "grad_cam": methods.GradCAM,
        "grad_cam_plus_plus": methods.GradCAMpp,
        "smooth_grad_cam_plus_plus": methods.SmoothGradCAMpp,
        "xgrad_cam": methods.XGradCAM,
        "layer_cam": methods.LayerCAM,
        "finer_cam": methods.FinerCAM,
        "score_cam": methods.ScoreCAM,
        "ss_cam": methods.SSCAM,
        "is_cam": methods.ISCAM,
    }[offer]
    given = {name: value for name, value in options.items() if name in OFFERS[offer].options}
    normalized, seed = given.pop("normalized"), given.pop("seed", 0)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        extractor = kind(network, network.layers[layer], **head, **given)
        with torch.enable_grad(), seeded(seed), extractor:
            # The weights are frozen, so the gradient has to be asked for at the images.
            logits = network(images.detach().requires_grad_())
            heatmaps = extractor(targets.tolist(), logits, normalized=normalized)
        return {"heatmap": heatmaps[0].detach()}

    return explain


def _dense(network: Network, layer: str) -> str:
    """The dense node behind the pooling of the layer."""
    architecture, end = network.architecture, pooled.ending(network.architecture)
    reason = pooled.applies(architecture, layer)
    if reason is None and end and end[1]:
        return end[1]
    reason = reason or "no dense layer is behind its global average pooling"
    raise Unavailable(f"{TITLE}'s CAM cannot explain {architecture.name}: {reason}")
