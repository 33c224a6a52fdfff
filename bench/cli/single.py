"""`explain` and `train`: one network in one column, by hand."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from implementations import frameworks
from implementations.architecture import registered
from implementations.errors import BadInput, Unavailable

FAILED = 1


def explain(arguments: Namespace) -> int:
    """`explain`: heatmaps of a user's images. Raises BadInput and Unavailable."""
    from bench.cli import user_files
    from bench.engine.environment import impose
    from bench.engine.worker import block
    from bench.record import cell as cells
    from bench.stages import explain as stage
    from bench.subject.explainer import method_of
    from implementations.architecture import pretrained, weights

    column = frameworks.column(arguments.framework, arguments.backend or "")
    options = tuple(_option(text) for text in arguments.option)
    known = registered.take(arguments.architecture)
    cell = cells.Cell(
        stage="explain", framework=column.framework, backend=column.backend,
        method=arguments.method, library=arguments.library or "", dataset="",
        architecture=known, layer=arguments.layer or "", score=arguments.score,
        options=options, batch=arguments.batch, device=arguments.device,
        mode=stage.default_mode(column.framework, arguments.library, arguments.mode),
        precision=stage.default_precision(column.framework, arguments.precision),
    )  # fmt: skip
    inputs = [arguments.images, arguments.targets, arguments.weights, _json(arguments)]
    user_files.check_writable(Path(arguments.out), inputs)
    images, told = user_files.read_images(Path(arguments.images))
    shape = images.shape[1:]
    size = (shape[0], shape[1], shape[2])
    stored = weights.load(Path(arguments.weights), most_bytes=user_files.MOST_WEIGHTS)
    classes = user_files.classes_of(registered.get(known), stored)
    architecture = registered.get(known, size, classes)
    user_files.check_images(images, architecture, arguments.images)
    user_files.check_channels(architecture, stored, arguments.images)
    try:
        tensors = pretrained.neutral(Path(arguments.weights), architecture)
    except BadInput as error:
        # A registered architecture takes the images' shape, so they may be what is wrong.
        these = " x ".join(map(str, shape))
        also = f"{error}, or of this one for images of another size than these of {these}"
        raise BadInput(also) from error
    targets = None
    if arguments.targets:
        read = user_files.read_array(Path(arguments.targets), "targets")
        targets = user_files.check_targets(
            read, len(images), architecture.classes, arguments.targets
        )
    method = method_of(cell)
    method.resolve(dict(options), cell.score)
    method.layer(architecture, cell.layer or None)
    method.builder(cell.framework)
    _require(column, cell.device)
    impose(cell)
    block(frozenset(column.packages))
    if told:
        print(f"python -m bench explain: {told}", file=sys.stderr)  # noqa: T201
    stages = arguments.save == "stages"
    request = stage.Explanation(images, targets, Path(arguments.out), stages, arguments.batch)
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
    from bench.record import machine

    machine.require(device)
    if column.missing:
        mend = f"pip install {' '.join(column.packages)}"
        raise Unavailable(f"{column.label}: {column.missing}; {mend}")


def train(arguments: Namespace) -> int:
    """`train`: one network in one column, into a neutral weights file; 1 where it broke.

    Raises BadInput, and Unavailable for what is not here. Only success leaves a run.
    """
    from bench.cli.names import pick_datasets
    from bench.cli.user_files import check_writable
    from bench.engine.execute import execute
    from bench.job.plans import trainable
    from bench.record.runs import Run
    from bench.stages import train as stage
    from bench.subject.request import Request
    from implementations.architecture.weights import write_bytes

    column = frameworks.column(arguments.framework, arguments.backend or "")
    if column.framework == frameworks.REFERENCE:
        raise BadInput("the reference is never trained; name another --framework")
    out = Path(arguments.out)
    check_writable(out, [_json(arguments)])
    known = registered.take(arguments.architecture)
    if not trainable(arguments.dataset):
        raise BadInput(f"{arguments.dataset} has no training images: its network comes trained")
    request = Request(
        datasets=pick_datasets([arguments.dataset]),
        architectures=(known,), columns=(column,), methods=(),
        device=arguments.device, epochs=arguments.epochs, data_dir=arguments.data_dir,
        allow_unverified=arguments.allow_unverified,
    )  # fmt: skip
    _check_fit(arguments, known)
    _require(column, arguments.device)
    run = Run("train", {**request.identity(), "seed": arguments.seed, "by": arguments.optimizer})
    context = request.context(run)
    cells = [
        replace(cell, seed=arguments.seed)
        for cell in stage.cells(request, arguments.dataset, known, [arguments.optimizer])
    ]
    rows = execute(run, "train", "bench.stages.train", cells, context)
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


def _check_fit(arguments: Namespace, name: str) -> None:
    """Raises BadInput here, before a process is started, for a network that cannot be trained."""
    import datasets
    from bench.subject.inputs import fit

    data = datasets.load(arguments.dataset, arguments.data_dir, arguments.allow_unverified)
    height, width, channels = shape = data.train_images.shape[1:]
    classes = len(data.class_names)
    fit(registered.get(name, (height, width, channels), classes), shape, classes)
