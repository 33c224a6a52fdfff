"""Class scores of logits and their gradients in closed form, sound where the softmax saturates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Floats
from implementations.contract import SCORES
from implementations.errors import BadInput, unknown


def score(name: str, logits: Floats, targets: NDArray[np.integer]) -> Floats:
    """One of `SCORES` (N,) of logits (N, K): nothing is subtracted from 1. Raises BadInput."""
    chosen = _one_hot(name, logits, targets)
    target: Floats = logits[chosen]
    if name == "logit":
        return target
    others = np.where(chosen, -np.inf, logits)
    peak = others.max(axis=1)
    rest = peak + np.log(np.exp(others - peak[:, None]).sum(axis=1))
    log_probability = -np.logaddexp(0.0, rest - target)
    probability: Floats = np.exp(log_probability)
    return probability if name == "probability" else log_probability


def score_gradient(name: str, logits: Floats, targets: NDArray[np.integer]) -> Floats:
    """The gradient (N, K) of each image's score with respect to its logits.

    With p the softmax and q the sum of the others' probabilities: d log p_k = q at k and -p_j at
    j; d p_k is p_k times that. Raises BadInput.
    """
    chosen = _one_hot(name, logits, targets)
    if name == "logit":
        return chosen.astype(np.float64)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    others = np.where(chosen, 0.0, probabilities)
    gradient = np.where(chosen, others.sum(axis=1, keepdims=True), -others)
    if name == "probability":
        gradient = gradient * probabilities[chosen][:, None]
    return gradient


def _one_hot(name: str, logits: Floats, targets: NDArray[np.integer]) -> NDArray[np.bool_]:
    if name not in SCORES:
        raise BadInput(unknown("score", name, SCORES))
    classes = np.arange(logits.shape[1])
    if not np.isin(targets, classes).all():
        raise BadInput(f"targets must be classes from 0 to {classes[-1]}")
    chosen: NDArray[np.bool_] = np.asarray(targets)[:, None] == classes
    return chosen
