"""What each command of the command line does, once its arguments are parsed."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from implementations import architectures, frameworks, methods
from implementations.contract import DEVICES, MODES, PRECISIONS, SCORES, BadInput, Unavailable
from implementations.graph import layers
from implementations.shapes import summary

FAILED = 1


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
        "architectures": [_describe(name) for name in architectures.names()],
        "metrics": [
            {"metric": m.name, "kind": m.kind, "better": m.better, "unit": m.unit}
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
    architecture = architectures.get(name)
    return {
        "architecture": name,
        "parameters": sum(row[3] for row in summary(architecture)),
        "layers": layers(architecture),
    }


def show_list(arguments: Namespace) -> int:
    """`list`: as JSON, or as a page to read."""
    found = catalogue()
    if arguments.json:
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


def explain(arguments: Namespace) -> int:
    """`explain`: heatmaps of a user's images. Raises BadInput and Unavailable."""
    from bench import cells
    from bench import explain as stage
    from bench.explaining import method_of
    from bench.worker import block
    from implementations import pretrained, weights

    column = frameworks.column(arguments.framework, arguments.backend or "")
    options = tuple(_option(text) for text in arguments.option)
    cell = cells.Cell(
        stage="explain", framework=column.framework, backend=column.backend,
        method=arguments.method, library=arguments.library or "", dataset="",
        architecture=arguments.architecture, layer=arguments.layer or "", score=arguments.score,
        options=options, batch=arguments.batch, device=arguments.device,
        mode=stage.default_mode(column.framework, arguments.library, arguments.mode),
        precision=stage.default_precision(column.framework, arguments.precision),
    )  # fmt: skip
    inputs = [arguments.images, arguments.targets, arguments.weights, _json(arguments)]
    stage.check_writable(Path(arguments.out), inputs)
    images = stage.read_array(Path(arguments.images), "images")
    shape = images.shape[1:]
    given = (shape[0], shape[1], shape[2]) if len(shape) == 3 else (28, 28, 1)
    stored = weights.load(Path(arguments.weights))
    classes = stage.classes_of(architectures.get(arguments.architecture), stored)
    architecture = architectures.get(arguments.architecture, given, classes)
    stage.check_images(images, architecture, arguments.images)
    stage.check_channels(architecture, stored, arguments.images)
    try:
        tensors = pretrained.neutral(Path(arguments.weights), architecture)
    except BadInput as error:
        # A registered architecture takes the images' shape, so they may be what is wrong.
        size = " x ".join(map(str, shape))
        told = f"{error}, or of this one for images of another size than these of {size}"
        raise BadInput(told) from error
    targets = None
    if arguments.targets:
        read = stage.read_array(Path(arguments.targets), "targets")
        targets = stage.check_targets(read, len(images), architecture.classes, arguments.targets)
    method = method_of(cell)
    method.resolve(dict(options), cell.score)
    method.layer(architecture, cell.layer or None)
    method.builder(cell.framework)
    _require(column, cell.device)
    os.environ.update(cells.environment(cell))
    block(frozenset(column.packages))
    stages = arguments.save == "stages"
    request = stage.Request(images, targets, Path(arguments.out), stages, arguments.batch)
    stage.explain(cell, architecture, tensors, request)
    return 0


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"--option {text!r} must be NAME=VALUE, for example points=100")
    return name, value


def _json(arguments: Namespace) -> str | None:
    """The file that the architecture is read from; None for a registered one."""
    name: str = arguments.architecture
    return name if name.endswith(".json") else None


def _require(column: frameworks.Column, device: str) -> None:
    from bench import machine

    machine.require(device)
    if column.missing:
        mend = f"pip install {' '.join(column.packages)}"
        raise Unavailable(f"{column.label}: {column.missing}; {mend}")


def train(arguments: Namespace) -> int:
    """`train`: one network in one column, into a neutral weights file; 1 where it broke.

    Raises BadInput, and Unavailable for what is not here. Only success leaves a run.
    """
    from bench import stages
    from bench import train as stage
    from bench.explain import check_writable
    from bench.plans import trainable
    from bench.store import Run
    from implementations.weights import write_bytes

    column = frameworks.column(arguments.framework, arguments.backend or "")
    if column.framework == frameworks.REFERENCE:
        raise BadInput("the reference is never trained; name another --framework")
    out = Path(arguments.out)
    check_writable(out, [_json(arguments)])
    architectures.get(arguments.architecture)
    if not trainable(arguments.dataset):
        raise BadInput(f"{arguments.dataset} has no training images: its network comes trained")
    ask = stages.Ask(
        datasets=stages.pick_datasets([arguments.dataset]),
        architectures=(arguments.architecture,), columns=(column,), methods=(),
        device=arguments.device, epochs=arguments.epochs, data_dir=arguments.data_dir,
        allow_unverified=arguments.allow_unverified,
    )  # fmt: skip
    _check_fit(arguments)
    _require(column, arguments.device)
    run = Run("train", {**ask.identity(), "seed": arguments.seed, "by": arguments.optimizer})
    context = ask.context(run)
    cells = [
        replace(cell, seed=arguments.seed)
        for cell in stage.cells(
            ask, arguments.dataset, arguments.architecture, [arguments.optimizer]
        )
    ]
    rows = stages.execute(run, "train", "bench.train", cells, context)
    last = rows[-1]
    if last["status"] == "ok":
        artefact = Path(context["out"]) / last["artefact"]
        write_bytes(out, artefact.read_bytes())
        run.finish()
        print(f"test accuracy {last['test_accuracy']:.4f}; weights in {out}")  # noqa: T201
        return 0
    run.discard()
    if last["status"] == "skipped":
        raise Unavailable(last["reason"])
    where = f" (what its process wrote: {run.log})" if run.log.exists() else ""
    print(f"python -m bench train: {last['reason']}{where}", file=sys.stderr)  # noqa: T201
    return FAILED


def _check_fit(arguments: Namespace) -> None:
    """Raises BadInput here, before a process is started, for a network that cannot be trained."""
    import datasets
    from bench.inputs import fit

    data = datasets.load(arguments.dataset, arguments.data_dir, arguments.allow_unverified)
    height, width, channels = shape = data.train_images.shape[1:]
    classes = len(data.class_names)
    name = arguments.architecture
    fit(architectures.get(name, (height, width, channels), classes), shape, classes)
