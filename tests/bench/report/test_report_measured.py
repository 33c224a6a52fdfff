from __future__ import annotations

from typing import Any

from bench.report.measured import Measured, common_batch, measured, one_batch, plain

FORWARD = {"task": "forward", "method": "", "layer": ""}


def cells(make: Any, *whats: dict[str, Any]) -> tuple[Measured, ...]:
    rows = [row for what in whats for row in make.times("jax", [1.0], **{"layer": "", **what})]
    return measured(make.frame(rows))


def told(found: list[Measured]) -> list[tuple[Any, ...]]:
    names = ("method", "layer", "precision", "batch")
    return sorted(tuple(cell.timing.what[name] for name in names) for cell in found)


def test_plain_takes_the_deepest_layer_and_base_precision_of_each_thing(make: Any) -> None:
    kept = [{}, {"method": "saliency", "precision": "bfloat16"}, FORWARD]
    left_out = [
        {"layer": "relu1"}, {"precision": "float64"}, {"layer": "relu1", "precision": "tf32"},
    ]  # fmt: skip
    found = plain(cells(make, *kept, *left_out))
    assert told(found) == [
        ("", "", "float32", 10), ("grad_cam", "relu4", "float32", 10),
        ("saliency", "", "bfloat16", 10),
    ]  # fmt: skip
    assert plain([]) == []


def test_one_batch_is_64_and_what_has_none_keeps_its_largest(make: Any) -> None:
    forward = [{**FORWARD, "batch": n} for n in (1, 64, 256)]
    maps = [{"batch": n} for n in (1, 64, 256)]
    costly = [{"method": "occlusion", "batch": n} for n in (1, 8)]
    found = one_batch(cells(make, *forward, *maps, *costly))
    assert sorted((method, batch) for method, _, _, batch in told(found)) == [
        ("", 64), ("grad_cam", 64), ("occlusion", 8),
    ]  # fmt: skip


def test_batches_stay_where_forward_passes_have_only_one(make: Any) -> None:
    found = cells(make, {"batch": 1}, {"batch": 64}, {**FORWARD, "batch": 8})
    assert one_batch(found) == list(found)


def test_the_common_batch_without_64(make: Any) -> None:
    assert common_batch(cells(make, {"batch": 1}, {"batch": 8}, {**FORWARD, "batch": 1})) == 1
    assert common_batch(cells(make, {"batch": 1}, {"batch": 8})) == 8
    assert common_batch(cells(make, {"batch": 1}, {**FORWARD, "batch": 1}, {"batch": 64})) == 64
    assert common_batch([]) == 0
