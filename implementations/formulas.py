"""From activations and gradients at a layer to one map: the formulas that libraries have.

A formula's name says what it is like: our method's own name where it is that. Any other of our
methods, options in its name or not, is a formula too: its map is made elsewhere and taken as it is.
NumPy in float64.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from implementations.arrays import Floats

Formula = Callable[[Floats, Floats, Callable[[Floats], Floats]], Floats]
"""(activations, gradients, pool), both (N, h, w, c) -> the map (N, h, w) before any ReLU."""


def _weighted(weights: Floats, activations: Floats) -> Floats:
    return np.asarray(np.einsum("nhwc,nc->nhw", activations, weights))


def quotient(upper: Floats, lower: Floats) -> Floats:
    """Upper / lower, and 0 where lower is exactly 0."""
    return np.divide(upper, lower, out=np.zeros_like(upper), where=lower != 0)


def _plus_plus(a: Floats, g: Floats, pool: Callable[[Floats], Floats]) -> Floats:
    total = a.sum(axis=(1, 2), keepdims=True)
    return _weighted(quotient(np.maximum(g, 0), 2 + g * total).sum(axis=(1, 2)), a)


def _plus_plus_rescaled(a: Floats, g: Floats, pool: Callable[[Floats], Floats]) -> Floats:
    """As its authors' code: alpha sums to 1 over the positions of a positive gradient."""
    total = a.sum(axis=(1, 2), keepdims=True)
    alpha = quotient(np.ones_like(g), 2 + g * total) * (g != 0)
    alpha = quotient(alpha, np.where(g > 0, alpha, 0).sum(axis=(1, 2), keepdims=True) + 0 * alpha)
    return _weighted((alpha * np.maximum(g, 0)).sum(axis=(1, 2)), a)


def _plus_plus_rescaled_everywhere(
    a: Floats, g: Floats, pool: Callable[[Floats], Floats]
) -> Floats:
    """Alpha sums to 1 over all positions, those of a negative gradient too."""
    total = a.sum(axis=(1, 2), keepdims=True)
    alpha = quotient(np.ones_like(g), 2 + g * total) * (g != 0)
    alpha = quotient(alpha, alpha.sum(axis=(1, 2), keepdims=True) + 0 * alpha)
    return _weighted((alpha * np.maximum(g, 0)).sum(axis=(1, 2)), a)


def _times_exponential(a: Floats, g: Floats, pool: Callable[[Floats], Floats]) -> Floats:
    """The same times exp(score), which is the last channel of the activations."""
    scale: Floats = a[:, 0, 0, -1, None, None]
    return scale * _plus_plus_rescaled_everywhere(a[..., :-1], g[..., :-1], pool)


def _plus_plus_of_squares(lift: float) -> Formula:
    """Equation 19 with its squares and cubes, and a number added to the denominator."""

    def formula(a: Floats, g: Floats, pool: Callable[[Floats], Floats]) -> Floats:
        total = a.sum(axis=(1, 2), keepdims=True)
        alpha = quotient(g**2, 2 * g**2 + total * g**3 + lift)
        return _weighted((alpha * np.maximum(g, 0)).sum(axis=(1, 2)), a)

    return formula


def _plus_plus_of_means(a: Floats, g: Floats, pool: Callable[[Floats], Floats]) -> Floats:
    """Means over positions where equation 19 has sums."""
    alpha = quotient(g**2, 2 * g**2 + a.mean(axis=(1, 2), keepdims=True) * g**3)
    return _weighted((alpha * np.maximum(g, 0)).mean(axis=(1, 2)), a)


def _above(a: Floats, g: Floats, pool: Callable[[Floats], Floats]) -> Floats:
    """A channel's weight is the share of its positions above mean plus two deviations."""
    mean, deviation = (f(a, axis=(1, 2), keepdims=True) for f in (np.mean, np.std))
    return _weighted((a > mean + 2 * deviation).mean(axis=(1, 2)), a)


def _at_least(a: Floats, g: Floats, pool: Callable[[Floats], Floats]) -> Floats:
    """FEM where a position at the threshold itself is kept: all of a channel that is constant."""
    mean, deviation = (f(a, axis=(1, 2), keepdims=True) for f in (np.mean, np.std))
    return np.asarray((mean * (a >= mean + 2 * deviation)).sum(axis=-1))


def _xgrad(a: Floats, g: Floats, pool: Callable[[Floats], Floats]) -> Floats:
    return _weighted(quotient((g * a).sum(axis=(1, 2)), a.sum(axis=(1, 2))), a)


EXPONENTIAL = "grad_cam_plus_plus, alpha rescaled everywhere, times exp(score)"
"""The formula whose activations have exp(score) as one more channel, and gradients one of zeros."""
FORMULAS: dict[str, Formula] = {
    "grad_cam": lambda a, g, pool: _weighted(pool(g), a),
    "hires_cam": lambda a, g, pool: (g * a).sum(axis=-1),
    "xgrad_cam": _xgrad,
    "layer_cam": lambda a, g, pool: (np.maximum(g, 0) * a).sum(axis=-1),
    "layer_cam, positive products": lambda a, g, pool: np.maximum(g * a, 0).sum(axis=-1),
    "grad_cam_plus_plus": _plus_plus,
    "grad_cam_plus_plus, alpha rescaled": _plus_plus_rescaled,
    "grad_cam_plus_plus, alpha rescaled everywhere": _plus_plus_rescaled_everywhere,
    EXPONENTIAL: _times_exponential,
    "grad_cam_plus_plus, 1e-6 in the denominator": _plus_plus_of_squares(1e-6),
    "grad_cam_plus_plus, of means": _plus_plus_of_means,
    "grad_cam_plus_plus, alpha ignored": lambda a, g, pool: _weighted(
        (np.maximum(g, 0) ** 3).sum(axis=(1, 2)), a
    ),
    "fem, shares of positions": _above,
    "fem, the threshold kept": _at_least,
    "gradients alone": lambda a, g, pool: g.sum(axis=-1),
    "activations alone": lambda a, g, pool: a.sum(axis=-1),
}
"""The formulas at a layer; the methods' own names where they are those."""
INPUT_FORMULAS: dict[str, Formula] = {
    "saliency": lambda a, g, pool: np.abs(g).max(axis=-1),
    "sum of magnitudes": lambda a, g, pool: np.abs(g).sum(axis=-1),
    "sum of squares": lambda a, g, pool: (g**2).sum(axis=-1),
    "largest square": lambda a, g, pool: (g**2).max(axis=-1),
    "mean of the colours": lambda a, g, pool: g.mean(axis=-1),
    "signed sum": lambda a, g, pool: g.sum(axis=-1),
    "magnitude of the sum": lambda a, g, pool: np.abs(g.sum(axis=-1)),
    "gradient_x_input": lambda a, g, pool: (g * a).sum(axis=-1),
    "gradient times input, mean of the colours": lambda a, g, pool: (g * a).mean(axis=-1),
    "gradient times input, magnitudes": lambda a, g, pool: np.abs(g * a).sum(axis=-1),
    "gradient times input, largest magnitude": lambda a, g, pool: np.abs(g * a).max(axis=-1),
}
"""The formulas at the input: how colours become one map."""
FORMULAS |= INPUT_FORMULAS
POOLS: dict[str, Callable[[Floats], Floats]] = {
    "mean": lambda g: g.mean(axis=(1, 2)),
    "mean over the batch too": lambda g: np.broadcast_to(
        g.mean(axis=(0, 1, 2)), (len(g), g.shape[-1])
    ),
    "magnitude": lambda g: np.abs(g.mean(axis=(1, 2))),
    "first channel": lambda g: g.mean(axis=(1, 2)) * (np.arange(g.shape[-1]) == 0),
}
"""Gradients (N, h, w, c) -> a weight (N, c) for each channel."""


def formula_of(name: str) -> Formula:
    """A formula by name; of another method of ours the map itself, given as (N, h, w, 1)."""
    return FORMULAS.get(name, lambda a, g, pool: a[..., 0])
