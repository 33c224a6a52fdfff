"""Maximum sensitivity: closed forms of a linear network, and what holds for any map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.metrics import Case, max_sensitivity
from bench.subject.draws import Draws
from bench.subject.model import Model

SHAPE = (4, 5, 6, 3)
IMAGES = np.random.default_rng(0).random(SHAPE, np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=SHAPE[1:])
Explain = Callable[[Any, Any], np.ndarray]


def times(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Input x gradient of a linear network, its colours summed."""
    return (images * WEIGHTS).sum(axis=3)


def sensitivity(
    explain: Explain,
    numbers: Any = (0, 1, 2, 3),
    images: Any = IMAGES,
    name: str = "max_sensitivity",
) -> Any:
    targets = np.zeros(len(images), np.int32)
    maps = explain(images, targets)
    case = Case(
        maps, images=images, targets=targets, explain=explain, draws=Draws(np.array(numbers))
    )
    return case.value(name)


def test_the_gradient_of_a_linear_network_does_not_move() -> None:
    gradient = np.broadcast_to(WEIGHTS.sum(axis=2), SHAPE[:3])
    np.testing.assert_array_equal(sensitivity(lambda images, _: gradient), 0)


def test_input_times_gradient_moves_by_the_noise() -> None:
    """|w d| / |w x|, the largest of eight draws, none of them clipped."""
    moved = []
    for draw in range(8):
        u = Draws(np.arange(4)).uniform(f"sensitivity {draw}", *SHAPE[1:])
        noise = 0.04 * u - 0.02
        assert abs(noise).max() <= 0.02 and noise.min() < -0.019 and noise.max() > 0.019
        moved.append(np.linalg.norm((noise * WEIGHTS).sum(axis=3), axis=(1, 2)))
    expected = np.max(moved, axis=0) / np.linalg.norm(times(IMAGES, IMAGES), axis=(1, 2))
    np.testing.assert_allclose(sensitivity(times), expected, rtol=1e-4)
    mean = np.mean(moved, axis=0) / np.linalg.norm(times(IMAGES, IMAGES), axis=(1, 2))
    np.testing.assert_allclose(sensitivity(times, name="average_sensitivity"), mean, rtol=1e-4)


def test_scale_and_the_order_of_images_do_not_matter() -> None:
    whole = sensitivity(times)
    for factor in (1e-30, 7.0, 1e30):
        np.testing.assert_allclose(
            sensitivity(lambda x, t, f=factor: f * times(x, t)), whole, rtol=1e-9
        )
    order = np.array([2, 0, 3, 1])
    np.testing.assert_allclose(sensitivity(times, order, IMAGES[order]), whole[order], rtol=1e-12)


def test_a_zero_map_and_what_is_not_finite_are_undefined() -> None:
    def some(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
        maps = times(images, targets)
        maps[0] = 0
        maps[1, 2, 2] = np.nan
        if not np.array_equal(images, IMAGES):
            maps[2, 0, 0] = np.inf
        return maps

    found = sensitivity(some)
    np.testing.assert_array_equal(np.isnan(found), [True, True, True, False])
    assert found[3] == sensitivity(times)[3]


def test_the_target_is_fixed() -> None:
    def told(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
        np.testing.assert_array_equal(targets, 0)
        return times(images, targets)

    assert np.isfinite(sensitivity(told)).all()
    assert max_sensitivity.METRIC.budget((28, 28)) == max_sensitivity.DRAWS == 8


def test_flips_are_the_share_of_draws_that_change_the_class() -> None:
    logits = (IMAGES * WEIGHTS).sum(axis=(1, 2, 3))

    def forward(images: np.ndarray) -> np.ndarray:
        found = (images.astype(float) * WEIGHTS).sum(axis=(1, 2, 3))
        return np.stack([found - logits[1], np.zeros_like(found)], axis=1)

    model = Model(forward, 3, np.zeros(3))
    targets = np.array([int(value < logits[1]) for value in logits], np.int32)
    case = Case(
        IMAGES[..., 0], images=IMAGES, targets=targets, model=model, draws=Draws(np.arange(4))
    )
    moved = [(max_sensitivity.noisy(case, n) * WEIGHTS).sum(axis=(1, 2, 3)) for n in range(8)]
    flipped = [(m < logits[1]) != targets for m in moved]
    np.testing.assert_array_equal(case.value("flips"), np.mean(flipped, axis=0))
    assert 0 < case.value("flips")[1] < 1, "it lies on the boundary"
    assert model.evaluations == 8 * 4


def test_it_is_captums() -> None:
    """`sensitivity_max` over our draws, handed out image by image, by the norm of each image."""
    torch = pytest.importorskip("torch")
    captum = pytest.importorskip("captum.metrics")
    draws = Draws(np.arange(4))
    case = Case(times(IMAGES, IMAGES), images=IMAGES, draws=draws)
    moved = np.stack([max_sensitivity.noisy(case, n) for n in range(8)], axis=1)

    def explain(x: Any) -> Any:  # it hands over a tensor, or a tuple of one
        images = (x[0] if isinstance(x, tuple) else x).numpy()
        return (torch.from_numpy(times(images, images)),)

    theirs = captum.sensitivity_max(
        explain,
        torch.from_numpy(IMAGES), n_perturb_samples=8, max_examples_per_batch=32,
        perturb_func=lambda x: torch.from_numpy(moved.reshape(-1, *SHAPE[1:])),
    )  # fmt: skip
    np.testing.assert_allclose(sensitivity(times), theirs.numpy(), rtol=1e-5)


def test_a_map_without_anything_else_is_refused() -> None:
    from implementations.errors import BadInput

    with pytest.raises(BadInput, match="explain"):
        Case(np.ones((1, 2, 2))).value("max_sensitivity")
