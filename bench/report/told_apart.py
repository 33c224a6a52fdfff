"""What rows of the judge say of each network: who is told from whom, and by which metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bench import metrics
from bench.report.explainers import APART, CONTROL, INITIAL, OVER, PLACE, REFERENCE, SEED
from bench.report.forms import number
from bench.report.frame import groups

FEWEST = 30
"""Images below which a value enters no finding."""
HEADLINE = "correct"
DIFFERENCE, VERDICT = "paired difference", "verdict"
OWN = "own_random"
"""A control of an explainer's own: its maps of the network before training."""
SAME_MAPS = 1 - 1e-6
"""The cosine from which two explainers' maps are the same but for rounding and an epsilon."""
TRAININGS = "paired difference over trainings"


class Difference(NamedTuple):
    """An explainer less a control, its interval, over n images, and whether they are told apart."""

    value: float
    low: float
    high: float
    n: int
    apart: bool

    def __str__(self) -> str:
        value, low, high = (number(each) for each in self[:3])
        return f"{'+' * (self.value > 0)}{value} [{low}, {high}], {self.n} images"


class Group(NamedTuple):
    """An explainer's mean by a metric, and its letters."""

    value: float
    n: int
    letters: frozenset[str]


@dataclass
class Told:
    """One network's rows. Names are explainers'; `cell_id` and `run_id` say which rows these are.

    `groups` has (metric, explainer), `differences` (metric, explainer, control), `trainings` the
    same over several trainings, `n` of them, `causes` why a
    metric can tell nothing here (empty: it can), `evaluations` an image by explainer, `zero` the
    share of zero maps, `kept` the likeness after all weights are drawn anew, with its upper end,
    `twins` the pairs whose maps are the same.
    """

    place: dict[str, Any]
    cell_id: str = ""
    run_id: str = ""
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    differences: dict[tuple[str, str, str], Difference] = field(default_factory=dict)
    trainings: dict[tuple[str, str, str], Difference] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    evaluations: dict[str, float] = field(default_factory=dict)
    controls: set[str] = field(default_factory=set)
    zero: dict[str, tuple[float, int]] = field(default_factory=dict)
    kept: dict[str, tuple[float, float, int]] = field(default_factory=dict)
    twins: set[tuple[str, str]] = field(default_factory=set)

    @property
    def explainers(self) -> list[str]:
        """Those that explain a network, by name."""
        return sorted({name for _, name in self.groups} - self.controls)

    @property
    def distinct(self) -> dict[str, list[str]]:
        """Explainers of which no two have the same maps, ours first, and those that each is too."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.explainers, key=lambda name: ("." in name, name)):
            same = [one for one in found if self.twins & {(one, name), (name, one)}]
            if same:
                found[same[0]].append(name)
            else:
                found[name] = []
        return found

    def called(self, name: str) -> str:
        """An explainer, and the others that have its maps."""
        twins = self.distinct[name]
        return f"{name} (and {listed(twins)}, the same maps)" if twins else name

    @property
    def telling(self) -> list[str]:
        """The metrics that can tell something here."""
        return [metric for metric, cause in self.causes.items() if not cause]

    def images(self, of: Sequence[str], names: Sequence[str]) -> int:
        """On how many images at least these metrics have these explainers."""
        return min(self.groups[metric, name].n for metric in of for name in names)

    @property
    def few(self) -> str:
        """Why nothing can be told by any metric, where it is that there are too few images."""
        causes = self.causes.values()
        none = bool(causes) and all(cause.startswith("fewer than") for cause in causes)
        return f": fewer than {FEWEST} images" if none else ""

    def order(self, metric: str) -> list[str]:
        """Explainers, without controls, from the side that is better, each of enough images."""
        sign = towards(metric)
        of = {name: self.groups.get((metric, name)) for name in self.explainers}
        known = {name: group for name, group in of.items() if group and group.n >= FEWEST}
        return sorted(known, key=lambda name: -sign * known[name].value)

    def against(self, metric: str, name: str) -> dict[str, Difference]:
        """An explainer less each control, on enough images."""
        return {
            control: found
            for (of, explainer, control), found in self.differences.items()
            if (of, explainer) == (metric, name) and found.n >= FEWEST
        }

    def apart(self, metric: str, a: str, b: str) -> bool | None:
        """Whether two are told apart; None where that is not known, or of too few images."""
        one, other = self.groups.get((metric, a)), self.groups.get((metric, b))
        if one is None or other is None or min(one.n, other.n) < FEWEST:
            return None
        return not one.letters & other.letters


def listed(parts: list[str]) -> str:
    """Parts of a sentence in a row: a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def towards(metric: str) -> int:
    """1 where a metric is better higher, -1 where lower."""
    return -1 if metrics.load(metric).card.better == "lower" else 1


def places(frame: pd.DataFrame) -> Iterator[Told]:
    """One for each network whose explainers were compared."""
    rows = frame.loc[frame["stage"].isin(("judge", "contrast")) & (frame["status"] == "ok")]
    rows = rows[~rows["weights"].str.startswith(SEED)]
    for key, mine in groups(rows, PLACE):
        compared = mine[(mine["task"] == APART) & (mine["metric"] != "")]
        if len(compared):
            told = Told(key, str(compared.iloc[0]["cell_id"]), str(compared.iloc[0]["run_id"]))
            _compared(told, compared)
            _beside(told, mine[(mine["task"] != APART) & (mine["weights"] != INITIAL)])
            yield told


def _compared(told: Told, rows: pd.DataFrame) -> None:
    for row in rows.to_dict("records"):
        metric, name, n = row["metric"], row["explainer"], _count(row["n"])
        if row["statistic"] == VERDICT:
            told.causes[metric] = "" if row["apart"] is True else str(row["notes"])
        elif row["statistic"] == TRAININGS:
            value, low, high = (float(row[end]) for end in ("value", "ci_lo", "ci_hi"))
            found = Difference(value, low, high, n, row["apart"] is True)
            told.trainings[metric, name, row["against"]] = found
        elif row["statistic"] == OVER:
            continue
        elif row["statistic"] == DIFFERENCE:
            value, low, high = (float(row[end]) for end in ("value", "ci_lo", "ci_hi"))
            found = Difference(value, low, high, n, row["apart"] is True)
            told.differences[metric, name, row["against"]] = found
        else:
            letters = frozenset(row["letters"].split())
            told.groups[metric, name] = Group(float(row["value"]), n, letters)


def _beside(told: Told, rows: pd.DataFrame) -> None:
    """What other rows of the same network say of an explainer."""
    made = rows[(rows["stage"] == "contrast") & np.isfinite(rows["evaluations"])]
    for row in made[made["metric"] == ""].to_dict("records"):
        name = row["explainer"]
        told.evaluations[name] = float(row["evaluations"])
        if CONTROL in (row["library"], row["column"]) or row["column"] == REFERENCE:
            told.controls.add(name)
    alike = rows[(rows["metric"] == "cosine") & (rows["value"] >= SAME_MAPS)]
    told.twins |= set(zip(alike["explainer"], alike["against"], strict=True))
    whole = rows[(rows["subset"] == HEADLINE) & (rows["against"] == "") & rows["at"].isna()]
    for row in whole.to_dict("records"):
        images = _count(row["n"]) + _count(row["undefined"])
        if row["stage"] == "judge" and np.isfinite(row["zero_map_share"]):
            told.zero[row["explainer"]] = float(row["zero_map_share"]), images
        if row["metric"] == "cascading_randomisation" and np.isfinite(row["value"]):
            found = float(row["value"]), float(row["ci_hi"]), _count(row["n"])
            told.kept[row["explainer"]] = found


def _count(value: float) -> int:
    return int(value) if np.isfinite(value) else 0
