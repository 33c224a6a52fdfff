"""The formulas of offers that draw at random, with the very numbers that the library draws.

Its generator is seeded as the offer seeds it, and asked for the same arrays in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from experiments.matched.formulas import PYTORCH_GRAD_CAM, TORCHCAM, Stated
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
from implementations.formulas import quotient
from implementations.libraries._seeds import seeded

UNIFORM = 64
"""Baselines of SHAP's gradient explainer."""


def numpy_old(p: Passes) -> np.random.RandomState:
    """NumPy's old generator, as an offer seeds it."""
    return np.random.RandomState(int(p.options.seed))


def by_class(p: Passes) -> Iterator[NDArray[np.int64]]:
    """The places of each class's images, which make a call of their own."""
    for label in np.unique(p.targets):
        yield np.nonzero(p.targets == label)[0]


def torch_normal(shape: tuple[int, ...], deviation: float) -> Floats:
    """Noise of PyTorch's generator (N, C, H, W), here (N, H, W, C)."""
    import torch

    drawn = torch.normal(0, torch.full(shape, deviation)).numpy().astype(np.float64)
    return np.moveaxis(drawn, 1, -1)


def random_cam(p: Passes) -> Floats:
    """pytorch-grad-cam: weights between -1 and 1, other for each image."""
    a = p.activations
    weights = numpy_old(p).uniform(-1, 1, (len(a), a.shape[-1]))
    return finished(PYTORCH_GRAD_CAM, weighted(weights, a), p.size)


def mean_of_magnitudes(p: Passes) -> Floats:
    """tf-keras-vis: the mean of gradients' magnitudes, the largest of the colours, min-max."""
    count, x = int(p.options.smooth_samples), p.images
    spread = np.ptp(x, axis=(1, 2, 3), keepdims=True) * float(p.options.smooth_noise)
    noise = numpy_old(p).normal(0.0, np.repeat(spread[None], count, axis=0), (count, *x.shape))
    gradients = np.abs(p.at_input(np.moveaxis(x + noise, 0, 1))).mean(axis=1)
    return scaled(strongest(gradients), 1e-7)


def of_cross_entropy(p: Passes) -> Floats:
    """tf-explain: the mean gradient of -log(z_t / sum z), 0 where that is clipped."""
    count = int(p.options.num_samples)
    found = np.zeros_like(p.images)
    for places in by_class(p):
        x = p.images[places]
        shape = (len(x) * count, *x.shape[1:])
        noise = numpy_old(p).normal(0, float(p.options.noise), shape)
        noisy, targets = np.repeat(x, count, axis=0) + noise, np.repeat(p.targets[places], count)
        logits = p.network(noisy)
        total, chosen = logits.sum(axis=1), logits[np.arange(len(logits)), targets]
        inside = (chosen / total >= 1e-7) & (chosen / total <= 1 - 1e-7)
        pulled = np.repeat((1 / total)[:, None], logits.shape[1], axis=1)
        pulled[np.arange(len(logits)), targets] -= 1 / chosen
        each = [
            p.network.pull_back("input", noisy, {}, np.full(len(noisy), k), "logit")
            * (inside * pulled[:, k])[:, None, None, None]
            for k in range(logits.shape[1])
        ]
        found[places] = np.sum(each, axis=0).reshape(len(x), count, *x.shape[1:]).mean(axis=1)
    return strongest(found)


def ss_cam(p: Passes) -> Floats:
    """TorchCAM: the mean score of masks with noise on their range of 1."""
    masks = grown(scaled(p.activations, 1e-8), p.size, "bilinear")
    shape, count = np.moveaxis(masks, -1, 1).shape, int(p.options.num_samples)
    with seeded(int(p.options.seed)):
        noises = [torch_normal(shape, float(p.options.std)) for _ in range(count)]
    means = np.mean([p.scores(p.shown(masks + noise)) for noise in noises], axis=0)
    return finished(TORCHCAM, weighted(softmax(means), p.activations), p.size)


def smooth_grad_cam_plus_plus(p: Passes) -> Floats:
    """TorchCAM: squares and cubes are means over copies, the rest is the last copy's."""
    shape, count = np.moveaxis(p.images, -1, 1).shape, int(p.options.num_samples)
    with seeded(int(p.options.seed)):
        noises = [torch_normal(shape, float(p.options.std)) for _ in range(count)]
    pairs = [p.pulled(p.images + noise, p.targets) for noise in noises]
    squares, cubes = (np.mean([g**power for _, g in pairs], axis=0) for power in (2, 3))
    last, gradients = pairs[-1]
    total = (cubes * p.activations).sum(axis=(1, 2), keepdims=True)
    alpha = quotient(squares, 2 * squares + total + 1e-8)
    weights = (alpha * np.maximum(gradients, 0)).sum(axis=(1, 2))
    return finished(TORCHCAM, weighted(weights, last), p.size)


def tunnelled(power: int, spread: bool = False) -> Callable[[Passes], Floats]:
    """Captum: the mean of gradients' magnitudes or of their squares, or the magnitudes' variance.

    Then the largest magnitude of the colours.
    """

    def maps(p: Passes) -> Floats:
        count, x = int(p.options.nt_samples), p.images
        shape = (len(x) * count, x.shape[3], *x.shape[1:3])
        with seeded(int(p.options.seed)):
            noise = torch_normal(shape, float(p.options.stdevs)).reshape(-1, count, *x.shape[1:])
        gradients = np.abs(p.at_input(x[:, None] + noise))
        made = gradients.var(axis=1) if spread else (gradients**power).mean(axis=1)
        return strongest(made)

    return maps


def gradient_shap(p: Passes) -> Floats:
    """Captum: the mean of (x - baseline) times the gradient at a random place between."""
    count, x, seed = int(p.options.n_samples), p.images, int(p.options.seed)
    baselines = np.random.Generator(np.random.PCG64(seed)).random((count, *x.shape[1:]))
    old = numpy_old(p)
    chosen = baselines[old.choice(count, count * len(x))].reshape(-1, count, *x.shape[1:])
    places = old.uniform(0.0, 1.0, len(x) * count).reshape(-1, count, 1, 1, 1)
    return between(p, chosen, places)


def between(p: Passes, baselines: Floats, places: Floats) -> Floats:
    """The mean of (x - baseline) times the gradient, summed over colours."""
    x = p.images[:, None]
    gradients = p.at_input(places * x + (1 - places) * baselines)
    return np.asarray(((x - baselines) * gradients).mean(axis=1).sum(axis=-1))


def expected_gradients(p: Passes) -> Floats:
    """SHAP: the same, one image after another, the baseline and then the place."""
    count, x, seed = int(p.options.nsamples), p.images, int(p.options.seed)
    generator = np.random.Generator(np.random.PCG64(seed))
    known = generator.random((UNIFORM, *x.shape[1:]), dtype=np.float32).astype(np.float64)
    chosen, places = np.empty((2, len(x), count))
    for images in by_class(p):
        old = numpy_old(p)
        for image in images:
            for k in range(count):
                chosen[image, k], places[image, k] = old.choice(UNIFORM), old.uniform()
    return between(p, known[chosen.astype(int)], places[..., None, None, None])


STATED = {
    "captum.gradient_shap": Stated(gradient_shap),
    "captum.noise_tunnel_smoothgrad": Stated(tunnelled(1)),
    "captum.noise_tunnel_smoothgrad_sq": Stated(tunnelled(2)),
    "captum.noise_tunnel_vargrad": Stated(tunnelled(1, spread=True)),
    "pytorch_grad_cam.random_cam": Stated(random_cam),
    "shap.gradient": Stated(expected_gradients),
    "tf_explain.smooth_grad": Stated(of_cross_entropy),
    "tf_keras_vis.smooth_grad": Stated(mean_of_magnitudes),
    "torchcam.smooth_grad_cam_plus_plus": Stated(smooth_grad_cam_plus_plus),
    "torchcam.ss_cam": Stated(ss_cam),
}
"""Offer -> what it states."""
