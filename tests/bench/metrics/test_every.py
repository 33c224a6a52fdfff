"""What holds for every metric that is found, whatever it measures.

A small network of three classes and an explainer of it, both nonlinear, on images whose height is
not their width, of one colour and of three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from bench import metrics
from bench.metrics import Case
from bench.metrics.average_drop import whole_scores
from bench.metrics.deletion import KEYS
from bench.subject.complete import Sums
from bench.subject.draws import Draws
from bench.subject.model import Model
from implementations.libraries.control import CONTROLS

N, HEIGHT, WIDTH, CLASSES, LAYERS = 5, 8, 11, 3, 2
SHAPE = (N, HEIGHT, WIDTH)
EVERY = metrics.names()
OF_THE_NETWORK = {"attractor", "blank", "flips", "cascading_zero"}
"""They do not read the map that is judged."""
NORMAL = np.random.default_rng(1).normal
MASKS = np.zeros(SHAPE, bool)
MASKS[:, 2:6, 3:8] = True
MASKS[0, 6:] = True
OTHER = NORMAL(size=SHAPE)
ALL = np.arange(N)


def needs(name: str) -> set[str]:
    return set(metrics.load(name).card.needs)


def in_its_own_unit(name: str) -> bool:
    """Whether the value grows with the map: it is in the map's unit, or held to a score."""
    return metrics.load(name).card.unit == "of the heatmap" or "sums" in needs(name)


@dataclass
class World:
    """Images, a network and an explainer; `maps` in place of what this one gives."""

    colours: int = 1
    order: Any = ...
    batch: int = 7
    factor: float = 1.0
    dtype: Any = np.float64
    maps: Any = None
    """Of the images in their first order, (N, H, W) or a function of the images."""
    broken: float = 0.0
    """A value that is not finite, put into the map of image 2."""

    def __post_init__(self) -> None:
        generator = np.random.default_rng(7)
        size = (HEIGHT, WIDTH, self.colours)
        self.weights = generator.normal(size=(1 + LAYERS, CLASSES, *size))
        self.images = generator.random((N, *size), np.float32)[self.order]
        self.numbers = ALL[self.order]
        logits = self.forward(self.images)
        self.targets = logits.argmax(axis=1).astype(np.int32)
        self.layers = LAYERS

    def forward(self, images: np.ndarray) -> np.ndarray:
        evidence = images[:, None].astype(float) * self.weights[0]
        return np.tanh(evidence).sum(axis=(2, 3, 4))

    def explained(self, images: Any, targets: Any, layers: int = 0) -> np.ndarray:
        if callable(self.maps):
            found = self.maps(images)
        elif self.maps is not None:
            found = self.maps[self.order]
        else:
            found = np.tanh(images * self.weights[layers, targets]).sum(axis=3)
        return (self.factor * found).astype(self.dtype)

    def again(self, images: Any, targets: Any) -> np.ndarray:
        return self.explained(images, targets)

    def explain(self, count: int, draw: int) -> np.ndarray:
        """With layers drawn anew; the name that metrics know it by."""
        return self.explained(self.images, self.targets, count)

    @property
    def case(self) -> Case:
        maps = self.explained(self.images, self.targets)
        if self.broken:
            maps[self.numbers == 2, 3, 4] = self.broken
        promised = np.linspace(-2, 3, N)[self.order]
        with np.errstate(invalid="ignore"):
            total = maps.sum(axis=(1, 2), dtype=float)
        return Case(
            maps, other=OTHER[self.order], masks=MASKS[self.order], images=self.images,
            targets=self.targets, labels=self.targets, explain=self.again, redrawn=self,
            model=Model(self.forward, self.batch, np.full(self.colours, 0.25)),
            draws=Draws(self.numbers), classes=CLASSES, sums=Sums(total, promised, np.ones(N)),
        )  # fmt: skip

    def value(self, name: str) -> np.ndarray:
        return self.case.value(name)


def equal(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """To the bit without a network, to 1e-6 with one."""
    atol = 1e-6 if "model" in needs(name) else 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.mark.parametrize("name", EVERY)
def test_one_number_an_image_and_nothing_changed(name: str, world: World) -> None:
    case = world.case
    given = {key: each.copy() for key, each in vars(case).items() if isinstance(each, np.ndarray)}
    values = case.value(name)
    assert values.shape == (N,) and values.dtype == np.float64 and np.isfinite(values).all()
    for key, before in given.items():
        np.testing.assert_array_equal(getattr(case, key), before)


@pytest.mark.parametrize("name", EVERY)
def test_the_order_of_images_and_the_batch_do_not_matter(name: str, world: World) -> None:
    whole, order = world.value(name), np.array([3, 0, 4, 1, 2])
    for batch in (1, 64):
        equal(name, replace(world, order=order, batch=batch).value(name), whole[order])


@pytest.mark.parametrize("name", EVERY)
def test_a_positive_factor_does_not_matter(name: str, world: World) -> None:
    """But to what is in the map's own unit."""
    whole = world.value(name)
    for factor in (2.0**-100, 3.0, 2.0**100):
        found = replace(world, factor=factor).value(name)
        if in_its_own_unit(name):
            assert (abs(found - whole) > 1e-3).any()
        else:
            np.testing.assert_allclose(found, whole, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_a_broken_map_is_undefined_and_touches_no_other(name: str, world: World) -> None:
    whole = world.value(name)
    expected = whole if name in OF_THE_NETWORK else np.where(ALL == 2, np.nan, whole)
    for bad in (np.nan, np.inf, -np.inf):
        equal(name, replace(world, broken=bad).value(name), expected)


@pytest.mark.parametrize("name", EVERY)
def test_the_precision_of_maps_does_not_matter(name: str, world: World) -> None:
    """The same numbers, kept in float32 and in float64."""
    single = replace(world, dtype=np.float32)
    case = single.case
    double = replace(
        case, maps=case.maps.astype(float), curves={}, _known={},
        explain=lambda *of: single.again(*of).astype(float),
    )  # fmt: skip
    equal(name, double.value(name), case.value(name))


def share(world: World) -> np.ndarray:
    """The object's share of each image."""
    return MASKS.mean(axis=(1, 2))


def undefined(world: World) -> np.ndarray:
    return np.full(N, np.nan)


def always(value: float) -> Callable[[World], np.ndarray]:
    return lambda world: np.full(N, value)


def by_keys(name: str) -> Callable[[World], np.ndarray]:
    """What a map has that stands in the order of the keys."""

    def value(world: World) -> np.ndarray:
        keys = Draws(ALL).permutations(KEYS, HEIGHT * WIDTH).reshape(SHAPE)
        return replace(world, maps=-keys.astype(float)).value(name)

    return value


def dropped(name: str) -> Callable[[World], np.ndarray]:
    """What an image has of which nothing is kept."""

    def value(world: World) -> np.ndarray:
        whole = whole_scores(world.case)
        blank = world.case.model.scores(np.full_like(world.images, 0.25), world.targets)
        y, o = whole.probability, blank.probability
        return {
            "average_drop": np.maximum(y - o, 0) / y,
            "gain": np.maximum(o - y, 0) / (1 - y),
            "increase": (blank.margin > whole.margin).astype(float),
        }[name]

    return value


REMOVAL = ("deletion", "insertion", "removal_gain", "road", "road_morf", "road_lerf", "road_kept")
AGAIN = ("random_logit", "cascading_randomisation", "cascading_magnitude")
ZERO = {
    **{name: by_keys(name) for name in REMOVAL},
    **{name: dropped(name) for name in ("average_drop", "gain", "increase")},
    **dict.fromkeys(AGAIN, undefined),
    **dict.fromkeys(("max_sensitivity", "average_sensitivity", "sparseness"), undefined),
    **dict.fromkeys(("pearson", "spearman", "cosine", "topk_iou"), undefined),
    **dict.fromkeys(("pointing_game", "relevance_rank"), share),
    **dict.fromkeys(("blur_gain", "mask_area"), always(0)),
    **dict.fromkeys(("infidelity", "cascading_zero", "completeness_gap"), always(1)),
    **dict.fromkeys(("random_logit_ssim", "cascading_ssim", "effective_resolution"), undefined),
    **dict.fromkeys(("faithfulness_correlation", "relevance_mass"), undefined),
    "mask_auc": always(0.5),
    "rmse": lambda world: np.sqrt((OTHER**2).mean(axis=(1, 2))),
    "completeness_absolute": lambda world: abs(np.linspace(-2, 3, N)),
}
"""What an explainer has that gives zeros, whatever it explains."""
UNIFORM = {
    **{name: by_keys(name) for name in REMOVAL},
    **dict.fromkeys(AGAIN, undefined),
    **dict.fromkeys(("pearson", "spearman", "topk_iou"), undefined),
    **dict.fromkeys(("pointing_game", "relevance_rank", "relevance_mass"), share),
    **dict.fromkeys(("average_drop", "gain", "increase"), always(0)),
    **dict.fromkeys(("max_sensitivity", "average_sensitivity", "sparseness"), always(0)),
    **dict.fromkeys(("mask_area", "random_logit_ssim", "cascading_zero"), always(1)),
    **dict.fromkeys(("faithfulness_correlation", "effective_resolution"), undefined),
    "mask_auc": always(0.5),
}
"""What the control `uniform` has."""
CENTRE = {
    **dict.fromkeys((*AGAIN, "random_logit_ssim", "cascading_ssim"), always(1)),
    **dict.fromkeys(("max_sensitivity", "average_sensitivity", "cascading_zero"), always(0)),
}
"""What `centre` has, which knows nothing of image, class and weights."""


@pytest.mark.parametrize("name", EVERY)
def test_a_zero_map_has_what_is_said(name: str, world: World) -> None:
    """Or, of a metric that is not in the list, some number or NaN, and no warning."""
    found = replace(world, maps=np.zeros(SHAPE)).value(name)
    if name in ZERO:
        np.testing.assert_allclose(found, ZERO[name](world), rtol=0, atol=1e-12)
    assert not np.isinf(found).any()


@pytest.mark.parametrize("name", EVERY)
def test_a_control_has_what_is_said(name: str, world: World) -> None:
    for control, maps in CONTROLS.items():
        said = {"uniform": UNIFORM, "centre": CENTRE}.get(control, {})
        found = replace(world, maps=maps).value(name)
        assert found.shape == (N,) and not np.isinf(found).any()
        if name in said:
            np.testing.assert_allclose(found, said[name](world), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", metrics.names("mask"))
def test_the_object_itself_is_the_best_map(name: str, world: World) -> None:
    np.testing.assert_allclose(replace(world, maps=MASKS).value(name), 1)
    worst = replace(world, maps=~MASKS).value(name)
    np.testing.assert_allclose(worst, 0, atol=1e-12)
