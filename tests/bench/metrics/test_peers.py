"""Metrics of other libraries at the settings under which they equal ours: to 1e-5."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import pytest

from bench.metrics import Case, deletion, infidelity, insertion, road
from bench.subject.complete import Sums
from bench.subject.draws import Draws
from bench.subject.model import Model
from implementations.libraries.pytorch_grad_cam import imported

torch = pytest.importorskip("torch")
SHAPE = (5, 28, 28, 1)
IMAGES = np.random.default_rng(0).random(SHAPE, np.float32)
MAPS = np.random.default_rng(1).random(SHAPE[:3]).astype(np.float32)


class Net(torch.nn.Module):
    """Three classes of a small nonlinear network."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = torch.nn.Parameter(torch.randn(1, 4, 5, 5, generator=generator) / 2)
        self.last = torch.nn.Parameter(torch.randn(3, 4 * 24 * 24, generator=generator) / 20)

    def forward(self, images: Any) -> Any:
        found = torch.nn.functional.conv2d(images, self.first.transpose(0, 1))
        return torch.relu(found).flatten(1) @ self.last.T


@pytest.fixture(scope="module")
def net() -> Any:
    return Net().eval()


@pytest.fixture(scope="module")
def case(net: Any) -> Any:
    def forward(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            found: np.ndarray = net(channels_first(images)).numpy()
        return found

    def make(maps: np.ndarray = MAPS) -> Case:
        targets = forward(IMAGES).argmax(axis=1).astype(np.int32)
        model = Model(forward, 64, np.zeros(1))
        return Case(maps, images=IMAGES, targets=targets, model=model, draws=Draws(np.arange(5)))

    return make


def channels_first(images: np.ndarray) -> Any:
    return torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32))


class Extractor:
    """What torch-cam asks of an extractor: these maps."""

    def __init__(self, model: Any, maps: np.ndarray) -> None:
        self.model, self.maps = model, torch.from_numpy(maps)

    def __call__(self, *args: Any, **more: Any) -> list[Any]:
        return [self.maps]

    def fuse_cams(self, maps: list[Any]) -> Any:
        return maps[0]

    def _hooks_off(self) -> Any:
        return nullcontext()


def test_deletion_and_insertion_are_torch_cams(
    net: Any, case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = pytest.importorskip("torchcam.metrics")
    counts = deletion.counts
    for module in (deletion, insertion):  # steps that divide the pixels
        monkeypatch.setattr(module, "counts", lambda pixels: counts(pixels, 28))
    metric = theirs.DeletionInsertionMetric(
        Extractor(net, MAPS), partial(torch.softmax, dim=-1), steps=28
    )
    metric.update(channels_first(IMAGES))
    found = metric.summary()
    ours = case()
    names = {name.split("_")[0]: value for name, value in found.items()}
    assert ours.value("deletion").mean() == pytest.approx(names["deletion"], abs=1e-5)
    assert ours.value("insertion").mean() == pytest.approx(names["insertion"], abs=1e-5)


def test_average_drop_is_torch_cams(net: Any, case: Any) -> None:
    """Of maps whose least value is 0 and whose largest is 1, for it masks by the map as it is."""
    theirs = pytest.importorskip("torchcam.metrics")
    low, high = (f(MAPS, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    maps = (MAPS - low) / (high - low)
    metric = theirs.ClassificationMetric(Extractor(net, maps), partial(torch.softmax, dim=-1))
    metric.update(channels_first(IMAGES))
    found, ours = metric.summary(), case(maps)
    assert ours.value("average_drop").mean() == pytest.approx(found["avg_drop"], abs=1e-5)
    assert ours.value("increase").mean() == pytest.approx(found["conf_increase"], abs=1e-5)


def test_infidelity_is_captums(net: Any, case: Any) -> None:
    """Its normalised infidelity over the same windows, over the mean of the squared drops."""
    theirs = pytest.importorskip("captum.metrics")
    maps = np.random.default_rng(2).normal(size=SHAPE[:3]).astype(np.float32)
    maps -= 0.6 * maps.mean(axis=(1, 2), keepdims=True)
    ours = case(maps)
    inputs, targets = channels_first(IMAGES), torch.from_numpy(ours.targets).long()
    for one in infidelity.windows(28, 28):
        masks = one.masks.astype(np.float32)[:, None]
        count = len(masks)

        def perturb(repeated: Any, masks: Any = masks, count: int = count) -> Any:
            each = torch.from_numpy(masks).repeat(len(repeated) // count, 1, 1, 1)
            return each, repeated * (1 - each)

        found = theirs.infidelity(
            net, perturb, inputs, torch.from_numpy(maps)[:, None], target=targets,
            n_perturb_samples=count, max_examples_per_batch=5 * count, normalize=True,
        ).detach().numpy()  # fmt: skip
        drops = infidelity._drops(ours, [one])[0]
        sums = one.sums(maps.astype(float))
        cosine = (drops * sums).sum(1) / np.sqrt((drops**2).sum(1) * (sums**2).sum(1))
        expected = 1 - cosine**2  # its factor may be negative, so it does not see the sign
        np.testing.assert_allclose(found / (drops**2).mean(axis=1), expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
def test_road_is_pytorch_grad_cams(net: Any, case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Softmax targets, noise 0; at percentile q it removes P - ceil(q (P - 1) / 100) positions."""
    imported()
    road_of = pytest.importorskip("pytorch_grad_cam.metrics.road")
    percent = np.arange(90, 0, -10)
    monkeypatch.setattr(road, "counts", lambda pixels: pixels - -(-percent * (pixels - 1) // 100))
    monkeypatch.setattr(road, "NOISE", 0.0)
    ours = case(MAPS.astype(float))  # of float32, 1 - map has ties
    few, means = 2, []
    inputs = channels_first(IMAGES[:few])
    targets = [
        lambda logits, t=int(t): torch.softmax(logits, dim=-1)[t] for t in ours.targets[:few]
    ]
    removals = (road_of.RemoveMostRelevantFirst, road_of.RemoveLeastRelevantFirst)
    curves = road.curves(ours, ours.maps, np.arange(few))
    for removal, scores in zip(removals, curves, strict=True):
        found = []
        for q in percent:
            remove = removal(int(q), road_of.NoisyLinearImputer(noise=0.0))
            metric = road_of.PerturbationConfidenceMetric(remove)
            found.append(metric(inputs, ours.maps[:few], targets, net, return_diff=False))
        np.testing.assert_allclose(scores.probability.T, found, rtol=0, atol=1e-5)
        means.append(np.mean(found, axis=0))
    np.testing.assert_allclose(ours.value("road")[:few], means[1] - means[0], rtol=0, atol=1e-5)


def test_the_completeness_gap_is_captums_convergence_delta(net: Any, case: Any) -> None:
    """Its delta is our gap with a sign: of integrated gradients from grey, in few steps."""
    grey = np.full_like(IMAGES, 0.5)
    captum = pytest.importorskip("captum.attr")
    ours = case()
    maps, delta = captum.IntegratedGradients(net).attribute(
        channels_first(IMAGES), channels_first(grey), n_steps=3, return_convergence_delta=True,
        target=torch.from_numpy(ours.targets).long(),
    )  # fmt: skip
    maps = maps.numpy()[:, 0]
    whole, start = (ours.model.scores(images, ours.targets).logit for images in (IMAGES, grey))
    sums = Sums(maps.sum(axis=(1, 2), dtype=float), whole - start, abs(whole))
    found = Case(maps, sums=sums)
    delta = delta.numpy()
    np.testing.assert_allclose(sums.total - sums.promised, delta, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.value("completeness_absolute"), abs(delta), rtol=0, atol=1e-5)
    relative = abs(delta / (whole - start))
    np.testing.assert_allclose(found.value("completeness_gap"), relative, rtol=0, atol=1e-5)
    assert abs(delta).min() > 1e-4
