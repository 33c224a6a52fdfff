"""What is left of each method's map as weights are drawn anew, from the logits down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.canvas import colours, panels
from bench.report.explainers import PLACE, REFERENCE
from bench.report.files import stem
from bench.report.frame import groups, place

TITLE = "When the weights are drawn anew"
STAGES = ("contrast",)
SHOWN = {
    "cascading_randomisation": "Spearman's ρ", "cascading_magnitude": "ρ of magnitudes",
    "cascading_ssim": "SSIM",
}  # fmt: skip


def lines(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the curves of our own methods, the newest of each place of each curve."""
    own = (frame["library"] == "") & (frame["column"] != REFERENCE)
    rows = frame[own & frame["metric"].isin(SHOWN) & frame["at"].notna() & frame["value"].notna()]
    return rows.drop_duplicates([*PLACE, "metric", "explainer", "at"], keep="last")


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`sanity_curves_<data set>_<architecture>...`: a panel for each likeness, a line a method."""
    machines = frame["machine_id"].nunique()
    for key, rows in groups(lines(frame), PLACE):
        named = list(map(str, key.values()))[: 4 if machines > 1 else 3]
        yield stem("sanity_curves", *named), _figure(f"{TITLE}: {place(key, machines)}", rows)


def _figure(title: str, rows: pd.DataFrame) -> Any:
    shown = [metric for metric in SHOWN if (rows["metric"] == metric).any()]
    figure, axes = panels(len(shown), 4.2, 3.6)
    colour = colours(sorted(set(rows["explainer"])))
    for axis, metric in zip(axes, shown, strict=True):
        mine = rows[rows["metric"] == metric].sort_values("at")
        for name, line in mine.groupby("explainer"):
            axis.plot(line["at"], line["value"], "o-", ms=3, lw=1.2, color=colour[str(name)],
                      label=name)  # fmt: skip
            axis.fill_between(line["at"], line["ci_lo"], line["ci_hi"], alpha=0.12,
                              color=colour[str(name)], lw=0)  # fmt: skip
        axis.axhline(0, color="0.7", lw=0.8)
        axis.set_xlabel("share of the layers drawn anew")
        axis.set_ylabel(SHOWN[metric])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=7)
    figure.suptitle(title)
    return figure
