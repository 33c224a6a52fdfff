"""How a network is trained: every number a framework would otherwise choose by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

OPTIMIZERS = ("matched", "native", "sgd")


@dataclass(frozen=True)
class Recipe:
    """Training of one architecture. The loss is softmax cross-entropy on integer labels.

    `loss` says whether a step's gradient is of the `mean` or the `sum` over the batch; the loss
    that is reported is always the mean per image. `order` is `file` (the data set's own) or
    `shuffled` (one NumPy permutation an epoch, shared by all frameworks). A last partial batch is
    kept; plain SGD follows a sum at a rate as much smaller. `validation` is the share of training
    images, from the end, that is held out. Adam is Kingma & Ba 2015, algorithm 1, with epsilon
    added after the bias correction. The rate of `matched` Adam grows in equal parts over its first
    `warm_up` steps (Goyal et al. 2017, section 2.2): at its full rate from the first one it blows
    rounding up, and no two columns stay together, nor one with itself. `kernels` is the
    distribution that kernels are first drawn from (`implementations/architecture/weights.py`).
    """

    learning_rate: float = 1e-3
    batch: int = 256
    epochs: int = 8
    loss: str = "mean"
    order: str = "shuffled"
    validation: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    warm_up: int = 200
    sgd_learning_rate: float = 0.05
    kernels: str = "lecun_normal"


RECIPES = {
    "cnn-48-32-16": Recipe(loss="sum", order="file", sgd_learning_rate=0.05 / 256),
    "cnn-32-16": Recipe(
        learning_rate=1e-4, epochs=5, loss="sum", order="file", sgd_learning_rate=0.05 / 256
    ),
    "cnn-pool-dropout": Recipe(batch=250, epochs=25, validation=0.2),
    "cnn-32-64-128": Recipe(batch=256, epochs=8),
    "mlp-512-100": Recipe(),
}

HARDER: dict[str, dict[str, Any]] = {
    "shapes_polarity": {"learning_rate": 3e-3, "batch": 128, "epochs": 6},
    "shapes64_colour": {"learning_rate": 2e-3, "batch": 64, "epochs": 4},
}
"""Data set -> what differs in the recipe of `cnn-gap` there."""


def recipe(architecture: str, dataset: str, epochs: int | None = None) -> Recipe:
    """The recipe of an architecture on a data set.

    The bundled digits have 1,500 training images, so six steps an epoch: they get half as many
    epochs again, and five times as many behind global average pooling, which learns slowly there.
    Shapes that neither brightness nor colour tells are harder: behind global average pooling they
    are learnt at a higher rate in smaller batches.
    """
    chosen = RECIPES.get(architecture, Recipe())
    if architecture == "cnn-gap" and dataset in HARDER:
        chosen = replace(chosen, **HARDER[dataset])
    if dataset == "digits":
        factor = 5.0 if architecture == "cnn-gap" else 1.5
        chosen = replace(chosen, epochs=round(factor * chosen.epochs))
    return replace(chosen, epochs=epochs) if epochs is not None else chosen
