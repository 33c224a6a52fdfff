"""ELI5's Grad-CAM: ours, and by default divided by its maximum plus an epsilon."""

from __future__ import annotations

from typing import Any

import pytest

from bench.subject.heatmaps import relative_error

DEFAULT = "normalize=true"
RAW = "normalize=false"


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool1", "conv2", "relu2"])
def test_the_map_is_ours_and_then_over_its_maximum(explained: Any, oracle: Any, layer: str) -> None:
    maps = explained("eli5", "tensorflow").maps
    stages = oracle(layer, "logit")
    heatmap, signed = stages["heatmap"], stages["signed"]
    for precision, tolerance in {"float32": 1e-5, "float64": 1e-12}.items():
        raw = maps[f"{precision} {layer} logit {RAW}"]
        assert (relative_error(raw, heatmap, signed) <= tolerance).all()
    expected = heatmap / (heatmap.max(axis=(1, 2), keepdims=True) + 1e-7)
    for precision, tolerance in {"float32": 1e-4, "float64": 1e-11}.items():
        normalised = maps[f"{precision} {layer} logit {DEFAULT}"]
        assert (relative_error(normalised, expected, expected) <= tolerance).all()


def test_a_faint_map_fades_away(explained: Any) -> None:
    heatmap = explained("eli5", "tensorflow").maps[f"float32 relu1 logit {DEFAULT}"]
    assert heatmap[0].max() > 0.999
    assert 0 < heatmap[-1].max() < 0.9


@pytest.mark.parametrize("options", [DEFAULT, RAW])
def test_an_image_goes_through_the_model_twice(explained: Any, options: str) -> None:
    found = explained("eli5", "tensorflow").found
    assert found[f"float32 relu2 logit {options}"] == 2 * 5


def test_what_it_cannot_explain_is_said(explained: Any) -> None:
    found = explained("eli5", "tensorflow").found
    assert "'pad1' is not the output of one Keras layer" in found[f"float32 pad1 logit {DEFAULT}"]
    assert "logits only" in found[f"float32 relu2 probability {DEFAULT}"]
    reasons = set(explained("eli5", "jax").found.values())
    assert reasons == {"ELI5 works on TensorFlow only, and Keras is on jax here"}
