"""Captum's masked images against direct computations in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytorch_maps import IMAGES, LINEAR, SHAPE, architecture, build, explain, ours, scores

from bench.subject.heatmaps import relative_error
from implementations.errors import BadInput
from implementations.frameworks.evaluations import count_evaluations

pytest.importorskip("captum")
torch = pytest.importorskip("torch")


@pytest.fixture(params=["float32", "float64"])
def network(request: pytest.FixtureRequest) -> Any:
    return build(precision=request.param)


@pytest.fixture(scope="module")
def linear() -> Any:
    return build(architecture(*LINEAR), "float64")


def cell_of() -> np.ndarray:
    """The cell of each pixel, of 7 x 7."""
    height, width, _ = SHAPE
    return (np.arange(height) * 7 // height)[:, None] * 7 + np.arange(width) * 7 // width


def shares(linear: Any) -> np.ndarray:
    """What each cell adds to a linear score, painted over its pixels."""
    kernel = linear.tensor("dense1.kernel").numpy().reshape(*SHAPE, 4)
    each = np.stack([
        (IMAGES[i] * kernel[..., target]).sum(axis=-1) for i, target in enumerate((0, 2, 1, 3))
    ])  # fmt: skip
    cells = cell_of()
    sums = np.stack([np.bincount(cells.ravel(), one.ravel(), 49) for one in each])
    painted: np.ndarray = sums[:, cells]
    return painted


@pytest.mark.parametrize(("window", "stride"), [(7, 3), (5, 4)])
def test_occlusion_is_the_mean_over_windows(network: Any, window: int, stride: int) -> None:
    """Windows start at 0, stride, ...; the last one reaches over the far edge and is cut off."""
    height, width, _ = SHAPE
    total, count = np.zeros((4, height, width)), np.zeros((height, width))
    whole = scores(network, IMAGES)
    for top in range(0, height - window + stride, stride):
        for left in range(0, width - window + stride, stride):
            hidden = IMAGES.copy()
            region = (slice(top, top + window), slice(left, left + window))
            hidden[:, *region] = 0
            total[:, *region] += (whole - scores(network, hidden))[:, None, None]
            count[region] += 1
    given = {"window": str(window), "stride": str(stride)}
    theirs = explain("captum", network, "occlusion", **given)
    assert theirs.dtype == np.float32
    assert (relative_error(theirs, total / count, total / count) <= 1e-5).all()


def test_windows_and_cells_that_do_not_fit_are_refused(network: Any) -> None:
    with pytest.raises(BadInput, match="larger than the image"):
        explain("captum", network, "occlusion", window="15")
    with pytest.raises(BadInput, match="at most the window"):
        explain("captum", network, "occlusion", window="2")
    with pytest.raises(BadInput, match="more cells than"):
        explain("captum", network, "feature_ablation", grid="15")


def test_feature_ablation_of_one_cell_is_what_the_image_adds(network: Any) -> None:
    theirs = explain("captum", network, "feature_ablation", grid="1")
    whole = scores(network, IMAGES) - scores(network, 0 * IMAGES)
    np.testing.assert_allclose(theirs, np.broadcast_to(whole[:, None, None], theirs.shape), 1e-4)


def test_feature_ablation_of_a_linear_network_is_what_each_cell_adds(linear: Any) -> None:
    expected = shares(linear)
    theirs = explain("captum", linear, "feature_ablation")
    assert (relative_error(theirs, expected, expected) <= 1e-5).all()


def test_kernel_shap_and_shapley_values_of_a_linear_network_too(linear: Any) -> None:
    expected = shares(linear)
    fitted = explain("captum", linear, "kernel_shap", n_samples="200")
    off = relative_error(fitted, expected, expected)
    # Fitted in float32 under two weights of a million, whatever the network's precision.
    assert (off > 1e-4).all() and (off < 1e-2).all()
    sampled = explain("captum", linear, "shapley_value_sampling", n_samples="2")
    assert (relative_error(sampled, expected, expected) <= 1e-5).all()


def test_ridge_is_the_regression_on_the_cells_that_were_drawn(network: Any) -> None:
    count, width = 60, 0.25
    with torch.random.fork_rng([]):
        torch.manual_seed(3)
        chance = torch.full((1, 49), 0.5)
        members = np.stack([torch.bernoulli(chance).numpy()[0] for _ in range(count)])
    masked = IMAGES[:, None] * members[:, cell_of()][None, ..., None]
    values = np.stack([scores(network, masked[:, i]) for i in range(count)], axis=1)
    whole, parts = (each.astype(np.float64) for each in (IMAGES.reshape(4, -1), masked))
    parts = parts.reshape(4, count, -1)
    cosine = np.einsum("np,nip->ni", whole, parts) / (
        np.linalg.norm(whole, axis=1)[:, None] * np.linalg.norm(parts, axis=2)
    )
    expected = []
    for value, weight in zip(values, np.exp(-((1 - cosine) ** 2) / (2 * width**2)), strict=True):
        centred = members - weight @ members / weight.sum()
        weighed = centred.T * weight
        fit = np.linalg.solve(weighed @ centred + np.eye(49), weighed @ value)
        expected.append(fit[cell_of()])
    given = {"model": "ridge", "kernel_width": str(width), "n_samples": str(count), "seed": "3"}
    theirs = explain("captum", network, "lime", **given)
    assert (relative_error(theirs, np.stack(expected), np.stack(expected)) <= 1e-4).all()
    lasso = explain("captum", network, "lime", **{**given, "model": "lasso"})
    assert ((lasso == 0).mean(axis=(1, 2)) > (theirs == 0).mean(axis=(1, 2))).all()


def test_an_image_does_not_depend_on_the_others(network: Any) -> None:
    from implementations import libraries
    from implementations.frameworks.pytorch import runtime

    for offer in ("kernel_shap", "lime", "shapley_value_sampling"):
        method = libraries.load("captum").method(offer)
        options = method.resolve({"n_samples": "5"})
        call = method.bind("pytorch", runtime, network, "input", options)
        alone = call(*runtime.put(network, IMAGES[2:3], np.array([1], np.int32)))["heatmap"]
        together = explain("captum", network, offer, n_samples="5")[2:3]
        found = runtime.to_numpy(alone)
        assert (relative_error(found, together, together) <= 1e-4).all()


def test_efficiency_of_shapley_values(network: Any) -> None:
    total = scores(network, IMAGES) - scores(network, 0 * IMAGES)
    theirs = explain("captum", network, "shapley_value_sampling", n_samples="2")
    first = [np.flatnonzero(cell_of().ravel() == cell)[0] for cell in range(49)]
    values = theirs.reshape(4, -1)[:, first]
    np.testing.assert_allclose(values.sum(axis=1), total, rtol=1e-4)


def test_occlusion_as_ours_where_windows_fit() -> None:
    theirs = explain("captum", build(), "occlusion", window="2", stride="1")
    expected = ours("occlusion", build(), window="2", stride="1")["heatmap"]
    assert (relative_error(theirs, expected, expected) <= 1e-5).all()


def test_model_evaluations(network: Any) -> None:
    asked = {"occlusion": {}, "feature_ablation": {}, "kernel_shap": {}, "lime": {},
             "shapley_value_sampling": {"n_samples": "2"}}  # fmt: skip
    counted = {}
    for offer, options in asked.items():
        with count_evaluations(network) as evaluations:
            explain("captum", network, offer, **options)
        counted[offer] = evaluations.images / len(IMAGES)
    assert counted == {
        "occlusion": 1 + 4 * 4,
        "feature_ablation": 1 + 49,
        "kernel_shap": 25,
        "lime": 25,
        "shapley_value_sampling": 1 + 2 * 49,
    }
