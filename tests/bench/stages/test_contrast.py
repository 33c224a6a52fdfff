from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import metrics
from bench.record.cell import Cell
from bench.record.schema import COLUMNS
from bench.report import sanity
from bench.stages import cascades, contrast
from bench.subject.inputs import INITIAL, prepare_images
from bench.subject.names import pick_columns
from bench.subject.request import Request
from implementations import libraries
from implementations.architecture import weights
from implementations.libraries.control import CONTROLS


@pytest.fixture
def located(small: Any, tmp_path: Path) -> tuple[Cell, dict[str, Any]]:
    """A cell on images whose true masks are known, and its context."""
    images = prepare_images("shapes", 12, tmp_path, None, False)
    trained = tmp_path / "shapes.safetensors"
    cell = replace(
        small.cell, stage="contrast", framework="pytorch", precision="float32", dataset="shapes",
        layer="", architecture="cnn-gap", batch=16,
    )  # fmt: skip
    context = {
        **small.context,
        "images": {"shapes": str(images)},
        "weights": {"shapes/cnn-gap/trained": str(trained)},
        "maps": str(tmp_path / "maps"),
        "n_again": 3,
        "n_anew": 4,
    }
    architecture = contrast.subject(replace(cell, weights="random"), context).architecture
    weights.save(trained, weights.randomise(architecture, 20))
    return cell, context


def kept(row: dict[str, Any], context: dict[str, Any]) -> np.ndarray:
    path = contrast.map_path(Path(context["maps"]), row["maps_sha"])
    maps: np.ndarray = weights.load(path)["maps"]
    return maps


def needs(metric: str) -> set[str]:
    return set(metrics.load(metric).card.needs)


def test_maps_are_kept_by_digest_and_explained_again(located: tuple[Cell, dict[str, Any]]) -> None:
    pytest.importorskip("torch")
    cell, context = located
    ours = replace(cell, method="saliency")
    theirs = replace(ours, library="captum") if not libraries.describe("captum").missing else cell
    rows = {each: list(contrast.measure(each, context)) for each in (ours, theirs)}
    for each, measured in rows.items():
        assert not set().union(*measured) - set(COLUMNS)
        assert measured[0]["n_images"] == 8 and measured[0]["nan_count"] == 0
        assert "median_ms" not in measured[0], "the stage `time` is the one clock"
        assert kept(measured[0], context).shape == (8, 28, 28)
        again = {(r["metric"], r["subset"]): r for r in measured[1:] if "at" not in r}
        asked = [n for n in metrics.names() if {"explain", "weights"} & needs(n)]
        assert {metric for metric, _ in again} == set(asked)
        for name in asked:
            mine = [row for (metric, _), row in again.items() if metric == name]
            many = context["n_anew"] if contrast.MANY & needs(name) else 8
            assert sum(row["n"] + row["undefined"] for row in mine) == many
        assert all(row["explainer"] == contrast.label(each) for row in measured)
        assert all(r["value"] > 0 for (name, _), r in again.items() if "sensitivity" in name)
    assert rows[ours][0]["evaluations"] == 1
    if theirs.library:
        assert rows[theirs][0]["evaluations"] == pytest.approx(1)
        a, b = (kept(rows[each][0], context) for each in (ours, theirs))
        np.testing.assert_allclose(a, b, atol=1e-5 * abs(a).max())


def test_a_method_that_promises_a_sum_is_held_to_it(located: tuple[Cell, dict[str, Any]]) -> None:
    pytest.importorskip("torch")
    cell, context = located
    rows = list(contrast.measure(replace(cell, method="integrated_gradients"), context))
    gaps = {row["metric"]: row for row in rows if row.get("metric", "").startswith("completeness")}
    assert set(gaps) == {"completeness_gap", "completeness_absolute"}
    assert gaps["completeness_gap"]["value"] < 0.02
    curve = [row["at"] for row in rows if row.get("metric") == "cascading_ssim" and "at" in row]
    assert curve == sorted(curve)


def test_the_maps_of_each_step_are_kept_for_a_picture(
    located: tuple[Cell, dict[str, Any]], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    cell, context = located
    mine = replace(cell, method="saliency")
    context = {**context, "n_again": 0, "out": str(tmp_path)}
    rows = list(contrast.measure(mine, context))
    cascades.gather([mine, cell], context, tmp_path / "maps" / "run.safetensors")
    found = weights.load(tmp_path / "maps" / "run.safetensors")
    head = f"shapes/{cell.architecture}/cascade@"
    told = json.loads(bytes(found[f"{head}layers"]))
    assert told["counts"] == [*range(len(told["names"]) + 1)] and told["names"][0] == "dense1"
    maps = found[f"{head}saliency"]
    n = cascades.IMAGES
    assert maps.shape == (len(told["counts"]), n, 28, 28)
    np.testing.assert_allclose(maps[0], kept(rows[0], context)[:n], rtol=1e-6, atol=1e-7)
    for name in ("spearman", "ssim"):
        likeness = found[f"{head}saliency@{name}"]
        assert likeness.shape == maps.shape[:2]
        np.testing.assert_allclose(likeness[0], 1)
    ((stem, figure, runs),) = sanity.draw([tmp_path / "maps" / "run.safetensors"])
    assert stem == f"sanity_shapes_{cell.architecture}" and runs == ("run",)
    pixels = np.asarray(figure.axes[0].images[0].get_array())
    assert pixels.shape[1] == (1 + len(maps)) * (sanity.TILE + 6)
    cascades.gather([cell], context, tmp_path / "none.safetensors")
    assert not (tmp_path / "none.safetensors").exists(), "nothing was left by this one"


def test_what_is_costly_is_explained_again_on_few_images(
    located: tuple[Cell, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    cell, context = located
    monkeypatch.setattr(contrast, "COSTLY", 0)
    first, *again = contrast.measure(replace(cell, method="saliency"), context)
    mine = [row for row in again if row["metric"] == "max_sensitivity"]
    assert sum(row["n"] + row["undefined"] for row in mine) == context["n_again"]
    assert kept(first, context).shape == (8, 28, 28)
    anew = [row for row in again if row["metric"] == "random_logit"]
    assert sum(row["n"] + row["undefined"] for row in anew) == context["n_anew"] // 4
    never = {**context, "n_again": 0, "n_anew": 0}
    assert len(list(contrast.measure(replace(cell, method="saliency"), never))) == 1


def test_a_network_before_training_is_explained_for_the_same_targets(
    located: tuple[Cell, dict[str, Any]],
) -> None:
    pytest.importorskip("torch")
    cell, context = located
    trained, initial = replace(cell, method="saliency"), replace(cell, weights=INITIAL)
    np.testing.assert_array_equal(
        contrast.explained(trained, context), contrast.explained(initial, context)
    )
    rows = list(contrast.measure(replace(initial, method="saliency"), context))
    assert len(rows) == 1, "it is not explained again"
    (other, *_) = contrast.measure(trained, context)
    assert rows[0]["weights_sha"] != other["weights_sha"]
    assert not np.allclose(kept(rows[0], context), kept(other, context))


def test_controls_are_explainers_like_any_other(located: tuple[Cell, dict[str, Any]]) -> None:
    _, context = located
    ask = Request(datasets=("shapes",), architectures=("cnn-gap",), methods=(),
                  columns=pick_columns(["pytorch"]))  # fmt: skip
    cells = [c for c in contrast.cells(ask, "shapes", "cnn-gap") if c.library == "control"]
    assert [each.method for each in cells] == list(CONTROLS)
    moved = {}
    for each in cells:
        first, *again = contrast.measure(each, context)
        assert first["evaluations"] == 0 and kept(first, context).shape == (8, 28, 28)
        found = {row["metric"]: row["value"] for row in again if row["value"] is not None}
        moved[each.method] = found["max_sensitivity"]
        assert found.get("cascading_randomisation", 1) == pytest.approx(1), "it reads no weights"
        assert found.get("random_logit", 1) == pytest.approx(1), "nor the class"
    # Sensitivity's best value belongs to maps that ignore the image.
    assert moved["centre"] == moved["uniform"] == 0
    assert 0 < moved["blurred"] < moved["grey"] < moved["noise"]


@pytest.mark.parametrize("column", ["pytorch", "keras[tensorflow]", "keras[torch]"])
def test_cells_are_our_methods_and_the_offers_like_them(column: str) -> None:
    """Libraries stand in the column that they explain, ours beside them."""
    ask = Request(
        datasets=("shapes",), architectures=("cnn-gap",), columns=pick_columns([column]),
        methods=("grad_cam", "grad_cam_all_classes", "saliency"),
    )  # fmt: skip
    every = list(contrast.cells(ask, "shapes", "cnn-gap"))
    assert len({cell.cell_id for cell in every}) == len(every)
    found = [cell for cell in every if cell.library != "control"]
    assert all(cell.column.label == column for cell in found)
    trained, initial = ([c for c in found if c.weights == w] for w in ("trained", INITIAL))
    assert initial == [replace(cell, weights=INITIAL) for cell in trained]
    briefly = contrast.cells(replace(ask, command="compare"), "shapes", "cnn-gap")
    assert not [cell for cell in briefly if cell.library and cell.weights == INITIAL]
    described = [libraries.describe(name) for name in libraries.names()]
    offers = {
        f"{library.name}.{offer}"
        for library in described
        if (library.framework, library.backend) == pick_columns([column])[0][:2]
        for offer, offered in library.offers.items()
        if offered.like in ask.methods
    }
    # Of Keras' columns only what a library that is installed there is like.
    here = [
        each
        for each in described
        if (each.framework, each.backend) == pick_columns([column])[0][:2]
    ]
    usable = [each for each in here if each.python or not each.missing]
    like = {offered.like for each in usable for offered in each.offers.values()}
    liked = [name for name in ("grad_cam", "saliency") if name in like]
    ours = {
        "pytorch": {"grad_cam", "saliency"},
        "keras[tensorflow]": {f"{name} (keras[tensorflow])" for name in liked},
        "keras[torch]": set(),
    }
    assert {contrast.label(cell) for cell in trained} == ours[column] | offers
    controls = {contrast.label(cell) for cell in every} - {contrast.label(cell) for cell in found}
    assert controls == ({f"control.{name}" for name in CONTROLS} if found else set())
