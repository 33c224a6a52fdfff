"""One node of a graph, and what every module of the graph has words for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]
"""(height, width, channels) or (features,), without the batch axis."""
Pads = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right))."""


@dataclass(frozen=True)
class Node:
    """One operation. `settings` holds every hyperparameter of its kind."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __getitem__(self, setting: str) -> Any:
        return self.settings[setting]
