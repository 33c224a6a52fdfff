"""PAIR's gradients at the image: plain, at noisy copies, and along three paths to the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.contract import Explain, Framework, Network, Options
from implementations.conventions import Convention
from implementations.libraries import Offer
from implementations.libraries.saliency import Called, explained
from implementations.methods.card import Choice, Flag, Number, Option

_SINGLE = "Sums are kept in float32."
_LARGEST = "The largest of the colours is taken here, where the library draws their sum."
_SUMMED = "Summed over colour channels here."
_MASKS = {
    "gradient": "GradientSaliency", "integrated_gradients": "IntegratedGradients",
    "blur_ig": "BlurIG", "guided_ig": "GuidedIG",
}  # fmt: skip
_BATCH: dict[str, Option] = {"batch_size": Number(1, 1, 10_000, "points of the path in one pass")}
_NOISE: dict[str, Option] = {
    "stdev_spread": Number(0.15, 0.0, 10.0, "deviation of the noise, of the image's range"),
    "nsamples": Number(25, 1, 10_000, "noisy copies of the image"),
    "of": Choice("gradient", tuple(_MASKS), "the mask of each copy, at its own defaults"),
    "seed": Number(0, 0, 2**31 - 1, "seed of NumPy's generator"),
}
_DRAWN = "Noise by NumPy's old generator, other for each image, one copy in a pass."


def blurred(options: Options, images: NDArray[Any]) -> NDArray[Any]:
    """Images (N, H, W, C) at the far end of the blurring path."""
    from scipy.ndimage import gaussian_filter

    sigma = options.max_sigma**0.5 if options.sqrt else options.max_sigma
    found: NDArray[Any] = gaussian_filter(images, [0, sigma, sigma, 0], mode="constant")
    return found


OFFERS = {
    "gradient_saliency": Offer(
        like="saliency",
        at="input",
        convention=Convention(formula="saliency", rectify="none", resize="none"),
        why=(
            "Signed, for each colour channel; the largest magnitude is taken here, where the "
            "library draws the sum of magnitudes. One image a pass."
        ),
        canonical={},
    ),
    "smooth_grad": Offer(
        like="smooth_grad",
        at="input",
        convention=_DRAWN,
        why=(
            "`GetSmoothedMask` with magnitude=False; another mask than the gradient is smoothed "
            f"with `of`. {_SINGLE} {_LARGEST}"
        ),
        options=_NOISE,
        still={"stdev_spread": "0.0"},
        still_like="saliency",
        timed=({"nsamples": "50"},),
    ),
    "smooth_grad_squared": Offer(
        like="smooth_grad_squared",
        at="input",
        convention=_DRAWN,
        why=(
            "`GetSmoothedMask` as it comes, with magnitude=True: the mean of the squared "
            f"gradients, where its page says SmoothGrad. {_SINGLE} {_LARGEST}"
        ),
        options=_NOISE,
        timed=({"nsamples": "50"},),
    ),
    "integrated_gradients": Offer(
        like="integrated_gradients",
        at="input",
        convention=(
            "From a black image, the mean gradient at 25 equally spaced points, both ends among "
            "them and no more than others, times the image."
        ),
        why=f"{_SINGLE} {_SUMMED}",
        options={"x_steps": Number(25, 2, 10_000, "points on the path"), **_BATCH},
        sums_to=lambda options, images: 0.0,
        timed=({"batch_size": "25"}, {"x_steps": "50", "batch_size": "50"}),
    ),
    "guided_ig": Offer(
        like="",
        at="input",
        convention=(
            "Guided integrated gradients (arXiv 2106.09788) from a black image: each step moves "
            "the pixels of the smallest gradient first."
        ),
        why=(
            "In float64 but for the gradients. Each step times the gradient at its start, though "
            "a pixel goes as far at once as max_dist lets it: so its sum is off, however many the "
            "steps. Rounding may send which pixels go first either way, so the map in float32 may "
            "be another than in float64. With NumPy 2.4 it raises by itself, for it calls "
            "`numpy.quantile` with `interpolation`, which is gone: here it is given one that knows "
            f"it. {_SUMMED}"
        ),
        options={
            "x_steps": Number(200, 1, 10_000, "steps on the path"),
            "fraction": Number(0.25, 0.0, 1.0, "of the features that may move in a step"),
            "max_dist": Number(0.02, 0.0, 1.0, "from the straight path, of its length"),
        },
        sums_to=lambda options, images: 0.0,
    ),
    "blur_ig": Offer(
        like="",
        at="input",
        convention=(
            "Blur integrated gradients (arXiv 2004.03383): at the left end of each step of sigma "
            "the gradient times the image's change by sigma, a difference over 0.01."
        ),
        why=(
            "Blurred by SciPy with black around. With sqrt=true a batch of more than one has the "
            f"width of its last step for all. {_SUMMED}"
        ),
        options={
            "max_sigma": Number(50.0, 0.01, 1000.0, "deviation of the blur where the path begins"),
            "steps": Number(100, 1, 10_000, "steps of sigma"),
            "grad_step": Number(0.01, 1e-6, 1.0, "step of the difference by sigma"),
            "sqrt": Flag(False, "sigma grows with the square root of the step"),
            **_BATCH,
        },
        sums_to=blurred,
        timed=({"batch_size": "100"},),
    ),
}


def build(
    offer: str, network: Network, layer: str, options: Options, framework: Framework
) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W) at the input, NumPy."""
    given = {name: options[name] for name in OFFERS[offer].options if name not in _NOISE}

    def plain(library: Any, image: NDArray[Any], target: int, called: Called) -> NDArray[Any]:
        gradients = library.GradientSaliency().GetMask(image, called, target)
        return _largest(gradients)

    def smooth(library: Any, image: NDArray[Any], target: int, called: Called) -> NDArray[Any]:
        of = getattr(library, _MASKS[options.of])()
        found = of.GetSmoothedMask(
            image, called, target, options.stdev_spread, options.nsamples,
            magnitude=offer == "smooth_grad_squared",
        )  # fmt: skip
        return _largest(found)

    def path(library: Any, image: NDArray[Any], target: int, called: Called) -> NDArray[Any]:
        of = getattr(library, _MASKS[offer])()
        found: NDArray[Any] = of.GetMask(image, called, target, **given).sum(axis=-1)
        return found

    masks = {"gradient_saliency": plain, "smooth_grad": smooth, "smooth_grad_squared": smooth}
    return explained(masks.get(offer, path), network, "input", options, framework)


def _largest(gradients: NDArray[Any]) -> NDArray[Any]:
    largest: NDArray[Any] = np.abs(gradients).max(axis=-1)
    return largest
