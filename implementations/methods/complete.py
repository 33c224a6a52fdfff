"""A signed map of what every pixel and colour adds, and how far its sum is from what it should be.

    S = sum_c E_c        completeness_gap (N,) = sum_hw S - rise

Each framework's function gives `completeness_gap`, `signed` and `heatmap` of attributions E and the
rise (N,) of the score that they explain. `averaged` is for those that are a mean over draws.
"""

from __future__ import annotations

from collections.abc import Callable

from implementations.arrays import Array, Intermediates
from implementations.contract import Compile, Explain, Network, Options
from implementations.methods.adding import One, added

Maps = Callable[[Array, Array], Intermediates]


def of_sums(signed: Array, gap: Array) -> Intermediates:
    """All by name."""
    return {"completeness_gap": gap, "signed": signed, "heatmap": signed}


def jax(attributions: Array, rise: Array) -> Intermediates:
    """Of attributions (N, H, W, C), NumPy's too."""
    signed = attributions.sum(axis=-1)
    return of_sums(signed, signed.sum(axis=(1, 2)) - rise)


reference = jax


def pytorch(attributions: Array, rise: Array) -> Intermediates:
    """Of attributions (N, C, H, W)."""
    signed = attributions.sum(dim=1)
    return of_sums(signed, signed.sum(dim=(1, 2)) - rise)


def keras(attributions: Array, rise: Array) -> Intermediates:
    """Of attributions (N, H, W, C)."""
    from keras import ops

    signed = ops.sum(attributions, axis=-1)
    return of_sums(signed, ops.sum(signed, axis=(1, 2)) - rise)


def averaged(options: Options, compile: Compile, totals: One, maps: Maps) -> Explain:
    """The explainer whose attributions are means over the draws `baselines` and `alphas`.

    `totals` gives of some draws the sum of the attributions, and that of the scores (N,) at the
    baselines; `maps` is the framework's function above.
    """

    @compile
    def completed(
        network: Network, images: Array, targets: Array, total: Array, starts: Array
    ) -> Intermediates:
        attributions, start = total / options.samples, starts / options.samples
        rise = network.score(options.score, network(images), targets) - start
        return {"attributions": attributions, **maps(attributions, rise)}

    return added(options.samples, ("baselines", "alphas"), totals, completed)
