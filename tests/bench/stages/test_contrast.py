from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.record.cell import Cell
from bench.record.schema import COLUMNS
from bench.stages import contrast
from bench.stages.controls import CONTROLS
from bench.subject.inputs import prepare_images, subject
from bench.subject.names import pick_columns
from bench.subject.request import Request
from implementations import libraries
from implementations.architecture import weights


@pytest.fixture
def located(small: Any, tmp_path: Path) -> tuple[Cell, dict[str, Any]]:
    """A cell on images whose true masks are known, and its context."""
    images = prepare_images("shapes", 12, tmp_path, None, False)
    classes = int(weights.load(images)["classes"].item())
    context = {**small.context, "images": {"shapes": str(images)}}
    cell = replace(
        small.cell, stage="contrast", framework="pytorch", precision="float32", dataset="shapes",
        weights="random", layer="", architecture="cnn-gap", batch=16,
    )  # fmt: skip
    assert classes >= 2
    return cell, context


def test_cost_first_then_localisation_and_likeness(
    located: tuple[Cell, dict[str, Any]],
) -> None:
    pytest.importorskip("torch")
    cell, context = located
    ours = replace(cell, method="saliency")
    theirs = replace(ours, library="captum") if not libraries.describe("captum").missing else cell
    rows = {each: list(contrast.measure(each, context)) for each in (ours, theirs)}
    for measured in rows.values():
        assert not set().union(*measured) - set(COLUMNS)
        assert measured[0]["n_images"] == 8 and measured[0]["median_ms"] > 0
        assert measured[0]["nan_count"] == 0
        subsets = {row["subset"]: row["n"] for row in measured[1:]}
        assert subsets["all"] == 8
        assert sum(row["n"] for row in measured if row.get("metric") == "pointing_game"
                   and row["subset"] != "all") == 8  # fmt: skip
    assert rows[ours][0]["evaluations"] == 1

    found = list(contrast.likeness(rows, context))
    pairs = {(c.library, row["against"], row["metric"]): row["value"]
             for c, measured in found for row in measured if "against" in row}  # fmt: skip
    if theirs.library:
        assert rows[theirs][0]["evaluations"] == pytest.approx(1)
        same = pairs["captum", "saliency", "cosine"]
        assert same == pairs["", "captum.saliency", "cosine"] == pytest.approx(1, abs=1e-4)
    controls = {row["method"] for _, measured in found for row in measured
                if row.get("library") == "control"}  # fmt: skip
    assert controls == set(CONTROLS)
    assert len({each.cell_id for each, _ in found}) == len(found)


def test_localisation_of_a_perfect_and_a_senseless_map(
    located: tuple[Cell, dict[str, Any]],
) -> None:
    cell, context = located
    about = subject(cell, context, 8)
    masks = about.masks
    assert masks is not None

    def values(maps: np.ndarray[Any, Any], targets: np.ndarray[Any, Any]) -> dict[Any, float]:
        rows = contrast.localisation(maps, about, targets)
        return {(row["metric"], row["subset"]): row["value"] for row in rows}

    perfect = values(masks.astype(float), about.labels)
    assert perfect["pointing_game", "all"] == perfect["relevance_mass", "correct"] == 1
    assert ("pointing_game", "wrong") not in perfect
    outside = values((~masks).astype(float), about.labels + 1)
    assert outside["pointing_game", "wrong"] == outside["relevance_mass", "all"] == 0
    assert ("pointing_game", "correct") not in outside
    nowhere = replace(about, masks=None)
    assert not list(contrast.localisation(masks.astype(float), nowhere, about.labels))


@pytest.mark.parametrize("column", ["pytorch", "keras[tensorflow]", "keras[torch]"])
def test_cells_are_our_methods_and_every_offer(column: str) -> None:
    """Libraries stand in the column that they explain, ours beside them."""
    ask = Request(
        datasets=("shapes",), architectures=("cnn-gap",), columns=pick_columns([column]),
        methods=("grad_cam", "grad_cam_all_classes", "saliency"),
    )  # fmt: skip
    found = list(contrast.cells(ask, "shapes", "cnn-gap"))
    assert len({cell.cell_id for cell in found}) == len(found)
    assert all(cell.column.label == column for cell in found)
    described = [libraries.describe(name) for name in libraries.names()]
    offers = {
        f"{library.name}.{offer}"
        for library in described
        if (library.framework, library.backend) == pick_columns([column])[0][:2]
        for offer in library.offers
    }
    # Of Keras' columns only what a library that is installed there is like: of these two methods
    # ELI5 and its like have Grad-CAM, Xplique in its own environment has both.
    liked = ["grad_cam", *(["saliency"] if libraries.describe("xplique").python else [])]
    ours = {
        "pytorch": {"grad_cam", "saliency"},
        "keras[tensorflow]": {f"{name} (keras[tensorflow])" for name in liked},
        "keras[torch]": set(),
    }
    assert {contrast.label(cell) for cell in found} == ours[column] | offers
