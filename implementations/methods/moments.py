"""Grad-CAM++'s weights from moments of gradients G_m over noisy copies: Smooth Grad-CAM++'s.

    M1, M2, M3 = mean_m G_m, G_m^2, G_m^3        T_c = sum_hw A_c
    w_c = sum_hw relu(M1_c) M2_c / (2 M2_c + T_c M3_c)

Where the divisor is 0 so is the quotient. Copies come in passes: each framework's `sums` gives of
the gradients (n, N, ...) of one their largest magnitude (N, 1, 1, 1), and what the powers of the
gradients over it add up to; `weights` makes (N, c) of all passes and the clean image's activations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from implementations.arrays import Array, Draws, Floats, Intermediates
from implementations.contract import Compile, Explain, Network, Options
from implementations.methods.passes import parts

POWERS = (1, 2, 3)


class Sums(NamedTuple):
    """Of a pass: the largest magnitude, and the sums (3, N, ...) of powers over it."""

    peak: Array
    totals: Array


Weighted = Callable[[Array, list[Sums]], Intermediates]
"""(activations of the clean image, all passes) -> every intermediate."""


def reference(gradients: Floats, activations: Floats) -> tuple[Floats, Floats]:
    """The weights (N, c), and how much of the gradients' rounding each carries (N, c)."""
    import numpy as np

    peak = np.abs(gradients).max(axis=(0, 2, 3, 4))[:, None, None, None]
    scaled = gradients / np.where(peak > 0, peak, 1)
    first, second, third = (np.mean(scaled**power, axis=0) for power in POWERS)
    total = activations.sum(axis=(1, 2), keepdims=True)
    divisors = 2 * second + total * peak * third
    shares = np.divide(second, divisors, out=np.zeros_like(second), where=divisors != 0)
    weights = (peak * np.maximum(first, 0) * shares).sum(axis=(1, 2))

    sizes = 2 * second + total * peak * np.mean(np.abs(scaled) ** 3, axis=0)
    magnified = np.divide(sizes, np.abs(divisors), out=np.zeros_like(sizes), where=divisors != 0)
    spread = np.mean(np.abs(scaled), axis=0) + np.maximum(first, 0) * magnified
    return weights, (peak * np.abs(shares) * spread).sum(axis=(1, 2))


def condition(activations: Floats, carried: Floats, signed: Floats) -> Floats:
    """By how much a map whose weights carry so much magnifies the gradients' rounding (N,)."""
    import numpy as np

    largest = np.einsum("nhwc,nc->nhw", np.abs(activations), carried).max(axis=(1, 2))
    peaks = np.abs(signed).max(axis=(1, 2))
    found: Floats = np.divide(largest, peaks, out=np.zeros_like(peaks), where=peaks > 0)
    return found


def explained(
    layer: str, options: Options, compile: Compile, passed: Callable[..., Sums], weighted: Weighted
) -> Explain:
    """The explainer of a compiled pass (network, images, targets, noise), and of what ends it."""

    @compile
    def ended(network: Network, images: Array, found: list[Sums]) -> Intermediates:
        return weighted(network.features(layer, images)[0], found)

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        passes = parts(options.samples, network.capacity // images.shape[0])
        found = [passed(network, images, targets, draws["noise"][some]) for some in passes]
        return ended(network, images, found)  # type: ignore[no-any-return]

    return explain


def jax(gradients: Array) -> Sums:
    """Of a pass."""
    import jax.numpy as jnp

    peak = jnp.abs(gradients).max(axis=(0, 2, 3, 4))[:, None, None, None]
    scaled = gradients / jnp.where(peak > 0, peak, 1)
    return Sums(peak, jnp.stack([(scaled**power).sum(axis=0) for power in POWERS]))


def jax_weights(found: list[Sums], activations: Array, samples: int) -> Array:
    """Of all passes."""
    import jax
    import jax.numpy as jnp

    powers = jnp.array(POWERS)[:, None, None, None, None]
    peak = jnp.stack([each.peak for each in found]).max(axis=0)
    unit = jnp.where(peak > 0, peak, 1)
    first, second, third = (
        sum(each.totals * (each.peak / unit) ** powers for each in found) / samples
    )
    divisors = 2 * second + activations.sum(axis=(1, 2), keepdims=True) * peak * third
    shares = second / jnp.where(divisors == 0, jnp.inf, divisors)
    return (peak * jax.nn.relu(first) * shares).sum(axis=(1, 2))


def pytorch(gradients: Array) -> Sums:
    """Of a pass."""
    import torch

    peak = gradients.abs().amax(dim=(0, 2, 3, 4))[:, None, None, None]
    scaled = gradients / torch.where(peak > 0, peak, 1)
    return Sums(peak, torch.stack([(scaled**power).sum(dim=0) for power in POWERS]))


def pytorch_weights(found: list[Sums], activations: Array, samples: int) -> Array:
    """Of all passes."""
    import torch

    peak = torch.stack([each.peak for each in found]).amax(dim=0)
    unit = torch.where(peak > 0, peak, 1)
    first, second, third = (
        sum(each.totals[power - 1] * (each.peak / unit) ** power for each in found) / samples
        for power in POWERS
    )
    divisors = 2 * second + activations.sum(dim=(2, 3), keepdim=True) * peak * third
    shares = second / divisors.masked_fill(divisors == 0, torch.inf)
    return (peak * first.relu() * shares).sum(dim=(2, 3))


def keras(gradients: Array) -> Sums:
    """Of a pass."""
    from keras import ops

    peak = ops.amax(ops.abs(gradients), (0, 2, 3, 4))[:, None, None, None]
    scaled = gradients / ops.where(peak > 0, peak, ops.ones_like(peak))
    return Sums(peak, ops.stack([ops.sum(scaled**power, axis=0) for power in POWERS]))


def keras_weights(found: list[Sums], activations: Array, samples: int) -> Array:
    """Of all passes."""
    from keras import ops

    peak = ops.amax(ops.stack([each.peak for each in found]), 0)
    unit = ops.where(peak > 0, peak, ops.ones_like(peak))
    first, second, third = (
        sum(each.totals[power - 1] * (each.peak / unit) ** power for each in found) / samples
        for power in POWERS
    )
    divisors = 2 * second + ops.sum(activations, axis=(1, 2), keepdims=True) * peak * third
    divisors = ops.where(divisors == 0, ops.full_like(divisors, float("inf")), divisors)
    return ops.sum(peak * ops.relu(first) * second / divisors, axis=(1, 2))
