"""Captum's gradients at the image against our own and against direct computations in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytorch_maps import IMAGES, TARGETS, build, ours, weights_of
from pytorch_maps import explain as explain_by

from bench.subject.heatmaps import relative_error
from implementations.frameworks.evaluations import count_evaluations
from implementations.oracle import runtime as oracle

pytest.importorskip("captum")
pytest.importorskip("torch")


@pytest.fixture(params=["float32", "float64"])
def network(request: pytest.FixtureRequest) -> Any:
    return build(precision=request.param)


def explain(network: Any, offer: str, **options: str) -> np.ndarray:
    return explain_by("captum", network, offer, **options)


def tolerance(network: Any) -> float:
    return 1e-12 if network.precision == "float64" else 1e-5


def gradient(network: Any, images: np.ndarray, rule: str = "", score: str = "logit") -> np.ndarray:
    twin = oracle.build(network.architecture, weights_of(network.architecture))
    twin = twin.with_relu(rule) if rule else twin
    pixels, rest = twin.features("input", np.asarray(images, np.float64))
    slopes: np.ndarray = twin.pull_back("input", pixels, rest, TARGETS, score)
    return slopes


def test_saliency_is_the_gradients_largest_channel(network: Any) -> None:
    expected = ours("saliency", network)["heatmap"]
    error = relative_error(explain(network, "saliency"), expected, expected)
    assert (error <= tolerance(network)).all()
    signed = explain(network, "saliency", abs="false")
    assert (signed < 0).any()
    assert (relative_error(abs(signed), expected, expected) <= tolerance(network)).all()


def test_input_x_gradient_is_summed_over_colours(network: Any) -> None:
    expected = (IMAGES * gradient(network, IMAGES)).sum(axis=-1)
    theirs = explain(network, "input_x_gradient")
    assert (relative_error(theirs, expected, expected) <= tolerance(network)).all()


@pytest.mark.parametrize("score", ["logit", "log_probability"])
def test_integrated_gradients_is_the_quadrature(network: Any, score: str) -> None:
    nodes, quadrature = np.polynomial.legendre.leggauss(50)
    steps = zip((nodes + 1) / 2, quadrature / 2, strict=True)
    mean = sum(w * gradient(network, a * IMAGES, score=score) for a, w in steps)
    expected = (IMAGES * mean).sum(axis=-1)
    theirs = explain(network, "integrated_gradients", score=score)
    error = relative_error(theirs, expected, expected)
    # Captum's quadrature weights are float32 in every precision.
    assert (error <= 1e-5).all()
    if network.precision == "float64":
        assert (error > 1e-12).all()
    assert theirs.dtype == (np.float64 if network.precision == "float64" else np.float32)


def test_integrated_gradients_in_small_batches_are_the_same(network: Any) -> None:
    whole = explain(network, "integrated_gradients", internal_batch_size="100000")
    small = explain(network, "integrated_gradients", internal_batch_size="1")
    assert (relative_error(small, whole, whole) <= tolerance(network)).all()


@pytest.mark.parametrize("rule", ["guided", "deconvolution"])
@pytest.mark.parametrize("score", ["logit", "probability"])
def test_other_relus(network: Any, rule: str, score: str) -> None:
    offer = {"guided": "guided_backprop"}.get(rule, rule)
    expected = np.abs(gradient(network, IMAGES, rule, score)).max(axis=-1)
    plain = np.abs(gradient(network, IMAGES, "", score)).max(axis=-1)
    theirs = explain(network, offer, score=score)
    assert (relative_error(theirs, expected, expected) <= tolerance(network)).all()
    assert (relative_error(plain, expected, expected) > 0.01).all()


@pytest.mark.parametrize("layer", ["conv1", "pool1", "relu2"])
def test_guided_grad_cam_is_ours_when_resized_alike(network: Any, layer: str) -> None:
    stages = ours("guided_grad_cam", network, layer)
    expected = stages["heatmap"]
    scale = np.abs(stages["signed"])
    bilinear = explain(network, "guided_grad_cam", layer=layer, interpolate_mode="bilinear")
    assert (relative_error(bilinear, expected, scale) <= tolerance(network)).all()
    nearest = explain(network, "guided_grad_cam", layer=layer)
    same = relative_error(nearest, expected, scale) <= 1e-5
    assert same.all() if layer == "conv1" else not same.any()


def test_model_evaluations(network: Any) -> None:
    counted = {}
    for offer in ("saliency", "input_x_gradient", "integrated_gradients", "guided_grad_cam"):
        with count_evaluations(network) as evaluations:
            explain(network, offer)
        counted[offer] = evaluations.images / len(IMAGES)
    assert counted == {
        "saliency": 1,
        "input_x_gradient": 1,
        "integrated_gradients": 50,
        "guided_grad_cam": 2,
    }
