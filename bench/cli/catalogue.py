"""`list`: everything that can be named on the command line."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from bench.cli.options import Single
from implementations import frameworks, methods
from implementations.architecture import registered
from implementations.architecture.graph import layers
from implementations.architecture.shapes import summary
from implementations.contract import DEVICES, MODES, PRECISIONS, SCORES


def catalogue() -> dict[str, Any]:
    """Everything that can be named on the command line. Imports no framework."""
    import datasets
    from bench import metrics
    from implementations import libraries

    shown = [methods.load(name) for name in methods.names()]
    found = [libraries.describe(name) for name in libraries.names()]
    columns = frameworks.columns()
    names = dict.fromkeys(c.framework for c in columns)
    return {
        "columns": [
            {"column": c.label, "framework": c.framework, "backend": c.backend,
             "here": not c.missing, "reason": c.missing or ""}
            for c in columns
        ],
        "methods": [
            {"method": m.name, "title": m.module.TITLE, "paper": m.module.PAPER, "at": m.at,
             "frameworks": [name for name in (*names, "reference") if hasattr(m.module, name)],
             "options": {name: _option_schema(o) for name, o in m.options.items()}}
            for m in shown
        ],
        "libraries": [
            {"library": library.name, "title": library.title, "framework": library.framework,
             "here": bool(library.python) or not library.missing, "reason": library.missing or "",
             "offers": {name: offer.like for name, offer in library.offers.items()}}
            for library in found
        ],
        "datasets": datasets.names(),
        "architectures": [_describe(name) for name in registered.names()],
        "metrics": [
            {"metric": m.name, "title": m.card.title, "needs": sorted(m.card.needs),
             "better": m.card.better, "unit": m.card.unit}
            for m in map(metrics.load, metrics.names())
        ],
        "scores": SCORES,
        "modes": MODES,
        "devices": DEVICES,
        "precisions": PRECISIONS,
    }  # fmt: skip


def _option_schema(option: methods.Option) -> dict[str, Any]:
    return {"kind": type(option).__name__.lower(), **vars(option)}


def _describe(name: str) -> dict[str, Any]:
    architecture = registered.get(name)
    return {
        "architecture": name,
        "parameters": sum(row[3] for row in summary(architecture)),
        "layers": layers(architecture),
    }


def show_list(asked: Single) -> int:
    """`list`: as JSON, or as a page to read."""
    found = catalogue()
    if asked.json:
        _tell(json.dumps(found, indent=1))
        return 0
    lines = []
    for heading, entries in found.items():
        lines.append(f"\n{heading}")
        for entry in entries:
            if isinstance(entry, str):
                lines.append(f"  {entry}")
                continue
            name, *facts = entry.values()
            told = [_fact(fact) for fact in facts if fact not in ("", [], {})]
            lines.append(f"  {name:<20} {'  '.join(told)}")
    _tell("\n".join(lines).lstrip())
    return 0


def _tell(text: str) -> None:
    """Print a page; whoever reads it may stop in the middle, as `head` does."""
    try:
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:
        # Python flushes once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fact(fact: Any) -> str:
    if isinstance(fact, bool):
        return "installed" if fact else "not here"
    if isinstance(fact, dict):
        return f"({', '.join(fact)})"
    return ", ".join(fact) if isinstance(fact, list) else str(fact)
