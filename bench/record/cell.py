"""A cell: one point of everything that can be varied."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from implementations.columns import Column as Column
from implementations.columns import column

NUDGED = "nudged"
"""Weights of which each is moved by one unit in the last place: what rounding alone does."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is asked of one implementation. Empty strings and zeros mean: does not apply."""

    stage: str
    framework: str
    backend: str = ""
    task: str = "heatmap"
    method: str = ""
    library: str = ""
    dataset: str
    architecture: str
    weights: str = "trained"
    layer: str = ""
    score: str = "logit"
    options: tuple[tuple[str, str], ...] = ()
    batch: int = 0
    optimizer: str = ""
    epochs: int = 0
    steps: int = 0
    seed: int = 0
    device: str = "cpu"
    mode: str = "eager"
    precision: str = "float32"
    threads: int = 0
    explainer: str = ""

    @property
    def cell_id(self) -> str:
        """Twelve hexadecimal digits: a stable hash of the toggles."""
        toggles = asdict(self)
        if not self.explainer:
            del toggles["explainer"]  # Cells had their hash before there was this toggle.
        return hashlib.sha256(json.dumps(toggles, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def column(self) -> Column:
        """The framework and backend."""
        return column(self.framework, self.backend)

    def __str__(self) -> str:
        what = self.explainer or self.library or self.method or self.task
        if self.library:
            what = f"{self.library}.{self.method}"
        parts = [self.column.label, what, self.architecture, self.dataset, self.layer]
        extra = [self.mode, self.precision] if self.stage != "train" else [self.optimizer]
        size = [f"x{self.batch}"] if self.batch else []
        return " ".join(part for part in [*parts, *size, *extra] if part)


def from_document(document: dict[str, Any]) -> Cell:
    """The cell of its JSON form."""
    values = {field.name: document[field.name] for field in fields(Cell)}
    values["options"] = tuple((name, text) for name, text in values["options"])
    return Cell(**values)
