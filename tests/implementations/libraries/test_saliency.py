"""PAIR's saliency: every map is ours or the formula that it states, in every column."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytorch_maps import (
    CONV1,
    IMAGES,
    RELU1,
    TAIL,
    TARGETS,
    architecture,
    build,
    explain,
    ours,
    scores,
    weights_of,
)  # fmt: skip

from bench.subject.heatmaps import relative_error
from experiments.matched.passes import Passes
from experiments.matched.paths import STATED
from implementations import frameworks, libraries
from implementations.oracle import runtime as oracle

pytest.importorskip("saliency.core")
pytest.importorskip("torch")

HERE = Path(__file__).parent
SMOOTH = architecture(
    CONV1, RELU1, {**TAIL[1], "inputs": "relu1"}, {**TAIL[2], "inputs": "conv2"}, *TAIL[3:]
)
"""Without a pool: where XRAI begins, at an image of one value, all windows of one are tied."""
SETTINGS = [(label, given) for label, stated in STATED.items() for given in stated.settings]
FEW = {"saliency.blur_ig": {"batch_size": "1"}, "saliency.xrai": {"batch_size": "100"}}


@pytest.fixture(scope="module")
def network() -> Any:
    return build()


def by_saliency(network: Any, offer: str, **options: str) -> np.ndarray:
    return explain("saliency", network, offer, **options)


def near(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> bool:
    return bool((relative_error(found, expected, expected) <= tolerance).all())


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_the_gradient_is_our_saliency(precision: str, tolerance: float, score: str) -> None:
    small = build(precision=precision)
    found = explain("saliency", small, "gradient_saliency", score=score)
    assert found.dtype == precision
    assert near(found, ours("saliency", small, score=score)["heatmap"], tolerance)


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "conv2", "relu2"])
def test_grad_cam_is_ours_where_it_is_not_resized(network: Any, layer: str) -> None:
    found = explain("saliency", network, "grad_cam", layer=layer, should_resize="false")
    expected = ours("grad_cam", network, layer)
    assert (relative_error(found, expected["heatmap"], expected["signed"]) <= 1e-5).all()


@pytest.mark.parametrize(("label", "given"), SETTINGS)
def test_the_map_is_what_is_stated_of_it(label: str, given: dict[str, str]) -> None:
    small, offer = build(SMOOTH, "float64"), label.partition(".")[2]
    method = libraries.load("saliency").method(offer)
    layer, options = method.layer(SMOOTH, None), method.resolve(given)
    found = by_saliency(small, offer, **given, **FEW.get(label, {}))
    twin = oracle.build(SMOOTH, weights_of(SMOOTH))
    expected = STATED[label].maps(Passes(twin, IMAGES.astype(float), TARGETS, layer, options))
    assert near(found, expected)


def test_without_noise_its_mean_is_the_gradient(network: Any) -> None:
    plain = by_saliency(network, "gradient_saliency")
    assert near(by_saliency(network, "smooth_grad", stdev_spread="0", nsamples="3"), plain)
    squared = by_saliency(network, "smooth_grad_squared", stdev_spread="0", nsamples="3")
    assert near(squared, plain**2)


def test_one_seed_is_one_map_and_other_masks_are_smoothed(network: Any) -> None:
    given = {"nsamples": "2", "of": "integrated_gradients"}
    one, again, other = (by_saliency(network, "smooth_grad", **given, seed=s) for s in "001")
    np.testing.assert_array_equal(one, again)
    assert not near(other, one, 0.01)
    still = by_saliency(network, "smooth_grad", **given, stdev_spread="0")
    assert near(still[..., None].sum(axis=-1), _largest_of_path(network))


def _largest_of_path(network: Any) -> np.ndarray:
    twin = oracle.build(network.architecture, weights_of(network.architecture))
    steps = np.linspace(0, 1, 25)[:, None, None, None]
    method = libraries.load("saliency").method("integrated_gradients")
    p = Passes(twin, IMAGES.astype(float), TARGETS, "input", method.resolve({}))
    found: np.ndarray = np.abs(IMAGES * p.at_input(steps * IMAGES[:, None]).mean(axis=1)).max(-1)
    return found


def gap(network: Any, end: np.ndarray, offer: str, **given: str) -> np.ndarray:
    """How far a map's sum is from what the score gains on the way from `end` to the image."""
    gained = scores(network, IMAGES) - scores(network, end)
    found: np.ndarray = by_saliency(network, offer, **given).sum(axis=(1, 2)) - gained
    return np.abs(found)


def test_straight_and_blurred_paths_add_up(network: Any) -> None:
    given = {"x_steps": "500", "batch_size": "500"}
    assert (gap(network, 0 * IMAGES, "integrated_gradients", **given) < 0.01).all()
    method, given = libraries.load("saliency").method("blur_ig"), {"max_sigma": "5"}
    assert method.card.sums_to is not None
    end = method.card.sums_to(method.resolve(given), IMAGES)
    assert (gap(network, end, "blur_ig", **given, steps="200", batch_size="200") < 0.02).all()


def test_guided_paths_add_up_no_better_with_more_steps(network: Any) -> None:
    few, many = (
        gap(network, 0 * IMAGES, "guided_ig", x_steps=steps).sum() for steps in ("100", "500")
    )
    assert few > 0.1 and many > few / 2
    assert gap(network, 0 * IMAGES, "guided_ig", x_steps="500", max_dist="1").sum() > 3 * many


def test_a_batch_of_blurs_has_one_width(network: Any) -> None:
    given = {"steps": "20", "max_sigma": "5"}
    alone, together = (by_saliency(network, "blur_ig", **given, batch_size=n) for n in ("1", "20"))
    assert near(together, alone, 1e-4)
    alone, together = (
        by_saliency(network, "blur_ig", **given, sqrt="true", batch_size=n) for n in ("1", "20")
    )
    assert not near(together, alone, 0.1)


def test_a_window_larger_than_the_image_gives_zeros(network: Any) -> None:
    assert by_saliency(network, "occlusion", size="14").any()
    assert not by_saliency(network, "occlusion", size="15").any()


@pytest.mark.filterwarnings("error")
def test_segments_of_an_image_of_one_value_are_zero(network: Any) -> None:
    from implementations.frameworks.pytorch import runtime

    method = libraries.load("saliency").method("xrai")
    call = method.bind("pytorch", runtime, network, "input", method.resolve({"steps": "2"}))
    found = call(*runtime.put(network, 0 * IMAGES[:1] + 0.5, TARGETS[:1]))["heatmap"]
    np.testing.assert_array_equal(found, np.zeros((1, 14, 15)))


@pytest.mark.parametrize("label", ["jax", "keras[tensorflow]", "keras[jax]", "keras[torch]"])
def test_maps_are_those_of_pytorch_in_every_column(
    label: str, network: Any, tmp_path: Path
) -> None:
    column = frameworks.column(label)
    if column.missing:
        pytest.skip(column.missing)
    path = tmp_path / "maps.npz"
    children = HERE.parent / "children"
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[2]), str(children)]),
        "KERAS_BACKEND": column.backend or "jax", "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip
    script = HERE / "explain_saliency.py"
    done = subprocess.run(
        [sys.executable, str(script), column.framework, str(path)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    sys.path.insert(0, str(HERE))
    try:
        from explain_saliency import ASKED
    finally:
        sys.path.remove(str(HERE))
    with np.load(path) as found:
        for offer, given in ASKED.items():
            score = "probability" if offer == "occlusion" else ""
            expected = explain("saliency", network, offer, score=score, **given)[:1]
            # Blur IG divides a difference of float32 by 0.01.
            assert near(found[offer], expected, 1e-4 if offer == "blur_ig" else 1e-5), offer


@pytest.mark.parametrize("end", [np.min, np.max], ids=["darkest", "brightest"])
def test_off_the_ends_of_its_paths_xrai_has_the_gradients_of_its_formula(end: Any) -> None:
    """Where a pool makes its map another than the formula's, that is its one tied end's doing."""
    small = build(precision="float64")
    twin = oracle.build(small.architecture, weights_of(small.architecture))
    start = end(IMAGES, axis=(1, 2, 3), keepdims=True).astype(float)
    for share in (1 / 99, 0.5, 1.0):
        pictures = start + share * (IMAGES - start)
        found = gradients(small, pictures)
        options = libraries.load("saliency").method("xrai").resolve({})
        expected = Passes(twin, pictures, TARGETS, "", options).at_input(pictures[:, None])[:, 0]
        assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


def gradients(network: Any, images: np.ndarray) -> np.ndarray:
    """The library's, of the targets' logits, (N, H, W, C)."""
    from implementations.frameworks.pytorch import runtime
    from implementations.libraries.saliency import explained

    def mask(library: Any, image: np.ndarray, target: int, called: Any) -> np.ndarray:
        found: np.ndarray = library.GradientSaliency().GetMask(image, called, target)
        return found

    options = libraries.load("saliency").method("gradient_saliency").resolve({})
    explain = explained(mask, network, "input", options, runtime)
    found: np.ndarray = explain(network, *runtime.put(network, images, TARGETS))["heatmap"]
    return found
