"""Our metrics and Quantus's of one network, images and maps: equal to 1e-5, or how they differ.

Each docstring names the settings under which they are equal. Where Quantus computes another number
under any settings, the test computes that number too: so it fails when either side changes.
`nox -s quantus` runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from bench.metrics import Case, Curve, deletion, infidelity, insertion, max_sensitivity, road
from bench.subject.complete import Sums
from bench.subject.draws import Draws
from bench.subject.model import Model

quantus = pytest.importorskip("quantus", reason="nox -s quantus installs it and runs this")
import torch  # noqa: E402

from implementations.architecture import registered  # noqa: E402
from implementations.architecture.weights import randomise  # noqa: E402
from implementations.frameworks.pytorch import hosts  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # it warns at every call
N, HEIGHT, WIDTH, CLASSES = 6, 14, 12, 4
PIXELS = HEIGHT * WIDTH
STEPS = 12
"""Of a removal: they divide the pixels."""
IMAGES = np.random.default_rng(0).random((N, HEIGHT, WIDTH, 1), np.float32)
FIRST = np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2))
"""The images as Quantus takes them, channels first."""
TOLERANCE = 1e-5
QUIET = {"disable_warnings": True}
PLAIN = {"abs": False, "normalise": False, **QUIET}
"""The map as it is."""


@pytest.fixture(scope="module")
def net() -> Any:
    """A network of three convolutions, written as a user of PyTorch would write it."""
    architecture = registered.get("cnn-32-16-8", (HEIGHT, WIDTH, 1), CLASSES)
    return hosts.make("plain", architecture, randomise(architecture, 3)).model


@pytest.fixture(scope="module")
def targets(net: Any) -> Any:
    with torch.no_grad():
        return net(torch.from_numpy(FIRST)).argmax(dim=1).numpy()


def explain(model: Any, inputs: Any, targets: Any, **more: Any) -> np.ndarray:
    """Input x gradient of the target's logit: signed, and without ties."""
    images = torch.as_tensor(np.asarray(inputs)).requires_grad_()
    scores = model(images).gather(1, torch.as_tensor(np.asarray(targets, np.int64))[:, None])
    (gradient,) = torch.autograd.grad(scores.sum(), images)
    found: np.ndarray = (images * gradient).detach().numpy()
    return found


@pytest.fixture(scope="module")
def maps(net: Any, targets: Any) -> Any:
    """Maps (N, H, W)."""
    return explain(net, FIRST, targets)[:, 0]


@pytest.fixture(scope="module")
def masks() -> Any:
    """An object (N, H, W) of another size in each image."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack(
        [(rows >= 3) & (rows < 6 + n) & (columns >= n) & (columns < 9) for n in range(N)]
    )


@pytest.fixture
def case(net: Any, targets: Any, maps: Any, masks: Any) -> Callable[..., Case]:
    def forward(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            found: np.ndarray = net(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
        return found

    def again(images: np.ndarray, of: np.ndarray) -> np.ndarray:
        return explain(net, images.transpose(0, 3, 1, 2), of)[:, 0]

    def make(of: np.ndarray = maps, **more: Any) -> Case:
        about = {
            "images": IMAGES, "targets": targets.astype(np.int32), "masks": masks,
            "model": Model(forward, 64, np.zeros(1)), "draws": Draws(np.arange(N)),
            "explain": again, "classes": CLASSES,
        }  # fmt: skip
        return Case(of, **{**about, **more})

    return make


@pytest.fixture
def theirs(net: Any, targets: Any, maps: Any, masks: Any) -> Callable[..., Any]:
    """What a metric of Quantus says of maps (N, H, W), here `maps`."""

    def measure(metric: Any, of: np.ndarray = maps, **more: Any) -> Any:
        about = {
            "model": net, "x_batch": FIRST.copy(), "y_batch": targets.copy(),
            "a_batch": of[:, None].copy(), "s_batch": masks[:, None].copy(),
            "channel_first": True, "device": "cpu", "explain_func": explain,
        }  # fmt: skip
        found = metric(**{**about, **more})
        return found if isinstance(found, dict) else np.asarray(found, np.float64)

    return measure


@pytest.fixture
def trapz(monkeypatch: pytest.MonkeyPatch) -> None:
    """`np.trapz`, which is no longer there since NumPy 2.4 and which Quantus calls."""
    if not hasattr(np, "trapz"):
        monkeypatch.setattr(np, "trapz", np.trapezoid, raising=False)


def same(ours: Any, other: Any) -> None:
    np.testing.assert_allclose(ours, other, rtol=0, atol=TOLERANCE)


def test_removal_is_pixel_flipping(
    case: Any, theirs: Any, trapz: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One channel, `features_in_step` dividing the pixels, `perturb_baseline=0.0`, softmax.

    Its curve lacks the whole image's score, so that is put in front. Its area has a width of 1 a
    step, so it is divided by their number. Insertion is its flipping of the map with the sign
    turned, for both fill alike.
    """
    counts = deletion.counts
    for module in (deletion, insertion):
        monkeypatch.setattr(module, "counts", lambda pixels: counts(pixels, STEPS))
    settings = {"features_in_step": PIXELS // STEPS, "perturb_baseline": 0.0, **PLAIN}
    ours = case()
    areas = {}
    for name, sign in (("deletion", 1), ("insertion", -1)):
        found = theirs(quantus.PixelFlipping(**settings), sign * ours.maps)
        value = ours.value(name)
        curve = ours.curves[name].values[:, ::sign]
        same(curve[:, 1:], found)
        area = theirs(
            quantus.PixelFlipping(return_auc_per_sample=True, **settings), sign * ours.maps
        )
        areas[name] = (area + (curve[:, 0] + found[:, 0]) / 2) / STEPS
        same(value, areas[name])
    same(ours.value("removal_gain"), areas["insertion"] - areas["deletion"])
    assert np.ptp(ours.value("removal_gain")) > 0.01, "the maps are not all alike"


def test_the_class_kept_is_road(case: Any, theirs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One channel, one batch, `noise=0`, and of our shares the floor: how many keep their class.

    It removes the highest first; the lowest are those of the map with the sign turned.
    """
    percent = list(range(10, 100, 10))
    monkeypatch.setattr(
        road, "counts", lambda pixels: np.array([pixels * p // 100 for p in percent])
    )
    monkeypatch.setattr(road, "NOISE", 0.0)
    ours = case()
    settings = {"percentages": percent, "noise": 0.0, **PLAIN}
    curves = []
    for sign, scores in zip((1, -1), road.curves(ours, ours.maps, np.arange(N)), strict=True):
        found = theirs(quantus.ROAD(**settings), sign * ours.maps)
        kept = (scores.label == ours.targets[:, None]).mean(axis=0)
        same(kept, [found[p] for p in percent])
        curves.append(kept)
    same(ours.value("road_kept").mean(), (curves[1] - curves[0]).mean())
    assert 0 < curves[0].mean() < 1


def test_road_of_several_batches_is_that_of_the_first(theirs: Any, maps: Any) -> None:
    """Whatever follows the first batch does not count, so `batch_size` is to be all images."""
    settings = {"percentages": [10, 50], "noise": 0.0, **PLAIN}
    halves = theirs(quantus.ROAD(**settings), batch_size=2)
    other = np.concatenate([maps[:2], -maps[2:]])
    assert theirs(quantus.ROAD(**settings), other, batch_size=2) == halves


def test_the_auc_of_the_mask_is_theirs_always(case: Any, theirs: Any, maps: Any) -> None:
    """Any map: signed, of few values, zero (it refuses a batch that is zero in whole)."""
    coarse = np.rint(maps / abs(maps).max(axis=(1, 2), keepdims=True) * 3)
    some = np.where(np.arange(N)[:, None, None] % 2, maps, 0)
    for of in (maps, coarse, some):
        same(case(of).value("mask_auc"), theirs(quantus.AUC(**PLAIN), of))


def test_the_rank_and_the_maximum_are_theirs_without_ties(case: Any, theirs: Any) -> None:
    """Maps of which no two values are equal."""
    ours = case()
    assert all(len(np.unique(one)) == PIXELS for one in ours.maps)
    same(ours.value("relevance_rank"), theirs(quantus.RelevanceRankAccuracy(**PLAIN)))
    same(ours.value("pointing_game"), theirs(quantus.PointingGame(**PLAIN)))


def test_where_maxima_tie_theirs_is_a_hit_and_ours_a_share(case: Any, theirs: Any) -> None:
    """A constant map hits every object there; ours is the object's share of the image."""
    constant = np.ones((N, HEIGHT, WIDTH)) * np.arange(N)[:, None, None]
    np.testing.assert_array_equal(theirs(quantus.PointingGame(**PLAIN), constant), 1)
    ours = case(constant)
    same(ours.value("pointing_game"), ours.masks.mean(axis=(1, 2)))


def test_the_mass_is_theirs_where_nothing_is_negative(case: Any, theirs: Any, maps: Any) -> None:
    """Maps after a ReLU; `AttributionLocalisation(positive_attributions=True, abs=False)` of any.

    Of a signed map their mass is a quotient of signed sums, which is no share.
    """
    positive = np.maximum(maps, 0)
    same(
        case(positive).value("relevance_mass"),
        theirs(quantus.RelevanceMassAccuracy(**PLAIN), positive),
    )
    inside = quantus.AttributionLocalisation(positive_attributions=True, **PLAIN)
    same(case().value("relevance_mass"), theirs(inside))
    ours, signed = case(), theirs(quantus.RelevanceMassAccuracy(**PLAIN))
    quotient = (ours.maps * ours.masks).sum(axis=(1, 2)) / ours.maps.sum(axis=(1, 2))
    np.testing.assert_allclose(signed, quotient, rtol=1e-3)
    assert (abs(signed - ours.value("relevance_mass")) > 0.01).any()


def test_weighted_localisation_depends_on_the_batch(case: Any, theirs: Any) -> None:
    """The object's share is taken of `x_batch[2:]`, the values of all images but the first two."""
    inside = quantus.AttributionLocalisation(weighted=True, positive_attributions=True, **PLAIN)
    ours = case()
    share = ours.masks.sum(axis=(1, 2)) / FIRST[2:].size
    np.testing.assert_allclose(theirs(inside), ours.value("relevance_mass") * share, rtol=1e-4)


def test_sparseness_is_theirs_one_by_one(case: Any, theirs: Any, maps: Any, targets: Any) -> None:
    """A batch of one, which `normalise` divides by its maximum: then 1e-7 is added, too little.

    In a batch the maximum is of all maps, and beside a strong map the 1e-7 is no longer little.
    """
    metric = quantus.Sparseness(abs=True, normalise=True, **QUIET)

    def of(some: np.ndarray) -> np.ndarray:
        about = {"x_batch": FIRST[: len(some)], "y_batch": targets[: len(some)], "s_batch": None}
        found: np.ndarray = theirs(metric, some, **about)
        return found

    alone = np.concatenate([of(maps[n : n + 1]) for n in range(N)])
    same(case().value("sparseness"), alone)
    pair = np.stack([maps[0], 1e8 * maps[1]])
    magnitudes = np.abs(pair.astype(float)) / np.abs(pair).max() + 1e-7
    rising = np.sort(magnitudes.reshape(2, -1), axis=1)
    weights = 2 * np.arange(1, PIXELS + 1) - PIXELS - 1
    expected = (rising * weights).sum(axis=1) / (PIXELS * rising.sum(axis=1))
    np.testing.assert_allclose(of(pair), expected, atol=1e-4)
    ours = Case(pair).value("sparseness")
    same(ours, case().value("sparseness")[:2])
    assert ours[0] - expected[0] > 0.01


def test_sensitivity_is_theirs_of_our_draws(case: Any, theirs: Any) -> None:
    """`nr_samples=8`, a `perturb_func` that hands out our noisy images, the map as it is."""
    ours = case()

    def handing() -> Callable[..., np.ndarray]:
        draws: Iterator[int] = iter(range(max_sensitivity.DRAWS))
        return lambda arr, **more: max_sensitivity.noisy(ours, next(draws)).reshape(N, -1)

    for name, metric in (
        ("max_sensitivity", quantus.MaxSensitivity),
        ("average_sensitivity", quantus.AvgSensitivity),
    ):
        settings = {"nr_samples": max_sensitivity.DRAWS, "perturb_func": handing(), **PLAIN}
        same(ours.value(name), theirs(metric(**settings)))
    assert ours.value("max_sensitivity").min() > 0.001


def test_the_correlation_is_theirs_in_our_windows(
    case: Any, theirs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits, `perturb_baseline=0.0`, our windows for its random subsets; the mean of the sides."""
    found = []
    for each in infidelity.windows(HEIGHT, WIDTH):
        subsets = [np.flatnonzero(mask) for mask in each.masks]
        handed = iter(np.repeat(np.arange(len(subsets)), N))
        monkeypatch.setattr(
            np.random, "choice", lambda *a, s=subsets, h=handed, **more: s[int(next(h))]
        )
        metric = quantus.FaithfulnessCorrelation(
            nr_runs=len(subsets),
            subset_size=len(subsets[0]),
            perturb_baseline=0.0,
            return_aggregate=False,
            **PLAIN,
        )
        found.append(theirs(metric, softmax=False))
    same(case().value("faithfulness_correlation"), np.mean(found, axis=0))


def test_their_infidelity_fills_window_upon_window(case: Any, theirs: Any, maps: Any) -> None:
    """No settings make it ours: what one patch has filled stays so for the next.

    Logits, `perturb_baseline=0.0` (its black is the images' minimum), a patch that divides the
    sides: its value is that of the growing area, not of the patches each alone.
    """
    side = 2
    metric = quantus.Infidelity(
        perturb_patch_sizes=[side], n_perturb_samples=1, perturb_baseline=0.0, **PLAIN
    )
    ours = case()
    whole = ours.model.scores(IMAGES, ours.targets).logit[:, None]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] // side
    patch = rows * (WIDTH // side) + columns
    count = patch.max() + 1
    values = {}
    for name, filled in (
        ("growing", patch <= np.arange(count)[:, None, None]),
        ("alone", patch == np.arange(count)[:, None, None]),
    ):
        kept = np.broadcast_to(~filled, (N, *filled.shape))
        drops = whole - ours.model.masked(IMAGES, kept, ours.model.fill, ours.targets).logit
        sums = (filled * (maps * IMAGES[..., 0])[:, None]).sum(axis=(2, 3))
        values[name] = ((drops - sums) ** 2).mean(axis=1)
    found = theirs(metric, softmax=False)
    np.testing.assert_allclose(found, values["growing"], rtol=1e-4)
    assert (found / values["alone"] > 2).any()


def test_the_likeness_of_other_classes_is_the_mean_of_theirs(
    case: Any, theirs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`num_classes` ours, rank correlation: it draws one other class, we take the mean of all.

    By default it supposes 1,000 classes, and a network of fewer has none of them.
    """
    spearman = quantus.functions.similarity_func.correlation_spearman
    settings = {"similarity_func": spearman, "num_classes": CLASSES, **PLAIN}
    found = []
    for other in range(CLASSES - 1):
        monkeypatch.setattr(np.random, "randint", lambda *a, k=other: np.full(N, k))
        found.append(theirs(quantus.RandomLogit(**settings)))
    same(case().value("random_logit"), np.mean(found, axis=0))
    monkeypatch.undo()
    with pytest.raises((IndexError, RuntimeError)):
        theirs(quantus.RandomLogit(similarity_func=spearman, **PLAIN))


class Redrawn:
    """The network with layers drawn anew by Quantus, from the logits down, as metrics ask for it.

    Its seed is one, so every draw is the same.
    """

    def __init__(self, net: Any, targets: Any) -> None:
        wrapped = quantus.helpers.utils.get_wrapped_model(
            model=net, channel_first=True, softmax=False, device="cpu"
        )
        redrawn = wrapped.get_random_layer_generator(order="top_down", seed=42)
        self.names, self.maps = [], []
        for name, model in redrawn:  # one model, changed at each step
            self.names.append(name)
            self.maps.append(explain(model, FIRST, targets)[:, 0])
        self.layers = len(self.names)

    def explain(self, count: int, draw: int) -> np.ndarray:
        found: np.ndarray = self.maps[count - 1]
        return found


def test_cascading_randomisation_is_theirs_layer_by_layer(
    case: Any, theirs: Any, net: Any, targets: Any
) -> None:
    """`layer_order="top_down"`, signed maps, rank correlation, on the networks that it draws.

    Its average counts the untouched network in, for it is looked for under another name.
    """
    redrawn = Redrawn(net, targets)
    ours = case(redrawn=redrawn)
    settings = {"layer_order": "top_down", "seed": 42, **PLAIN}
    found = theirs(quantus.MPRT(**settings))
    last = ours.value("cascading_randomisation")
    curve: Curve = ours.curves["cascading_randomisation"]
    assert list(found) == ["original", *redrawn.names] and redrawn.layers == 4
    same(curve.values.T, list(found.values()))
    same(last, theirs(quantus.MPRT(return_last_correlation=True, **settings)))
    magnitudes = theirs(quantus.MPRT(**{**settings, "abs": True}))
    same(ours.value("cascading_magnitude"), list(magnitudes.values())[-1])
    average = theirs(quantus.MPRT(return_average_correlation=True, **settings))
    same(average, curve.values.mean(axis=1))
    assert (average - curve.values[:, 1:].mean(axis=1) > 0.01).all()


def test_their_completeness_asks_for_equal_floats(
    theirs: Any, net: Any, maps: Any, targets: Any
) -> None:
    """No settings make it a gap: it says whether two floats are equal, so a rounding fails it.

    `perturb_baseline=0.0`, logits. All maps are complete but for a millionth, by our gap too; three
    have the whole in one pixel and add up to the very float.
    """
    rises: list[np.ndarray] = []

    def noted(rise: np.ndarray) -> np.ndarray:
        rises.append(rise)
        return rise

    settings = {"perturb_baseline": 0.0, "output_func": noted, **PLAIN}
    assert not theirs(quantus.Completeness(**settings)).any()
    rise = rises[0]
    with torch.no_grad():
        whole, blank = (net(torch.from_numpy(images)).numpy() for images in (FIRST, 0 * FIRST))
    same((whole - blank)[np.arange(N), targets], rise)
    complete = np.zeros_like(maps)
    complete[:, 5, 5] = rise
    spread = rise * (1 + 1e-6) / maps.sum(axis=(1, 2), dtype=float)
    complete[3:] = (maps * spread[:, None, None])[3:]
    sums = Sums(complete.sum(axis=(1, 2), dtype=float), rise.astype(float), abs(whole).max(axis=1))
    assert Case(complete, sums=sums).value("completeness_gap").max() < TOLERANCE
    equal = theirs(quantus.Completeness(**settings), complete)
    np.testing.assert_array_equal(equal, np.arange(N) < 3)
    scaled = theirs(quantus.Completeness(**{**settings, "normalise": True}), complete)
    assert not scaled.any(), "by default the maps are divided by the batch's maximum"
