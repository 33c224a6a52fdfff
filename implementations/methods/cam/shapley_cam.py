"""ShapleyCAM (Cai 2025, arXiv 2501.06261).

Shapley values of the activations A in the game that the score plays to second order about A:

    G = d s / d A - N / 2        N = (d2 s / dA dA) A
    w_c = mean_hw(G_c)        S = sum_c w_c A_c        heatmap = relu(S)

`position` keeps each position's own weight, S = sum_c G_c * A_c. Past the layer the logits z are
piecewise linear, so all curvature is the softmax's, and G is one pull-back through the head:

    u = J A,  J = dz/dA        H = d2 s / dz dz        G = J' (ds/dz - H u / 2)

A logit has H = 0, whose map is Grad-CAM's. `residual` explains z_k + log q_k, the paper's ReST.
"""

from __future__ import annotations

from implementations.architecture.graph import Architecture, cut
from implementations.architecture.kinds import KINDS
from implementations.arrays import Array, Intermediates
from implementations.contract import (
    Compile,
    Explain,
    KerasNetwork,
    Network,
    Options,
    OracleNetwork,
)
from implementations.errors import BadInput
from implementations.methods import evidence
from implementations.methods.card import Cost, Flag, Method
from implementations.methods.evidence import RELU


def applies(architecture: Architecture, layer: str) -> str | None:
    """Why the method cannot serve at this layer, or None."""
    for node in cut(architecture, layer).head:
        if KINDS[node.kind].curved:
            return f"past the layer all must be piecewise linear; {node.name!r} is {node.kind}"
    return None


METHOD = Method(
    title="ShapleyCAM",
    paper="arXiv 2501.06261",
    at="layer",
    classes="pulled",
    intermediates=("activations", "gradients", "weights", "signed", "heatmap"),
    options={
        "position": Flag(False, "weigh each position apart, not channels by their mean"),
        "residual": Flag(False, "explain the logit plus its log-probability"),
        "relu": RELU,
    },
    score="log_probability",
    cost=lambda options, architecture, layer: Cost(1, 1, head=1),
    applies=applies,
)


def checked(options: Options) -> None:
    """Raise BadInput for a residual of another score than the log-probability."""
    if options.residual and options.score != "log_probability":
        raise BadInput(
            f"shapley_cam's residual is of log_probability, not {options.score}; omit --score"
        )


def reference(network: OracleNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """In float64 NumPy, the gradient of every class by hand, H u summed over differences."""
    import numpy as np

    checked(options)
    classes = range(network.architecture.classes)

    def explain(network: OracleNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def pulled(target: int) -> Array:
            chosen = np.full(len(images), target)
            return network.pull_back(layer, activations, rest, chosen, "logit")

        gradients = network.pull_back(layer, activations, rest, targets, options.score)
        if options.score != "logit":
            u = np.stack([(pulled(k) * activations).sum(axis=(1, 2, 3)) for k in classes], axis=1)
            logits = network.head(layer, activations, rest)
            exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
            q = exponentials / exponentials.sum(axis=1, keepdims=True)
            # How the log of each probability changes along A.
            change = (q[:, None, :] * (u[:, :, None] - u[:, None, :])).sum(axis=2)
            curvature = -q * change
            if options.score == "probability":
                chosen = targets[:, None] == np.arange(len(classes))
                curvature = q[chosen][:, None] * (
                    (chosen - q) * change[chosen][:, None] + curvature
                )
            for k in classes:
                gradients = gradients - curvature[:, k, None, None, None] * pulled(k) / 2
        if options.residual:
            gradients = gradients + network.pull_back(layer, activations, rest, targets, "logit")
        found = {"activations": activations, "gradients": gradients}
        if options.position:
            signed = (gradients * activations).sum(axis=-1)
        else:
            found["weights"] = gradients.mean(axis=(1, 2))
            signed = (activations * found["weights"][:, None, None, :]).sum(axis=-1)
        return {**found, **evidence.reference(signed, options.relu)}

    return compile(explain)


def jax(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`jax.linearize` of the head for both directions; `jax.jvp` of a `jax.grad` for H u."""
    import jax
    import jax.numpy as jnp

    checked(options)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)
        logits, push = jax.linearize(lambda a: network.head(layer, a, rest), activations)

        def score(logits: Array) -> Array:
            return network.score(options.score, logits, targets).sum()

        slopes, curvature = jax.jvp(jax.grad(score), (logits,), (push(activations),))
        cotangent = slopes - curvature / 2
        if options.residual:
            cotangent += jax.nn.one_hot(targets, logits.shape[1], dtype=logits.dtype)
        (gradients,) = jax.linear_transpose(push, activations)(cotangent)
        found = {"activations": activations, "gradients": gradients}
        if options.position:
            signed = (gradients * activations).sum(axis=-1)
        else:
            found["weights"] = gradients.mean(axis=(1, 2))
            signed = jnp.einsum("nhwc,nc->nhw", activations, found["weights"])
        return {**found, **evidence.jax(signed, options.relu)}

    return compile(explain)


def pytorch(network: Network, layer: str, options: Options, compile: Compile) -> Explain:
    """`torch.func.jvp` of the head for u, `torch.func.vjp` for G, H u in closed form."""
    import torch

    checked(options)

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def head(activations: Array) -> Array:
            return network.head(layer, activations, rest)

        def score(logits: Array) -> Array:
            return network.score(options.score, logits, targets).sum()

        logits, pull_back = torch.func.vjp(head, activations)
        cotangent = torch.func.grad(score)(logits)
        if options.score != "logit":
            _, u = torch.func.jvp(head, (activations,), (activations,))
            q, k = logits.softmax(dim=1), targets[:, None]
            # Beside the target's: of a sure class it is a sum of small terms, not a difference.
            u = u - u.gather(1, k)
            change = u - (q * u).sum(dim=1, keepdim=True)
            curvature = -q * change
            if options.score == "probability":
                chosen = torch.zeros_like(q).scatter(1, k, 1)
                curvature = q.gather(1, k) * ((chosen - q) * change.gather(1, k) + curvature)
            cotangent = cotangent - curvature / 2
        if options.residual:
            cotangent = cotangent.scatter_add(1, targets[:, None], torch.ones_like(cotangent))
        (gradients,) = pull_back(cotangent)
        found = {"activations": activations, "gradients": gradients}
        if options.position:
            signed = (gradients * activations).sum(dim=1)
        else:
            found["weights"] = gradients.mean(dim=(2, 3))
            signed = torch.einsum("nchw,nc->nhw", activations, found["weights"])
        return {**found, **evidence.pytorch(signed, options.relu)}

    return compile(explain)


def keras(network: KerasNetwork, layer: str, options: Options, compile: Compile) -> Explain:
    """`keras.ops` throughout; u is the gradient of <J'y, A> by y, as Keras has no push forward."""
    from keras import ops

    checked(options)
    network.split(layer)
    classes = network.architecture.classes

    def explain(network: KerasNetwork, images: Array, targets: Array) -> Intermediates:
        activations, rest = network.features(layer, images)

        def head(activations: Array) -> Array:
            return network.head(layer, activations, rest)

        def pull_back(cotangent: Array) -> Array:
            return network.gradient(lambda a: ops.sum(cotangent * head(a)))(activations)

        def along(cotangent: Array) -> Array:
            return ops.sum(pull_back(cotangent) * activations)

        def score(logits: Array) -> Array:
            return ops.sum(network.score(options.score, logits, targets))

        logits = head(activations)
        chosen = ops.one_hot(targets, classes, dtype=logits.dtype)
        cotangent = network.gradient(score)(logits)
        if options.score != "logit":
            u = network.gradient(along)(ops.zeros_like(logits))
            u = u - ops.sum(chosen * u, axis=1, keepdims=True)
            q = ops.softmax(logits, axis=1)
            change = u - ops.sum(q * u, axis=1, keepdims=True)
            curvature = -q * change
            if options.score == "probability":
                ours, certain = (ops.sum(chosen * a, axis=1, keepdims=True) for a in (change, q))
                curvature = certain * ((chosen - q) * ours + curvature)
            cotangent = cotangent - curvature / 2
        gradients = pull_back(cotangent + chosen if options.residual else cotangent)
        found = {"activations": activations, "gradients": gradients}
        _, height, width, _ = activations.shape
        if options.position:
            signed = ops.sum(gradients * activations, axis=-1)
        else:
            found["weights"] = ops.sum(gradients, axis=(1, 2)) / (height * width)
            signed = ops.einsum("nhwc,nc->nhw", activations, found["weights"])
        return {**found, **evidence.keras(signed, options.relu)}

    return compile(explain)
