"""Metrics that explain again, other classes or other weights, and completeness: closed forms."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from bench.metrics import Case, cascading_randomisation, load, names, random_logit
from bench.subject.complete import Sums
from bench.subject.draws import Draws

SHAPE = (4, 6, 7)
IMAGES = np.random.default_rng(0).random((*SHAPE, 1), np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=(12, 6, 7))
CASCADE = ("cascading_randomisation", "cascading_magnitude", "cascading_ssim", "cascading_zero")
GAPS = ("completeness_gap", "completeness_absolute")


def by_class(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Input x gradient of a linear network of twelve classes."""
    return images[..., 0] * WEIGHTS[targets]


def other_classes(explain: Any, classes: int, targets: Any, images: Any = IMAGES,
                  numbers: Any = (0, 1, 2, 3)) -> Case:  # fmt: skip
    return Case(
        explain(images, targets), images=images, targets=targets, explain=explain,
        classes=classes, draws=Draws(np.array(numbers)),
    )  # fmt: skip


def test_a_map_that_does_not_say_the_class_has_one() -> None:
    case = other_classes(lambda images, targets: images[..., 0], 4, np.array([0, 1, 2, 3]))
    np.testing.assert_allclose(case.value("random_logit"), 1)
    np.testing.assert_allclose(case.value("random_logit_ssim"), 1)


def test_two_classes_of_a_probability_have_minus_one() -> None:
    """The gradient of one class's probability is the other's with its sign turned."""

    def gradient(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.where(targets == 0, 1, -1)[:, None, None] * (WEIGHTS[0] - WEIGHTS[1])

    case = other_classes(gradient, 2, np.array([0, 1, 1, 0]))
    np.testing.assert_allclose(case.value("random_logit"), -1)


def test_every_other_class_of_few_and_five_of_many() -> None:
    targets = np.array([3, 0, 2, 1])
    few = random_logit.others(other_classes(by_class, 4, targets))
    assert few.tolist() == [[0, 1, 2], [1, 2, 3], [0, 1, 3], [0, 2, 3]]
    many = random_logit.others(other_classes(by_class, 12, targets))
    assert many.shape == (4, 5) and not (many == targets[:, None]).any()
    assert all(len(set(row)) == 5 and max(row) < 12 for row in many.tolist())
    assert len({tuple(row) for row in many.tolist()}) == 4, "each image has its own"
    case = other_classes(by_class, 4, targets)
    each = [Case(case.maps, other=by_class(IMAGES, few[:, k])).value("spearman") for k in range(3)]
    np.testing.assert_allclose(case.value("random_logit"), np.mean(each, axis=0))


def test_undefined_classes_are_left_out_and_nothing_defined_is_nan() -> None:
    def some(images: np.ndarray, targets: np.ndarray) -> np.ndarray:
        maps = by_class(images, targets)
        maps[(targets == 2) | (np.arange(len(targets)) == 1)] = 0
        return maps

    case = other_classes(some, 3, np.array([0, 1, 0, 1]))
    found = case.value("random_logit")
    assert np.isnan(found).tolist() == [False, True, False, False]
    expected = Case(case.maps, other=by_class(IMAGES, np.array([1, 0, 1, 0]))).value("spearman")
    np.testing.assert_allclose(found[[0, 2, 3]], expected[[0, 2, 3]])


class Anew:
    """A linear explainer whose map is the sum of layers; those redrawn are replaced."""

    def __init__(self, layers: int, dead: int = -1) -> None:
        generator = np.random.default_rng(5)
        self.layers, self.dead = layers, dead
        self.trained = generator.normal(size=(layers, *SHAPE))
        self.drawn = generator.normal(size=(3, layers, *SHAPE))
        self.asked: list[tuple[int, int]] = []

    def explain(self, count: int, draw: int) -> np.ndarray:
        self.asked.append((count, draw))
        kept = self.trained[count:].sum(axis=0) + self.drawn[draw, :count].sum(axis=0)
        return kept * 0 if draw == self.dead else kept


def cascade(of: Any) -> Case:
    return Case(np.asarray(of.trained.sum(axis=0)), redrawn=of)


def test_all_weights_redrawn_is_explaining_that_network() -> None:
    of = Anew(3)
    case = cascade(of)
    alone = [Case(case.maps, other=of.drawn[draw].sum(axis=0)) for draw in range(3)]
    expected = np.mean([each.value("spearman") for each in alone], axis=0)
    np.testing.assert_allclose(case.value("cascading_randomisation"), expected)
    similar = np.mean([each.value("ssim") for each in alone], axis=0)
    np.testing.assert_allclose(case.value("cascading_ssim"), similar)
    np.testing.assert_array_equal(case.value("cascading_zero"), 0)
    assert of.asked == list(itertools.product((1, 2, 3), range(3)))
    curve = case.curves["cascading_randomisation"]
    np.testing.assert_allclose(curve.at, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(curve.values[:, 0], 1)
    np.testing.assert_allclose(curve.values[:, -1], expected)
    assert (np.diff(curve.values.mean(axis=0)) < 0).all()


def test_a_map_that_ignores_the_weights_has_one_all_along() -> None:
    of = Anew(2)
    of.drawn[:] = of.trained
    case = cascade(of)
    for name in CASCADE[:3]:
        np.testing.assert_allclose(case.value(name), 1)
        np.testing.assert_allclose(case.curves[name].values, 1)


def test_zero_maps_are_counted_and_not_scored() -> None:
    whole, dead = cascade(Anew(2)), cascade(Anew(2, dead=1))
    np.testing.assert_allclose(dead.value("cascading_zero"), 1 / 3)
    pair = [Case(whole.maps, other=Anew(2).explain(2, draw)) for draw in (0, 2)]
    expected = np.mean([each.value("spearman") for each in pair], axis=0)
    np.testing.assert_allclose(dead.value("cascading_randomisation"), expected)


def test_a_deep_network_has_eight_steps() -> None:
    assert cascading_randomisation.steps(3).tolist() == [0, 1, 2, 3]
    found = cascading_randomisation.steps(50)
    assert len(found) == 9 and (found[0], found[-1]) == (0, 50)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_broken_map_is_undefined_alone(bad: float) -> None:
    of = Anew(2)
    case = cascade(of)
    case.maps[2, 1, 1] = bad
    whole = cascade(Anew(2))
    for name in CASCADE[:3]:
        expected = np.where(np.arange(4) == 2, np.nan, whole.value(name))
        np.testing.assert_array_equal(case.value(name), expected)


def test_a_sum_that_is_off_by_a_tenth() -> None:
    promised = np.array([2.0, -2.0, 1e-9, 0.0])
    sums = Sums(promised + np.array([0.2, 0.2, 0.2, np.nan]), promised, np.ones(4))
    case = Case(np.ones(SHAPE), sums=sums)
    relative, absolute = (case.value(name) for name in GAPS)
    np.testing.assert_allclose(relative, [0.1, 0.1, np.nan, np.nan])
    np.testing.assert_allclose(absolute, [0.2, 0.2, 0.2, np.nan])


def test_scale_and_the_order_of_images_do_not_matter() -> None:
    targets, order = np.array([3, 0, 2, 1]), np.array([2, 0, 3, 1])
    whole = other_classes(by_class, 12, targets)
    for factor in (1e-30, 1e30):
        again = other_classes(
            lambda x, t, f=factor: f * by_class(x, t), 12, targets[order], IMAGES[order], order
        )
        for name in ("random_logit", "random_logit_ssim"):
            np.testing.assert_allclose(again.value(name), whole.value(name)[order], atol=1e-9)


def test_their_cards() -> None:
    for name in (*CASCADE, *GAPS, "random_logit", "random_logit_ssim"):
        assert name in names() and load(name).card.budget((28, 28)) == 0
    assert load("cascading_ssim").card.needs == {"weights"}
