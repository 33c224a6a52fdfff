from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.subject import explainer as explaining
from bench.subject.inputs import subject
from implementations.errors import BadInput, Unavailable


def test_an_explainer_gives_the_stages_asked_for(small: Any) -> None:
    about = subject(small.cell, small.context, 5)
    outputs = ("signed", "heatmap", "no such stage")
    explainer = explaining.build(small.cell, about.architecture, about.weights, outputs)
    parts = list(explainer.stages(about.images, about.labels, 2))
    assert [len(part["heatmap"]) for part in parts] == [2, 2, 1]
    assert set(parts[0]) == {"signed", "heatmap", "upsampled"}
    assert parts[0]["upsampled"].shape == (2, 28, 28) and explainer.layer == "relu2"
    assert explainer.logits(about.images).shape == (5, 10)
    assert explainer.evaluations == 1 and min(explainer.import_s, explainer.build_s) >= 0


def test_one_image_in_a_padded_chunk_is_explained_alike(small: Any) -> None:
    about = subject(small.cell, small.context, 3)
    explainer = explaining.build(small.cell, about.architecture, about.weights)
    (whole,) = explainer.stages(about.images, about.labels, 8)
    alone = next(explainer.stages(about.images[2:], about.labels[2:], 1))
    np.testing.assert_allclose(whole["heatmap"][2:], alone["heatmap"], rtol=1e-12)


def test_a_numpy_heatmap_of_a_library_is_upsampled_too(small: Any) -> None:
    about = subject(small.cell, small.context, 2)
    explainer = explaining.build(small.cell, about.architecture, about.weights)
    maps = np.random.default_rng(0).random((2, 2, 2))
    found = explainer.upsample(maps, (4, 4))
    np.testing.assert_allclose(found[:, 0, 0], maps[:, 0, 0])
    np.testing.assert_allclose(found.mean(axis=(1, 2)), maps.mean(axis=(1, 2)))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"layer": "relu9"}, BadInput, "relu"),
        ({"options": (("points", "3"),)}, BadInput, "unknown option"),
        ({"method": "cam", "layer": "relu1"}, Unavailable, "what is pooled"),
        ({"library": "captum", "method": "saliency", "layer": ""}, Unavailable, "pytorch only"),
        ({"mode": "compiled"}, Unavailable, "reference"),
        ({"device": "gpu"}, Unavailable, "reference"),
        ({"precision": "bfloat16"}, Unavailable, "reference"),
    ],
    ids=str,
)
def test_what_cannot_be_had_is_said(
    small: Any, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    about = subject(small.cell, small.context, 2)
    with pytest.raises(error, match=words):
        explaining.build(replace(small.cell, **changes), about.architecture, about.weights)
