"""Everything that can be named, but for the metrics: what `list` shows."""

from __future__ import annotations

from typing import Any

import datasets
from bench.subject.stages import stages
from implementations import frameworks, libraries, methods
from implementations.architecture import graph, published, registered
from implementations.architecture.graph import layers
from implementations.architecture.shapes import summary
from implementations.contract import DEVICES, MODES, PRECISIONS, SCORES
from implementations.methods.card import Option

TEMPLATE = "cnn-32-16"
"""The registered architecture that shows the form of a JSON file."""


def catalogue() -> dict[str, Any]:
    """Everything that can be named on the command line. Imports no framework."""
    broken = methods.broken()
    shown = [methods.load(name) for name in methods.names() if name not in broken]
    found = [libraries.describe(name) for name in libraries.names()]
    columns = frameworks.known()
    names = dict.fromkeys(c.framework for c in columns)
    return {
        "columns": [
            {"column": c.label, "framework": c.framework, "backend": c.backend,
             "here": not c.missing, "reason": c.missing or ""}
            for c in columns
        ],
        "methods": [
            {"method": m.name, "title": m.title, "paper": m.card.paper, "at": m.at,
             "score": m.card.score, "core": "core" if m.card.core else "",
             "frameworks": [name for name in (*names, "reference") if m.has(name)],
             "options": {name: _option_schema(o) for name, o in m.options.items()}}
            for m in shown
        ],
        **({"broken": [{"method": name, "reason": why} for name, why in broken.items()]}
           if broken else {}),
        "libraries": [
            {"library": library.name, "title": library.title, "framework": library.framework,
             "here": bool(library.python) or not library.missing, "reason": library.missing or "",
             "offers": {name: offer.like for name, offer in library.offers.items()}}
            for library in found
        ],
        "datasets": datasets.names(),
        "architectures": [
            _describe(name) for name in (*registered.names(), *published.BUILDERS)
        ],
        "stages": [{"stage": each.name, "title": each.title} for each in stages()],
        "scores": SCORES,
        "modes": MODES,
        "devices": DEVICES,
        "precisions": PRECISIONS,
        "form": graph.document(registered.get(TEMPLATE)),
    }  # fmt: skip


def _option_schema(option: Option) -> dict[str, Any]:
    return {"kind": type(option).__name__.lower(), **vars(option)}


def _describe(name: str) -> dict[str, Any]:
    architecture = registered.get(name)
    return {
        "architecture": name,
        "parameters": sum(row[3] for row in summary(architecture)),
        "layers": layers(architecture),
    }
