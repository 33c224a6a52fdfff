"""The formulas of Xplique's offers that draw, or take points of a sequence, by TensorFlow.

Sets and noise come from its own traced functions: only they have the seed that they were traced
with. What is made of them is written out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.matched.cells import fitted
from experiments.matched.formulas import Stated
from experiments.matched.passes import AT_ONCE, Passes
from implementations.arrays import Floats
from implementations.conventions import resized
from implementations.methods.cells import of_pixels

FEW = {"nb_samples": "400"}
"""Masks that a test of the formula needs."""


def tensorflow(p: Passes) -> Any:
    """TensorFlow, seeded as the offers seed it."""
    import tensorflow as tf

    tf.random.set_seed(int(p.options.seed))
    return tf


def array(values: Any) -> Floats:
    """A tensor as float64 NumPy."""
    return np.asarray(values.numpy(), np.float64)


def noisy(p: Passes) -> Floats:
    """The copies (N, M, H, W, C) of each image, a batch after another."""
    from xplique.attributions.gradient_statistics.gradient_statistic import GradientStatistic

    tf, count = tensorflow(p), int(p.options.nb_samples)
    found = []
    for image in p.images:
        given = tf.constant(image[None], tf.float32)
        for done in range(0, count, int(p.options.batch_size)):
            some = min(int(p.options.batch_size), count - done)
            copies = GradientStatistic._perturb_samples(given, some, p.options.noise)
            found.append(array(copies))
    return np.concatenate(found).reshape(len(p.images), count, *p.images.shape[1:])


def of_copies(statistic: Callable[[Floats], Floats]) -> Callable[[Passes], Floats]:
    """The mean over colours of a statistic of the copies' gradients (N, M, H, W, C)."""

    def maps(p: Passes) -> Floats:
        return np.asarray(statistic(p.at_input(noisy(p))).mean(axis=-1))

    return maps


def rise(p: Passes) -> Floats:
    """Logits of masked images by masks, divided by how often a pixel was shown and 1e-4."""
    from xplique.attributions.rise import Rise

    tf, o = tensorflow(p), p.options
    given = (p.images.shape, o.nb_samples, o.grid_size, o.preservation_probability)
    binary, maps = Rise._get_masks(*given), []
    for image, target in zip(p.images, p.targets, strict=True):
        pixels, masks = tf.constant(image, tf.float32), []
        for done in range(0, o.nb_samples, o.batch_size):
            some = binary[done : done + o.batch_size]
            masks.append(array(Rise._apply_masks(pixels, some, 0.0)[1]))
        shown = np.concatenate(masks)
        scores = p.network(shown * image)[:, target]
        maps.append(np.einsum("m,mhwc->hw", scores, shown) / (shown.sum(axis=(0, 3)) + 1e-4))
    return np.stack(maps)


def regressed(p: Passes, name: str, draw: Callable[[Any, Any], Any], near: bool) -> Floats:
    """A fit of the logit to the cells shown, in scikit-learn; near the image weighed more, or not.

    Hidden pixels are black: a grey image's.
    """
    from sklearn.linear_model import LinearRegression, Ridge

    tf = tensorflow(p)
    cell = of_pixels(name, 1, p.options, p.network.architecture)
    count, found = tf.constant([int(cell.max()) + 1]), []
    for image, target in zip(p.images, p.targets, strict=True):
        members = draw(count, int(p.options.nb_samples)).numpy().astype(bool)
        shown = members[:, cell][..., None] * image
        distances = ((shown - image) ** 2).sum(axis=(1, 2, 3))
        weights = np.exp(-distances / 45.0**2) if near else np.ones(len(members))
        model = Ridge(alpha=2) if near else LinearRegression()
        found.append(fitted(model, members, p.network(shown)[:, target], weights)[cell])
    return np.stack(found)


def lime(p: Passes) -> Floats:
    """Ridge of alpha 2, whose samples are weighed by the distance of their pixels, width 45."""
    from xplique.attributions import Lime

    return regressed(p, "lime", Lime._get_default_pertub_function(0.5), True)


def kernel_shap(p: Passes) -> Floats:
    """Least squares with a free intercept."""
    from xplique.attributions import KernelShap

    return regressed(p, "kernel_shap", KernelShap._kernel_shap_pertub_func, False)


def of_design(p: Passes, points: Floats) -> Floats:
    """Logits (N, E) of images mixed with black by points (E, cells) of a grid, the nearest each."""
    grid = int(p.options.grid_size)
    masks = np.moveaxis(resized(points.reshape(-1, grid, grid), p.size, "nearest"), 0, -1)
    parts = []
    for done in range(0, len(points), AT_ONCE):
        some = masks[None, ..., done : done + AT_ONCE]
        parts.append(p.scores(p.shown(np.repeat(some, len(p.images), axis=0))))
    return np.concatenate(parts, axis=1)


def painted(p: Passes, values: Floats) -> Floats:
    """A grid's values (N, cells), brought to the image's size."""
    grid = int(p.options.grid_size)
    return resized(values.reshape(-1, grid, grid), p.size, "TensorFlow's bicubic")


def sobol(p: Passes) -> Floats:
    """Jansen's total indices: the mean of (s(A) - s(A with B's cell))^2 / 2, over the variance."""
    import tensorflow as tf

    count, grid = int(p.options.nb_design), int(p.options.grid_size)
    both = array(tf.math.sobol_sample(2 * grid**2, count))
    first, second = both[:, : grid**2], both[:, grid**2 :]
    changed = np.where(np.eye(grid**2, dtype=bool)[:, None], second, first)
    whole, parts = of_design(p, first), of_design(p, changed.reshape(-1, grid**2))
    parts = parts.reshape(len(whole), grid**2, count)
    lost = ((whole[:, None] - parts) ** 2).mean(axis=2) / 2
    return painted(p, lost / whole.var(axis=1, ddof=1)[:, None])


def hsic(p: Passes) -> Floats:
    """HSIC of the logit, Gaussian with its median as width, with each cell being shown."""
    import tensorflow as tf

    count, grid = int(p.options.nb_design), int(p.options.grid_size)
    points = np.round(array(tf.math.sobol_sample(grid**2, count)))
    scores, centre = of_design(p, points), np.eye(count) - 1 / count
    of_cells = [1.5 - (each[:, None] - each) ** 2 for each in points.T]
    maps = []
    for score in scores:
        gaps = (score[:, None] - score) ** 2
        kernel = np.exp(-gaps / (2 * np.median(score) ** 2))
        inner = centre @ kernel @ centre
        maps.append([(inner * each).sum() / count for each in of_cells])
    return painted(p, np.asarray(maps))


STATED = {
    "xplique.hsic": Stated(hsic),
    "xplique.kernel_shap": Stated(kernel_shap),
    "xplique.lime": Stated(lime),
    "xplique.rise": Stated(rise, (FEW,)),
    "xplique.smooth_grad": Stated(of_copies(lambda g: g.mean(axis=1))),
    "xplique.sobol": Stated(sobol),
    "xplique.square_grad": Stated(of_copies(lambda g: (g**2).mean(axis=1))),
    "xplique.var_grad": Stated(of_copies(lambda g: g.var(axis=1, ddof=1))),
}
"""Offer -> what it states."""
