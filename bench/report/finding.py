"""A sentence of the findings, and how each begins."""

from __future__ import annotations

from typing import NamedTuple

from bench.report.told_apart import Told


class Finding(NamedTuple):
    """A sentence, its kind (F1 to F8), the explainers it is about and the metrics it rests on."""

    kind: str
    text: str
    explainers: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


def where(told: Told) -> str:
    """How each begins."""
    return f"On {told.place['dataset']}, {told.place['architecture']}, one training"
