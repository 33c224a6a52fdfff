from __future__ import annotations

import math
from typing import Any

import pytest

from bench.report.tables import choose

FORWARD = {"task": "forward", "method": "", "layer": ""}


def section(make: Any, rows: list[dict[str, Any]]) -> Any:
    return choose.make(make.frame(rows))


def test_nothing_timed_gives_no_table(make: Any) -> None:
    assert choose.make(make.frame([make.agree("jax", "logits")])).data.empty


def test_best_mode_factor_and_interval(make: Any) -> None:
    rows = make.times("jax", [40.0, 40.0, 42.0]) + make.times("jax", [20.0] * 3, mode="compiled")
    rows += make.times("pytorch", [30.0] * 3)
    table = section(make, rows)
    by_column = table.data.set_index("column")
    assert by_column.loc["jax", "mode"] == "compiled"
    assert by_column.loc["jax", "ms_per_image"] == 2.0
    assert by_column.loc["pytorch", "factor"] == pytest.approx(1.5)
    assert by_column.loc["pytorch", "differs_from_best"]
    shown = table.sections[0].frame
    assert shown["jax"][0] == "2.00 (2.00–2.00) ×1.00 compiled"
    assert shown["pytorch"][0] == "3.00 (3.00–3.00) ×1.50 eager"


@pytest.mark.parametrize(
    ("pytorch", "leads"), [(2.0, "pytorch"), (9.9, "jax, pytorch"), (30.0, "jax")]
)
def test_who_leads_on_every_line_is_said(make: Any, pytorch: float, leads: str) -> None:
    rows = make.times("jax", [10.0, 10.1, 9.8]) + make.times("pytorch", [pytorch] * 3)
    rows += make.times("jax", [10.0, 10.1, 9.8], **FORWARD)
    rows += make.times("pytorch", [pytorch, pytorch, 10.0], **FORWARD)
    rows += [make.row("time", "jax", method="cam", status="skipped", reason="no")]
    rows += make.times("keras[jax]", [90.0] * 3)
    assert f"{choose.LEADS}: {leads}." in section(make, rows).sections[0].told


def test_no_column_leads_where_each_is_the_fastest_at_something(make: Any) -> None:
    rows = make.times("jax", [1.0] * 3) + make.times("pytorch", [2.0] * 3)
    rows += make.times("jax", [2.0] * 3, **FORWARD) + make.times("pytorch", [1.0] * 3, **FORWARD)
    assert f"{choose.LEADS}: no column." in section(make, rows).sections[0].told


def test_one_round_has_no_interval_and_cannot_be_told_apart(make: Any) -> None:
    table = section(make, make.times("jax", [10.0]) + make.times("pytorch", [90.0]))
    assert table.sections[0].frame["pytorch"][0] == "9.00 ×9.00 ≈ eager"
    assert math.isnan(table.data["ms_low"][0])


def test_absent_cells_give_their_reason_once(make: Any) -> None:
    rows = make.times("jax", [10.0, 10.0])
    for method in ("cam", "saliency"):
        rows.append(make.row("time", "pytorch", method=method, status="skipped", reason="no cc"))
    wrong = {"status": "wrong", "reason": "max_rel 1", "median_ms": None}
    rows += make.times("keras[jax]", [10.0, 10.0]) + make.times("keras[jax]", [1.0], **wrong)
    table = section(make, rows)
    shown = table.sections[0].frame.set_index("what")
    assert shown.loc["cam", "pytorch"] == "skipped (1)"
    assert shown.loc["saliency", "pytorch"] == "skipped (1)"
    assert shown.loc["grad_cam", "pytorch"] == "–"
    assert shown.loc["grad_cam", "keras[jax]"] == "wrong (2)"
    assert table.sections[0].told[:2] == ("(1) skipped: no cc", "(2) wrong: max_rel 1")
    assert table.data.loc[table.data["column"] == "keras[jax]", "ms_per_image"].isna().all()


def test_all_skipped_is_a_table_of_reasons(make: Any) -> None:
    rows = [make.row("time", c, status="skipped", reason="no GPU") for c in ("jax", "pytorch")]
    table = section(make, rows)
    shown = table.sections[0].frame
    assert shown["jax"][0] == "skipped (1)"
    assert table.sections[0].told == ("(1) skipped: no GPU",)


def test_geometric_mean_over_the_lines_that_all_columns_have(make: Any) -> None:
    rows = make.times("jax", [10.0] * 2, task="forward", method="", layer="")
    rows += make.times("pytorch", [20.0] * 2, task="forward", method="", layer="")
    rows += make.times("jax", [80.0] * 2) + make.times("pytorch", [10.0] * 2)
    rows += make.times("pytorch", [1e4] * 2, method="cam")
    shown = section(make, rows).sections[0]
    # sqrt(1 * 8) and sqrt(2 * 1)
    means = "Geometric mean of the factors of 2 lines: jax ×2.83, pytorch ×1.41."
    assert means in shown.told
    assert shown.frame["what"].tolist() == ["forward pass", "cam", "grad_cam"]


def test_forward_ratio_is_to_the_best_forward_pass(make: Any) -> None:
    same = {"task": "forward", "method": "", "layer": ""}
    rows = make.times("jax", [10.0] * 2, **same) + make.times("jax", [5.0] * 2, mode="xla", **same)
    rows += make.times("jax", [15.0] * 2)
    data = section(make, rows).data.set_index("task")
    assert data.loc["heatmap", "forward_ratio"] == pytest.approx(3)


def test_factors_and_ratios_are_quotients_of_the_times_beside_them(make: Any) -> None:
    # The machine was twice as slow in the second round: both see it alike.
    rows = make.times("jax", [10.0, 20.0]) + make.times("pytorch", [30.0, 60.0])
    rows += make.times("pytorch", [60.0], batch=10, **FORWARD)
    rows += [row | {"round": 1} for row in make.times("pytorch", [120.0], **FORWARD)]
    data = section(make, rows).data
    heatmap = data[data["task"] == "heatmap"].set_index("column")
    assert heatmap.loc["pytorch", "factor"] == pytest.approx(3.0)
    assert heatmap.loc["pytorch", "forward_ratio"] == pytest.approx(0.5)
    uneven = make.times("jax", [10.0, 20.0, 20.0]) + make.times("pytorch", [30.0, 60.0, 30.0])
    line = section(make, uneven).data.set_index("column").loc["pytorch"]
    assert line["factor"] == line["ms_per_image"] / line["best_ms_per_image"]
    assert line["factor"] == pytest.approx(1.5 * 1.1 ** (2 / 3))  # a round counts as 10 % away


def test_stale_and_unstable_are_marked_and_explained(make: Any) -> None:
    rows = make.times("jax", [1.0, 1.0], code_hash="old") + make.times("pytorch", [10.0, 20.0])
    rows += make.times("keras[jax]", [30.0, 30.0], stable=False)
    shown = section(make, rows).sections[0]
    assert shown.frame["jax"][0].endswith("†")
    assert shown.frame["pytorch"][0].endswith("~")
    assert shown.frame["keras[jax]"][0].endswith("~")
    assert len(shown.notes) == 2


def test_toggles_that_vary_are_named(make: Any) -> None:
    rows = make.times("jax", [1.0], batch=1) + make.times("jax", [2.0], batch=64)
    shown = section(make, rows).sections[0]
    assert shown.frame["batch"].tolist() == ["1", "64"]
    assert "batch" not in shown.title
    assert "batch 10" in section(make, make.times("jax", [1.0])).sections[0].title


def test_a_device_without_rows_says_so(make: Any) -> None:
    rows = make.times("jax", [1.0]) + make.times("pytorch", [2.0])
    told = "No run was made with `--device gpu`."
    assert section(make, rows).note.endswith(told)
    rows += make.times("jax", [1.0], device="gpu")
    assert told not in section(make, rows).note


def test_each_place_is_a_section(make: Any) -> None:
    rows = make.times("jax", [1.0]) + make.times("jax", [1.0], device="gpu")
    rows += make.times("jax", [1.0], dataset="shapes")
    titles = [s.title for s in section(make, rows).sections]
    assert titles == [
        f"{d}, cnn-gap, {on}, relu4, batch 10, float32"
        for d, on in (("digits", "cpu"), ("digits", "gpu"), ("shapes", "cpu"))
    ]


def grid(make: Any) -> list[dict[str, Any]]:
    rows = []
    for batch in (1, 64, 256):
        rows += make.times("jax", [1.0 * batch] * 3, **FORWARD, batch=batch)
        rows += make.times("jax", [2.0 * batch] * 3, layer="", batch=batch)
    same = {"layer": "", "batch": 64}
    rows += make.times("jax", [9.0] * 3, layer="relu1", batch=64)
    rows += make.times("jax", [9.0] * 3, **same, precision="float64")
    rows += make.times("jax", [9.0] * 3, **same, method="grad_cam_all_classes")
    rows += make.times("jax", [9.0] * 3, **same, library="captum")
    rows += make.times("jax", [9.0] * 3, layer="", method="occlusion", batch=8)
    return rows


def test_of_a_grid_the_base_is_shown_and_the_csv_has_it_all(make: Any) -> None:
    table = section(make, grid(make))
    assert len(table.data) == 2 * 3 + 5
    shown = table.sections[0]
    assert shown.title == "digits, cnn-gap, cpu, float32"
    assert shown.frame["what"].tolist() == ["forward pass", "grad_cam", "occlusion"]
    assert shown.frame["batch"].tolist() == ["64", "64", "8"]


def test_each_time_is_over_the_forward_pass_of_its_own_batch(make: Any) -> None:
    data = section(make, grid(make)).data
    plain = data[
        (data["method"] == "grad_cam") & (data["layer"] == "relu4") & (data["library"] == "")
    ]
    ratios = plain[plain["precision"] == "float32"]["forward_ratio"]
    assert ratios.tolist() == [2.0, 2.0, 2.0]
    assert data.loc[data["method"] == "occlusion", "forward_ratio"].isna().all()
    assert data.loc[data["precision"] == "float64", "forward_ratio"].isna().all()


def test_another_precision_is_named_where_only_it_was_timed(make: Any) -> None:
    rows = make.times("jax", [1.0], precision="tf32") + make.times(
        "pytorch", [2.0], precision="tf32"
    )
    shown = section(make, rows).sections[0]
    assert shown.title == "digits, cnn-gap, cpu, relu4, batch 10, tf32"
    rows += make.times("jax", [1.0], precision="bfloat16")
    shown = section(make, rows).sections[0]
    assert shown.frame["precision"].tolist() == ["bfloat16", "tf32"]


def test_what_is_alone_is_shown_although_it_has_a_table_of_its_own(make: Any) -> None:
    table = section(make, make.times("pytorch", [1.0], library="captum"))
    assert table.sections[0].frame["what"][0] == "captum.grad_cam"


def test_a_factor_is_never_across_runs(make: Any) -> None:
    older = {"run_id": "time-20240101T000000-m1"}
    rows = make.times("jax", [10.0] * 3) + make.times("pytorch", [20.0] * 3)
    rows += make.times("jax", [1.0] * 3, mode="compiled", **older)
    rows += make.times("keras[jax]", [5.0] * 3, **older)
    table = section(make, rows)
    data = table.data.set_index("column")
    assert data.loc["jax", "ms_per_image"] == 1.0  # not the 0.1 of another run than its line's
    assert data.loc["pytorch", "factor"] == 2.0
    assert math.isnan(data.loc["keras[jax]", "factor"])
    shown = table.sections[0]
    assert shown.frame["keras[jax]"].tolist() == ["0.500 (0.500–0.500) § eager"]
    assert any(note.startswith("§") for note in shown.notes)


def test_no_ratio_to_a_forward_pass_of_another_run(make: Any) -> None:
    rows = make.times("jax", [10.0], **FORWARD, run_id="time-20240101T000000-m1")
    data = section(make, rows + make.times("jax", [20.0])).data.set_index("task")
    assert math.isnan(data.loc["heatmap", "forward_ratio"])
