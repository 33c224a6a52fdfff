"""PAIR's Grad-CAM, occlusion, and XRAI, which ranks segments of the image."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.contract import Explain, Framework, Network, Options
from implementations.libraries import Offer
from implementations.libraries.saliency import Called, explained
from implementations.methods.card import Choice, Flag, Number

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        convention=(
            "The same formula, divided by its maximum without an epsilon, then bilinear to the "
            "image's size, mirrored at the edges."
        ),
        why=(
            "A map of zeros stays one. With should_resize=false it is neither divided nor resized. "
            "Every map is float32. One image a pass."
        ),
        options={"should_resize": Flag(True, "divide by the maximum, and resize to the image")},
        canonical={"should_resize": "false"},
    ),
    "occlusion": Offer(
        like="occlusion",
        at="input",
        convention=(
            "The sum, where ours is the mean, of what the score loses over all windows on a pixel, "
            "one pixel apart, none cut off."
        ),
        why=(
            "Corners are covered once, the middle up to size x size times. A window larger than "
            "the image gives a map of zeros, without a word. One image a pass; every colour has "
            "the same value, of which one is taken here."
        ),
        options={
            "size": Number(15, 1, 1000, "side of the square window, in pixels"),
            "value": Number(0.0, 0.0, 1.0, "grey level in the window"),
        },
        timed=({"size": "7"},),
    ),
    "xrai": Offer(
        like="",
        at="input",
        convention=(
            "XRAI (arXiv 1906.02825): segments by the density of integrated gradients, the mean "
            "of two baselines: the image's least value and its largest."
        ),
        why=(
            "Of the colours the largest attribution. Segments are Felzenszwalb's at six scales, of "
            "the image at 224 x 224, each grown by a disk of radius 5 of the image's own pixels, "
            "and one that adds less than 50 pixels is left out: of an image of 8 x 8 there are "
            "hardly two values. algorithm=full ranks by what a segment adds to those before it, "
            "fast by all of it. Both paths begin at an image of one value, where a pool's windows "
            "are tied and rounding decides."
        ),
        options={
            "algorithm": Choice("full", ("full", "fast"), "how segments are ranked"),
            "steps": Number(100, 2, 10_000, "points on each of the two paths"),
            "area_threshold": Number(1.0, 0.0, 1.0, "of the image that is ranked, if full"),
            "batch_size": Number(1, 1, 10_000, "points of a path in one pass"),
        },
        timed=({"algorithm": "fast"}, {"batch_size": "100"}),
    ),
}


def build(
    offer: str, network: Network, layer: str, options: Options, framework: Framework
) -> Explain:
    """An `explain` that gives `heatmap`, NumPy: (N, H, W), or (N, h, w) at the layer."""

    def grad_cam(library: Any, image: NDArray[Any], target: int, called: Called) -> NDArray[Any]:
        resized = options.should_resize
        return np.asarray(library.GradCam().GetMask(image, called, target, resized, False))

    def occlusion(library: Any, image: NDArray[Any], target: int, called: Called) -> NDArray[Any]:
        found = library.Occlusion().GetMask(image, called, target, options.size, options.value)
        return np.asarray(found[..., 0])

    def xrai(library: Any, image: NDArray[Any], target: int, called: Called) -> NDArray[Any]:
        given = library.XRAIParameters(
            steps=options.steps, area_threshold=options.area_threshold, algorithm=options.algorithm
        )
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            # An image of one value has no range to be divided by; its attributions are 0.
            warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
            found = library.XRAI().GetMask(
                image, called, target, batch_size=options.batch_size, extra_parameters=given
            )
        return np.asarray(found)

    masks = {"grad_cam": grad_cam, "occlusion": occlusion, "xrai": xrai}
    place = layer if OFFERS[offer].at == "layer" else "input"
    return explained(masks[offer], network, place, options, framework)
