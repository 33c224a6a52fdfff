"""DeepLIFT by the rescale rule (Shrikumar et al. 2017, arXiv 1704.02685).

What changes from a baseline x0 to the image x is handed back through the network by multipliers:

    S = sum_c (x - x0)_c m_c, signed        sum S = s_k(x) - s_k(x0), exactly

m is the gradient of the logit where a node that bends takes a quotient for its derivative. With a
and a0 what it reads at x and at x0:

    relu, relu6   m_in = m_out (f(a) - f(a0)) / (a - a0);  m_out f'(a) where a = a0
    max_pool      y, y0 the largest of a and of a0 in a window, i where the larger of the two lies,
                  the first of equals:  m_i += m_out (y - y0) / (a_i - a0_i);  m_out if a_i = a0_i

So a node is a function of the same value with that derivative, and `jax.grad` and its like do the
rest. The baseline, a grey picture, is one more image of the batch. `completeness_gap` (N,) is what
rounding leaves of the second equation.
"""

from __future__ import annotations

from implementations.arrays import Array, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods import rescaling
from implementations.methods.card import Cost, Method, Number
from implementations.methods.covering import covered

METHOD = Method(
    title="DeepLIFT",
    paper="arXiv 1704.02685",
    at="input",
    intermediates=("multipliers", "signed", "heatmap"),
    per_image=("completeness_gap",),
    options={"baseline": Number(0.0, 0.0, 1.0, "grey level that the image is compared with")},
    scores=("logit",),
    cost=lambda options, architecture, layer: Cost(2, 1),
    applies=covered(rescaling.RULED),
    sums_to=lambda options, images: options.baseline,
)


def answer(multipliers: Array, gap: Array, signed: Array) -> Intermediates:
    """All by name."""
    found = {"multipliers": multipliers, "completeness_gap": gap}
    return {**found, "signed": signed, "heatmap": signed}


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the multipliers by hand from what every node has at the baseline."""
    import numpy as np

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        baseline = np.full_like(images[:1], options.baseline)
        changed = network.with_backward(rescaling.reference(network.decided(baseline)))
        multipliers = changed.gradients(images, targets, "logit")["input"]
        signed = ((images - baseline) * multipliers).sum(axis=-1)
        rise = network.score("logit", network(images) - network(baseline), targets)
        gap = signed.sum(axis=(1, 2)) - rise
        return answer(multipliers, gap, signed)

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.grad` of a network whose last image is the baseline; `stop_gradient` holds the rest."""
    import jax
    import jax.numpy as jnp

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        changed = network.with_nodes(rescaling.jax(network))
        baseline = jnp.full_like(images[:1], options.baseline)

        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(jnp.concatenate([images, baseline]))
            rise = network.score("logit", logits[:-1] - jax.lax.stop_gradient(logits[-1:]), targets)
            return rise.sum(), rise

        multipliers, rise = jax.grad(score, has_aux=True)(images)
        signed = ((images - baseline) * multipliers).sum(axis=-1)
        gap = signed.sum(axis=(1, 2)) - rise
        return answer(multipliers, gap, signed)

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.grad` of a network whose last image is the baseline; `detach` holds the rest."""
    import torch

    changed = network.with_nodes(rescaling.pytorch(network))

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        baseline = torch.full_like(images[:1], options.baseline)

        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(torch.cat([images, baseline]))
            rise = network.score("logit", logits[:-1] - logits[-1:].detach(), targets)
            return rise.sum(), rise

        multipliers, rise = torch.func.grad(score, has_aux=True)(images)
        signed = ((images - baseline) * multipliers).sum(dim=1)
        gap = signed.sum(dim=(1, 2)) - rise
        return answer(multipliers, gap, signed)

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout, the network's gradient; nothing in a node makes an operation."""
    from keras import ops

    changed = network.with_nodes(rescaling.keras(network))

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        baseline = ops.full_like(images[:1], options.baseline)

        def score(images: Array) -> tuple[Array, Array]:
            logits = changed(ops.concatenate([images, baseline]))
            rise = network.score("logit", logits[:-1] - ops.stop_gradient(logits[-1:]), targets)
            return ops.sum(rise), rise

        multipliers, rise = network.gradient(score, has_aux=True)(images)
        signed = ops.sum((images - baseline) * multipliers, axis=-1)
        gap = ops.sum(signed, axis=(1, 2)) - rise
        return answer(multipliers, gap, signed)

    return compile(explain)
