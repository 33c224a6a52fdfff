from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.stages import agree, gallery
from implementations.architecture import registered, weights


def test_a_run_keeps_the_maps_of_its_plain_cells(small: Any) -> None:
    pytest.importorskip("torch")
    plain = replace(small.cell, framework="pytorch", precision="float32")
    context = small.context
    other = [
        replace(plain, weights="random"), replace(plain, mode="compiled"), small.cell,
        replace(plain, score="probability"), replace(plain, layer="relu1"),
    ]  # fmt: skip
    saliency = replace(plain, method="saliency", layer="")
    shown = gallery.paths([plain, saliency, *other], context)
    assert set(shown) == {plain.cell_id, saliency.cell_id}

    context = {**context, "gallery": shown, "pictured": gallery.choose([plain, saliency], context)}
    assert list(context["pictured"]) == [f"digits/{plain.architecture}"]
    for cell in (plain, saliency):
        list(agree.measure(cell, context))
    target = gallery.file("compare-20260101T000000-abc", Path(context["out"]))
    gallery.gather([plain, saliency, *other], context, target)
    gallery.gather([plain], context, target)  # adds, and takes nothing away
    found = weights.load(target)
    head = f"digits/{plain.architecture}"
    everywhere = [f"grad_cam@{layer}" for layer in ("00.relu1", "01.relu2")]
    everywhere += [f"grad_cam#{k}" for k in range(10)]
    assert set(found) == {
        f"{head}/images", f"{head}/targets", f"{head}/ranks",
        *(f"{head}/{m}/{c}" for m in ("grad_cam", "saliency") for c in ("reference", "pytorch")),
        *(f"{head}/{shown}/reference" for shown in everywhere),
    }  # fmt: skip
    last, classes = f"{head}/grad_cam/reference", found[f"{head}/targets"]
    np.testing.assert_array_equal(found[f"{head}/grad_cam@01.relu2/reference"], found[last])
    np.testing.assert_array_equal(found[f"{head}/ranks"][:, 0], classes)
    for n, k in enumerate(classes):
        mine = found[f"{head}/grad_cam#{k}/reference"]
        np.testing.assert_array_equal(mine[n], found[last][n])
    n = gallery.IMAGES
    assert found[f"{head}/images"].shape == (n, 28, 28, 1) and len(found[f"{head}/targets"]) == n
    maps = found[f"{head}/saliency/reference"]
    np.testing.assert_allclose(maps, found[f"{head}/saliency/pytorch"], atol=1e-5 * maps.max())
    assert maps.shape == (n, 28, 28) and maps.dtype == np.float32 and maps.any()


def test_pictures_show_what_has_evidence_and_one_that_has_none(small: Any) -> None:
    def places(*empty: int, n: int = 12) -> list[int]:
        return gallery._mixed(np.isin(np.arange(n), empty))

    assert places() == [0, 1, 2, 3, 4, 5]
    assert places(0, 2, 7) == [0, 1, 3, 4, 5, 6]
    assert places(11) == [0, 1, 2, 3, 4, 11]
    assert places(*range(2, 12)) == [0, 1, 2, 3, 4, 5]
    assert places(*range(12), n=3) == [0, 1, 2] == places(n=3)


def test_of_many_layers_some_are_shown_from_first_to_last() -> None:
    large = registered.get("squeezenet-1.0")
    found = gallery.spread(large, 12)
    assert len(found) == 12 and found[0] == "relu1" and found[-1] == "relu10"
    assert gallery.spread(large, 1) == found[-1:] and gallery.spread(large, 0) == []
    small = registered.get("cnn-pool-dropout")
    assert gallery.spread(small, 12) == ["relu1", "pool1", "relu2", "pool2"]


def test_heatmaps_come_oldest_first(tmp_path: Path) -> None:
    assert gallery.kept(tmp_path) == []
    for name in ("sweep-20250101T000000-a", "agree-20270101T000000-a", "compare-20260101T000000-a"):
        weights.save(_made(gallery.file(name, tmp_path)), {"a": np.zeros(1)})
    found = [path.stem.split("-")[0] for path in gallery.kept(tmp_path)]
    assert found == ["sweep", "compare", "agree"]


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
