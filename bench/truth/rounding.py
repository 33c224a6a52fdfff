"""How far rounding alone may carry a sum: what an image above the tolerance may still be.

A sum of n products in an arithmetic of unit roundoff u is off by at most lambda sqrt(n) u times the
sum of the products' magnitudes, with a probability of 1 - 2 exp(-lambda^2 / 2) (Higham & Mary 2019,
SIAM J. Sci. Comput. 41(5), A2815): above 0.999 for lambda = 4. Where terms cancel, that is large
beside the result: logits are sums of thousands of products, a channel weight is a mean of
gradients of both signs, a heatmap a sum over channels of both signs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture, cut
from implementations.architecture.shapes import parameters
from implementations.oracle.network import Reference
from implementations.oracle.switches import SWITCHES

Arrays = dict[str, NDArray[Any]]
PerImage = NDArray[np.float64]
LOGIT = 2e-6
"""The tolerance of a logit in float32, of the image's largest."""
LAMBDA = 4.0
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}


def logit_sums(network: Reference, images: NDArray[np.float64]) -> tuple[PerImage, int]:
    """Largest sum of magnitudes that gives a logit (N,), and of how many products it is."""
    architecture: Architecture = network.architecture
    last = architecture[architecture.output]
    if last.kind != "dense":
        logits = network(images)
        return np.abs(logits).max(axis=1), int(np.prod(architecture.shapes[last.inputs[0]][:-1]))
    inputs, _ = network.features(last.inputs[0], images)
    kernel = network.tensor(f"{last.name}.kernel")
    return (np.abs(inputs) @ np.abs(kernel)).max(axis=1), len(kernel)


def products(architecture: Architecture, layer: str) -> int:
    """Products in the sums that lead to one activation, all layers up to this one together."""
    shapes = parameters(architecture)
    kernels = [
        shapes.get(f"{node.name}.kernel", (0,)) for node in cut(architecture, layer).features
    ]
    return int(sum(np.prod(kernel[:-1]) for kernel in kernels if len(kernel) > 1))


def switches(architecture: Architecture, layer: str) -> int:
    """Units past a layer that a gradient passes or not: outputs of ReLUs and of max-pools."""
    head = [node.name for node in cut(architecture, layer).head if node.kind in SWITCHES]
    return int(sum(np.prod(architecture.shapes[name]) for name in head))


def bounds(
    expected: Arrays,
    precision: str,
    score: str,
    architecture: Architecture,
    layer: str,
    differentiated: bool = False,
    lost: bool = False,
) -> dict[str, PerImage]:
    """Stage -> the error (N,) that rounding may cause there, relative as errors are.

    Activations carry the errors of every layer before, which add up as independent ones do (lambda
    = 1). Intermediates that are not named get no more than the tolerance. A score that goes through
    the softmax carries the logits' absolute error into every gradient, twice. Where a method says
    by how much its map magnifies rounding, its `condition` (N,), so much is its due. Weights may be
    what a logit has `lost` each, the same one, without a channel.
    """
    unit = LAMBDA * UNIT[precision]
    off = np.sqrt(float(expected["logit_count"].item())) * unit * expected["logit_terms"]
    deep = np.full(len(off), np.sqrt(products(architecture, layer)) * UNIT[precision])
    found = {"logits": off / _peak(expected["logits"]), "activations": deep}
    through = 0.0 if score == "logit" else 2 * off
    if score != "logit":
        found["gradients"] = through
    if not differentiated and "activations" not in expected:
        # A difference of two logits is no more exact than they are.
        logit = LOGIT * np.abs(expected["logits"]).max(axis=1) + off
        found["signed"] = found["heatmap"] = 2 * logit / _peak(expected["signed"])
        found["upsampled"] = found["signed"]
    if lost:
        logit = LOGIT * np.abs(expected["logits"]).max(axis=1) + off
        found["weights"] = 2 * logit / _peak(expected["weights"])
        channels = np.abs(expected["activations"])
        shared, own = channels.sum(axis=-1), np.sqrt((channels**2).sum(axis=-1))
        found["signed"] = logit * (shared + own).max(axis=(1, 2)) / _peak(expected["signed"])
        return found | {"heatmap": found["signed"], "upsampled": found["signed"]}
    if "condition" in expected:
        carried = expected["condition"] * (deep + unit) + through
        return found | dict.fromkeys(("weights", "signed", "heatmap", "upsampled"), carried)
    if "weights" not in expected or "gradients" not in expected:
        return found
    magnitudes = np.abs(expected["gradients"]).mean(axis=(1, 2))
    _, height, width, channels = expected["activations"].shape
    mean = np.sqrt(height * width) * unit
    found["weights"] = mean * magnitudes.max(axis=1) / _peak(expected["weights"]) + through
    sums = np.einsum("nhwc,nc->nhw", np.abs(expected["activations"]), magnitudes)
    size = np.sqrt(height * width + channels) * unit
    found["signed"] = size * sums.max(axis=(1, 2)) / _peak(expected["signed"]) + through
    return found | {"heatmap": found["signed"], "upsampled": found["signed"]}


def _peak(values: NDArray[Any]) -> PerImage:
    peak: PerImage = np.abs(values.reshape(len(values), -1)).max(axis=1)
    return np.where(peak > 0, peak, 1.0)
