"""tf-keras-vis' Grad-CAM: ours where it is asked for the bare map, else what it makes of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.subject.heatmaps import relative_error

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}
SIZE = (26, 15)
BARE = "expand_cam=false normalize_cam=false"
DEFAULT = "expand_cam=true normalize_cam=true"


def expanded(heatmap: np.ndarray) -> np.ndarray:
    """Bilinear with the corners aligned: the first and last pixels' centres stay where they are."""
    for axis, length in enumerate(SIZE, start=1):
        old = heatmap.shape[axis]
        places = np.linspace(0, old - 1, length)

        def along(line: np.ndarray, places: Any = places, old: int = old) -> np.ndarray:
            return np.interp(places, np.arange(old), line)

        heatmap = np.apply_along_axis(along, axis, heatmap)
    return heatmap


def normalised(heatmap: np.ndarray) -> np.ndarray:
    low, high = (f(heatmap, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    return (heatmap - low) / (high - low + 1e-7)


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "conv2", "relu2"])
def test_the_bare_map_is_ours(
    explained: Any, oracle: Any, layer: str, score: str, precision: str
) -> None:
    stages = oracle(layer, score)
    heatmap = explained("tf_keras_vis", "tensorflow").maps[f"{precision} {layer} {score} {BARE}"]
    assert heatmap.dtype == precision
    error = relative_error(heatmap, stages["heatmap"], stages["signed"])
    assert (error <= TOLERANCES[precision]).all()


@pytest.mark.parametrize("layer", ["relu1", "pool1"])
@pytest.mark.parametrize(
    ("options", "transform"),
    [
        ("expand_cam=true normalize_cam=false", expanded),
        ("expand_cam=false normalize_cam=true", normalised),
        (DEFAULT, lambda heatmap: normalised(expanded(heatmap))),
    ],
)
def test_the_map_is_expanded_and_normalised(
    explained: Any,
    oracle: Any,
    layer: str,
    options: str,
    transform: Callable[[np.ndarray], np.ndarray],
) -> None:
    maps = explained("tf_keras_vis", "tensorflow").maps
    expected = transform(oracle(layer, "logit")["heatmap"])
    for precision, tolerance in {"float32": 1e-4, "float64": 1e-11}.items():
        heatmap = maps[f"{precision} {layer} logit {options}"]
        assert (relative_error(heatmap, expected, expected) <= tolerance).all()


def test_a_faint_map_fades_away(explained: Any) -> None:
    heatmap = explained("tf_keras_vis", "tensorflow").maps[f"float32 relu1 logit {DEFAULT}"]
    assert heatmap[0].max() > 0.999
    assert 0 < heatmap[-1].max() < 0.9


def test_expanding_can_lose_the_last_row(explained: Any, oracle: Any) -> None:
    """From 8 rows to 26, SciPy's rounding puts the last one outside the map."""
    options = "expand_cam=true normalize_cam=false"
    heatmap = explained("tf_keras_vis", "tensorflow").maps[f"float64 relu2 logit {options}"]
    expected = expanded(oracle("relu2", "logit")["heatmap"])
    assert (relative_error(heatmap[:, :-1], expected[:, :-1], expected) <= 1e-12).all()
    assert expected[0, -1].min() > 0
    assert not heatmap[:, -1].any()


def test_an_image_goes_through_the_model_once(explained: Any) -> None:
    found = explained("tf_keras_vis", "tensorflow").found
    assert found[f"float32 relu2 logit {DEFAULT}"] == 5


def test_what_it_cannot_explain_is_said(explained: Any) -> None:
    found = explained("tf_keras_vis", "tensorflow").found
    assert "'pad1' is not the output of one Keras layer" in found[f"float32 pad1 logit {DEFAULT}"]
    reasons = set(explained("tf_keras_vis", "jax").found.values())
    assert reasons == {"tf-keras-vis works on TensorFlow only, and Keras is on jax here"}


BARE_LAYERS = {
    "layer_cam": "float64 layer_cam relu2 expand_cam=false normalize_cam=false",
    "grad_cam_plus_plus": "float64 grad_cam_plus_plus relu2 expand_cam=false normalize_cam=false",
    "score_cam": "float32 score_cam relu2 expand_cam=false normalize_cam=false",
    "saliency": "float64 saliency input normalize_map=false",
    "shipped": "float64 saliency input",
    "noiseless": "float64 smooth_grad input smooth_noise=0.0 normalize_map=false",
    "noisy": "float64 smooth_grad input smooth_samples=3 seed=1",
    "again": "float64 smooth_grad input smooth_samples=3 seed=1 ",
    "refused": "float64 score_cam relu2",
}


@pytest.fixture(scope="module")
def others(offered: Any) -> Any:
    return offered("tf_keras_vis", *BARE_LAYERS.values())


def test_layer_cam_and_saliency_are_ours(others: Any, oracle: Any) -> None:
    stages = oracle("relu2", "logit", "layer_cam")
    error = relative_error(
        others.maps[BARE_LAYERS["layer_cam"]], stages["heatmap"], stages["signed"]
    )
    assert (error <= 1e-12).all()
    expected = oracle(None, "logit", "saliency")["heatmap"]
    for case in ("saliency", "noiseless"):
        assert (relative_error(others.maps[BARE_LAYERS[case]], expected, expected) <= 1e-12).all()
    shipped = others.maps[BARE_LAYERS["shipped"]]
    assert (relative_error(shipped, normalised(expected), normalised(expected)) <= 1e-12).all()


def test_noise_has_a_seed(others: Any) -> None:
    one, again = (others.maps[BARE_LAYERS[case]] for case in ("noisy", "again"))
    np.testing.assert_array_equal(one, again)


def test_grad_cam_plus_plus_is_the_authors_code(others: Any, oracle: Any) -> None:
    """Alphas that add up to one in a channel, and exp(score) before each gradient."""
    stages = oracle("relu2", "logit")
    activations, gradients = stages["activations"], stages["gradients"]
    sums = activations.sum(axis=(1, 2), keepdims=True)
    denominators = 2 * gradients**2 + sums * gradients**3
    alphas = np.divide(
        gradients**2, denominators, where=gradients != 0, out=np.zeros_like(gradients)
    )
    total = alphas.sum(axis=(1, 2), keepdims=True)
    alphas = np.divide(alphas, total, where=total != 0, out=np.zeros_like(alphas))
    weights = (np.maximum(gradients, 0) * alphas).sum(axis=(1, 2))
    expected = np.maximum(np.einsum("nhwc,nc->nhw", activations, weights), 0)
    found = others.maps[BARE_LAYERS["grad_cam_plus_plus"]]
    peaks, own = found.max(axis=(1, 2)), expected.max(axis=(1, 2))
    assert (own > 0).any() and ((peaks > 0) == (own > 0)).all()
    there = own > 0
    expected = expected[there] * (peaks / np.where(there, own, 1))[there, None, None]
    assert (relative_error(found[there], expected, expected) <= 1e-6).all()


def test_score_cam_is_another_and_in_float32(others: Any, oracle: Any) -> None:
    found = others.maps[BARE_LAYERS["score_cam"]]
    stages = oracle("relu2", "logit", "score_cam")
    assert (relative_error(found, stages["heatmap"], stages["signed"]) > 0.01).any()
    assert "raises in float64" in others.found[BARE_LAYERS["refused"]]
