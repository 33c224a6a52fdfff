"""FEM by hand, what leaves it alone, and how near it is to jumping."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture.graph import parse
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-gap", (8, 8, 1), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((3, 8, 8, 1))
TARGETS = np.array([3, 0, 2], np.int32)


def by_hand(*pixels: float, channels: int = 1) -> runtime.Reference:
    """A network whose input can be explained: its values are the image's."""
    nodes = [
        {"name": "flatten1", "kind": "flatten", "inputs": "input"},
        {"name": "dense1", "kind": "dense", "units": 2, "inputs": "flatten1"},
    ]
    shape = [1, len(pixels), channels]
    form = {"name": "by-hand", "input_shape": shape, "classes": 2, "nodes": nodes}
    architecture = parse(form, "by-hand")
    return runtime.build(architecture, randomise(architecture, 1))


@pytest.mark.parametrize(("k", "taken"), [("2", True), ("2.9", True), ("3.1", False)])
def test_by_hand(k: str, taken: bool) -> None:
    """Nine zeros and a ten: mean 1, deviation 3, so the ten is three deviations above."""
    pixels = (0.0,) * 9 + (10.0,)
    image = np.array(pixels).reshape(1, 1, 10, 1)
    network = by_hand(*pixels)
    found = explained("fem", network, image, np.array([0]), layer="input", k=k)
    expected = np.zeros((1, 1, 10))
    expected[0, 0, 9] = 1 if taken else 0
    np.testing.assert_array_equal(found["heatmap"], expected)


def test_it_is_the_sum_over_the_channels_that_are_far_above_their_mean() -> None:
    found = explained("fem", NETWORK, IMAGES, TARGETS, layer="relu2")
    expected = np.zeros((3, 8, 8))
    for n, y, x in np.ndindex(3, 8, 8):
        for channel in np.moveaxis(found["activations"][n], -1, 0):
            if channel[y, x] > channel.mean() + 2 * np.sqrt(channel.var()):
                expected[n, y, x] += channel.mean()
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-12)
    assert expected.any()


def test_a_constant_channel_adds_nothing_and_the_target_plays_no_part() -> None:
    for value in (0.0, 0.1, 1 / 3, 1e6):
        image = np.full((1, 1, 7, 1), value)
        for k in ("0", "1", "2"):
            found = explained("fem", by_hand(*[0.0] * 7), image, np.array([1]), layer="input", k=k)
            assert not found["heatmap"].any()
    one, other = (explained("fem", NETWORK, IMAGES, t)["heatmap"] for t in (TARGETS, TARGETS * 0))
    np.testing.assert_array_equal(one, other)


def test_the_threshold_is_watched() -> None:
    """Nine zeros and a ten: 2 and 3.9 deviations less one mean, of a peak of 10."""
    pixels = (0.0,) * 9 + (10.0,)
    image = np.array(pixels).reshape(1, 1, 10, 1)
    margins: list[np.ndarray] = []
    network = by_hand(*pixels).watched(margins)
    for k in ("2", "2.9"):
        explained("fem", network, image, np.array([0]), layer="input", k=k)
    np.testing.assert_allclose(margins, [[0.3], [0.03]])
    explained("fem", network, np.zeros_like(image), np.array([0]), layer="input")
    assert margins[-1] == np.inf
