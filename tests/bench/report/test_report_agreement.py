from __future__ import annotations

import math
from typing import Any

from bench.report.table import Strong
from bench.report.tables import agreement


def test_worst_over_layers_and_the_first_stage_out(make: Any) -> None:
    rows = [make.agree("jax", name) for name in ("logits", "gradients", "heatmap")]
    bad = {"layer": "relu1", "agree": False, "max_rel": 0.1, "share_within": 0.5, "worst_image": 3}
    rows += [make.agree("jax", "logits", layer="relu1")]
    rows += [make.agree("jax", name, **bad) for name in ("upsampled", "heatmap", "gradients")]
    table = agreement.make(make.frame(rows))
    by_layer = table.data.set_index("layer")
    assert by_layer.loc["relu4", "max_rel"] == 5e-7
    assert by_layer.loc["relu1", "worst_image"] == 3
    assert by_layer.loc["relu1", "first_out"] == "gradients"
    assert bool(by_layer.loc["relu4", "passed"])
    assert not by_layer.loc["relu1", "passed"]
    matrix, details = table.sections
    assert matrix.frame["jax"].tolist() == ["66.7 % (0.100) ✗"]
    assert isinstance(matrix.frame["jax"][0], Strong)
    line = details.frame.iloc[0]
    assert line["first stage out"] == "gradients"
    assert line["images within"] == "66.7 %"
    assert line["of the worst cell"] == "50 %"
    assert line["zero maps"] == "25 %"
    assert line["gate"] == "not passed"


def test_nan_never_passes(make: Any) -> None:
    rows = [make.agree("jax", "heatmap", max_rel=math.nan, nan_count=3, agree=True)]
    worst = agreement.summary(make.frame(rows).to_dict("records"))
    assert worst["passed"] is False
    assert worst["max_rel"] == math.inf
    table = agreement.make(make.frame(rows))
    assert table.sections[0].frame["jax"][0] == "not finite ✗"


def test_no_gate_is_neither_passed_nor_failed(make: Any) -> None:
    rows = [make.agree("jax", "heatmap", agree=None, tolerance=None, share_within=None)]
    table = agreement.make(make.frame(rows))
    assert table.sections[1].frame["gate"][0] == "none"
    assert table.sections[0].frame["jax"][0] == "5e-07"


def test_precisions_and_weights_are_sections(make: Any) -> None:
    rows = [make.agree("jax", "heatmap"), make.agree("jax", "heatmap", precision="float64")]
    rows += [make.agree("pytorch", "heatmap", weights="random")]
    table = agreement.make(make.frame(rows))
    assert [s.title for s in table.sections if "details" not in s.title] == [
        "cpu, float32, random weights",
        "cpu, float32, trained weights",
        "cpu, float64, trained weights",
    ]


def test_all_skipped_lists_the_reasons(make: Any) -> None:
    rows = [
        make.row("agree", "keras[jax]", status="skipped", reason="no float64", layer=layer)
        for layer in ("relu1", "relu2")
    ]
    table = agreement.make(make.frame(rows))
    (section,) = table.sections
    assert section.title == "Not compared"
    assert section.frame[["cells", "reason"]].values.tolist() == [["2", "no float64"]]
    assert table.data["max_rel"].isna().all()


def test_a_cell_that_broke_fails_its_column(make: Any) -> None:
    rows = [make.agree("jax", "heatmap")]
    rows += [make.row("agree", "jax", layer="relu1", status="failed", reason="broke")]
    table = agreement.make(make.frame(rows))
    assert table.sections[0].frame["jax"][0].endswith("✗")
    assert table.sections[-1].frame["reason"][0] == "broke"


def test_a_signed_map_counts_where_every_map_after_the_relu_is_empty(make: Any) -> None:
    rows = [
        make.agree("jax", "signed", max_rel=3e-7, zero_map_share=0.0),
        make.agree("jax", "heatmap", max_rel=0.0, zero_map_share=1.0),
    ]
    table = agreement.make(make.frame(rows))
    (line,) = table.data.to_dict("records")
    assert line["max_rel"] == 3e-7 and line["zero_map_share"] == 1.0
