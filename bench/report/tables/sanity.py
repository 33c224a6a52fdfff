"""The sanity check of Adebayo et al.: what is left of a map once all weights are drawn anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.report.explainers import PLACE, Explainer, Value, places
from bench.report.forms import count, number, spread, stale_text, text
from bench.report.table import SIGNS, Shown, Table, View

STAGES = ("contrast", "judge")
GONE, ALIKE = 0.2, 0.5
"""A likeness below the one is none; one above the other is what a reader would call alike."""
MEASURED = {
    "rank": "cascading_randomisation", "magnitude": "cascading_magnitude", "ssim": "cascading_ssim",
    "zero": "cascading_zero",
}  # fmt: skip
PAPER = {
    "saliency": "gone", "smooth_grad": "gone", "grad_cam": "gone",
    "guided_backprop": "alike", "guided_grad_cam": "alike",
}  # fmt: skip
"""What the paper reports of these methods."""
WORDS = {"gone": "destroyed", "alike": "still alike", "between": "in between"}
NOTE = (
    "Cascading randomisation (Adebayo et al. 2018, arXiv 1810.03292) of our own methods: all "
    "weights drawn anew as training would begin with them, the same class explained, mean of three "
    "draws. ρ: Spearman's rank correlation with the map of the trained network; of magnitudes, "
    "which does not see a change of sign; SSIM: structural similarity. A map is said to be "
    f"destroyed where the interval of ρ of magnitudes and SSIM both stay below {GONE:g}, and still "
    f"alike where one of them stays above {ALIKE:g}. The paper reports guided backpropagation and "
    "guided Grad-CAM as alike, gradients and Grad-CAM as destroyed, on other and larger networks."
)
ENDS = ("value", "low", "high")


def verdict(magnitude: Value, ssim: Value) -> str:
    """`gone`, `alike` or `between`, by the intervals of two likenesses; by the mean without one."""
    both = (magnitude, ssim)
    highs = [v.value if pd.isna(v.high) else v.high for v in both if not pd.isna(v.value)]
    lows = [v.value if pd.isna(v.low) else v.low for v in both if not pd.isna(v.value)]
    if highs and max(highs) < GONE:
        return "gone"
    return "alike" if lows and max(lows) > ALIKE else "between"


def make(frame: pd.DataFrame) -> Table:
    """A section of sentences and one of numbers for each network."""
    lines, sentences = [], []
    for key, explainers in places(frame):
        mine = [line for each in explainers if (line := _line(key, each))]
        lines += mine
        sentences += [{**key, "sentence": each} for each in _sentences(key, mine)]
    data = pd.DataFrame(lines)
    views = [
        View(PLACE, (Shown("what came out", text, ("sentence",)),), data=pd.DataFrame(sentences)),
        View(
            PLACE,
            (
                Shown("method", stale_text, ("explainer", "stale")),
                *(Shown(title, spread, tuple(f"{name}_{end}" for end in ENDS))
                  for title, name in (("ρ", "rank"), ("ρ of magnitudes", "magnitude"),
                                      ("SSIM", "ssim"))),
                Shown("zero maps", number, ("zero",)),
                Shown("images", count, ("n",)),
                Shown("verdict", _worded, ("verdict",)),
                Shown("in the paper", _worded, ("paper",)),
            ),
            title="numbers",
            told=lambda mine: [SIGNS["†"]] if mine["stale"].any() else [],
        ),
    ]  # fmt: skip
    return Table("sanity", "When the weights are drawn anew", data, views, NOTE)


def _worded(value: str) -> str:
    return WORDS.get(value, "–")


def _line(key: dict[str, Any], each: Explainer) -> dict[str, Any] | None:
    """An explainer's numbers; None for a control, a library, or what was not drawn anew."""
    found = {name: each.headline(metric) for name, metric in MEASURED.items()}
    magnitude, ssim = found["magnitude"], found["ssim"]
    if each.library or each.control or magnitude is None or ssim is None:
        return None
    numbers = {
        f"{name}_{end}": getattr(found[name] or Value(float("nan")), end)
        for name in ("rank", "magnitude", "ssim")
        for end in ENDS
    }
    zero = found["zero"].value if found["zero"] else float("nan")
    return {
        **key, "explainer": each.name, "column": each.column, **numbers, "zero": zero,
        "n": magnitude.n, "verdict": verdict(magnitude, ssim), "paper": PAPER.get(each.name, ""),
        "stale": each.stale,
    }  # fmt: skip


def _sentences(key: dict[str, Any], lines: list[dict[str, Any]]) -> Iterator[str]:
    """What came out, and whether it is what the paper reports."""
    if not lines:
        return
    parts = []
    for which, told in WORDS.items():
        named = [_named(line) for line in lines if line["verdict"] == which]
        if named:
            parts.append(f"{told}: {', '.join(named)}")
    where = f"{key['architecture']} on {key['dataset']}"
    yield f"{where}, all weights drawn anew (ρ of magnitudes, SSIM): {'; '.join(parts)}."
    compared = [line for line in lines if line["paper"]]
    same = [line["explainer"] for line in compared if line["verdict"] == line["paper"]]
    other = [
        f"{line['explainer']} is {WORDS[line['verdict']]}, there {WORDS[line['paper']]}"
        for line in compared
        if line["verdict"] != line["paper"]
    ]
    if compared:
        told = f"As in the paper: {', '.join(same)}" if same else "Nothing is as in the paper"
        yield f"{told}{'; otherwise: ' + ', '.join(other) if other else ''}."


def _named(line: dict[str, Any]) -> str:
    values = (number(line["magnitude_value"]), number(line["ssim_value"]))
    return f"{line['explainer']} ({', '.join(values)})"
