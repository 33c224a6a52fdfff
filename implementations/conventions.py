"""What can differ between two heatmaps of one network, as data, and the arithmetic of each choice.

A convention says how a map was made: of which score, of which class, at which layer, by which
formula, and what was done to it then. `FACTORS` has each choice with its cost, 0 for the canonical
one, so that the cheapest convention that explains a map is the simplest. NumPy in float64 alone:
a gradient is the oracle's business, and comes as an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from implementations.arrays import Floats
from implementations.formulas import INPUT_FORMULAS, POOLS, formula_of, quotient
from implementations.interpolation import interpolation


@dataclass(frozen=True)
class Convention:
    """How a heatmap was made, in the order in which it is. The defaults are the canonical ones."""

    input: str = "as given"
    weights: str = "as given"
    target: str = "given"
    score: str = "logit"
    layer: str = "named"
    rule: str = "plain"
    pairing: str = "one tensor"
    gradient: str = "as it is"
    formula: str = "grad_cam"
    pool: str = "mean"
    sign: str = "as defined"
    rectify: str = "before resizing"
    resize: str = "bilinear"
    normalise: str = "none"
    epsilon: float = 0.0

    def cost(self, formula: str = "grad_cam", at_input: bool | None = None) -> int:
        """How far it is from canonical, where `formula` is the method's own.

        `at_input` says where the method's map lives, where the formula's name does not: at the
        input there is no ReLU, and each is a step away.
        """
        at_input = formula in INPUT_FORMULAS if at_input is None else at_input
        paid = sum(
            int(self.rectify != "none") if at_input and name == "rectify" else table[value]
            for name, table in FACTORS.items()
            for value in (getattr(self, name),)
        )
        layer = 0 if self.layer == "named" else 1 if self.layer == "partner" else 2
        return paid + layer + (self.formula != formula)

    def differs(self, other: Convention) -> list[str]:
        """The factors in which two differ, in the order of their making."""
        return [
            each.name
            for each in fields(self)
            if getattr(self, each.name) != getattr(other, each.name)
        ]

    def __str__(self) -> str:
        return ", ".join(f"{each.name} {getattr(self, each.name)}" for each in fields(self))


FACTORS: dict[str, dict[str, int]] = {
    "input": {
        "as given": 0, "colours reversed": 2, "times 255": 2, "rows of the batch turned round": 2,
        "mirrored": 2, "axes swapped": 2, "ImageNet's mean and deviation": 2,
    },
    "weights": {
        "as given": 0, "batch statistics in norms": 2, "flatten in the order C, H, W": 3,
        "dense kernel in the order C, H, W": 3,
    },
    "target": {"given": 0, "predicted": 1},
    "score": {
        "logit": 0, "probability": 1, "log_probability": 1, "sum of all logits": 2,
        "largest of the batch": 2,
    },
    "rule": {"plain": 0, "guided": 2, "deconvolution": 2},
    "pairing": {"one tensor": 0, "gradient of the partner": 2, "activation of the partner": 2},
    "gradient": {
        "as it is": 0, "positive part": 1, "positive where active": 1, "magnitude": 2,
    },
    "pool": {"mean": 0, "mean over the batch too": 2, "magnitude": 2, "first channel": 2},
    "sign": {"as defined": 0, "as it falls": 1},
    "rectify": {
        "before resizing": 0, "none": 1, "after resizing": 1, "both": 1, "magnitude": 1,
    },
    "resize": {
        "bilinear": 0, "align corners": 1, "nearest": 1, "nearest, rounded down": 1,
        "bicubic -0.5": 1, "bicubic -0.75": 1, "TensorFlow's bicubic": 1, "area": 1, "antialias": 1,
        "lanczos": 1, "cubic spline": 1, "SciPy's zoom": 1, "none": 0,
    },
    "normalise": {
        "none": 0, "max": 0, "min_max": 1, "min_max before resizing": 1, "max before resizing": 1,
        "magnitude": 1, "sum": 1, "largest of the batch": 1, "min_max of the batch": 1,
        "max plus epsilon": 1, "min_max plus epsilon": 1,
        "min_max twice plus epsilon": 1,
    },
}  # fmt: skip
"""Factor -> its values and what each costs; the layer and the formula have no fixed values."""


def combine(convention: Convention, activations: Floats, gradients: Floats) -> Floats:
    """The map (N, h, w) before any ReLU, of activations and gradients (N, h, w, c)."""
    if convention.gradient == "positive part":
        gradients = np.maximum(gradients, 0)
    elif convention.gradient == "positive where active":
        gradients = np.maximum(gradients, 0) * (activations > 0)
    elif convention.gradient == "magnitude":
        gradients = np.abs(gradients)
    formula = formula_of(convention.formula)
    return formula(activations, gradients, POOLS[convention.pool])


def rectified(convention: Convention, signed: Floats) -> Floats:
    """The map (N, h, w) that is resized."""
    if convention.rectify == "magnitude":
        return np.abs(signed)
    return np.maximum(signed, 0) if convention.rectify in ("before resizing", "both") else signed


def finish(convention: Convention, signed: Floats, size: tuple[int, int]) -> Floats:
    """The map (N, H, W) of a signed one (N, h, w): rectified and resized, not normalised."""
    made = resized(rectified(convention, signed), size, convention.resize)
    late = convention.rectify in ("after resizing", "both")
    return np.maximum(made, 0) if late else made


def resized(maps: Floats, size: tuple[int, int], kind: str) -> Floats:
    """Maps (N, h, w) as (N, H, W): every kind here is a matrix along each axis, or none at all."""
    if maps.shape[1:] == size or kind == "none":
        return maps
    down, across = (interpolation(kind, *pair) for pair in zip(maps.shape[1:], size, strict=True))
    return np.asarray(down @ maps @ across.T)


def normalised(convention: Convention, made: Floats, before: Floats, epsilon: float) -> Floats:
    """A finished map (N, H, W) on its scale; `before` is the one before it was resized."""
    kind = convention.normalise
    whole = before if kind.endswith("before resizing") else made
    axes = (0, 1, 2) if kind.endswith("of the batch") else (1, 2)
    high, low = whole.max(axis=axes, keepdims=True), whole.min(axis=axes, keepdims=True)
    lift = epsilon if kind.endswith("epsilon") else 0.0
    if kind == "min_max twice plus epsilon":
        once = before.max(axis=axes, keepdims=True) - before.min(axis=axes, keepdims=True)
        made, high, low = (quotient(each, once + lift + 0 * each) for each in (made, high, low))
    if kind.startswith("min_max"):
        return quotient(made - low, high - low + lift + 0 * made)
    scale: Mapping[str, Floats] = {
        "none": np.ones_like(high),
        "max": high, "max before resizing": high, "max plus epsilon": high + lift,
        "magnitude": np.abs(made).max(axis=axes, keepdims=True),
        "sum": made.sum(axis=axes, keepdims=True),
        "largest of the batch": high,
    }  # fmt: skip
    return quotient(made, scale[kind] + 0 * made)


def apply(
    convention: Convention, activations: Floats, gradients: Floats, size: tuple[int, int]
) -> Floats:
    """The map (N, H, W), or (N, h, w) where nothing is resized, that a convention makes of these.

    Activations and gradients (N, h, w, c) are those of its input, target, score, layer, rule and
    pairing, as the oracle has them.
    """
    signed = combine(convention, activations, gradients)
    before, made = rectified(convention, signed), finish(convention, signed, size)
    return normalised(convention, made, before, convention.epsilon)
