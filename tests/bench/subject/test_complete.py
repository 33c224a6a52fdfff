"""What a map adds up to, and what its method promises, on the oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.subject.complete import promised
from bench.subject.explainer import build
from bench.subject.inputs import subject
from implementations.oracle.scores import score


@pytest.mark.parametrize("name", ["logit", "probability", "log_probability"])
def test_integrated_gradients_promise_the_score_less_that_of_their_baseline(
    small: Any, name: str
) -> None:
    options = (("baseline", "0.25"), ("points", "400"))
    cell = replace(
        small.cell, framework="reference", precision="float64", layer="", score=name,
        method="integrated_gradients", options=options,
    )  # fmt: skip
    about = subject(cell, small.context, 3)
    explainer = build(cell, about.architecture, about.weights)
    targets = np.array([1, 0, 2])
    sums = promised(cell, explainer, about.images, targets, 2)
    assert sums is not None
    logits = explainer.logits(about.images)
    without = explainer.logits(np.full_like(about.images, 0.25))
    expected = score(name, logits, targets) - score(name, without, targets)
    np.testing.assert_allclose(sums.promised, expected, rtol=1e-9)
    np.testing.assert_allclose(sums.total, sums.promised, rtol=0.02)
    np.testing.assert_allclose(sums.largest, abs(logits).max(axis=1))


def test_a_method_that_promises_nothing_has_no_sums(small: Any) -> None:
    cell = replace(small.cell, framework="reference", precision="float64", method="grad_cam")
    about = subject(cell, small.context, 1)
    explainer = build(cell, about.architecture, about.weights)
    assert promised(cell, explainer, about.images, np.zeros(1, int), 1) is None


@pytest.mark.parametrize(
    ("library", "offer", "options", "tolerance"),
    [
        ("captum", "integrated_gradients", {"n_steps": "200"}, 0.02),
        ("captum", "deep_lift", {}, 1e-4),
        ("shap", "partition", {"max_evals": "50", "masker": "blur", "kernel": "5"}, 1e-4),
        ("shap", "partition", {"max_evals": "50", "masker": "inpaint_ns"}, 0.03),
    ],
)
def test_a_library_promises_the_score_less_that_of_its_baseline(
    small: Any, library: str, offer: str, options: dict[str, str], tolerance: float
) -> None:
    pytest.importorskip(library)
    pytest.importorskip("cv2")
    cell = replace(
        small.cell, framework="pytorch", precision="float32", layer="", library=library,
        method=offer, options=tuple(options.items()),
    )  # fmt: skip
    about = subject(cell, small.context, 3)
    explainer = build(cell, about.architecture, about.weights)
    sums = promised(cell, explainer, about.images, np.array([1, 0, 2]), 2)
    assert sums is not None and (abs(sums.promised) > 0).all()
    gap = abs(sums.total - sums.promised) / sums.largest
    assert (gap < tolerance).all()
