"""SHAP's explainers of masked images: nested rectangles, or pixel after pixel in random order.

The partition explainer splits the image into halves again and again and gives each part its Owen
value: the change of the score when the part is shown instead of masked. Values of either add up to
the score of the image less the score of the wholly masked image, however small the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Framework, Network, Options
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries._seeds import seeded
from implementations.libraries.shap import TITLE, imported
from implementations.methods.card import Choice, Number, Option

_MASKERS = ("blur", "inpaint_telea", "inpaint_ns")
_OPTIONS: dict[str, Option] = {
    "masker": Choice("blur", _MASKERS, "what stands in for hidden pixels"),
    "kernel": Number(28, 1, 1000, "side of the blur's square kernel, in pixels"),
    "batch_size": Number(50, 1, 1_000_000, "images in one forward pass"),
    "seed": Number(0, 0, 2**31 - 1, "seed of NumPy's generator"),
}
_FILL = (
    "Blur works on pixels in any range; inpainting is OpenCV's on whole numbers, so images are "
    "handed over rounded to 0..255 and the model sees those, off by up to 1/510."
)


def hidden(options: Options, images: NDArray[Any]) -> NDArray[Any]:
    """Images (N, H, W, C) wholly masked."""
    masked = Masked("partition", options, images.shape[1:])
    return np.stack([masked.hidden(image) for image in images])


OFFERS = {
    "partition": Offer(
        like="partition_shap",
        at="input",
        convention="What it splits, and when, is its own.",
        why=(
            "Owen values of nested rectangles down to single pixels, max_evals forward passes an "
            "image, spent where the score changes most; what the budget leaves unsplit is spread "
            "evenly over its rectangle, hence the blocks. Each colour channel is a feature of its "
            f"own; their sum is taken here, so the map stays additive. {_FILL}"
        ),
        sums_to=hidden,
        options={**_OPTIONS, "max_evals": Number(500, 4, 1_000_000, "forward passes an image")},
    ),
    "permutation": Offer(
        like="permutation_shap",
        at="input",
        convention="Orders are drawn by NumPy's generator, within nested rectangles.",
        why=(
            "Every pixel and colour is a feature: with 1,600 evaluations, an image of 784 is shown "
            "pixel by pixel in one order, drawn within the nested rectangles, and in its reverse. "
            f"{_FILL}"
        ),
        sums_to=hidden,
        options={**_OPTIONS, "max_evals": Number(1600, 3, 10_000_000, "forward passes an image")},
    ),
}


def build(
    offer: str, network: Network, layer: str, options: Options, framework: Framework
) -> Explain:
    """An `explain` that gives `heatmap` (N, H, W), signed, float64 NumPy.

    Raises Unavailable where the budget is too small for one order of all pixels.
    """
    shape = network.architecture.input_shape
    least = 2 * int(np.prod(shape)) + 1
    if offer == "permutation" and options.max_evals < least:
        raise Unavailable(
            f"{TITLE}'s permutation explainer needs {least} evaluations for one order of the "
            f"{least // 2} pixels and colours and its reverse; give --option max_evals={least}"
        )
    masked = Masked(offer, options, shape)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        pixels = framework.to_numpy(images)
        heatmap = np.zeros(pixels.shape[:3])
        for position, target in enumerate(framework.to_numpy(targets)):

            def scores(shown: NDArray[Any], target: int = int(target)) -> NDArray[Any]:
                placed = framework.put(network, shown, np.full(len(shown), target, np.int32))
                score = network.score(options.score, network(placed[0]), placed[1])
                return framework.to_numpy(score)

            heatmap[position] = masked.values(scores, pixels[position]).sum(axis=-1)
        return {"heatmap": heatmap}

    return explain


class Masked:
    """An offer with its masker, for images of one shape (H, W, C)."""

    def __init__(self, offer: str, options: Any, shape: tuple[int, ...]) -> None:
        self.offer, self.options = offer, options
        shap = imported()
        self.blurs = options.masker == "blur"
        fill = f"blur({options.kernel},{options.kernel})" if self.blurs else options.masker
        self.masker = shap.maskers.Image(fill, shape)
        self.levels = 1 if self.blurs else 255
        kinds = {"partition": shap.PartitionExplainer, "permutation": shap.PermutationExplainer}
        self.kind = kinds[offer]

    def values(
        self,
        scores: Callable[[NDArray[Any]], NDArray[Any]],
        pixels: NDArray[Any],
        outputs: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Values (H, W, C) of an image (H, W, C), of scores (N,) of images (N, H, W, C).

        Of scores (N, K) they are (H, W, C, K), or of these `outputs` among K.
        """
        given = {} if outputs is None or self.offer == "permutation" else {"outputs": outputs}
        # The masker keeps a blurred image by the id() of an array that is gone by the next
        # image, whose own may be the same.
        self.masker.last_xid = None
        with seeded(self.options.seed):
            _numba_seed()(self.options.seed)
            explained = self.kind(
                lambda masked: scores((masked / self.levels).astype(masked.dtype)),
                self.masker,
                seed=self.options.seed,
            )(
                self.shown(pixels)[None],
                max_evals=self.options.max_evals,
                batch_size=self.options.batch_size,
                silent=True,
                **given,
            )
        found = np.asarray(explained.values[0])
        return found[..., outputs] if outputs is not None and not given else found

    def shown(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Pixels as the masker is handed them: inpainting is of whole numbers."""
        return pixels if self.blurs else np.round(pixels * self.levels)

    def hidden(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The image (H, W, C) with everything masked, as the model sees it."""
        shown = self.shown(pixels)
        self.masker.last_xid = None
        masked = self.masker(np.zeros(shown.size, bool), shown)[0][0]
        return np.asarray(masked / self.levels, pixels.dtype).reshape(pixels.shape)


@cache
def _numba_seed() -> Any:
    """What seeds the generator of functions compiled by Numba, which draw the orders."""
    import numba

    @numba.njit
    def inside(seed: int) -> None:
        np.random.seed(seed)  # noqa: NPY002

    return inside
