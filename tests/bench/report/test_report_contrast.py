from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report.explainers import Explainer, Value
from bench.report.figures.frontier import budgets, draw, frontier
from bench.report.tables import contrast, contrast_likeness


def rows(make: Any) -> list[dict[str, Any]]:
    def cost(evaluations: int, **values: Any) -> dict[str, Any]:
        return make.row(  # type: ignore[no-any-return]
            "contrast", "pytorch", evaluations=evaluations, n_images=8, **values
        )

    def judged(explainer: str, metric: str, value: float, **values: Any) -> dict[str, Any]:
        made = {"task": "judge", "method": "", "explainer": explainer, "mode": "compiled"}
        interval = {"ci_lo": value - 0.1, "ci_hi": value + 0.1, "n": 8}
        return make.row(  # type: ignore[no-any-return]
            "judge", "jax", metric=metric, value=value, **{**made, **interval, **values}
        )

    def told(explainer: str, letters: str) -> dict[str, Any]:
        made = {"task": "apart", "method": "", "precision": "float64", "subset": "correct"}
        return make.row(  # type: ignore[no-any-return]
            "judge", "pytorch", explainer=explainer, metric="removal_gain", value=7.0,
            letters=letters, **made,
        )  # fmt: skip

    saliency = {"method": "saliency", "library": "captum"}
    correct, wrong = {"subset": "correct"}, {"subset": "wrong", "n": 3}
    return [
        cost(1),
        cost(4, **saliency),
        cost(0, method="noise", library="control"),
        make.row("contrast", "pytorch", library="shap", method="deep", status="skipped",
                 reason="shap is not installed"),
        *make.times("pytorch", [10.0] * 3),
        *make.times("pytorch", [8.0] * 3, mode="compiled"),
        *make.times("pytorch", [1.0] * 3, layer="relu1"),
        *make.times("pytorch", [2.0] * 3, dataset="shapes"),
        *make.times("pytorch", [30.0] * 3, dataset="shapes", layer="", mode="eager", **saliency),
        *make.times("pytorch", [3.0] * 3, dataset="cifar10", layer="", image_hw="9x9", **saliency),
        judged("captum.saliency", "spearman", 0.7, against="grad_cam"),
        judged("captum.saliency", "cosine", 0.4, against="grad_cam"),
        judged("grad_cam", "removal_gain", 0.9, **correct),
        judged("grad_cam", "removal_gain", 0.2, **wrong),
        judged("grad_cam", "removal_gain", 0.01, **correct, at=0.5),
        judged("grad_cam", "removal_gain", 0.3, weights="initial", **correct),
        judged("captum.saliency", "removal_gain", 0.5, **correct, ci_lo=None, ci_hi=None),
        judged("control.noise", "removal_gain", 0.1, **correct),
        judged("control.noise", "blank", 0.25, **correct),
        judged("control.noise", "attractor", 0.5, **correct),
        judged("control.noise", "sparseness", 0.2, **correct),
        told("grad_cam", "a"), told("control.noise", "a b"),
    ]  # fmt: skip


def test_cost_likeness_and_scores(make: Any) -> None:
    table = contrast.make(make.frame(rows(make)))
    data = table.data.set_index("explainer")
    assert data.loc["grad_cam", "ms_per_image"] == 0.8
    assert data.loc["grad_cam", "timed"] == "compiled, batch 10"
    assert data.loc["captum.saliency", "ms_per_image"] == 3.0
    assert data.loc["captum.saliency", "timed"] == "eager, batch 10, shapes"
    assert math.isnan(data.loc["control.noise", "ms_per_image"]), "nobody has timed it"
    assert data.loc["captum.saliency", "spearman_to_grad_cam"] == 0.7
    assert data.loc["captum.saliency", "cosine_to_grad_cam"] == 0.4
    assert data.loc["grad_cam", "removal_gain_wrong"] == 0.2
    assert data.loc["grad_cam", "removal_gain_wrong_n"] == 3
    assert data.loc["grad_cam", "removal_gain_correct_untrained"] == 0.3
    assert data.loc["grad_cam", "removal_gain_correct_ci_lo"] == pytest.approx(0.8)
    costs, scored, others = table.sections
    assert others.frame.to_dict("records") == [
        {"explainer": "control.noise", "sparseness": "0.200 (0.100–0.300)"}
    ]
    assert costs.frame["explainer"].tolist() == ["grad_cam", "captum.saliency", "shap.deep"]
    assert costs.frame["evaluations"].tolist() == ["1.00", "4.00", "skipped (1)"]
    few = "Of 8 images, 8 classified correctly: below 30, no ground for a finding."
    assert costs.told == ("(1) skipped: shap is not installed", few)
    shown = scored.frame.set_index("explainer")
    assert scored.told == (
        "Of a wholly filled image the network's probability is 0.250.",
        "Of images half filled at random, 0.500 fall into one class.",
    )
    assert "blank" not in shown
    assert shown["removal_gain"].to_dict() == {
        "grad_cam": "0.900 (0.800–1.00) a",
        "captum.saliency": "0.500",
        "control.noise": "0.100 (0–0.200) a b",
    }
    assert shown.loc["grad_cam", "removal_gain, untrained"] == "0.300"


def test_rows_of_runs_before_there_was_a_judge_are_read(make: Any) -> None:
    """All images pooled, likeness and controls among the rows of contrast."""
    old = [
        make.row("contrast", "pytorch", median_ms=10.0, evaluations=1, n_images=8),
        make.row("contrast", "pytorch", metric="pointing_game", value=0.9, n=8, subset="all"),
        make.row("contrast", "pytorch", metric="cosine", value=0.4, n=8, task="likeness",
                 against="captum.saliency"),
        make.row("contrast", "pytorch", library="captum", method="saliency", evaluations=1),
        make.row("contrast", "pytorch", metric="pointing_game", value=0.1, n=8, subset="all",
                 library="control", method="noise"),
    ]  # fmt: skip
    table = contrast.make(make.frame(old))
    shown = table.sections[1].frame.set_index("explainer")["pointing_game"]
    assert shown.to_dict() == {"grad_cam": "0.900", "control.noise": "0.100"}
    data = table.data.set_index("explainer")
    assert data.loc["captum.saliency", "cosine_to_grad_cam"] == 0.4
    assert math.isnan(data.loc["grad_cam", "ms_per_image"])


def test_all_skipped_lists_reasons(make: Any) -> None:
    skipped = make.row("contrast", "pytorch", status="skipped", reason="not here")
    table = contrast.make(make.frame([skipped]))
    assert table.sections[0].told == ("(1) skipped: not here",)
    assert contrast_likeness.make(make.frame([skipped])).data.empty
    assert contrast.make(make.frame([])).data.empty


def test_likeness_is_symmetric_and_stands_once_in_the_csv(make: Any) -> None:
    table = contrast_likeness.make(make.frame(rows(make)))
    found = table.data.set_index("metric")
    assert found.loc["spearman", ["explainer", "other", "value"]].tolist() == [
        "captum.saliency", "grad_cam", 0.7
    ]  # fmt: skip
    first = table.sections[0].frame
    assert first["explainer"].tolist() == ["captum.saliency", "grad_cam"]
    assert first["alike, 1"].tolist() == ["grad_cam 0.400", "captum.saliency 0.400"]


def test_frontier_keeps_what_no_cheaper_one_reaches() -> None:
    points = [(1.0, 0.5, "a"), (2.0, 0.4, "b"), (3.0, 0.9, "c"), (3.0, 0.8, "d"), (9.0, 0.9, "e")]
    assert [name for *_, name in frontier(points, higher=True)] == ["a", "c"]
    assert [name for *_, name in frontier(points, higher=False)] == ["a", "b"]
    same = [(1.0, 0.5 + 1e-8, "captum.saliency"), (1.0, 0.5, "saliency"), (1.0, 0.4, "a")]
    assert [name for *_, name in frontier(same, higher=True)] == ["saliency"]


def test_what_samples_is_a_line_through_its_budgets() -> None:
    def explainer(method: str, evaluations: float, value: float, library: str = "") -> Explainer:
        quality = {("deletion", "correct"): Value(value)}
        return Explainer(
            method, "pytorch", method, library, evaluations=evaluations, quality=quality
        )

    found = [
        explainer("rise[masks=256]", 256, 0.3), explainer("rise[masks=64]", 64, 0.4),
        explainer("rise[nb_samples=64]", 64, 0.5, "xplique"), explainer("grad_cam", 1, 0.2),
    ]  # fmt: skip
    assert list(budgets(found, "deletion")) == [("rise", "ours, pytorch", [(64, 0.4), (256, 0.3)])]
    assert not list(budgets(found, "insertion"))


@pytest.mark.parametrize("cause", [None, "order unstable"])
def test_the_picture_has_intervals_and_says_which_metric_tells_nothing(
    make: Any, cause: str | None
) -> None:
    verdict = {"task": "apart", "method": "", "subset": "correct", "statistic": "verdict"}
    made = [*rows(make), make.row("judge", "pytorch", metric="removal_gain", value=0.5,
                                  notes=cause, apart=not cause, **verdict)]  # fmt: skip
    sheet = dict(draw(make.frame(made)))["frontier_digits_cnn-gap_cpu"]
    (panel,), rows_ = sheet["concat"], sheet["datasets"]["selection0"]
    assert panel["title"]["text"].endswith(cause or "is better)")
    points = [row for row in rows_ if row["kind"] == "point" and row["low"] is not None]
    assert [(row["cost"], row["low"], row["high"]) for row in points] == [(1, 0.8, 1.0)]
    assert "control.noise" in [row["explainer"] for row in rows_ if row["kind"] == "control"]
