"""Captum's attributions by what changes when parts of the image are hidden.

Parts are the windows of occlusion, or else the cells of a grid over the image, all colours
together: what Captum calls a feature mask. A hidden part is filled with `baseline`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.errors import BadInput
from implementations.libraries import Offer
from implementations.libraries._seeds import seeded
from implementations.libraries.captum import cells, scored
from implementations.methods.card import Choice, Number

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

_BATCH = Number(256, 1, 1_000_000, "images in one forward pass")
_FILL = Number(0.0, 0.0, 1.0, "what a hidden part is filled with")
_CELLS = {"grid": Number(7, 1, 1000, "cells along a side"), "baseline": _FILL}
_DRAWN = {
    "seed": Number(0, 0, 2**31 - 1, "seed of PyTorch's generator"),
    "internal_batch_size": _BATCH,
}
_THOUSAND = {"n_samples": "1000"}

OFFERS = {
    "occlusion": Offer(
        like="occlusion",
        at="input",
        convention="Ours where the stride divides size - window; else windows are cut off.",
        why=(
            "Windows start at 0, stride, "
            "2 stride, ... until the far edge is covered, so the last one is cut off there and "
            "hides fewer pixels where size - window is no multiple of the stride. A window covers "
            "all colour channels, which therefore carry the same value: the first is taken here, a "
            "sum would count it once a channel. The result is float32 even in a float64 network."
        ),
        options={
            "window": Number(7, 1, 1000, "side of the square window, in pixels"),
            "stride": Number(3, 1, 1000, "pixels between two windows; at most the window"),
            "baseline": Number(0.0, 0.0, 1.0, "what the window is filled with"),
            "internal_batch_size": _BATCH,
        },
    ),
    "feature_ablation": Offer(
        like="occlusion",
        at="input",
        convention="What the score loses when a cell is hidden, one cell at a time.",
        why=(
            "Our occlusion where "
            "window and stride are the side of a cell, which divides the image. The first of the "
            "equal colour channels is taken here. The result is float32 even in a float64 network."
        ),
        options={**_CELLS, "internal_batch_size": _BATCH},
    ),
    "kernel_shap": Offer(
        like="kernel_shap",
        at="input",
        why=(
            "A least-squares fit of the score to which cells are shown, in scikit-learn. The "
            "first two samples are all and none, with a weight of a million in float32, which "
            "costs digits: values miss even a linear network's, and add up nearly. Fewer samples "
            "than cells leave the fit underdetermined. Every image meets the same draws."
        ),
        convention="Sets are drawn by PyTorch with no complements, and never enumerated.",
        options={**_CELLS, "n_samples": Number(25, 3, 1_000_000, "sets of cells"), **_DRAWN},
        timed=(_THOUSAND,),
    ),
    "lime": Offer(
        like="lime",
        at="input",
        why=(
            "A regression of the score on which cells are shown, each with a chance of one half: "
            "a lasso of alpha 0.01, or ridge with ours, alpha 1. A sample's weight comes from the "
            "cosine distance of its pixels to the image's, not of its cells to all; the whole "
            "image is no sample. Every image meets the same draws."
        ),
        convention="Sets are drawn by PyTorch.",
        options={
            **_CELLS,
            "n_samples": Number(25, 2, 1_000_000, "sets of cells"),
            "model": Choice("lasso", ("lasso", "ridge"), "the regression"),
            "kernel_width": Number(1.0, 1e-3, 1000.0, "width of the kernel that weighs samples"),
            **_DRAWN,
        },
        timed=({"kernel_width": "0.25", "model": "ridge", **_THOUSAND},),
    ),
    "shapley_value_sampling": Offer(
        like="permutation_shap",
        at="input",
        convention="Orders are drawn by PyTorch, without the reverse of each.",
        why=(
            "What each cell adds in random orders, the mean over 25. The first of the equal colour "
            "channels is taken here."
        ),
        options={
            **_CELLS,
            "n_samples": Number(25, 1, 10_000, "orders of the cells"),
            **_DRAWN,
        },
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W) at the input.

    Raises BadInput for windows that do not fit.
    """
    from captum import attr

    height, width, channels = network.architecture.input_shape

    def at_once(images: Array) -> int:
        return max(1, int(options.internal_batch_size) // len(images))

    def occlusion(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.Occlusion(scored(network, options.score))
        return explainer.attribute(
            images,
            sliding_window_shapes=(channels, options.window, options.window),
            strides=(channels, options.stride, options.stride),
            baselines=options.baseline,
            additional_forward_args=targets,
            perturbations_per_eval=at_once(images),
        )

    def of_cells(explainer: Any, images: Array, targets: Array, **settings: Any) -> Array:
        return explainer.attribute(
            images,
            baselines=options.baseline,
            additional_forward_args=(targets,),
            feature_mask=cells(network, options.grid).to(images.device),
            perturbations_per_eval=at_once(images),
            **settings,
        )

    def feature_ablation(network: Network, images: Array, targets: Array) -> Array:
        return of_cells(attr.FeatureAblation(scored(network, options.score)), images, targets)

    def shapley_value_sampling(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.ShapleyValueSampling(scored(network, options.score))
        with seeded(options.seed):
            return of_cells(explainer, images, targets, n_samples=options.n_samples)

    def regressed(explainer: Any, images: Array, targets: Array) -> Array:
        import torch

        # Captum fits one image after another too, and warns of it.
        maps = []
        for image, target in zip(images.split(1), targets.split(1), strict=True):
            with seeded(options.seed):
                maps.append(of_cells(explainer, image, target, n_samples=options.n_samples))
        return torch.cat(maps)

    def kernel_shap(network: Network, images: Array, targets: Array) -> Array:
        return regressed(attr.KernelShap(scored(network, options.score)), images, targets)

    def lime(network: Network, images: Array, targets: Array) -> Array:
        from captum._utils.models.linear_model import SkLearnLasso, SkLearnRidge
        from captum.attr._core.lime import get_exp_kernel_similarity_function

        lasso = options.model == "lasso"
        explainer = attr.Lime(
            scored(network, options.score),
            interpretable_model=SkLearnLasso(alpha=0.01) if lasso else SkLearnRidge(alpha=1.0),
            similarity_func=get_exp_kernel_similarity_function("cosine", options.kernel_width),
        )
        return regressed(explainer, images, targets)

    if offer == "occlusion":
        _check_windows(options, (height, width))
    elif options.grid > min(height, width):
        raise BadInput(f"grid={options.grid} has more cells than {(height, width)} has pixels")
    attribute = {
        "occlusion": occlusion,
        "feature_ablation": feature_ablation,
        "kernel_shap": kernel_shap,
        "lime": lime,
        "shapley_value_sampling": shapley_value_sampling,
    }[offer]

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        return {"heatmap": attribute(network, images, targets)[:, 0]}

    return explain


def _check_windows(options: Options, size: tuple[int, int]) -> None:
    if options.window > min(size):
        raise BadInput(f"window={options.window} is larger than the image {size}")
    if options.stride > options.window:
        raise BadInput(
            f"stride={options.stride} leaves pixels between windows of {options.window} uncovered; "
            "give at most the window"
        )
