"""The data of the page of contrast: how alike explainers are, in an order that shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bench.report.site.contrasted import clustered, frames


def test_explainers_that_are_alike_stand_together() -> None:
    names = list("abcdef")
    table = pd.DataFrame(0.0, index=names, columns=names)
    for pair in ("ad", "be", "cf"):
        table.loc[pair[0], pair[1]] = table.loc[pair[1], pair[0]] = 0.9
    table.loc["a", "b"] = np.nan
    order = [names[n] for n in clustered(table)]
    assert sorted(order) == names
    assert {frozenset(order[n : n + 2]) for n in (0, 2, 4)} == set(
        map(frozenset, ("ad", "be", "cf"))
    )
    assert clustered(table.iloc[:2, :2]) == [0, 1]


def test_each_pair_is_there_both_ways_and_each_with_itself(make: Any) -> None:
    made = [make.row("contrast", "jax", method=name, evaluations=1) for name in ("cam", "lime")]
    alike = {"metric": "spearman", "value": 0.3, "n": 8}
    rows = [*made, make.row("judge", "jax", method="", explainer="cam", against="lime", **alike)]
    found = frames(make.frame(rows))["likeness"]
    pairs = found.set_index(["explainer", "other"])["value"].to_dict()
    assert pairs == {("cam", "cam"): 1, ("cam", "lime"): 0.3, ("lime", "cam"): 0.3,
                     ("lime", "lime"): 1}  # fmt: skip
