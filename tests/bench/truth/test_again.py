"""What the oracle is asked again of one image: once, whoever asks, and of that image alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle_maps import kinks

from bench.subject.inputs import subject
from bench.truth import again, answers, moved
from implementations.oracle.network import Reference


def test_an_image_that_a_batch_has_twice_is_as_near_to_a_kink_both_times(
    small: Any, tmp_path: Path
) -> None:
    about = subject(small.cell, small.context, 5)
    cell, targets = replace(small.cell, layer="relu1"), np.zeros(6, np.int32)
    once = again.kinks(cell, about, targets, np.array([3, 1, 4]), tmp_path)
    twice = replace(about, images=about.images[[2, 3, 1, 3, 4, 1]])
    found = again.kinks(cell, twice, targets, np.arange(1, 6), tmp_path)
    assert len(np.unique(once)) == 3 and len(list(tmp_path.glob("*-plain-*"))) == 3
    np.testing.assert_array_equal(found, once[[0, 1, 0, 2, 1]])


def test_a_kink_is_as_near_as_the_network_says(small: Any, tmp_path: Path) -> None:
    about = subject(small.cell, small.context, 2)
    network = answers.network(about.architecture, about.weights)
    cell = replace(small.cell, layer="relu1")
    found = again.kinks(cell, about, np.zeros(2, np.int32), np.arange(2), tmp_path)
    near = kinks(network, "relu1", about.images.astype(np.float64))
    np.testing.assert_allclose(found, near, rtol=1e-9)


def test_another_column_and_another_stage_ask_the_oracle_nothing(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = subject(small.cell, small.context, 3)
    right = answers.answer(small.cell, about, tmp_path)

    def asked(framework: str) -> tuple[Any, ...]:
        cell = replace(small.cell, framework=framework, mode="eager", precision="float32")
        near = again.kinks(cell, about, right["targets"], np.array([0, 2]), tmp_path)
        return near.tolist(), again.farthest(cell, about, right, 2, tmp_path)

    first = asked("pytorch")
    monkeypatch.setattr(Reference, "features", None)
    assert asked("jax") == first
    with pytest.raises(TypeError):
        again.farthest(replace(small.cell, precision="float64"), about, right, 2, tmp_path)
    with pytest.raises(TypeError):  # another class
        again.kinks(small.cell, about, right["targets"] + 1, np.array([0]), tmp_path)


def test_the_farthest_is_the_farthest_of_all_draws(small: Any, tmp_path: Path) -> None:
    about = subject(small.cell, small.context, 3)
    cell = replace(small.cell, precision="float32")
    right = answers.answer(cell, about, tmp_path)
    found = again.farthest(cell, about, right, 1, tmp_path)
    plain, *others = moved.answers(cell, again.alone(about, 1), right["targets"][1:2],
                                   np.array([0]))  # fmt: skip
    peak = np.abs(right["signed"][1]).max()
    sizes = [np.abs(other["heatmap"] - plain["heatmap"]).max() / peak for other in others]
    assert found["heatmap"] == pytest.approx(max(sizes)) and min(sizes) < max(sizes)


@pytest.mark.parametrize(
    ("method", "itself"), [("saliency", True), ("grad_cam", True), ("integrated_gradients", False)]
)
def test_it_says_whether_a_gradient_is_taken_at_the_image_itself(
    small: Any, tmp_path: Path, method: str, itself: bool
) -> None:
    about = subject(small.cell, small.context, 1)
    layer = small.cell.layer if method == "grad_cam" else ""
    cell = replace(small.cell, method=method, layer=layer)
    found = again.plain(cell, about, np.zeros(1, np.int32), 0, tmp_path)
    assert found["itself"].tolist() == [itself]
