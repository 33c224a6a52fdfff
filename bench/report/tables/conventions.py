"""How each library makes its maps as shipped: what its offers state, and tests hold them to."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pandas as pd

from bench.report import forms
from bench.report.table import ABSENT, Shown, Table, View
from implementations import libraries
from implementations.conventions import Convention
from implementations.libraries import Offer
from implementations.libraries._told import RULED

STAGES = ("time", "contrast", "agree", "conform")
CONTROL = "reference"
NOTE = (
    "What each library does by default, offer by offer, as data that the tests hold the installed "
    "version to: the oracle's activations and gradients, taken through the convention, give the "
    "library's map within 1e-05 of its peak. As shipped: what is not canonical; canonical are the "
    "logit of the class asked for, a plain gradient, the mean over positions, a ReLU at a layer "
    "and none at the image, no resizing and no scaling. Where no convention makes the map, the reason stands instead. "
    "With: the options that give our very map."
)


def _shown(value: Any) -> str:
    return forms.text(value) or ABSENT


SHOWN = (
    Shown("offer", forms.text, ("offer",)),
    Shown("like", _shown, ("like",)),
    Shown("as shipped", _shown, ("shipped",)),
    Shown("with", _shown, ("same_with",)),
)  # fmt: skip
REASONS = (
    Shown("offer", forms.text, ("offer",)),
    Shown("like", _shown, ("like",)),
    Shown("why it has no convention", forms.text, ("reason",)),
)


def make(frame: pd.DataFrame) -> Table:
    """Every offer of every library, beside its version where it is installed; a section each."""
    lines = [
        {"library": _titled(about), "offer": name, **_line(offer)}
        for library in (libraries.names() if len(frame) else ())
        if (about := libraries.describe(library)).framework != CONTROL
        for name, offer in about.offers.items()
    ]
    views = [
        View(("library",), SHOWN, where=lambda data: data["reason"] == ""),
        View(("library",), REASONS, title="without one", where=lambda data: data["reason"] != ""),
    ]
    return Table("conventions", "What each library computes", pd.DataFrame(lines), views, NOTE)


def _titled(about: libraries.Library) -> str:
    return about.title if about.missing else f"{about.title} {about.version()}"


def _line(offer: Offer) -> dict[str, str]:
    """The factors that are not canonical, by name; the reason where there is no convention."""
    same = offer.canonical
    with_ = "" if same is None else ", ".join(f"{k}={v}" for k, v in same.items()) or "its defaults"
    line = {"like": offer.like, "same_with": with_, "reason": ""}
    made = offer.convention
    if isinstance(made, str):
        return {
            **line,
            **{each.name: "" for each in fields(Convention)},
            "reason": made,
            "shipped": "",
        }
    rule, formula = RULED.get(offer.like, ("plain", offer.like))
    rectify = "before resizing" if offer.at == "layer" else "none"
    ours = Convention(rule=rule, formula=formula, rectify=rectify, resize="none")
    away = set(made.differs(ours))
    told = {
        each.name: str(getattr(made, each.name)) if each.name in away else ""
        for each in fields(Convention)
    }
    return line | told | {"shipped": ", ".join(f"{k}: {v}" for k, v in told.items() if v)}
