from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import datasets
from bench.subject import inputs
from implementations.architecture import graph, registered, weights
from implementations.errors import BadInput


def test_images_are_the_first_of_the_test_set_and_made_once(tmp_path: Path) -> None:
    data = datasets.load("digits")
    path = inputs.prepare_images("digits", 5, tmp_path / "work", None, False)
    arrays = weights.load(path)
    np.testing.assert_array_equal(arrays["images"], data.test_images[:5])
    np.testing.assert_array_equal(arrays["labels"], data.test_labels[:5])
    assert "masks" not in arrays and arrays["classes"] == 10
    np.testing.assert_array_equal(arrays["background"], data.train_images[:64])
    made = path.stat().st_mtime_ns
    assert inputs.prepare_images("digits", 5, tmp_path / "work", None, False) == path
    assert path.stat().st_mtime_ns == made
    shapes = weights.load(inputs.prepare_images("shapes", 3, tmp_path, None, False))
    assert shapes["masks"].shape == (3, 28, 28) and shapes["masks"].dtype == bool


def test_a_subject_has_the_weights_that_were_asked_for(small: Any) -> None:
    trained = inputs.subject(small.cell, small.context)
    assert trained.architecture == small.architecture and trained.verified
    assert len(trained.images) == len(trained.labels) == 20 and trained.masks is None
    assert trained.background is not None and trained.background.shape == (64, 28, 28, 1)
    assert len(inputs.subject(small.cell, small.context, 3).images) == 3
    random = inputs.subject(replace(small.cell, weights="random"), small.context)
    again = inputs.subject(replace(small.cell, weights="random"), small.context)
    assert trained.weights_sha != random.weights_sha == again.weights_sha
    assert trained.inputs_sha == random.inputs_sha
    assert trained.inputs_sha != inputs.subject(small.cell, small.context, 3).inputs_sha


def test_what_does_not_fit_is_refused(small: Any) -> None:
    images = Path(small.context["images"]["digits"])
    with pytest.raises(BadInput, match=r"reads \(227, 227, 3\), not \(28, 28, 1\)"):
        inputs.architecture_for("squeezenet-1.0", images)
    assert inputs.architecture_for("cnn-gap", images).input_shape == (28, 28, 1)
    with pytest.raises(BadInput, match="10 classes, the data set has 4"):
        inputs.fit(small.architecture, (28, 28, 1), 4)
    key = f"digits/{small.cell.architecture}/trained"
    path = Path(small.context["weights"][key])
    tensors = weights.load(path)
    weights.save(path, {**tensors, "conv1.bias": np.zeros(9, np.float32)})
    with pytest.raises(BadInput, match=r"'conv1\.bias'"):
        inputs.subject(small.cell, small.context)


def test_shared_weights_lie_by_data_set_and_architecture(tmp_path: Path) -> None:
    form = graph.document(registered.get("cnn-gap"))
    own = tmp_path / "cnn-gap.json"
    paths = set()
    for padding in ("same", "valid"):
        form["nodes"][0]["padding"] = padding
        own.write_text(json.dumps(form))
        paths |= {
            inputs.shared_weights(d, a, tmp_path) for d in ("x", "y") for a in ("cnn-gap", str(own))
        }
    assert len(paths) == 6 and tmp_path / "weights" / "x--cnn-gap.safetensors" in paths
    with pytest.raises(BadInput, match=r"gone\.json"):
        inputs.shared_weights("x", "gone.json", tmp_path)


def test_images_that_need_not_be_the_published_ones_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = datasets.load("digits")
    other = replace(real, test_images=1 - real.test_images, verified=False)
    found = {True: other, False: real}
    monkeypatch.setattr(datasets, "load", lambda name, place, unverified: found[unverified])

    def images(unverified: bool) -> Any:
        path = inputs.prepare_images("digits", 2, tmp_path, None, unverified)
        return weights.load(path)["images"]

    first = images(True)
    assert (images(False) == real.test_images[:2]).all() and (first != images(False)).any()
    found[True] = replace(other, test_images=real.test_images)
    assert (images(True) == real.test_images[:2]).all()


def test_images_that_were_edited_are_told_and_made_anew(
    small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(small.context["images"]["digits"])
    before, content = path.read_bytes(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BadInput, match="not what was kept: its digest differs"):
        inputs.subject(small.cell, small.context)
    assert inputs.prepare_images("digits", 20, path.parent, None, False) == path
    told = capsys.readouterr().err
    assert "made anew" in told and told.count("\n") == 1 and path.read_bytes() == before
