"""Which kinds of node a method has rules for: the others it refuses by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from implementations.architecture.graph import Architecture


def covered(kinds: Iterable[str]) -> Callable[[Architecture, str], str | None]:
    """For a card's `applies`: the first node of another kind, as a reason, or None."""
    known = frozenset(kinds)

    def applies(architecture: Architecture, layer: str) -> str | None:
        for node in architecture.nodes:
            if node.kind not in known:
                return f"it has no rule for nodes of kind {node.kind}, as {node.name!r} is"
        return None

    return applies
