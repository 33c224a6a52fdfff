from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import metric_cost


def test_a_line_for_each_metric_that_evaluates(make: Any) -> None:
    made = {"task": "judge", "method": "", "subset": "correct", "value": 0.1, "n": 60}
    rows = [
        make.row("judge", "jax", **made, explainer=explainer, metric=metric, evaluations=cost,
                 efficiency=efficiency)
        for explainer, by in (("grad_cam", 0.9), ("saliency", 0.7), ("control.grey", 0.8))
        for metric, cost, efficiency in (("road", 18.0, by - 0.1), ("deletion", 19.0, by),
                                         ("sparseness", 0.0, None))
    ]  # fmt: skip
    table = metric_cost.make(make.frame(rows))
    assert table.data["metric"].tolist() == ["deletion", "road"], "one evaluates nothing"
    assert table.data["efficiency"].tolist() == pytest.approx([0.8, 0.7])
    (section,) = table.sections
    road = section.frame.set_index("metric").loc["road"]
    assert (road["evaluations"], road["at the least"], road["explainers"]) == ("18.0", "60 %", "3")
    assert metric_cost.make(make.frame([])).data.empty
