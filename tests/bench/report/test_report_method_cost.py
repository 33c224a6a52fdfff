from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import method_cost


def line(make: Any, rows: list[dict[str, Any]], method: str) -> dict[str, Any]:
    data = method_cost.make(make.frame(rows)).data
    found: dict[str, Any] = data.set_index("method").loc[method].to_dict()
    return found


def timed(make: Any, ms: float, method: str, passes: tuple[int, int, int], **other: Any) -> Any:
    evaluations, pullbacks, heads = passes
    work = {"evaluations": evaluations, "pullbacks": pullbacks, "heads": heads}
    return make.times("jax", [ms] * 3, method=method, mode="compiled", **work, **other)


def forward(make: Any, ms: float, batch: int) -> Any:
    what = {"task": "forward", "method": "", "layer": "", "batch": batch, "mode": "compiled"}
    return make.times("jax", [ms] * 3, **what)


@pytest.fixture
def rows(make: Any) -> list[dict[str, Any]]:
    at_input = {"layer": ""}
    return [
        *forward(make, 6.4, 64), *forward(make, 0.3, 1),
        *timed(make, 12.8, "grad_cam", (1, 1, 0), batch=64),
        *timed(make, 14.08, "layer_cam", (1, 1, 0), batch=64),
        *timed(make, 19.2, "saliency", (1, 1, 0), batch=64, **at_input),
        *timed(make, 125.0, "lime", (1000, 0, 0), batch=1, **at_input),
        *timed(make, 20.0, "smooth_grad", (50, 50, 0), batch=1, **at_input),
        *timed(make, 3.0, "ablation_cam", (17, 0, 16), batch=1),
    ]  # fmt: skip


def test_one_pull_back_is_held_against_grad_cam(make: Any, rows: list[dict[str, Any]]) -> None:
    found = line(make, rows, "layer_cam")
    assert found["ratio"] == pytest.approx(1.1) and found["near"]
    slow = [*rows, *timed(make, 25.6, "hires_cam", (1, 1, 0), batch=64)]
    assert not line(make, slow, "hires_cam")["near"]


def test_gradients_of_the_image_have_a_ratio_and_no_bound(
    make: Any, rows: list[dict[str, Any]]
) -> None:
    found = line(make, rows, "saliency")
    assert found["ratio"] == pytest.approx(1.5)
    assert found["near"] != found["near"]


def test_many_passes_are_held_against_as_many_at_the_best_batch(
    make: Any, rows: list[dict[str, Any]]
) -> None:
    assert line(make, rows, "lime")["efficiency"] == pytest.approx(1000 * 0.1 / 125)
    assert line(make, rows, "smooth_grad")["efficiency"] == pytest.approx(50 * 0.3 / 20)


def test_passes_from_the_layer_on_have_no_time_of_their_own(
    make: Any, rows: list[dict[str, Any]]
) -> None:
    found = line(make, rows, "ablation_cam")
    assert found["efficiency"] != found["efficiency"]
    (section,) = method_cost.make(make.frame(rows)).sections
    shown = section.frame.set_index("method")
    assert shown.loc["ablation_cam", "passes"] == "17 (16)"
    assert shown.loc["lime", "efficiency"] == "80 %"
    assert shown.loc["layer_cam", "at most ×1.15"] == "yes"


def test_rows_that_do_not_tell_of_their_work_are_left_out(make: Any) -> None:
    assert method_cost.make(make.frame(make.times("jax", [1.0], mode="compiled"))).data.empty


def test_grad_cam_alone_is_held_against_nothing(make: Any) -> None:
    rows = timed(make, 12.8, "grad_cam", (1, 1, 0), batch=64)
    assert method_cost.make(make.frame(rows)).data.empty
