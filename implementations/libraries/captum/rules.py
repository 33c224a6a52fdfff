"""Captum's other backward passes: DeepLIFT and layer-wise relevance propagation, by hooks."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries.captum import scored_module
from implementations.methods.card import Choice, Number

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

OFFERS = {
    "deep_lift": Offer(
        like="deep_lift",
        at="input",
        scores=("logit",),
        convention=Convention(formula="deep_lift", rectify="none", resize="none"),
        why=(
            "The rescale rule from a black image at every nn.ReLU and nn.MaxPool2d, by hooks on a "
            "doubled batch; summed over colour channels here. Where a pool reads a ReLU its rule "
            "is lost: both set a hook on the tensor between them, and the ReLU's keeps the "
            "gradient before the pool's has changed it, so the pool passes its plain gradient; "
            "where the baseline varies in a window the map does not add up. Else it is ours."
        ),
        sums_to=lambda options, images: 0.0,
        options={"eps": Number(1e-10, 0.0, 1.0, "differences below which the gradient is taken")},
    ),
    "lrp": Offer(
        like="lrp",
        at="input",
        scores=("logit",),
        convention=Convention(
            formula="lrp[composite=epsilon,epsilon=1e-9]", rectify="none", resize="none"
        ),
        why=(
            "rules=default is what Captum does by itself, the epsilon rule with 1e-9 at every "
            "layer: composite=epsilon of ours. rules=composite is alpha 1, beta 0 at convolutions "
            "and epsilon elsewhere, ours where no convolution has a bias; its rule leaves negative "
            "biases in. Flattening, for which it has no rule, is given the epsilon rule here; any "
            "other module without a rule it refuses. Summed over colour channels here."
        ),
        options={
            "rules": Choice("default", ("default", "composite"), "which rule at which layer"),
            "epsilon": Number(1e-9, 0.0, 1.0, "added to every denominator of the epsilon rule"),
        },
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W) at the input.

    Raises Unavailable where LRP has no rule for one of the network's modules.
    """
    from captum import attr

    def deep_lift(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.DeepLift(scored_module(network, options.score), eps=options.eps)
        attributions = explainer.attribute(
            images.detach().requires_grad_(), additional_forward_args=targets
        )
        return attributions.detach().sum(dim=1)

    def lrp(network: Network, images: Array, targets: Array) -> Array:
        import torch

        _set_rules(network, options)
        with torch.enable_grad():
            explainer = attr.LRP(scored_module(network, options.score))
            relevance = explainer.attribute(
                images.detach().requires_grad_(), additional_forward_args=targets
            )
        return relevance.detach().sum(dim=1)

    if offer == "lrp":
        _set_rules(network, options)
    attribute = {"deep_lift": deep_lift, "lrp": lrp}[offer]

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        with warnings.catch_warnings():
            # It announces the hooks that it sets and takes away again.
            warnings.filterwarnings("ignore", r"\s*Setting forward, backward hooks", UserWarning)
            return {"heatmap": attribute(network, images, targets)}

    return explain


def _set_rules(network: Any, options: Options) -> None:
    """Give every module the rule that the options say; Captum takes them away after each map."""
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
    from torch import nn

    weighted = (nn.Conv2d, nn.Linear)
    ruled = (*weighted, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten)
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) or any(module.children()):
            continue
        if options.rules == "composite" and isinstance(module, nn.Conv2d):
            module.rule = Alpha1_Beta0_Rule()
        elif isinstance(module, ruled):
            module.rule = EpsilonRule(options.epsilon)
        elif not isinstance(module, nn.ReLU | nn.Dropout):
            kind = type(module).__name__
            raise Unavailable(f"Captum's LRP has no rule for {kind}, which {name} is")
