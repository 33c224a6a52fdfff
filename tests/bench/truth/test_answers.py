from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import datasets
from bench.subject.inputs import batch_of, subject
from bench.truth import answers
from implementations.architecture import graph, weights


def test_an_answer_is_computed_once_and_told_apart_by_all_it_depends_on(small: Any) -> None:
    about = subject(small.cell, small.context, 5)
    folder = Path(small.context["oracle"])
    first = answers.answer(small.cell, about, folder)
    path = answers.answer_path(small.cell, about, folder)
    made = path.stat().st_mtime_ns
    again = answers.answer(replace(small.cell, framework="jax", mode="compiled"), about, folder)
    assert path.stat().st_mtime_ns == made and list(folder.iterdir()) == [path]
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    np.testing.assert_array_equal(first["targets"], first["logits"].argmax(axis=1))
    assert first["signed"].shape == (5, 7, 7) and first["upsampled"].shape == (5, 28, 28)
    assert first["signed"].dtype == np.float64

    form = graph.document(about.architecture)
    form["nodes"][0]["dilation"] = 2
    edited = replace(about, architecture=graph.parse(form, "edited"))
    others = [
        answers.answer_path(cell, seen, folder)
        for cell, seen in (
            (replace(small.cell, layer="relu1"), about),
            (replace(small.cell, score="probability"), about),
            (replace(small.cell, method="saliency"), about),
            (replace(small.cell, options=(("relu", "false"),)), about),
            (small.cell, edited),
            (small.cell, subject(small.cell, small.context, 4)),
            (small.cell, subject(replace(small.cell, weights="random"), small.context, 5)),
        )
    ]
    assert len({path, *others}) == 8


def test_baselines_are_of_the_data_sets_training_images(small: Any) -> None:
    about = subject(small.cell, small.context, 3)
    cell = replace(small.cell, method="expected_gradients", layer="", options=(("samples", "4"),))
    found = answers.answer(cell, about, Path(small.context["oracle"]))
    generator = np.random.Generator(np.random.PCG64(cell.seed))
    background = datasets.load("digits").train_images[:64].astype(float)
    baselines, alphas = background[generator.integers(0, 64, 4)], generator.random(4)
    network, images = answers.network(about.architecture, about.weights), about.images.astype(float)
    heatmap = np.zeros(images.shape[:3])
    for baseline, alpha in zip(baselines, alphas, strict=True):
        between, rest = network.features("input", baseline + alpha * (images - baseline))
        slopes = network.pull_back("input", between, rest, found["targets"], cell.score)
        heatmap += ((images - baseline) * slopes).sum(axis=-1) / 4
    np.testing.assert_allclose(found["heatmap"], heatmap, rtol=1e-12, atol=1e-15)
    other = replace(about, background=None)
    paths = {answers.answer_path(cell, which, Path()) for which in (about, other)}
    assert len(paths) == 2


def test_every_column_asks_for_the_same_answer(small: Any) -> None:
    cells = [
        replace(small.cell, framework=f, mode=mode, precision=precision, batch=batch)
        for f, mode, precision, batch in (
            ("jax", "eager", "float32", 0), ("pytorch", "compiled", "float64", 8)
        )
    ]  # fmt: skip
    assert len(answers.cells_for(cells)) == 1
    assert answers.cells_for(cells)[0].framework == "reference"


def test_costly_methods_are_compared_on_fewer_images(small: Any) -> None:
    assert answers.images_compared(small.cell, 256) == 256
    costly = replace(small.cell, method="integrated_gradients", layer="")
    assert 2 <= answers.images_compared(costly, 256) < 64
    assert answers.images_compared(costly, 2) == 2


def test_a_batch_is_timed_from_the_first_heatmap_that_is_not_zero(
    small: Any, tmp_path: Path
) -> None:
    one = replace(small.cell, stage="time", batch=1)
    images = subject(small.cell, small.context).images
    context = small.context | {"oracle": str(tmp_path)}
    about, found = answers.timed_batch(one, context)
    np.testing.assert_array_equal(about.images, images[:1])

    def empty(first: int) -> None:
        about = batch_of(one, context, first)
        arrays = answers.answer(one, about, tmp_path)
        path = answers.answer_path(one, about, tmp_path)
        weights.save(path, arrays | {"heatmap": np.zeros_like(arrays["heatmap"])})

    empty(0)
    about, found = answers.timed_batch(one, context)
    np.testing.assert_array_equal(about.images, images[1:2])
    assert found["heatmap"].any()
    for first in range(1, answers.TRIES):
        empty(first)
    about, found = answers.timed_batch(one, context)
    np.testing.assert_array_equal(about.images, images[:1])
    assert not found["heatmap"].any()


def test_an_image_that_a_batch_has_twice_has_its_answer_both_times(
    small: Any, tmp_path: Path
) -> None:
    about = subject(small.cell, small.context, 5)
    order = [2, 3, 1, 3, 4, 1, 0]
    once = answers.answer(small.cell, about, tmp_path)
    again = answers.answer(small.cell, replace(about, images=about.images[order]), tmp_path)
    assert set(again) == set(once) and again["logit_count"] == once["logit_count"]
    for name in set(once) - {"logit_count"}:
        scale = np.abs(once[name]).max()
        np.testing.assert_allclose(again[name], once[name][order], atol=1e-13 * scale)


def test_an_answer_that_was_edited_is_told_and_computed_anew(
    small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(small.context["oracle"])
    about = subject(small.cell, small.context, 2)
    first = answers.answer(small.cell, about, folder)
    [path] = folder.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    again = answers.answer(small.cell, about, folder)
    assert "made anew" in capsys.readouterr().err
    assert all(np.array_equal(again[name], first[name]) for name in first)


def test_an_answer_is_of_the_targets_that_are_given(small: Any) -> None:
    about = subject(small.cell, small.context, 3)
    kept = answers.computed(small.cell, about)
    other = ((kept["targets"] + 1) % 10).astype(np.int32)
    found = answers.computed(small.cell, about, other)
    assert np.array_equal(found["targets"], other)
    assert np.array_equal(found["logits"], kept["logits"])
    assert not np.array_equal(found["signed"], kept["signed"])
