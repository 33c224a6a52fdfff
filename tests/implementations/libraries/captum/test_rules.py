"""Captum's DeepLIFT and relevance propagation: their sums, and the gradient where they are it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytorch_maps import CONV1, IMAGES, RELU1, TAIL, architecture, build, explain, ours, scores

from bench.subject.heatmaps import relative_error
from implementations.errors import BadInput, Unavailable

pytest.importorskip("captum")
pytest.importorskip("torch")

TOLERANCES = {"float32": 1e-5, "float64": 1e-12}


@pytest.fixture(params=TOLERANCES)
def network(request: pytest.FixtureRequest) -> Any:
    return build(precision=request.param)


def sums(network: Any, offer: str, **options: str) -> np.ndarray:
    total: np.ndarray = explain("captum", network, offer, **options).sum(axis=(1, 2))
    return total


def test_deep_lift_adds_up_to_the_score_less_that_of_black(network: Any) -> None:
    expected = scores(network, IMAGES) - scores(network, 0 * IMAGES)
    np.testing.assert_allclose(sums(network, "deep_lift"), expected, rtol=1e-4)


@pytest.mark.parametrize("touch", [False, True])
def test_deep_lift_is_ours_unless_a_relu_and_a_pool_touch(touch: bool) -> None:
    """The sum is right in either; what is between them shares one tensor's hooks."""
    first = [CONV1, RELU1] if touch else [CONV1]
    nodes = [*first, {**TAIL[0], "inputs": first[-1]["name"]}, *TAIL[1:]]
    small = build(architecture(*nodes), "float64")
    expected = ours("deep_lift", small)["heatmap"]
    error = relative_error(explain("captum", small, "deep_lift"), expected, expected)
    assert (error > 0.05).any() if touch else (error <= 1e-12).all()


def test_lrp_by_default_is_image_times_gradient(network: Any) -> None:
    """With an epsilon next to nothing, and only ReLUs and maxima between linear layers."""
    slopes = ours("saliency", network, form="signed")["gradients"]
    expected = (IMAGES * slopes).sum(axis=-1)
    theirs = explain("captum", network, "lrp")
    assert (relative_error(theirs, expected, expected) <= 1e-4).all()
    composite = explain("captum", network, "lrp", rules="composite")
    assert (relative_error(composite, expected, expected) > 0.1).all()


def test_lrp_is_ours_by_the_same_rules(network: Any) -> None:
    expected = ours("lrp", network, composite="epsilon", epsilon="1e-9")["heatmap"]
    theirs = explain("captum", network, "lrp")
    assert (relative_error(theirs, expected, expected) <= 1e-5).all()
    bare = [{**n, "bias": False} if n["kind"] == "conv" else n for n in (CONV1, RELU1, *TAIL)]
    for biased in (False, True):
        small = network if biased else build(architecture(*bare), network.precision)
        expected = ours("lrp", small)["heatmap"]
        theirs = explain("captum", small, "lrp", rules="composite", epsilon="1e-6")
        error = relative_error(theirs, expected, expected)
        assert (error > 1e-3).all() if biased else (error <= 1e-5).all()


def test_a_module_without_a_rule_is_named() -> None:
    network = build(
        architecture(
            CONV1,
            RELU1,
            {"name": "both", "kind": "add", "inputs": ["conv1", "relu1"]},
            {**TAIL[0], "inputs": "both"},
            *TAIL[1:],
        )
    )
    with pytest.raises(Unavailable, match=r"no rule for Add, which layers\.both is"):
        explain("captum", network, "lrp")
    explain("captum", network, "deep_lift")


@pytest.mark.parametrize("offer", ["deep_lift", "lrp"])
def test_logits_only(network: Any, offer: str) -> None:
    with pytest.raises(BadInput, match="not defined for score probability; use logit"):
        explain("captum", network, offer, score="probability")
