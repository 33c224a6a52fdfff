"""Deletion, insertion and their difference: closed forms, and what holds for any map."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import Case, deletion, insertion
from bench.subject.draws import Draws
from bench.subject.model import Model

REMOVAL = ("deletion", "insertion", "removal_gain")
C = np.array([0.5, 0.25, 0.15, 0.1])
Make = Callable[..., Any]


def by_hand(c: np.ndarray, counts: np.ndarray) -> float:
    """Deletion of an additive score, its parts c in the order in which they are removed."""
    step = [int(np.argmax(counts >= rank + 1)) for rank in range(len(c))]
    shares = [(counts[b - 1] + counts[b]) / (2 * len(c)) for b in step]
    return float(c @ shares)


def inserted(counts: np.ndarray) -> np.ndarray:
    """How many are kept after each step of an insertion: n'_k = P - n_(T-k)."""
    return (counts[-1] - counts)[::-1]


@pytest.mark.parametrize(("steps", "lowest", "highest"), [(2, 0.375, 0.625), (4, 0.3375, 0.6625)])
def test_an_additive_score_by_hand(
    model: Make, case: Make, monkeypatch: pytest.MonkeyPatch, steps: int, lowest: float,
    highest: float,
) -> None:  # fmt: skip
    counts = deletion.counts
    for module in (deletion, insertion):
        monkeypatch.setattr(module, "counts", lambda pixels: counts(pixels, steps))
    found = case(C.reshape(1, 2, 2), model(C.reshape(2, 2, 1)))
    assert found.value("deletion") == pytest.approx(lowest, abs=1e-12)
    assert found.value("insertion") == pytest.approx(highest, abs=1e-12)
    assert found.value("removal_gain") == pytest.approx(highest - lowest, abs=1e-12)
    assert by_hand(C, counts(4, steps)) == pytest.approx(lowest)
    every = [case(np.array(o).reshape(1, 2, 2), model(C.reshape(2, 2, 1))).value("deletion")
             for o in itertools.permutations(range(4))]  # fmt: skip
    assert min(every) == pytest.approx(lowest, abs=1e-12), "no other order is below it"


@pytest.mark.parametrize("shape", [(5, 5, 1), (4, 9, 3), (7, 3, 1)])
def test_an_additive_score_whatever_the_size(
    model: Make, case: Make, shape: tuple[int, int, int]
) -> None:
    weights = np.random.default_rng(0).random(shape)
    weights /= weights.sum()
    evidence = weights.sum(axis=2)
    found = case(evidence[None].astype(np.float32), model(weights))
    ranked, counts = np.sort(evidence.ravel())[::-1], deletion.counts(evidence.size)
    assert found.value("deletion") == pytest.approx(by_hand(ranked, counts), abs=1e-6)
    expected = 1 - by_hand(ranked, inserted(counts))
    assert found.value("insertion") == pytest.approx(expected, abs=1e-6)


def test_the_steps_are_these() -> None:
    assert deletion.counts(784)[[0, 1, 10, 19, 20]].tolist() == [0, 39, 392, 745, 784]
    assert deletion.counts(25)[:4].tolist() == [0, 1, 3, 4]
    for pixels in (64, 784, 1024, 50176):
        np.testing.assert_array_equal(inserted(deletion.counts(pixels)), deletion.counts(pixels))
    assert deletion.METRIC.budget((28, 28)) == insertion.METRIC.budget((28, 28)) == 19


def test_a_network_of_one_pixel(model: Make, case: Make) -> None:
    """Deletion is (n_(b-1) + n_b) / 2P, b the step that removes the pixel; insertion 1 - that."""
    weights = np.zeros((6, 5, 1))
    weights[2, 3] = 1
    ranked = np.random.default_rng(1).permutation(30).astype(float).reshape(1, 6, 5)
    counts = deletion.counts(30)
    found = case(ranked, model(weights))
    for name, steps in (("deletion", counts), ("insertion", inserted(counts))):
        b = int(np.argmax(steps >= 30 - ranked[0, 2, 3]))
        share = (steps[b - 1] + steps[b]) / 60
        expected = share if name == "deletion" else 1 - share
        assert found.value(name) == pytest.approx(expected, abs=1e-12)


def random_case(make: Make, model: Model, n: int = 5, seed: int = 0, **more: Any) -> Case:
    generator = np.random.default_rng(seed)
    shape = (n, 6, 8)
    images = generator.random((*shape, len(model.fill)), np.float32)
    return make(generator.normal(size=shape), model, images, **more)


@pytest.fixture(params=[1, 3])
def network(request: pytest.FixtureRequest, model: Make) -> Callable[[int], Model]:
    """An additive network of one colour or three, at a batch size."""
    weights = np.random.default_rng(5).random((6, 8, request.param))
    return lambda batch: model(weights / weights.sum(), batch)


def values(case: Case) -> np.ndarray:
    return np.stack([case.value(name) for name in REMOVAL])


@pytest.mark.parametrize("batch", [1, 4, 512])
def test_the_batch_and_the_order_of_images_do_not_matter(
    network: Callable[[int], Model], case: Make, batch: int
) -> None:
    whole = random_case(case, network(7))
    order = np.array([3, 0, 4, 1, 2])
    again = case(whole.maps[order], network(batch), whole.images[order], order)
    np.testing.assert_allclose(values(again), values(whole)[:, order], atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(power=st.integers(-200, 200), factor=st.floats(0.1, 10), half=st.booleans())
def test_scale_and_precision_do_not_matter(power: int, factor: float, half: bool) -> None:
    from tests.bench.metrics.conftest import additive

    weights = np.full((6, 8, 1), 1 / 48)
    generator = np.random.default_rng(1)
    images = generator.random((2, 6, 8, 1), np.float32)
    maps = generator.integers(-9, 10, (2, 6, 8)).astype(np.float32 if half else np.float64)
    about = {"images": images, "targets": np.zeros(2, np.int32), "draws": Draws(np.arange(2))}
    one = Case(maps, model=additive(weights), **about)
    other = Case(maps.astype(float) * (factor * 2.0**power), model=additive(weights), **about)
    np.testing.assert_array_equal(values(one), values(other))


def test_a_nan_map_makes_one_nan(network: Callable[[int], Model], case: Make) -> None:
    whole = random_case(case, network(7))
    for bad in (np.nan, np.inf, -np.inf):
        maps = whole.maps.copy()
        maps[2, 1, 1] = bad
        found = values(case(maps, network(7), whole.images))
        expected = values(whole)
        expected[:, 2] = np.nan
        np.testing.assert_array_equal(found, expected)


def test_a_zero_map_is_the_order_of_the_keys(network: Callable[[int], Model], case: Make) -> None:
    whole = random_case(case, network(7))
    keys = Draws(np.arange(5)).permutations(deletion.KEYS, 48)
    as_keys = values(case(-keys.reshape(5, 6, 8), network(7), whole.images))
    for constant in (0.0, 1.0, -3.5):
        found = values(case(np.full((5, 6, 8), constant), network(7), whole.images))
        np.testing.assert_array_equal(found, as_keys)


def test_pixels_weights_and_keys_permuted_together(case: Make, model: Make) -> None:
    """Ties too: a map of few values is removed in the same order, wherever its pixels lie."""
    weights = np.random.default_rng(0).random((6, 8, 1))
    weights /= weights.sum()
    maps = np.random.default_rng(1).integers(0, 3, (4, 6, 8)).astype(float)
    order = np.random.default_rng(2).permutation(48)

    class Moved(Draws):
        def permutations(self, purpose: str, count: int) -> np.ndarray:
            return super().permutations(purpose, count)[:, order]

    def moved(array: np.ndarray, axis: int) -> np.ndarray:
        flat = array.reshape(*array.shape[:axis], 48, *array.shape[axis + 2 :])
        return flat.take(order, axis=axis).reshape(array.shape)

    one = case(maps, model(weights))
    about = {"images": one.images, "targets": one.targets, "draws": Moved(np.arange(4))}
    other = Case(moved(maps, 1), model=model(moved(weights, 0)), **about)
    np.testing.assert_allclose(values(one), values(other), atol=1e-12)


def test_a_random_order_gains_nothing_in_expectation(model: Make, case: Make) -> None:
    weights = np.random.default_rng(0).random((6, 8, 1)) ** 4
    noise = np.random.default_rng(3).random((2000, 6, 8))
    gains = case(noise, model(weights / weights.sum(), 512)).value("removal_gain")
    assert abs(gains.mean()) < 4 * gains.std() / np.sqrt(len(gains))
    assert gains.std() > 0.01


def test_what_is_removed_is_filled_and_the_ends_are_shared(model: Make, case: Make) -> None:
    weights = np.full((4, 5, 3), 1 / 60)
    network = model(weights)
    network.fill = np.array([0.5, 0.25, 0.0], np.float32)
    first = case(np.zeros((2, 4, 5)), network)
    curves = deletion.curve(first, highest=True)
    np.testing.assert_allclose(curves[:, 0], 1, atol=1e-6)
    np.testing.assert_allclose(curves[:, -1], 0.25, atol=1e-6)
    np.testing.assert_array_equal(curves[:, -1], first.value("blank"))
    shares = deletion.counts(20) / 20
    np.testing.assert_allclose(curves, np.tile(1 - 0.75 * shares, (2, 1)), atol=1e-6)
    assert network.evaluations == 2 * (19 + 2)
    deletion.curve(case(np.ones((2, 4, 5)), network), highest=True)
    assert network.evaluations == 2 * (19 + 19 + 2)


def test_half_empty_images_that_fall_into_one_class(case: Make) -> None:
    """A network that sees less than half of the light says class 1, or else class 0."""

    def forward(images: np.ndarray) -> np.ndarray:
        light = images.astype(float).sum(axis=(1, 2, 3))
        return np.stack([light - 12.5, 12.5 - light], axis=1)

    images = np.ones((5, 6, 8, 1), np.float32)
    images[:2] *= 0.5
    network = Model(forward, 4, np.zeros(1))
    found = case(np.zeros((5, 6, 8)), network, images)
    # Half of 48 pixels are left: 24 of the bright ones, 12 of the others, and most are bright.
    np.testing.assert_array_equal(found.value("attractor"), [0, 0, 1, 1, 1])
    case(np.ones((5, 6, 8)), network, images).value("attractor")
    assert network.evaluations == 5, "asked once for all explainers"
