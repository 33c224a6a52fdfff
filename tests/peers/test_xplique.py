"""Our removal and masking and Xplique's of one network, images and maps: equal to 1e-5.

Maps have no ties, a least value of 0, and one colour. Xplique gives means of a batch. `nox -s
xplique` runs it, in the environment that Xplique has to itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.metrics import Case, deletion, insertion
from bench.subject.draws import Draws
from bench.subject.model import Model

pytest.importorskip("xplique", reason="nox -s xplique installs it and runs this")
pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow Probability, which it imports
N, SIDE, CLASSES, STEPS = 6, 28, 4, 28
"""STEPS: of a removal, they divide the pixels."""
IMAGES = np.random.default_rng(0).random((N, SIDE, SIDE, 1), np.float32)
MAPS = np.random.default_rng(1).random((N, SIDE, SIDE)).astype(np.float32)
MAPS -= MAPS.min(axis=(1, 2), keepdims=True)


@pytest.fixture(scope="module")
def net() -> Any:
    import keras

    keras.utils.set_random_seed(5)
    layers = keras.layers
    return keras.Sequential([
        keras.Input((SIDE, SIDE, 1)), layers.Conv2D(4, 5, activation="relu"), layers.MaxPool2D(4),
        layers.Flatten(), layers.Dense(CLASSES, kernel_initializer="random_normal"),
    ])  # fmt: skip


@pytest.fixture
def case(net: Any) -> Case:
    def forward(images: np.ndarray) -> np.ndarray:
        found: np.ndarray = net(images).numpy()
        return found

    targets = (np.arange(N) % CLASSES).astype(np.int32)
    model = Model(forward, 64, np.zeros(1))
    return Case(MAPS, images=IMAGES, targets=targets, model=model, draws=Draws(np.arange(N)))


@pytest.fixture
def theirs(net: Any, case: Case) -> Callable[..., float]:
    """The mean over the images that a metric of Xplique gives, of probabilities."""
    from xplique import metrics

    def measure(name: str, **more: Any) -> float:
        metric = getattr(metrics, name)(
            net, IMAGES, np.eye(CLASSES, dtype=np.float32)[case.targets], activation="softmax",
            **more,
        )  # fmt: skip
        return float(metric.evaluate(MAPS))

    return measure


def test_deletion_and_insertion(
    case: Case, theirs: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = deletion.counts
    for module in (deletion, insertion):
        monkeypatch.setattr(module, "counts", lambda pixels: counts(pixels, STEPS))
    for name in ("deletion", "insertion"):
        found = theirs(name.capitalize(), steps=STEPS, baseline_mode=0.0)
        assert case.value(name).mean() == pytest.approx(found, abs=1e-5)
    assert np.ptp(case.value("removal_gain")) > 1e-3, "the maps are not all alike"


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        ("average_drop", "AverageDropMetric"),
        ("increase", "AverageIncreaseMetric"),
        ("gain", "AverageGainMetric"),
    ],
)
def test_the_masked_image(case: Case, theirs: Callable[..., float], ours: str, name: str) -> None:
    found = theirs(name)
    assert case.value(ours).mean() == pytest.approx(found, abs=1e-5)
    assert 0 < found < 1
