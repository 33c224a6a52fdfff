"""Networks whose scores are known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.metrics import Case
from bench.subject.draws import Draws
from bench.subject.model import Model


def additive(weights: np.ndarray, batch: int = 7) -> Model:
    """The probability of class 0 is the sum of weights (H, W, C) times pixels; the fill is 0."""

    def forward(images: np.ndarray) -> np.ndarray:
        p = np.clip((images.astype(float) * weights).sum(axis=(1, 2, 3)), 1e-18, 1 - 2**-53)
        return np.stack([np.log(p), np.log1p(-p)], axis=1)

    return Model(forward, batch, np.zeros(weights.shape[-1]))


def linear(weights: np.ndarray, fill: float = 0.0, batch: int = 7) -> Model:
    """The logit of class 0 is the sum of weights (H, W, C) times pixels, that of class 1 is 0."""

    def forward(images: np.ndarray) -> np.ndarray:
        logit = (images.astype(float) * weights).sum(axis=(1, 2, 3))
        return np.stack([logit, np.zeros_like(logit)], axis=1)

    return Model(forward, batch, np.full(weights.shape[-1], fill))


@pytest.fixture
def linear_model() -> Callable[..., Model]:
    return linear


@pytest.fixture
def model() -> Callable[..., Model]:
    return additive


@pytest.fixture
def case() -> Callable[..., Case]:
    """A case of maps (N, H, W) on images of ones."""

    def make(maps: Any, of: Model, images: Any = None, numbers: Any = None) -> Case:
        maps = np.asarray(maps)
        images = np.ones((*maps.shape, len(of.fill)), np.float32) if images is None else images
        numbers = np.arange(len(maps)) if numbers is None else numbers
        targets = np.zeros(len(maps), np.int32)
        return Case(maps, images=images, targets=targets, model=of, draws=Draws(numbers))

    return make
