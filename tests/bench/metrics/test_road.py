"""ROAD: the imputation against a dense solution, closed forms, and what holds for any map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.metrics import Case, deletion, road
from bench.subject.draws import Draws
from bench.subject.imputation import impute
from implementations.libraries.control import CONTROLS
from implementations.libraries.pytorch_grad_cam import imported

Make = Callable[..., Any]
ROAD = ("road", "road_morf", "road_lerf", "road_kept", "blur_gain")


def dense(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The same equations, one by one, over all pixels."""
    height, width = kept.shape
    matrix, right = np.eye(height * width), image.reshape(height * width, -1).astype(float)
    for y, x in zip(*np.nonzero(~kept), strict=True):
        i = y * width + x
        matrix[i], right[i] = 0, 0
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                inside = 0 <= y + down < height and 0 <= x + across < width
                if (down or across) and inside:
                    weight = 1 / 6 if down * across == 0 else 1 / 12
                    matrix[i, i] += weight
                    matrix[i, (y + down) * width + x + across] -= weight
    return np.linalg.solve(matrix, right).reshape(image.shape)


@pytest.mark.parametrize("shape", [(5, 5, 1), (5, 9, 3), (9, 4, 2), (1, 6, 1), (6, 1, 1)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_the_imputation_is_a_dense_solution(shape: tuple[int, int, int], share: float) -> None:
    generator = np.random.default_rng(0)
    images = generator.random((6, *shape))
    kept = generator.random((6, *shape[:2])) > share
    kept[:, 0, 0] = True
    expected = [dense(*each) for each in zip(images, kept, strict=True)]
    np.testing.assert_allclose(impute(images, kept), expected, atol=1e-10)


def test_the_imputation_is_the_authors() -> None:
    """Their equations, as pytorch-grad-cam ships them."""
    from scipy.sparse.linalg import spsolve

    pytest.importorskip("torch")
    imported()
    theirs = pytest.importorskip("pytorch_grad_cam.metrics.road")
    generator = np.random.default_rng(0)
    image = generator.random((9, 9, 3), np.float32)
    kept = generator.random((9, 9)) > 0.7
    matrix, right = theirs.NoisyLinearImputer.setup_sparse_system(
        kept.astype(np.float32), image.transpose(2, 0, 1), theirs.neighbors_weights
    )
    (ours,) = impute(image[None], kept[None])
    np.testing.assert_allclose(ours[~kept], spsolve(matrix.tocsc(), right), atol=1e-6)


def test_what_is_smooth_stays_so() -> None:
    kept = np.random.default_rng(0).random((1, 8, 9)) > 0.8
    np.testing.assert_allclose(impute(np.full((1, 8, 9, 1), 0.3), kept), 0.3, atol=1e-12)
    y, x = np.mgrid[:8, :9]
    ramp = (0.1 * y - 0.05 * x)[None, ..., None]
    rim = np.ones((1, 8, 9), bool)
    rim[:, 1:-1, 1:-1] = False
    np.testing.assert_allclose(impute(ramp, rim), ramp, atol=1e-12)
    np.testing.assert_array_equal(impute(ramp, np.ones_like(rim)), ramp)


def test_an_image_of_which_nothing_is_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is kept"):
        impute(np.ones((1, 3, 3, 1)), np.zeros((1, 3, 3), bool))


def some_case(make: Make, model: Any, n: int = 4, channels: int = 1, numbers: Any = None) -> Case:
    generator = np.random.default_rng(3)
    images = generator.random((n, 10, 8, channels), np.float32)
    found: Case = make(generator.normal(size=(n, 10, 8)), model, images, numbers)
    return found


def values(case: Case) -> np.ndarray:
    return np.stack([case.value(name) for name in ROAD])


def test_each_curve_by_hand(linear_model: Make, case: Make) -> None:
    """The probability of each image imputed and with its noise, share by share."""
    weights = np.random.default_rng(0).normal(size=(10, 8, 2))
    found = some_case(case, linear_model(weights), channels=2)
    assert road.counts(80).tolist() == [8, 16, 24, 32, 40, 48, 56, 64, 72]
    assert road.counts(25).tolist() == [3, 5, 8, 10, 13, 15, 18, 20, 23]
    uniform = found.draws.uniform("noise of imputation", 10, 8, 2)
    from scipy.stats import norm

    curves = np.empty((2, 4, 9))
    for way, sign in enumerate((-1, 1)):
        for n, heatmap in enumerate(found.maps):
            order = np.argsort(sign * heatmap.ravel())
            for k, count in enumerate(road.counts(80)):
                kept = np.ones(80, bool)
                kept[order[:count]] = False
                image = dense(found.images[n], kept.reshape(10, 8))
                image += 0.01 * norm.ppf(uniform[n]) * ~kept.reshape(10, 8, 1)
                curves[way, n, k] = (image * weights).sum()
    f = 1 / (1 + np.exp(-curves))
    np.testing.assert_allclose(found.value("road_morf"), f[0].mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(found.value("road_lerf"), f[1].mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(found.value("road"), (f[1] - f[0]).mean(axis=1), atol=1e-5)
    kept_gain = (curves[1] > 0).mean(axis=1) - (curves[0] > 0).mean(axis=1)
    np.testing.assert_allclose(found.value("road_kept"), kept_gain, atol=1e-12)
    assert found.model.evaluations == 4 * road.METRIC.budget((10, 8))  # type: ignore[attr-defined]


def test_blur_gain_is_road_of_the_blurred_map_less_its_own(linear_model: Make, case: Make) -> None:
    from scipy.ndimage import gaussian_filter

    network = linear_model(np.random.default_rng(0).normal(size=(10, 8, 1)))
    found = some_case(case, network)
    blurred = np.stack([gaussian_filter(h, (10 / 8, 8 / 8)) for h in found.maps])
    expected = case(blurred, network, found.images).value("road") - found.value("road")
    np.testing.assert_allclose(found.value("blur_gain"), expected, atol=1e-9)


def test_a_random_order_gains_nothing_in_expectation(linear_model: Make, case: Make) -> None:
    weights = np.random.default_rng(0).normal(size=(8, 6, 1))
    noise = np.random.default_rng(3).random((300, 8, 6))
    images = np.random.default_rng(4).random((300, 8, 6, 1), np.float32)
    gains = case(noise, linear_model(weights, batch=512), images).value("road")
    assert abs(gains.mean()) < 4 * gains.std() / np.sqrt(300) and gains.std() > 0.01


def test_scale_order_batch_and_precision_do_not_matter(linear_model: Make, case: Make) -> None:
    weights = np.random.default_rng(0).normal(size=(10, 8, 3))
    found = some_case(case, linear_model(weights), channels=3)
    whole, order = values(found), np.array([2, 0, 3, 1])
    for factor in (1e-30, 1e30):
        maps = found.maps[order] * factor
        again = values(case(maps, linear_model(weights, batch=64), found.images[order], order))
        np.testing.assert_allclose(again, whole[:, order], atol=1e-6)
    half = values(case(found.maps.astype(np.float32), linear_model(weights), found.images))
    np.testing.assert_allclose(half[:4], whole[:4], atol=1e-6)


def test_a_nan_map_makes_one_nan_and_a_zero_map_is_the_keys(linear_model: Make, case: Make) -> None:
    weights = np.random.default_rng(0).normal(size=(10, 8, 1))
    found = some_case(case, linear_model(weights))
    maps = found.maps.copy()
    maps[2, 3, 3], maps[1] = np.nan, 0
    keys = Draws(np.arange(4)).permutations(deletion.KEYS, 80)
    mixed = values(case(maps, linear_model(weights), found.images))
    maps[1], maps[2] = -keys[1].reshape(10, 8), found.maps[2]
    expected = values(case(maps, linear_model(weights), found.images))
    np.testing.assert_array_equal(np.isnan(mixed), np.repeat([[0, 0, 1, 0]], 5, axis=0))
    np.testing.assert_allclose(mixed[:4, [0, 1, 3]], expected[:4, [0, 1, 3]], atol=1e-12)
    broken = case(np.full((1, 4, 4), np.inf), linear_model(np.ones((4, 4, 1))))
    assert np.isnan(values(broken)).all()


def test_of_large_images_few_are_measured(linear_model: Make, monkeypatch: Any) -> None:
    monkeypatch.setattr(road, "LARGE", 7)
    monkeypatch.setattr(road, "FEW", 2)
    images = np.random.default_rng(0).random((3, 8, 8, 1), np.float32)
    case = Case(
        CONTROLS["grey"](images), images=images, targets=np.zeros(3, int),
        model=linear_model(np.ones((8, 8, 1))), draws=Draws(np.arange(3)),
    )  # fmt: skip
    assert np.isnan(values(case)).tolist() == [[False, False, True]] * 5
