"""The formulas that offers state in words, in NumPy over the oracle's float64 passes.

Each is what the words of its page in `implementations/libraries/` say, and nothing that the
library computes: where its map is this one to 1e-5, the words are the reason why it is not ours.
Those that draw are in `drawn.py`, and draw the library's own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np

from experiments.matched.passes import (
    Passes,
    finished,
    grown,
    scaled,
    softmax,
    strongest,
    weighted,
)
from implementations.arrays import Floats
from implementations.conventions import Convention, resized
from implementations.methods.cells import of_pixels

PYTORCH_GRAD_CAM = Convention(normalise="min_max twice plus epsilon", epsilon=1e-7)
TORCHCAM = Convention(resize="none", normalise="min_max plus epsilon", epsilon=1e-8)
TF_KERAS_VIS = Convention(resize="SciPy's zoom", normalise="min_max plus epsilon", epsilon=1e-7)
"""What each does with a map at a layer in the end."""
GREY = 127.5
"""tf-explain's patch."""


class Stated(NamedTuple):
    """A formula, and the settings of the offer at which it is held to the library."""

    maps: Callable[[Passes], Floats]
    settings: tuple[Mapping[str, str], ...] = ({},)


def score_cam_aligned(p: Passes) -> Floats:
    """pytorch-grad-cam: masks with aligned corners, 1e-8 added to their range."""
    masks = scaled(grown(p.activations, p.size, "align corners"), 1e-8)
    weights = softmax(p.scores(p.shown(masks)))
    return finished(PYTORCH_GRAD_CAM, weighted(weights, p.activations), p.size)


def score_cam_scaled_first(p: Passes) -> Floats:
    """TorchCAM: channels divided by their range at the layer's size, then resized."""
    masks = grown(scaled(p.activations, 1e-8), p.size, "bilinear")
    weights = softmax(p.scores(p.shown(masks)))
    return finished(TORCHCAM, weighted(weights, p.activations), p.size)


def score_cam_of_probabilities(p: Passes) -> Floats:
    """tf-keras-vis: a weight is the class's softmax of the masked image."""
    masks = scaled(grown(p.activations, p.size, "align corners"), 1e-7)
    weights = p.of_targets(softmax(p.logits(p.shown(masks))))
    return finished(TF_KERAS_VIS, weighted(weights, p.activations), p.size)


def is_cam(p: Passes) -> Floats:
    """TorchCAM: the mean score over steps of the masked image, whose factors are summed up."""
    masks = grown(scaled(p.activations, 1e-8), p.size, "bilinear")
    steps = int(p.options.num_samples)
    factors = np.cumsum(np.arange(1, steps + 1) / steps)
    means = np.mean([p.scores(factor * p.shown(masks)) for factor in factors], axis=0)
    return finished(TORCHCAM, weighted(softmax(means), p.activations), p.size)


def ablation_cam(p: Passes) -> Floats:
    """pytorch-grad-cam: (s - s without the channel) / s, where the layer's least value is 0."""
    a, rest = p.network.features(p.layer, p.images)
    classes = np.arange(len(a)), p.targets
    whole = p.network.head(p.layer, a, rest)[classes]
    left = []
    for channel in range(a.shape[-1]):
        without = a * (np.arange(a.shape[-1]) != channel)
        left.append(p.network.head(p.layer, without, rest)[classes])
    weights = 1 - np.stack(left, axis=1) / whole[:, None]
    return finished(PYTORCH_GRAD_CAM, weighted(weights, a), p.size)


def finer_cam(p: Passes) -> Floats:
    """pytorch-grad-cam: sum_j p_j (z_t - alpha z_j) / (sum_j p_j + 1e-9), through p too.

    j are the second to the fourth class in the order of how near their logits are to the target's.
    """
    logits, alpha = p.network(p.images), float(p.options.alpha)
    rows = np.arange(len(logits))
    order = np.argsort(np.abs(logits - logits[rows, p.targets][:, None]), axis=1)
    main, others = order[:, 0], np.zeros_like(logits)
    np.put_along_axis(others, order[:, 1:4], 1.0, axis=1)
    shares = softmax(logits)
    kept = shares * others
    gaps = logits[rows, main][:, None] - alpha * logits
    upper, lower = ((kept * each).sum(axis=1, keepdims=True) for each in (gaps, 1.0))
    d_upper = kept * gaps - shares * upper - alpha * kept
    d_upper[rows, main] += lower[:, 0]
    d_lower = kept - shares * lower
    lifted = lower + 1e-9
    pulled = (d_upper * lifted - upper * d_lower) / lifted**2
    gradients = sum(
        pulled[:, k, None, None, None] * p.pulled(p.images, np.full(len(logits), k))[1]
        for k in range(logits.shape[1])
    )
    weights = np.mean(gradients, axis=(1, 2))
    return finished(PYTORCH_GRAD_CAM, weighted(weights, p.activations), p.size)


def full_grad(p: Passes) -> Floats:
    """pytorch-grad-cam: biases of convolutions and norms, each channel by its range and 1e-7."""
    gradients = p.network.gradients(p.images, p.targets, "logit")
    products = [p.images * gradients["input"]]
    for node in p.network.architecture.nodes:
        if node.kind in ("conv", "batch_norm"):
            products.append(p.network.at_zero(node.name) * gradients[node.name])
    parts = [grown(scaled(np.abs(each), 1e-7), p.size, "bilinear") for each in products]
    return scaled(np.sum([part.sum(axis=-1) for part in parts], axis=0), 1e-7)


def kpca_cam(p: Passes) -> Floats:
    """pytorch-grad-cam: the first component of tanh(x y / c + 1), centred, of centred channels.

    scikit-learn turns it so that its largest magnitude is positive.
    """
    maps = []
    for each in p.activations:
        points = each.reshape(-1, each.shape[-1])
        points = points - points.mean(axis=0)
        kernel = np.tanh(points @ points.T / points.shape[1] + 1)
        means = kernel.mean(axis=0)
        values, vectors = np.linalg.eigh(kernel - means - means[:, None] + kernel.mean())
        first = vectors[:, -1] * np.sqrt(values[-1])
        maps.append((first * np.sign(first[np.abs(first).argmax()])).reshape(each.shape[:2]))
    return finished(PYTORCH_GRAD_CAM, np.stack(maps), p.size)


def seg_eigen_cam(p: Passes) -> Floats:
    """pytorch-grad-cam: the first component of |gradient| activation, by its larger peak."""
    maps = []
    for each in np.abs(p.gradients) * p.activations:
        points = each.reshape(-1, each.shape[-1])
        points = points - points.mean(axis=0)
        first = points @ np.linalg.svd(points, full_matrices=False)[2][0]
        maps.append((first if first.max() >= -first.min() else -first).reshape(each.shape[:2]))
    return finished(PYTORCH_GRAD_CAM, np.stack(maps), p.size)


def occlusion_sensitivity(p: Passes) -> Floats:
    """tf-explain: 1 less the score without a patch, at the patch's place, brought to the size."""
    side, (height, width) = int(p.options.patch_size), p.size
    rows, columns = math.ceil(height / side), math.ceil(width / side)
    cells = np.arange(rows * columns).reshape(rows, columns)
    place = np.repeat(np.repeat(cells, side, axis=0), side, axis=1)[:height, :width]
    kept = place != np.arange(rows * columns)[:, None, None]
    scores = p.scores(p.within(kept, np.full_like(p.images, GREY)))
    return resized(1 - scores.reshape(-1, rows, columns), p.size, "bilinear")


def mean_gradient(p: Passes) -> Floats:
    """tf-explain: the mean gradient at equally spaced points from black, both ends among them."""
    steps = np.linspace(0, 1, int(p.options.n_steps))[:, None, None, None]
    return strongest(p.at_input(steps * p.images[:, None]).mean(axis=1))


def trapezoidal(p: Passes) -> Floats:
    """Xplique: integrated gradients by the trapezoidal rule, the mean over colours."""
    steps = np.linspace(0, 1, int(p.options.steps))[:, None, None, None]
    gradients = p.at_input(steps * p.images[:, None])
    mean = (gradients[:, :-1] + gradients[:, 1:]).mean(axis=1) / 2
    return np.asarray((p.images * mean).mean(axis=-1))


def occlusion_summed(p: Passes) -> Floats:
    """Xplique: the sum of what the score loses over the windows on a pixel, none cut off."""
    side, stride = int(p.options.patch_size), int(p.options.patch_stride)
    corners = list(product(*(range(0, length - side + 1, stride) for length in p.size)))
    covers = np.zeros((len(corners), *p.size), bool)
    for cover, (top, left) in zip(covers, corners, strict=True):
        cover[top : top + side, left : left + side] = True
    fill = np.full_like(p.images, float(p.options.occlusion_value))
    lost = p.scores(p.images[:, None]) - p.scores(p.within(~covers, fill))
    return np.asarray(np.einsum("nm,mhw->nhw", lost, covers.astype(float)))


def feature_ablation(p: Passes) -> Floats:
    """Captum: what the score loses when the cell of a pixel is hidden, one cell at a time."""
    cell = of_pixels("feature_ablation", 1, p.options, p.network.architecture)
    kept = cell != np.arange(cell.max() + 1)[:, None, None]
    fill = np.full_like(p.images, float(p.options.baseline))
    lost = p.scores(p.images[:, None]) - p.scores(p.within(kept, fill))
    return lost[:, cell]


def guided_grad_cam(p: Passes) -> Floats:
    """Captum: guided gradients times Grad-CAM's map, resized by the nearest value."""
    cam = np.maximum(weighted(p.gradients.mean(axis=(1, 2)), p.activations), 0)
    guided = p.network.with_relu("guided")
    gradients = guided.pull_back("input", p.images, {}, p.targets, "logit")
    return strongest(gradients * resized(cam, p.size, "nearest, rounded down")[..., None])


STATED = {
    "captum.feature_ablation": Stated(feature_ablation, ({}, {"grid": "4"})),
    "captum.guided_grad_cam": Stated(guided_grad_cam),
    "pytorch_grad_cam.ablation_cam": Stated(ablation_cam),
    "pytorch_grad_cam.finer_cam": Stated(finer_cam),
    "pytorch_grad_cam.full_grad": Stated(full_grad),
    "pytorch_grad_cam.kpca_cam": Stated(kpca_cam),
    "pytorch_grad_cam.score_cam": Stated(score_cam_aligned),
    "pytorch_grad_cam.seg_eigen_cam": Stated(seg_eigen_cam),
    "tf_explain.integrated_gradients": Stated(mean_gradient),
    "tf_explain.occlusion_sensitivity": Stated(occlusion_sensitivity, ({}, {"patch_size": "3"})),
    "tf_keras_vis.score_cam": Stated(score_cam_of_probabilities),
    "torchcam.is_cam": Stated(is_cam),
    "torchcam.score_cam": Stated(score_cam_scaled_first),
    "xplique.integrated_gradients": Stated(trapezoidal),
    "xplique.occlusion": Stated(occlusion_summed, ({}, {"patch_stride": "2"})),
}
"""Offer -> what it states."""
