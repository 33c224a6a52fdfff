"""tf-explain: explanations of Keras models on TensorFlow, drawn over the images.

A map is taken here before the library draws it: before its absolute value, its sum over colours,
its standardisation to whole numbers, or its colours. One class a call; logits only.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries._seeds import seeded
from implementations.libraries._tensorflow import require_tensorflow
from implementations.methods.card import Flag, Number

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

TITLE = "tf-explain"
PACKAGE = "tf-explain"
# Not TensorFlow: a process of another backend does not see it, and `build` says why.
IMPORTS = {"tf_explain": "tf-explain", "cv2": "opencv-python-headless", "keras": "keras"}
FRAMEWORK = "keras"
BACKEND = "tensorflow"

_LARGEST = "The largest magnitude of the colours is taken here, where the library draws their sum."

OFFERS = {
    "grad_cam": Offer(
        like="grad_cam",
        at="layer",
        scores=("logit",),
        why=(
            "With use_guided_grads=false the weights are ours. It is taken here before the library "
            "draws it, that is before OpenCV's bilinear resizing (half-pixel centres), min-max "
            "without a guard, and 256 colours laid over the image. Float32 only. One class a call, "
            "which runs back through the whole network."
        ),
        convention=Convention(gradient="positive where active", rectify="none", resize="none"),
        options={"use_guided_grads": Flag(True, "only positive gradients at positive activations")},
    ),
    "vanilla_gradients": Offer(
        like="saliency",
        at="input",
        scores=("logit",),
        why=f"Signed, in float32 only. {_LARGEST}",
        convention=Convention(formula="saliency", rectify="none", resize="none"),
        canonical={},
    ),
    "gradients_inputs": Offer(
        like="gradient_x_input",
        at="input",
        scores=("logit",),
        why="In float32 only. Its sum over colours is taken here.",
        convention=Convention(formula="gradient_x_input", rectify="none", resize="none"),
        canonical={},
    ),
    "integrated_gradients": Offer(
        like="",
        at="input",
        scores=("logit",),
        why=f"It is no attribution that adds up. In float32 only. {_LARGEST}",
        convention=(
            "The mean gradient at ten equally spaced points from a black image to the image, both "
            "ends among them and no more than others, never multiplied by the image."
        ),
        options={"n_steps": Number(10, 2, 10_000, "points on the path")},
    ),
    "smooth_grad": Offer(
        like="smooth_grad",
        at="input",
        scores=("logit",),
        why=(
            "The mean gradient of the cross-entropy, which takes the model's output, divided by "
            "its sum, for probabilities: of logits that is something else, and 0 where the "
            "quotient is not from 1e-7 to 1 - 1e-7 (in float32 1 - 1.2e-7). Noise of deviation 1 "
            "whatever the image's range. "
            f"In float32 only. {_LARGEST}"
        ),
        convention="Noise by NumPy's old generator, other for each image of a class.",
        options={
            "num_samples": Number(5, 1, 10_000, "noisy copies of the image"),
            "noise": Number(1.0, 0.0, 10.0, "deviation of the noise"),
            "seed": Number(0, 0, 2**31 - 1, "seed of NumPy's generator"),
        },
    ),
    "occlusion_sensitivity": Offer(
        like="occlusion",
        at="input",
        scores=("logit",),
        why=(
            "Patches do not overlap, and are filled with 127.5 whatever the image's range, so an "
            "image from 0 to 1 meets a patch a hundred times as bright. Their map is brought to "
            "the image's size by OpenCV; square images only, for it takes width for height."
        ),
        convention="1 less the score of the image without a patch: not what the score loses.",
        options={"patch_size": Number(7, 1, 1000, "side of the square patch, in pixels")},
    ),
}
OfClass = Callable[[Any, NDArray[Any], int], Array]


def build(offer: str, network: Network, layer: str, options: Options) -> Explain:
    """An `explain` that gives `heatmap`, NumPy: (N, h, w) at the layer or (N, H, W) at the input.

    Raises Unavailable on another backend, for a node that is no Keras layer, in another precision
    than the offer's, and for occlusion of images that are not square.
    """
    at_layer = OFFERS[offer].at == "layer"
    require_tensorflow(TITLE, network, layer if at_layer else network.architecture.output)
    if at_layer and options.use_guided_grads and network.dtype != "float32":
        raise Unavailable(
            f"{TITLE} guides gradients in float32 only, not in {network.precision}; "
            "give --option use_guided_grads=false"
        )
    if not at_layer and network.dtype != "float32":
        raise Unavailable(f"{TITLE} casts images to float32, not to {network.precision}")
    height, width, _ = network.architecture.input_shape
    if offer == "occlusion_sensitivity" and height != width:
        raise Unavailable(
            f"{TITLE}'s occlusion resizes to (height, width) where OpenCV asks for (width, "
            f"height): {height} x {width} is not square"
        )
    of_class = _of_class(offer, layer, options)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        pixels, classes = images.numpy(), targets.numpy()
        maps: dict[int, Array] = {}
        for target in sorted(set(classes.tolist())):
            (places,) = np.nonzero(classes == target)
            with (
                warnings.catch_warnings(),
                seeded(options.get("seed", 0)),
                contextlib.redirect_stdout(io.StringIO()),  # Occlusion shows a bar of its progress.
            ):
                # It nests the model's inputs in one list more than the images it hands over.
                warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
                found = of_class(network.model, pixels[places], target)
            maps.update(zip(places.tolist(), np.asarray(found), strict=True))
        return {"heatmap": np.stack([maps[place] for place in range(len(classes))])}

    return explain


def _of_class(offer: str, layer: str, options: Options) -> OfClass:
    """Maps of images (N, H, W, C) for one class, by the library's functions before it draws."""
    from tf_explain.core import (
        grad_cam,
        gradients_inputs,
        integrated_gradients,
        occlusion_sensitivity,
        smoothgrad,
        vanilla_gradients,
    )

    def cam(model: Any, images: NDArray[Any], target: int) -> Array:
        library = grad_cam.GradCAM
        guided = options.use_guided_grads
        found = library.get_gradients_and_filters(model, images, layer, target, guided)
        return library.generate_ponderated_output(*found)

    def vanilla(model: Any, images: NDArray[Any], target: int) -> Array:
        library = vanilla_gradients.VanillaGradients
        return _largest(library.compute_gradients(images, model, target))

    def times_input(model: Any, images: NDArray[Any], target: int) -> Array:
        library = gradients_inputs.GradientsInputs
        return np.sum(library.compute_gradients(images, model, target), axis=-1)

    def integrated(model: Any, images: NDArray[Any], target: int) -> Array:
        library, steps = integrated_gradients.IntegratedGradients, options.n_steps
        path = library.generate_interpolations(images, steps)
        return _largest(library.get_integrated_gradients(path, model, target, steps))

    def smooth(model: Any, images: NDArray[Any], target: int) -> Array:
        library, samples = smoothgrad.SmoothGrad, options.num_samples
        noisy = library.generate_noisy_images(images, samples, options.noise)
        return _largest(library.get_averaged_gradients(noisy, model, target, samples))

    def occlusion(model: Any, images: NDArray[Any], target: int) -> Array:
        library = occlusion_sensitivity.OcclusionSensitivity()
        size = options.patch_size
        return [library.get_sensitivity_map(model, image, target, size) for image in images]

    return {
        "grad_cam": cam,
        "vanilla_gradients": vanilla,
        "gradients_inputs": times_input,
        "integrated_gradients": integrated,
        "smooth_grad": smooth,
        "occlusion_sensitivity": occlusion,
    }[offer]


def _largest(gradients: Array) -> NDArray[Any]:
    largest: NDArray[Any] = np.abs(np.asarray(gradients)).max(axis=-1)
    return largest
