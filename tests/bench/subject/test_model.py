"""A network as metrics see it: in every column, compiled once, whatever is asked of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.subject.inputs import subject
from bench.subject.model import Model, load, score


def test_scores_are_sound_where_they_saturate() -> None:
    logits = np.array([[0.0, 0.0], [800.0, -800.0], [-800.0, 800.0], [np.log(3), 0.0]])
    found = score(logits, np.zeros(4, np.int32))
    np.testing.assert_allclose(found.probability, [0.5, 1, 0, 0.75])
    np.testing.assert_allclose(found.margin, [0, 1600, -1600, np.log(3)])
    np.testing.assert_array_equal(found.logit, logits[:, 0])
    assert found.label.tolist() == [0, 0, 1, 0]
    three = np.random.default_rng(0).normal(size=(5, 3))
    softmax = np.exp(three) / np.exp(three).sum(axis=1, keepdims=True)
    targets = np.array([0, 2, 1, 1, 0])
    np.testing.assert_allclose(score(three, targets).probability, softmax[range(5), targets])


def test_masks_say_how_much_is_kept() -> None:
    seen: list[np.ndarray] = []

    def forward(images: np.ndarray) -> np.ndarray:
        seen.extend(images.copy())
        return images.sum(axis=(1, 2))

    model = Model(forward, 4, np.array([9.0, 8.0]))
    images = np.arange(24, dtype=np.float32).reshape(3, 2, 2, 2)
    kept = np.zeros((3, 2, 2, 2), bool)
    kept[:, 0, 0], kept[:, 1] = True, True
    found = model.masked(images, kept, model.fill, np.array([0, 1, 0]))
    assert found.margin.shape == (3, 2) and model.evaluations == 6 and len(seen) == 8
    np.testing.assert_array_equal(seen[0][0], images[0, 0])
    np.testing.assert_array_equal(seen[0][1], [[9, 8], [9, 8]])
    np.testing.assert_array_equal(seen[3], images[1])
    assert not np.any(seen[6:]), "the last batch is padded"
    np.testing.assert_array_equal(found.logit[1], [seen[2][..., 1].sum(), seen[3][..., 1].sum()])
    seen.clear()
    model.masked(images, np.full((3, 1, 2, 2), 0.25, np.float32), images[::-1], np.zeros(3, int))
    np.testing.assert_allclose(seen[0], 0.25 * images[0] + 0.75 * images[2])


def test_a_network_is_compiled_once(small: Any) -> None:
    pytest.importorskip("jax")
    cell = replace(small.cell, framework="jax", mode="compiled", precision="float32", layer="")
    about = subject(cell, small.context, 5)
    from implementations import frameworks

    framework = frameworks.load("jax")
    before = framework.compilations()
    model = load(cell, about.architecture, about.weights, np.zeros(1))
    assert model.batch == 512
    one = model.scores(about.images, about.labels)
    two = model.scores(np.concatenate([about.images] * 200), np.tile(about.labels, 200))
    assert framework.compilations() - before == 1
    np.testing.assert_allclose(two.margin[-5:], one.margin, rtol=1e-5)
    exact = load(small.cell, about.architecture, about.weights, np.zeros(1))
    np.testing.assert_allclose(one.margin, exact.scores(about.images, about.labels).margin,
                               rtol=1e-4, atol=1e-5)  # fmt: skip
    assert model.evaluations == 1005 and model.seconds > 0
