"""The formulas of offers that show some cells of an image and hide the others.

Sets and orders are the library's own, as in `drawn.py`.
"""

from __future__ import annotations

import heapq
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.matched.formulas import Stated
from experiments.matched.passes import Passes
from implementations.arrays import Floats
from implementations.libraries._seeds import seeded
from implementations.methods.cells import of_pixels

SURE = 1e6
"""Captum's weight of the sets of all cells and of none."""


def hidden(p: Passes) -> Floats:
    """The images as SHAP's masker hides them."""
    from implementations.libraries.shap.masked import hidden as masked

    return np.asarray(masked(p.options, p.images.astype(np.float32)), np.float64)


def parts(tree: Floats, pixels: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Of SHAP's tree the members (2 M - 1, M) of each part, pixels first, and its two halves."""
    halves = np.concatenate([np.zeros((pixels, 2), int), tree[:, :2].astype(int)])
    members = np.eye(len(halves), pixels, dtype=bool)
    for part in range(pixels, len(halves)):
        members[part] = members[halves[part]].any(axis=0)
    return members, halves


def scores_of(p: Passes, fill: Floats, sets: list[NDArray[np.bool_]]) -> list[float]:
    """The scores of one image's sets of pixels."""
    found: list[float] = p.scores(p.within(np.reshape(sets, (-1, *p.size)), fill))[0].tolist()
    return found


def partition_shap(p: Passes) -> Floats:
    """SHAP: of the parts in their contexts that whose score changes most is halved next.

    Its change, times 1 / 2 for each sibling that is shown or not, is in the end spread over it.
    """
    from implementations.libraries.shap.masked import Masked

    shape, o = p.images.shape[1:], p.options
    pixels = int(np.prod(shape))
    members, halves = parts(Masked("partition", o, shape).masker.clustering, pixels)
    fill, found = hidden(p), np.zeros((len(p.images), pixels))
    for image, values in enumerate(found):
        scores = partial(scores_of, one(p, image), fill[[image]])
        none = np.zeros(pixels, bool)
        waiting: list[Any] = [(0.0, 0, none, *scores([none, ~none]), len(halves) - 1, 1.0)]
        left, number = int(o.max_evals) - 2, 0
        while waiting and left > 0:
            batch: list[Any] = []
            while waiting and 2 * len(batch) < min(int(o.batch_size), left):
                _, _, context, low, high, part, weight = heapq.heappop(waiting)
                if part < pixels:
                    values[part] += (high - low) * weight
                else:
                    batch.append((context, low, high, halves[part], weight / 2))
            sets = [context | members[half] for context, _, _, pair, _ in batch for half in pair]
            of = iter(scores(sets) if sets else [])
            left -= len(sets)
            for context, low, high, (first, second), weight in batch:
                one_of, other_of = next(of), next(of)
                for inside, start, end, part in (
                    (context, low, one_of, first),
                    (context, low, other_of, second),
                    (context | members[second], other_of, high, first),
                    (context | members[first], one_of, high, second),
                ):
                    number += 1
                    urgent = -abs(end - start) * weight
                    heapq.heappush(waiting, (urgent, number, inside, start, end, part, weight))
        for _, _, _, low, high, part, weight in waiting:
            values[members[part]] += (high - low) * weight / members[part].sum()
    return found.reshape(-1, *p.size)


def marginals(p: Passes, orders: NDArray[Any], back: bool, fill: Floats, cell: Any) -> Floats:
    """The mean of what each cell adds to those before it in its orders (P, M), of one image.

    With `back` also of what is lost as cells are hidden again in the same order.
    """
    count = orders.shape[1]
    ranks = np.argsort(orders, axis=1)[:, None]
    path = ranks < np.arange(count + 1)[:, None]
    paths = np.concatenate([path, ~path]) if back else path
    scores = p.scores(p.within(paths.reshape(-1, count)[:, cell], fill))[0]
    steps = np.diff(scores.reshape(len(paths), count + 1), axis=1)
    steps[len(orders) :] *= -1
    places = np.concatenate([orders, orders]) if back else orders
    added = np.zeros(count)
    np.add.at(added, places.ravel(), steps.ravel())
    return added[cell][None] / len(paths)


def one(p: Passes, image: int) -> Passes:
    """The same of one image."""
    some = slice(image, image + 1)
    return Passes(p.network, p.images[some], p.targets[some], p.layer, p.options)


def permutation_shap(p: Passes) -> Floats:
    """SHAP: orders drawn within nested rectangles by its tree, each shown and hidden again."""
    from shap.utils._clustering import partition_tree_shuffle

    from implementations.libraries.shap.masked import Masked, _numba_seed

    pixels = p.size[0] * p.size[1] * p.images.shape[-1]
    tree = Masked("permutation", p.options, p.images.shape[1:]).masker.clustering
    fill, found = hidden(p), []
    for image in range(len(p.images)):
        order, orders = np.arange(pixels), []
        _numba_seed()(int(p.options.seed))
        for _ in range(int(p.options.max_evals) // (2 * pixels + 1)):
            partition_tree_shuffle(order, np.ones(pixels, bool), tree)
            orders.append(order.copy())
        cell = np.arange(pixels).reshape(p.size)
        found.append(marginals(one(p, image), np.stack(orders), True, fill[[image]], cell))
    return np.concatenate(found)


def shapley_value_sampling(p: Passes) -> Floats:
    """Captum: what each cell adds in orders of PyTorch's, the mean over them."""
    import torch

    cell = of_pixels("shapley_value_sampling", 1, p.options, p.network.architecture)
    with seeded(int(p.options.seed)):
        drawn = [torch.randperm(int(cell.max()) + 1).numpy() for _ in range(p.options.n_samples)]
    fill = np.full_like(p.images, float(p.options.baseline))
    each = [
        marginals(one(p, image), np.stack(drawn), False, fill[[image]], cell)
        for image in range(len(p.images))
    ]
    return np.concatenate(each)


def fitted(model: Any, members: Any, scores: Floats, weights: Floats) -> Floats:
    """The coefficients (M,) of scikit-learn's fit of scores (E,) to members (E, M)."""
    return np.asarray(model.fit(members.astype(float), scores, weights).coef_)


def sets_of_any_size(cells: int, count: int) -> NDArray[np.bool_]:
    """Captum's sets for kernel SHAP (E, M): all, none, and others of a size drawn by the kernel."""
    import torch

    sizes = torch.arange(cells, dtype=torch.float)
    chances = (cells - 1) / (sizes * (cells - sizes))
    chances[0] = 0.0
    of_size = torch.distributions.Categorical(chances)
    members = [np.ones(cells, bool), np.zeros(cells, bool)]
    while len(members) < count:
        size = of_size.sample()
        values = torch.randn(1, cells)
        threshold = torch.kthvalue(values, cells - size).values.item()
        members.append((values > threshold).numpy()[0])
    return np.stack(members)


def kernel_shap(p: Passes) -> Floats:
    """Captum: least squares of the score by the cells shown, in scikit-learn."""
    from sklearn.linear_model import LinearRegression

    cell = of_pixels("kernel_shap", 1, p.options, p.network.architecture)
    with seeded(int(p.options.seed)):
        members = sets_of_any_size(int(cell.max()) + 1, int(p.options.n_samples))
    scores = p.scores(p.within(members[:, cell], np.full_like(p.images, p.options.baseline)))
    weights = np.where(members.all(axis=1) | ~members.any(axis=1), SURE, 1.0)
    fits = [fitted(LinearRegression(), members, each, weights) for each in scores]
    return np.stack(fits)[:, cell]


def lime(p: Passes) -> Floats:
    """Captum: a lasso by the cells shown, weighed by the cosine distance of pixels."""
    import torch
    from sklearn.linear_model import Lasso

    cell = of_pixels("lime", 1, p.options, p.network.architecture)
    chances = torch.full((1, int(cell.max()) + 1), 0.5)
    with seeded(int(p.options.seed)):
        drawn = [torch.bernoulli(chances).numpy()[0] for _ in range(int(p.options.n_samples))]
    members = np.stack(drawn).astype(bool)
    pictures = p.within(members[:, cell], np.full_like(p.images, p.options.baseline))
    flat, whole = pictures.reshape(*pictures.shape[:2], -1), p.images.reshape(len(p.images), 1, -1)
    norms = np.linalg.norm(flat, axis=-1) * np.linalg.norm(whole, axis=-1)
    distance = 1 - (flat * whole).sum(axis=-1) / np.maximum(norms, 1e-8)
    weights = np.exp(-(distance**2) / (2 * float(p.options.kernel_width) ** 2))
    fits = [
        fitted(Lasso(alpha=0.01), members, score, weight)
        for score, weight in zip(p.scores(pictures), weights, strict=True)
    ]
    return np.stack(fits)[:, cell]


STATED = {
    "captum.kernel_shap": Stated(kernel_shap),
    "captum.lime": Stated(lime),
    "captum.shapley_value_sampling": Stated(shapley_value_sampling),
    "shap.partition": Stated(partition_shap),
    "shap.permutation": Stated(permutation_shap),
}
"""Offer -> what it states."""
