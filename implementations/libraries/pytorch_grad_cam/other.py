"""pytorch-grad-cam's methods of principal components, of masked channels, and at the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.libraries import Offer
from implementations.libraries._seeds import seeded
from implementations.libraries.pytorch_grad_cam import (
    bare,
    cam_offer,
    explained_by,
    imported,
    shipped,
    trained,
)
from implementations.methods.card import Number

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

_SEED = {"seed": Number(0, 0, 2**31 - 1, "seed of NumPy's generator")}

OFFERS = {
    "eigen_cam": cam_offer(
        like="eigen_cam",
        convention=shipped("eigen_cam[centred=true]", sign="as it falls"),
    ),
    "eigen_grad_cam": cam_offer(
        like="eigen_grad_cam",
        convention=shipped("eigen_grad_cam[centred=true]", sign="as it falls"),
    ),
    "kpca_cam": cam_offer(
        like="",
        convention=(
            "The first component by scikit-learn's kernel PCA, with a sigmoid kernel, turned so "
            "that its largest magnitude is positive."
        ),
        options=_SEED,
    ),
    "seg_eigen_cam": cam_offer(
        like="",
        convention=(
            "The first component of centred activation times the gradient's magnitude, turned "
            "where its negative peak is the larger."
        ),
    ),
    "fem": cam_offer(
        like="fem",
        convention=shipped("fem, shares of positions"),
        why=(
            "A channel's weight is the share of places above mean plus two deviations, and its "
            "map all of the channel; ours keeps those places alone, with the mean as weight."
        ),
    ),
    "score_cam": cam_offer(
        like="score_cam",
        convention=(
            "Channels are brought to the image's size with aligned corners, and 1e-8 is added to "
            "their range."
        ),
        why="16 masked images at a time.",
    ),
    "ablation_cam": cam_offer(
        like="ablation_cam",
        convention=(
            "The drop is divided by the score, so the map is turned over where that is negative."
        ),
        why=(
            "A removed channel is 0 only where the image's least activation at the layer is; else "
            "the n-th of a batch of 32 is n times ten million less than that."
        ),
    ),
    "random_cam": cam_offer(
        like="random_cam",
        convention=(
            "Weights between -1 and 1 from NumPy's old generator, other for each image of a batch."
        ),
        options=_SEED,
    ),
    "full_grad": Offer(
        like="full_grad",
        at="input",
        scores=("logit",),
        convention=Convention(
            formula="full_grad[rescale=channel]",
            rectify="none",
            resize="none",
            normalise="min_max plus epsilon",
            epsilon=1e-7,
        ),
        why=(
            "Biases of convolutions and of batch norm alone; each colour and each channel by "
            "itself is divided by its range (1e-7 added)."
        ),
    ),
    "guided_backprop": Offer(
        like="guided_backprop",
        at="input",
        scores=("logit",),
        convention=Convention(formula="saliency", rule="guided", rectify="none", resize="none"),
        why=(
            "Signed, for each colour channel; the largest magnitude is taken here. nn.ReLU6 is not "
            "guided. One image a call. It puts one ReLU of its own in the place of all, so it is "
            "given a network of its own with the same layers."
        ),
        canonical={},
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap`, NumPy."""
    library = imported()
    # Trainable weights are what a network has unless somebody freezes them.
    trained(network)
    if offer == "guided_backprop":
        return _guided(library)
    if offer == "full_grad":
        return explained_by(lambda network: library.FullGrad(network, []))
    kind = {
        "eigen_cam": library.EigenCAM,
        "eigen_grad_cam": library.EigenGradCAM,
        "kpca_cam": library.KPCA_CAM,
        "seg_eigen_cam": library.SegEigenCAM,
        "fem": library.FEM,
        "score_cam": library.ScoreCAM,
        "ablation_cam": library.AblationCAM,
        "random_cam": library.RandomCAM,
    }[offer]
    kind = kind if options.scaled else bare(kind)
    drawn = explained_by(lambda network: kind(network, [network.layers[layer]]))

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        with seeded(options.get("seed", 0)):
            return drawn(network, images, targets)

    return explain


def _guided(library: Any) -> Explain:
    from copy import copy

    import numpy as np
    import torch

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        own = network
        if not hasattr(network, "_orig_mod"):  # one that is compiled has no modules but itself
            own = copy(network)
            layers = torch.nn.ModuleDict(dict(network.layers.items()))
            own._modules = {**network._modules, "layers": layers}
        explainer = library.GuidedBackpropReLUModel(own)
        with torch.enable_grad():
            pairs = zip(images.detach().split(1), targets.tolist(), strict=True)
            gradients = [explainer(image, target) for image, target in pairs]
        return {"heatmap": np.abs(np.stack(gradients)).max(axis=-1)}

    return explain
