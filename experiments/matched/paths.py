"""The formulas of PAIR saliency's offers: means over noise, paths to the image, ranked segments.

Noise is NumPy's old generator's, image after image; segments are the library's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from experiments.matched.cells import one
from experiments.matched.drawn import numpy_old
from experiments.matched.formulas import Stated
from experiments.matched.passes import Passes, strongest, weighted
from implementations.arrays import Floats

CLOSE = 1e-9
"""How near guided IG comes to the distance that a step is to leave."""
GROWN, LEAST = 5, 50
"""XRAI: by how many pixels a segment is grown, and how many it has to add."""


def smoothed(power: int) -> Callable[[Passes], Floats]:
    """The mean of the gradient, or of its square, at noisy copies; the largest colour."""

    def maps(p: Passes) -> Floats:
        count, old = int(p.options.nsamples), numpy_old(p)
        spreads = float(p.options.stdev_spread) * np.ptp(p.images, axis=(1, 2, 3))
        noise = [old.normal(0, each, (count, *p.images.shape[1:])) for each in spreads]
        gradients = p.at_input(p.images[:, None] + np.stack(noise))
        return strongest((gradients**power).mean(axis=1))

    return maps


def between(p: Passes, starts: Floats, points: int) -> Floats:
    """(x - start) times the mean gradient at equally spaced points, both ends among them."""
    places = np.linspace(0, 1, points)[:, None, None, None]
    change = p.images - starts
    gradients = p.at_input(starts[:, None] + places * change[:, None])
    return np.asarray(change * gradients.mean(axis=1))


def integrated_gradients(p: Passes) -> Floats:
    """From black."""
    return between(p, np.zeros_like(p.images), int(p.options.x_steps)).sum(axis=-1)


def guided_ig(p: Passes) -> Floats:
    """Each step leaves a share of the way, which features of the smallest gradients go first.

    None may be further than max_dist behind the straight path or ahead of it.
    """
    steps, fraction = int(p.options.x_steps), float(p.options.fraction)
    found = []
    for place, end in enumerate(p.images):
        x, total, made = np.zeros_like(end), np.abs(end).sum(), np.zeros_like(end)
        for step in range(1, steps + 1):
            gradient = one(p, place).at_input(x[None, None])[0, 0]
            ahead = end * min(step / steps + float(p.options.max_dist), 1.0)
            behind = end * max(step / steps - float(p.options.max_dist), 0.0)
            order, start = np.abs(gradient), x.copy()
            x = np.where(np.abs(x) < np.abs(behind), behind, x)
            while True:
                rest = np.abs(end - x).sum() - total * (1 - step / steps)
                if math.isclose(rest, 0.0, abs_tol=CLOSE):
                    break
                order[x == ahead] = np.inf
                bound = np.quantile(order, fraction, method="lower")
                chosen = (order <= bound) & (order < np.inf)
                reach = np.abs(ahead - x)[chosen].sum()
                share = min(rest / reach, 1.0) if reach else 1.0
                x = np.where(chosen, ahead if share == 1 else x + share * (ahead - x), x)
                if reach and rest <= reach:
                    break
            made += (x - start) * gradient
        found.append(made.sum(axis=-1))
    return np.stack(found)


def blur_ig(p: Passes) -> Floats:
    """What each step of sigma takes from the image, times the gradient before it."""
    from scipy.ndimage import gaussian_filter

    def blurred(sigma: float) -> Floats:
        return np.asarray(gaussian_filter(p.images, [0, sigma, sigma, 0], mode="constant"))

    steps, lift = int(p.options.steps), float(p.options.grad_step)
    sigmas = np.arange(steps + 1) * float(p.options.max_sigma) / steps
    sigmas = np.sqrt(sigmas) if p.options.sqrt else sigmas
    found = np.zeros_like(p.images)
    for sigma, after in pairwise(sigmas):
        here = blurred(sigma)
        slope = (blurred(sigma + lift) - here) / lift
        found -= (after - sigma) * slope * p.at_input(here[:, None])[:, 0]
    return np.asarray(found.sum(axis=-1))


def mirrored(old: int, new: int) -> Floats:
    """Bilinear interpolation along an axis, its cells mirrored about those at the edges."""
    matrix, places = np.zeros((new, old)), (np.arange(new) + 0.5) * old / new - 0.5
    for cell in range(-1, old + 1):
        inside = 0 if old == 1 else old - 1 - abs(old - 1 - abs(cell))
        matrix[:, inside] += np.maximum(1 - np.abs(places - cell), 0)
    return matrix


def grad_cam(p: Passes) -> Floats:
    """Divided by its maximum, then resized."""
    made = np.maximum(weighted(p.gradients.mean(axis=(1, 2)), p.activations), 0)
    peaks = made.max(axis=(1, 2), keepdims=True)
    made = made / np.where(peaks > 0, peaks, 1)
    down, across = (mirrored(*pair) for pair in zip(made.shape[1:], p.size, strict=True))
    return np.asarray(down @ made @ across.T)


def occlusion(p: Passes) -> Floats:
    """The sum of what the score loses over the windows on a pixel, none cut off."""
    side = int(p.options.size)
    corners = list(product(*(range(length - side + 1) for length in p.size)))
    covers = np.zeros((len(corners), *p.size), bool)
    for cover, (top, left) in zip(covers, corners, strict=True):
        cover[top : top + side, left : left + side] = True
    fill = np.full_like(p.images, float(p.options.value))
    lost = p.scores(p.images[:, None]) - p.scores(p.within(~covers, fill))
    return np.asarray(np.einsum("nm,mhw->nhw", lost, covers.astype(float)))


def segments(image: Floats) -> list[NDArray[np.bool_]]:
    """The library's, grown."""
    from saliency.core import xrai

    found: list[NDArray[np.bool_]] = xrai._get_segments_felzenszwalb(image, dilation_rad=GROWN)
    return found


def xrai(p: Passes) -> Floats:
    """Segments take the mean attribution of the pixels they add, the densest first."""
    steps, fast = int(p.options.steps), p.options.algorithm == "fast"
    ends = (f(p.images, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    both = [between(p, end + 0 * p.images, steps) for end in ends]
    maps = []
    for image, density in zip(p.images, np.mean(both, axis=0).max(axis=-1), strict=True):
        known, made = np.zeros(p.size, bool), np.zeros(p.size)
        waiting = [each for each in segments(image.astype(np.float32)) if each.any()]
        if fast:
            waiting.sort(key=lambda each: -density[each].mean())
        while waiting := [each for each in waiting if (each & ~known).sum() >= LEAST]:
            gains = [density[each & ~known].mean() for each in waiting]
            chosen = waiting.pop(0 if fast else int(np.argmax(gains)))
            made[chosen & ~known] = density[chosen & ~known].mean()
            known |= chosen
        made[~known] = density[~known].mean() if (~known).any() else 0.0
        maps.append(made)
    return np.stack(maps)


STATED = {
    "saliency.blur_ig": Stated(blur_ig, ({}, {"sqrt": "true"})),
    "saliency.grad_cam": Stated(grad_cam),
    "saliency.guided_ig": Stated(guided_ig, ({"x_steps": "30"}, {"max_dist": "1", "x_steps": "9"})),
    "saliency.integrated_gradients": Stated(integrated_gradients, ({}, {"batch_size": "9"})),
    "saliency.occlusion": Stated(occlusion, ({"size": "3"}, {"size": "7", "value": "0.5"})),
    "saliency.smooth_grad": Stated(smoothed(1)),
    "saliency.smooth_grad_squared": Stated(smoothed(2)),
    "saliency.xrai": Stated(xrai, ({}, {"algorithm": "fast"})),
}
"""Offer -> what it states."""
