"""pytorch-grad-cam's methods of one gradient at a layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.errors import Unavailable
from implementations.libraries.pytorch_grad_cam import (
    BARE,
    TITLE,
    bare,
    cam_offer,
    explained_by,
    imported,
    shipped,
    trained,
)
from implementations.methods.card import Choice, Flag, Number

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

_TARGETS = ("logit", "softmax", "rest")

OFFERS = {
    "grad_cam": cam_offer(
        like="grad_cam",
        convention=shipped("grad_cam"),
        why=(
            "In float32. It runs back through the whole network, to the gradients of its weights "
            "unless they are frozen. scaled=false is the map before it is scaled and resized."
        ),
        options={"frozen": Flag(False, "freeze the weights first: gradients of theirs cost time")},
        canonical=BARE,
        timed=({"frozen": "true"},),
    ),
    "hires_cam": cam_offer(
        like="hires_cam",
        convention=shipped("hires_cam"),
        canonical=BARE,
    ),
    "grad_cam_element_wise": cam_offer(
        like="layer_cam",
        convention=shipped("layer_cam, positive products"),
        why=(
            "LayerCAM's map wherever activations are not negative, and option positive=product of "
            "ours elsewhere."
        ),
        canonical=BARE,
    ),
    "layer_cam": cam_offer(
        like="layer_cam",
        convention=shipped("layer_cam"),
        canonical=BARE,
    ),
    "grad_cam_plus_plus": cam_offer(
        like="grad_cam_plus_plus",
        convention=shipped("grad_cam_plus_plus, 1e-6 in the denominator"),
        why=(
            "Equation 19 with its squares and cubes of the gradient: where gradients are not large "
            "beside 1e-3, what is added fades the channel's weight."
        ),
    ),
    "xgrad_cam": cam_offer(
        like="xgrad_cam",
        convention=shipped("xgrad_cam"),
        why="1e-7 is added to the sum of the activations, where ours guards against a sum of 0.",
        canonical=BARE,
    ),
    "finer_cam": cam_offer(
        like="finer_cam",
        convention=(
            "Other classes are weighed by their softmax, through which the gradient goes too; "
            "strength alpha is 1."
        ),
        why=(
            "Of the classes in order of how near their logits are it takes the second to the "
            "fourth, so a class that ties with the target can push it out. One class a call."
        ),
        options={"alpha": Number(1.0, 0.0, 100.0, "strength of the comparison")},
    ),
    "shapley_cam": cam_offer(
        like="shapley_cam",
        convention=shipped("shapley_cam"),
        why=(
            "Gradient less half of the product of Hessian and activations, by differentiating "
            "twice; with the logit, its default target, that is 0 in networks of ReLUs, and the "
            "map Grad-CAM's; target=rest is the paper's. Where flattening reads the layer it "
            "raises, for the gradient there is a view."
        ),
        options={"target": Choice("logit", _TARGETS, "what is differentiated")},
        canonical=BARE,
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap`, NumPy. Raises Unavailable where ShapleyCAM would raise."""
    library = imported()
    from pytorch_grad_cam.utils import model_targets

    if offer == "shapley_cam" and _flattened(network, layer):
        raise Unavailable(
            f'ShapleyCAM of {TITLE} raises "Can\'t detach views in-place" where flattening reads '
            f"the layer, as it does {layer}; choose another with --layer"
        )

    if offer == "finer_cam":
        return _finer(library, layer, options)
    kind = {
        "grad_cam": library.GradCAM,
        "hires_cam": library.HiResCAM,
        "grad_cam_element_wise": library.GradCAMElementWise,
        "layer_cam": library.LayerCAM,
        "grad_cam_plus_plus": library.GradCAMPlusPlus,
        "xgrad_cam": library.XGradCAM,
        "shapley_cam": library.ShapleyCAM,
    }[offer]
    # Trainable weights are what a network has unless somebody freezes them.
    trained(network, offer != "grad_cam" or not options.frozen)
    target = {
        "logit": model_targets.ClassifierOutputTarget,
        "softmax": model_targets.ClassifierOutputSoftmaxTarget,
        "rest": model_targets.ClassifierOutputReST,
    }[options.target if offer == "shapley_cam" else "logit"]
    kind = kind if options.scaled else bare(kind)
    return explained_by(lambda network: kind(network, [network.layers[layer]]), target)


def _flattened(network: Network, layer: str) -> bool:
    """Whether a flattening reads the layer's output, or what dropout leaves of it."""
    same = {layer}
    for node in network.architecture.nodes:
        if same & set(node.inputs) and node.kind == "dropout":
            same.add(node.name)
        elif same & set(node.inputs) and node.kind == "flatten":
            return True
    return False


def _finer(library: Any, layer: str, options: Options) -> Explain:
    import numpy as np
    import torch

    base = library.GradCAM if options.scaled else bare(library.GradCAM)
    make = partial(library.FinerCAM, base_method=base)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        trained(network)
        maps: dict[int, Any] = {}
        with torch.enable_grad(), make(network, [network.layers[layer]]) as explainer:
            for target in targets.unique().tolist():
                (places,) = np.nonzero((targets == target).cpu().numpy())
                # Without targets it makes its own, of the class and those most like it.
                given = images[places.tolist()]
                cams = explainer(given, None, alpha=options.alpha, target_idx=target)
                maps.update(zip(places.tolist(), cams, strict=True))
        return {"heatmap": np.stack([maps[place] for place in range(len(maps))])}

    return explain
