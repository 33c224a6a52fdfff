"""From a signed map of a layer to its heatmap: the convention of all class activation maps.

    relu: max(S, 0), what speaks for the class        relu=false: S itself

S is kept as `signed`.
"""

from __future__ import annotations

from implementations.arrays import Array, Intermediates
from implementations.methods.card import Flag

RELU = Flag(True, "keep only the evidence for the class")
"""The option that names it."""


def reference(signed: Array, relu: bool) -> Intermediates:
    """`signed` and `heatmap` (N, h, w) of a map of any sign."""
    import numpy as np

    return {"signed": signed, "heatmap": np.maximum(signed, 0) if relu else signed}


def jax(signed: Array, relu: bool) -> Intermediates:
    """`signed` and `heatmap` (N, h, w) of a map of any sign."""
    import jax

    return {"signed": signed, "heatmap": jax.nn.relu(signed) if relu else signed}


def pytorch(signed: Array, relu: bool) -> Intermediates:
    """`signed` and `heatmap` (N, h, w) of a map of any sign."""
    return {"signed": signed, "heatmap": signed.relu() if relu else signed}


def keras(signed: Array, relu: bool) -> Intermediates:
    """`signed` and `heatmap` (N, h, w) of a map of any sign."""
    from keras import ops

    return {"signed": signed, "heatmap": ops.relu(signed) if relu else signed}
