"""SHAP (Lundberg & Lee 2017, arXiv 1705.07874): Shapley values by masking, any model.

The partition explainer splits the image into halves again and again and gives each part its Owen
value: the change of the score when the part is shown instead of masked. Values add up to the score
of the image less the score of the wholly masked image, however small the budget.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.libraries import Offer
from implementations.methods.card import Choice, Number

if TYPE_CHECKING:
    from implementations.frameworks.pytorch.network import Network

TITLE = "SHAP"
PACKAGE = "shap"
IMPORTS = {"shap": "shap", "cv2": "opencv-python-headless", "torch": "torch"}
FRAMEWORK = "pytorch"

_MASKERS = ("blur", "inpaint_telea", "inpaint_ns")

OFFERS = {
    "partition": Offer(
        like="",
        at="input",
        why=(
            "Owen values of nested rectangles, max_evals forward passes an image; what the budget "
            "leaves unsplit is spread evenly over its rectangle, hence the blocks. Each colour "
            "channel is a feature of its own; their sum is taken here, so the map stays additive. "
            "Blur works on pixels in any range; inpainting is OpenCV's on whole numbers, so images "
            "are handed over rounded to 0..255 and the model sees those, off by up to 1/510."
        ),
        options={
            "masker": Choice("blur", _MASKERS, "what stands in for hidden pixels"),
            "kernel": Number(28, 1, 1000, "side of the blur's square kernel, in pixels"),
            "max_evals": Number(500, 4, 1_000_000, "forward passes an image"),
            "batch_size": Number(50, 1, 1_000_000, "images in one forward pass"),
        },
    ),
}


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W), signed, float64 NumPy."""
    with warnings.catch_warnings():
        # Its colour maps are made on import in a way that Matplotlib 3.11 means to retire.
        warnings.filterwarnings("ignore", "The set_", PendingDeprecationWarning)
        import shap

    from implementations.frameworks.pytorch import runtime

    blurs = options.masker == "blur"
    fill = f"blur({options.kernel},{options.kernel})" if blurs else options.masker
    masker = shap.maskers.Image(fill, network.architecture.input_shape)
    levels = 1 if blurs else 255

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        import torch

        pixels = runtime.to_numpy(images)
        pixels = pixels if blurs else np.round(pixels * levels)
        heatmap = np.zeros(pixels.shape[:3])
        for position, target in enumerate(targets):

            def scores(masked: NDArray[Any], target: Array = target) -> NDArray[Any]:
                with torch.no_grad():
                    logits = network(runtime.put(network, (masked / levels).astype(masked.dtype)))
                    score = network.score(options.score, logits, target.expand(len(masked)))
                return runtime.to_numpy(score)

            explainer = shap.PartitionExplainer(scores, masker)
            # The masker keeps a blurred image by the id() of an array that is gone by the next
            # image, whose own may be the same.
            masker.last_xid = None
            with _seeded(position):
                explanation = explainer(
                    pixels[position : position + 1],
                    max_evals=options.max_evals,
                    batch_size=options.batch_size,
                    silent=True,
                )
            heatmap[position] = explanation.values[0].sum(axis=-1)
        return {"heatmap": heatmap}

    return explain


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """NumPy's global generator seeded, then as it was: SHAP breaks ties with it."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
