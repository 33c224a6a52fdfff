from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.record.schema import COLUMNS
from bench.stages import likeness
from implementations.architecture import weights


def test_networks_are_compared_pair_by_pair(small: Any, tmp_path: Path) -> None:
    name = small.cell.architecture
    networks = dict(small.context["weights"])
    for label, seed in (("jax seed 0", 5), ("pytorch seed 0", 5), ("jax seed 1", 6)):
        path = tmp_path / f"{label}.safetensors"
        weights.save(path, weights.randomise(small.architecture, seed))
        networks[f"digits/{name}/{label}"] = str(path)
    cell = replace(small.cell, stage="train", task="likeness")
    rows = list(likeness.measure(cell, {**small.context, "weights": networks}))
    found = {(row["weights"], row["against"], row["metric"]): row["value"] for row in rows}
    assert len(found) == len(rows) == 3 * len(likeness.METRICS)
    assert found["jax seed 0", "pytorch seed 0", "spearman"] == pytest.approx(1)
    assert found["jax seed 0", "jax seed 1", "spearman"] < 0.9
    assert found["jax seed 1", "pytorch seed 0", "topk_iou"] < 0.9
    assert not set().union(*rows) - set(COLUMNS)


def test_maps_without_any_order_give_no_row(small: Any, tmp_path: Path) -> None:
    tensors = weights.randomise(small.architecture, 0)
    tensors["dense1.kernel"][:] = 0  # no gradient: every map is zero
    networks = {}
    for label in ("a", "b"):
        weights.save(tmp_path / label, tensors)
        networks[f"digits/{small.cell.architecture}/{label}"] = str(tmp_path / label)
    rows = list(likeness.measure(small.cell, {**small.context, "weights": networks}))
    assert "spearman" not in {row["metric"] for row in rows}
