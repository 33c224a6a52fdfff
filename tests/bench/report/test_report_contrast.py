from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report.figures.frontier import frontier
from bench.report.tables import contrast, contrast_likeness


def rows(make: Any) -> list[dict[str, Any]]:
    def cost(ms: float, **values: Any) -> dict[str, Any]:
        return make.row("contrast", "pytorch", median_ms=ms, evaluations=1, n_images=8, **values)  # type: ignore[no-any-return]

    def quality(metric: str, value: float, **values: Any) -> dict[str, Any]:
        return make.row("contrast", "pytorch", metric=metric, value=value, n=8, **values)  # type: ignore[no-any-return]

    saliency = {"method": "saliency", "library": "captum"}
    return [
        cost(10.0),
        cost(40.0, **saliency),
        make.row("contrast", "pytorch", library="shap", method="deep", status="skipped",
                 reason="shap is not installed"),
        quality("spearman", 0.7, against="captum.saliency", task="likeness"),
        quality("cosine", 0.4, against="grad_cam", task="likeness", **saliency),
        quality("pointing_game", 0.9, subset="all"),
        quality("pointing_game", 0.95, subset="correct"),
        quality("pointing_game", 0.2, subset="wrong"),
        quality("pointing_game", 0.5, subset="all", **saliency),
        quality("pointing_game", 0.1, subset="all", library="control", method="noise"),
    ]  # fmt: skip


def test_cost_likeness_and_localisation(make: Any) -> None:
    (table,) = contrast.make(make.frame(rows(make)))
    data = table.data.set_index("explainer")
    assert data.loc["grad_cam", "ms_per_image"] == 1.0
    assert data.loc["captum.saliency", "spearman_to_grad_cam"] == 0.7  # measured the other way
    assert data.loc["captum.saliency", "cosine_to_grad_cam"] == 0.4
    assert data.loc["control.noise", "pointing_game_all"] == 0.1
    assert math.isnan(data.loc["control.noise", "ms_per_image"])
    costs, located = table.sections
    assert costs.frame["explainer"].tolist() == ["grad_cam", "captum.saliency"]
    assert costs.notes == ("- shap.deep: *skipped*: shap is not installed", "Of 8 images.")
    shown = located.frame.set_index("explainer")["pointing_game"]
    assert shown.to_dict() == {
        "grad_cam": "0.900 / 0.950 / 0.200",
        "captum.saliency": "0.500",
        "control.noise": "0.100",
    }


def test_all_skipped_lists_reasons(make: Any) -> None:
    skipped = make.row("contrast", "pytorch", status="skipped", reason="not here")
    (table,) = contrast.make(make.frame([skipped]))
    assert table.sections[0].notes == ("- grad_cam: *skipped*: not here",)
    assert contrast_likeness.make(make.frame([skipped])) == []
    assert contrast.make(make.frame([])) == []


def test_likeness_matrix_is_symmetric(make: Any) -> None:
    (table,) = contrast_likeness.make(make.frame(rows(make)))
    spearman = table.data[table.data["metric"] == "spearman"].set_index("explainer")
    assert spearman.loc["grad_cam", "captum.saliency"] == pytest.approx(0.7)
    assert spearman.loc["captum.saliency", "grad_cam"] == pytest.approx(0.7)
    assert math.isnan(spearman.loc["grad_cam", "grad_cam"])
    assert table.sections[0].frame["most alike"][0] in ("grad_cam 0.400", "captum.saliency 0.400")


def test_frontier_keeps_what_no_cheaper_one_reaches() -> None:
    points = [(1.0, 0.5, "a"), (2.0, 0.4, "b"), (3.0, 0.9, "c"), (3.0, 0.8, "d"), (9.0, 0.9, "e")]
    assert [name for *_, name in frontier(points, higher=True)] == ["a", "c"]
    assert [name for *_, name in frontier(points, higher=False)] == ["a", "b"]
