"""Class prototypes (Simonyan et al. 2014, arXiv 1312.6034): activation maximisation.

What a network takes for a class: from a starting image, Adam goes down

    L(x) = -log q_k(x) + 0.1 mean((x - mean_k)^2)        over the pixels and colours of x

    m = .9 m + .1 d        v = .999 v + .001 d^2        d = d L / d x
    x = x - rate (m / (1 - .9^t)) / (sqrt(v / (1 - .999^t)) + 1e-8)        t = 1 ... steps

`mean_k` is the class's mean training image. Nothing is clipped. It is no method among the others,
as it explains a class and no image: `python -m bench prototype` runs it. `explain` takes the images
to start from, the classes, and as draws their `means`, of the images' shape; it gives `prototype`,
`losses` (N, steps + 1), the first of the start, the `probability` reached, and as `heatmap` the
colours' mean. One step is compiled. What hangs on t alone is made in NumPy, in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from implementations.arrays import Array, Draws, Floats, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.methods.card import Cost, Method, Number

PULL, FIRST, SECOND, TINY = 0.1, 0.9, 0.999, 1e-8
OUTPUTS = ("prototype", "losses", "probability", "heatmap")

METHOD = Method(
    title="Class prototypes",
    paper="arXiv 1312.6034",
    at="input",
    intermediates=OUTPUTS,
    options={
        "steps": Number(1000, 1, 1_000_000, "of Adam"),
        "rate": Number(0.01, 1e-9, 1e3, "of a step"),
    },
    cost=lambda options, architecture, layer: Cost(options.steps + 1, options.steps),
    score="log_probability",
    scores=("log_probability",),
)


def corrections(options: Options) -> Floats:
    """(steps, 2): what m is multiplied by in each step, the rate in it, and v."""
    t = np.arange(1, options.steps + 1)
    return np.stack([options.rate / (1 - FIRST**t), 1 / (1 - SECOND**t)], axis=1)


def descended(
    step: Callable[..., tuple[list[Array], Array]], network: Network, state: list[Array],
    targets: Array, means: Array, rates: Iterable[Array],
) -> tuple[Array, list[Array]]:  # fmt: skip
    """Where all the steps lead from a state (x, m, v), and the losses (N,) before each of them."""
    losses = []
    for each in rates:
        state, before = step(network, state, targets, means, each)
        losses.append(before)
    return state[0], losses


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient by hand."""

    def explain(
        network: OracleNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        x, means = images.copy(), draws["means"]
        first, second, losses = np.zeros_like(x), np.zeros_like(x), []

        def loss() -> Floats:
            scores = network.score(options.score, network(x), targets)
            return np.asarray(PULL * ((x - means) ** 2).mean(axis=(1, 2, 3)) - scores)

        for one, two in corrections(options):
            losses.append(loss())
            pulled = network.pull_back("input", x, {}, targets, options.score)
            slopes = 2 * PULL * (x - means) / x[0].size - pulled
            first = FIRST * first + (1 - FIRST) * slopes
            second = SECOND * second + (1 - SECOND) * slopes**2
            x = x - one * first / (np.sqrt(two * second) + TINY)
        losses.append(loss())
        return {
            "prototype": x,
            "losses": np.stack(losses, axis=1),
            "probability": network.score("probability", network(x), targets),
            "heatmap": x.mean(axis=-1),
        }

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """A compiled step, run in Python's loop: on a CPU, XLA convolves slowly inside `lax.scan`."""
    import jax
    import jax.numpy as jnp

    def loss(
        x: Array, network: Network, targets: Array, means: Array
    ) -> tuple[Array, tuple[Array, Array]]:
        logits = network(x)
        scores = network.score(options.score, logits, targets)
        losses = PULL * ((x - means) ** 2).mean(axis=(1, 2, 3)) - scores
        return losses.sum(), (losses, logits)

    @compile
    def step(
        network: Network, state: list[Array], targets: Array, means: Array, rates: Array
    ) -> tuple[list[Array], Array]:
        x, first, second = state
        slopes, (losses, _) = jax.grad(loss, has_aux=True)(x, network, targets, means)
        first = FIRST * first + (1 - FIRST) * slopes
        second = SECOND * second + (1 - SECOND) * slopes**2
        x = x - rates[0] * first / (jnp.sqrt(rates[1] * second) + TINY)
        return [x, first, second], losses

    @compile
    def ended(
        network: Network, x: Array, targets: Array, means: Array, losses: Array
    ) -> Intermediates:
        _, (last, logits) = loss(x, network, targets, means)
        return {
            "prototype": x,
            "losses": jnp.concatenate([losses, last[None]]).T,
            "probability": network.score("probability", logits, targets),
            "heatmap": x.mean(axis=-1),
        }

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        rates = jnp.asarray(corrections(options), images.dtype)
        state = [images, jnp.zeros_like(images), jnp.zeros_like(images)]
        x, losses = descended(step, network, state, targets, draws["means"], rates)
        return ended(network, x, targets, draws["means"], jnp.stack(losses))  # type: ignore[no-any-return]

    return explain


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """A compiled step, run in Python's loop; on a GPU its launches run ahead."""
    import torch

    def loss(
        x: Array, network: Network, targets: Array, means: Array
    ) -> tuple[Array, tuple[Array, Array]]:
        logits = network(x)
        scores = network.score(options.score, logits, targets)
        losses = PULL * ((x - means) ** 2).mean(dim=(1, 2, 3)) - scores
        return losses.sum(), (losses, logits)

    @compile
    def step(
        network: Network, state: list[Array], targets: Array, means: Array, rates: Array
    ) -> tuple[list[Array], Array]:
        x, first, second = state
        slopes, (losses, _) = torch.func.grad(loss, has_aux=True)(x, network, targets, means)
        first = FIRST * first + (1 - FIRST) * slopes
        second = SECOND * second + (1 - SECOND) * slopes**2
        x = x - rates[0] * first / ((rates[1] * second).sqrt() + TINY)
        return [x, first, second], losses

    @compile
    def ended(
        network: Network, x: Array, targets: Array, means: Array, losses: Array
    ) -> Intermediates:
        _, (last, logits) = loss(x, network, targets, means)
        return {
            "prototype": x,
            "losses": torch.cat([losses, last[None]]).T,
            "probability": network.score("probability", logits, targets),
            "heatmap": x.mean(dim=1),
        }

    def explain(network: Network, images: Array, targets: Array, draws: Draws) -> Intermediates:
        rates = torch.from_numpy(corrections(options)).to(images)
        state = [images, torch.zeros_like(images), torch.zeros_like(images)]
        x, losses = descended(step, network, state, targets, draws["means"], rates)
        return ended(network, x, targets, draws["means"], torch.stack(losses))  # type: ignore[no-any-return]

    return explain


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout: a compiled step, run in Python's loop."""
    from keras import ops

    network.split("input")

    def loss(
        x: Array, network: KerasNetwork, targets: Array, means: Array
    ) -> tuple[Array, tuple[Array, Array]]:
        logits = network(x)
        scores = network.score(options.score, logits, targets)
        pixels = x.shape[1] * x.shape[2] * x.shape[3]
        losses = PULL * ops.sum((x - means) ** 2, axis=(1, 2, 3)) / pixels - scores
        return ops.sum(losses), (losses, logits)

    @compile
    def step(
        network: KerasNetwork, state: list[Array], targets: Array, means: Array, rates: Array
    ) -> tuple[list[Array], Array]:
        x, first, second = state
        slopes, (losses, _) = network.gradient(
            lambda x: loss(x, network, targets, means), has_aux=True
        )(x)
        first = FIRST * first + (1 - FIRST) * slopes
        second = SECOND * second + (1 - SECOND) * slopes**2
        x = x - rates[0] * first / (ops.sqrt(rates[1] * second) + TINY)
        return [x, first, second], losses

    @compile
    def ended(
        network: KerasNetwork, x: Array, targets: Array, means: Array, losses: Array
    ) -> Intermediates:
        _, (last, logits) = loss(x, network, targets, means)
        return {
            "prototype": x,
            "losses": ops.transpose(ops.concatenate([losses, last[None]])),
            "probability": network.score("probability", logits, targets),
            "heatmap": ops.sum(x, axis=-1) / x.shape[-1],
        }

    def explain(
        network: KerasNetwork, images: Array, targets: Array, draws: Draws
    ) -> Intermediates:
        rates = ops.cast(ops.convert_to_tensor(corrections(options)), images.dtype)
        state = [images, ops.zeros_like(images), ops.zeros_like(images)]
        steps = (rates[t] for t in range(options.steps))
        x, losses = descended(step, network, state, targets, draws["means"], steps)
        return ended(network, x, targets, draws["means"], ops.stack(losses))  # type: ignore[no-any-return]

    return explain
