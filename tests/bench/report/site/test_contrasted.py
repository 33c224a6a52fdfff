from __future__ import annotations

import math
from typing import Any

from bench.report.site import contrasted


def test_scores_have_their_interval_the_way_that_is_better_and_whose_code(
    make: Any, rows: list[Any]
) -> None:
    found = contrasted.frames(make.frame(rows))
    scores = found["scores"]
    mine = scores[(scores["explainer"] == "grad_cam") & (scores["metric"] == "deletion")]
    assert set(mine["subset"]) == {"all", "correct", "wrong"} and set(mine["better"]) == {"lower"}
    line = mine.iloc[0]
    assert (line["value"], line["low"], line["high"], line["n"]) == (0.8, 0.4, 1.0, 8)
    assert not line["control"] and line["column"] == "jax" and math.isnan(line["untrained"])
    pair = found["likeness"].iloc[0]
    assert {pair["explainer"], pair["other"]} == {"grad_cam", "saliency"} and pair["value"] == 0.3


def test_curves_stand_apart_from_scores(make: Any, rows: list[Any]) -> None:
    of = {"metric": "deletion", "subset": "correct", "n": 8, "value": 0.9}
    curve = [make.row("contrast", "jax", at=at, **of) for at in (0.0, 0.5)]
    before = contrasted.frames(make.frame(rows))
    found = contrasted.frames(make.frame([*rows, *curve]))
    assert found["curves"]["at"].tolist() == [0.0, 0.5]
    assert len(found["scores"]) == len(before["scores"]) and not len(before["curves"])


def test_what_has_nothing_has_its_reason(make: Any, rows: list[Any]) -> None:
    gone = make.row("contrast", "jax", method="cam", status="skipped", reason="no pooling")
    left = contrasted.frames(make.frame([*rows, gone]))["left"]
    assert left[["explainer", "reason"]].values.tolist() == [["cam", "no pooling"]]
