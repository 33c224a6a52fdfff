"""Captum's averages over noise: the noise tunnel around saliency, and gradient SHAP.

Noise is PyTorch's own, baselines are NumPy's; both generators are seeded, and left as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.libraries import Offer
from implementations.libraries._seeds import seeded
from implementations.libraries.captum import scored, strongest
from implementations.methods.card import Choice, Flag, Number, Option

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

_DRAWN = "Noise is drawn by PyTorch, other for each image of a batch."
_TUNNEL = (
    "Noise has one deviation for all images, stdevs, ours that of each image's range. The largest "
    "magnitude of the colour channels is taken here."
)
_OPTIONS: dict[str, Option] = {
    "nt_samples": Number(5, 1, 10_000, "noisy copies of the image"),
    "nt_samples_batch_size": Number(5, 1, 10_000, "copies of each image in one pass"),
    "stdevs": Number(1.0, 0.0, 10.0, "deviation of the noise"),
    "abs": Flag(True, "the magnitude of each copy's gradient"),
    "seed": Number(0, 0, 2**31 - 1, "seed of PyTorch's generator"),
}
_OURS = {"nt_samples": "50", "stdevs": "0.15"}

OFFERS = {
    "noise_tunnel_smoothgrad": Offer(
        like="smooth_grad",
        at="input",
        convention=_DRAWN,
        why=f"The mean of the gradients' magnitudes, or of the gradients with abs=false. {_TUNNEL}",
        options=_OPTIONS,
        still={"stdevs": "0"},
        still_like="saliency",
        timed=(_OURS,),
    ),
    "noise_tunnel_smoothgrad_sq": Offer(
        like="smooth_grad_squared",
        at="input",
        convention=_DRAWN,
        why=f"The mean of the squared gradients. {_TUNNEL}",
        options=_OPTIONS,
        timed=(_OURS,),
    ),
    "noise_tunnel_vargrad": Offer(
        like="var_grad",
        at="input",
        convention=_DRAWN,
        why=f"The variance of the gradients' magnitudes, or with abs=false of the gradients, as "
        f"the mean square less the squared mean. {_TUNNEL}",
        options=_OPTIONS,
        timed=(_OURS,),
    ),
    "gradient_shap": Offer(
        like="expected_gradients",
        at="input",
        convention=(
            "Each copy draws one of the baselines and a place, other for each image of a batch."
        ),
        why=(
            "(x - baseline) times the gradient between the two, averaged over copies. "
            "baselines=uniform are as many random images as copies, black is one black image. "
            "Summed over colour channels here."
        ),
        options={
            "n_samples": Number(5, 1, 10_000, "copies of the image"),
            "stdevs": Number(0.0, 0.0, 10.0, "deviation of the noise on each copy"),
            "baselines": Choice("uniform", ("uniform", "black"), "where paths begin"),
            "seed": Number(0, 0, 2**31 - 1, "seed of the generators"),
        },
        timed=({"n_samples": "64"},),
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W) at the input."""
    from captum import attr

    def tunnelled(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.NoiseTunnel(attr.Saliency(scored(network, options.score)))
        attributions = explainer.attribute(
            images,
            nt_type=offer.removeprefix("noise_tunnel_"),
            nt_samples=options.nt_samples,
            nt_samples_batch_size=options.nt_samples_batch_size,
            stdevs=options.stdevs,
            abs=options.abs,
            additional_forward_args=targets,
        )
        return strongest(attributions).abs()

    def gradient_shap(network: Network, images: Array, targets: Array) -> Array:
        explainer = attr.GradientShap(scored(network, options.score))
        attributions = explainer.attribute(
            images,
            _baselines(network, options),
            n_samples=options.n_samples,
            stdevs=options.stdevs,
            additional_forward_args=targets,
        )
        return attributions.detach().sum(dim=1)

    attribute = gradient_shap if offer == "gradient_shap" else tunnelled

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        with seeded(options.seed):
            return {"heatmap": attribute(network, images, targets)}

    return explain


def _baselines(network: Network, options: Options) -> Array:
    import numpy as np

    from implementations.frameworks.pytorch import runtime

    shape = network.architecture.input_shape
    if options.baselines == "black":
        baselines = np.zeros((1, *shape))
    else:
        generator = np.random.Generator(np.random.PCG64(options.seed))
        baselines = generator.random((options.n_samples, *shape))
    return runtime.place(network, {"baselines": baselines})["baselines"]
