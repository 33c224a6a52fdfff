from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.job.plans import planned
from bench.report import shap_plots
from bench.stages import shap
from bench.subject.networks import Network
from bench.subject.request import Request
from implementations.architecture import weights

pytest.importorskip("shap")
pytest.importorskip("cv2")
FEW = (("kernel", "3"), ("masker", "blur"), ("max_evals", "40"))


def test_fashion_mnist_unasked_and_what_is_named_else() -> None:
    asked = Request(command="shap", datasets=())
    assert [each[:2] for each in planned("shap", asked)] == [shap.NETWORK]
    named = replace(asked, architectures=("cnn-gap",))
    assert [each[:2] for each in planned("shap", named)] == [("fashion_mnist", "cnn-gap")]
    cells = list(shap.cells(asked, [Network(*shap.NETWORK, "pytorch")]))
    assert len(cells) == 4 * len(asked.columns) == len(set(cells))
    assert {dict(cell.options)["masker"] for cell in cells} == {
        "inpaint_telea", "inpaint_ns", "blur"
    }  # fmt: skip


def test_four_correct_then_four_wrong_with_the_highest_outputs() -> None:
    logits = np.eye(6)[np.arange(12) % 6] + np.arange(6) / 100
    labels = np.arange(12) % 6
    labels[[1, 2, 7]] = 0
    found = shap.choose(logits, SimpleNamespace(labels=labels))  # type: ignore[arg-type]
    assert found["places"].tolist() == [0, 3, 4, 5, 1, 2, 7]
    assert found["correct"].tolist() == [1, 1, 1, 1, 0, 0, 0]
    assert found["outputs"].shape == (7, 5)
    assert found["outputs"][1].tolist() == [3, 5, 4, 2, 1], "the highest first"


def test_values_are_the_oracles_add_up_and_are_drawn(small: Any, tmp_path: Path) -> None:
    cell = replace(
        small.cell, stage="shap", framework="pytorch", method="partition", library="shap",
        options=FEW, batch=shap.BATCH, mode="eager", precision="float32", layer="",
    )  # fmt: skip
    first = shap.reference(cell)
    rows = {each: list(shap.measure(each, small.context)) for each in (first, cell)}
    (compared,) = [row for row in rows[cell] if row.get("compared")]
    assert compared["agree"] and 0 < compared["max_rel"] < shap.TOLERANCE
    assert not any("agree" in row for row in rows[first])
    for measured in rows.values():
        gaps = [row for row in measured if row.get("metric")]
        assert gaps and all(row["value"] < 1e-5 for row in gaps), "values add up"
        assert {row["subset"] for row in gaps} <= {"correct", "wrong"}
        assert all(row["evaluations"] == 40 for row in gaps)
    kept = weights.load(shap.kept(cell, small.context))
    assert kept["values"].shape == (*kept["images"].shape[:3], shap.OUTPUTS)

    run = SimpleNamespace(run_id="shap-1-m1")
    asked = [replace(each, options=FEW) for each in (first, cell)]
    titled = {"partition blur": ("partition", dict(FEW))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shap, "ASKED", titled)
        request = Request(datasets=("digits",), results=tmp_path)
        shap.gather(run, asked, small.context, request)  # type: ignore[arg-type]
    (path,) = shap.kept_files(tmp_path)
    (drawn,) = shap_plots.draw(path)
    assert drawn[0].startswith("shap_digits_") and "partition-blur" in drawn[0]
    texts = [text.get_text() for text in drawn[1].axes[0].texts]
    assert len(texts) == len(kept["images"]) * (1 + shap.OUTPUTS)
    assert not list(shap_plots.draw(path, {drawn[0]})), "drawn already"


def test_red_is_for_and_blue_against() -> None:
    values = np.zeros((1, 2, 2, 1))
    values[0, 0, 0, 0], values[0, 1, 1, 0] = 2, -2
    found = shap_plots.tiles(np.ones((1, 2, 2, 1)), values)[0, 0]
    assert found[0, 0, 0] > 0.9 and found[0, 0, 1] < 0.3, "red"
    assert found[1, 1, 2] > 0.9 and found[1, 1, 0] < 0.3, "blue"
    np.testing.assert_allclose(found[0, 1], 1.0, atol=0.01)
