"""How each library makes its maps as shipped: what its offers state, and tests hold them to."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.report import forms
from bench.report.table import ABSENT, Shown, Table, View
from bench.subject import stated

STAGES = ("time", "contrast", "agree", "conform")
NOTE = (
    "What each library does by default, offer by offer, as data that the tests hold the installed "
    "version to: the oracle's activations and gradients, taken through the convention, give the "
    "library's map within 1e-05 of its peak. As shipped: what is not canonical; canonical are the "
    "logit of the class asked for, a plain gradient, the mean over positions, a ReLU at a layer "
    "and none at the image, no resizing and no scaling. Where no convention makes the map, the "
    "reason stands instead. With: the options that give our very map."
)


def _shown(value: Any) -> str:
    return forms.text(value) or ABSENT


SHOWN = (
    Shown("offer", forms.text, ("offer",)),
    Shown("like", _shown, ("like",)),
    Shown("as shipped", _shown, ("shipped",)),
    Shown("with", _shown, ("same_with",)),
)
REASONS = (
    Shown("offer", forms.text, ("offer",)),
    Shown("like", _shown, ("like",)),
    Shown("why it has no convention", forms.text, ("reason",)),
)


def make(frame: pd.DataFrame) -> Table:
    """Every offer of every library, with the version that is installed; a section each."""
    data = pd.DataFrame(stated.lines() if len(frame) else [])
    views = [
        View(("library",), SHOWN, where=lambda data: data["reason"] == ""),
        View(("library",), REASONS, title="without one", where=lambda data: data["reason"] != ""),
    ]
    return Table("conventions", "What each library computes", data, views, NOTE)
