"""`explain` and `train`: one network in one column, by hand."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.cli.options import Single
from bench.record.cell import Column
from bench.subject import names
from implementations.architecture import registered
from implementations.errors import BadInput, Unavailable

FAILED = 1


def explain(asked: Single) -> int:
    """`explain`: heatmaps of a user's images, made in a child; 1 where it broke.

    All that can be seen to be wrong is refused here, before a framework is imported. Raises
    BadInput and Unavailable.
    """
    from bench.cli import explained, user_files
    from bench.engine.alone import alone
    from bench.engine.progress import ticker
    from bench.record import cell as cells
    from bench.stages import explain as stage
    from bench.subject.explainer import method_of
    from implementations.architecture import pretrained, weights

    column = names.column(asked.framework, asked.backend)
    known = asked.known
    cell = cells.Cell(
        stage="explain", framework=column.framework, backend=column.backend,
        method=names.spelled(asked.method), library=asked.library,
        dataset="", architecture=known, layer=asked.layer, score=asked.score,
        options=asked.options, batch=asked.batch, device=asked.device,
        mode=stage.default_mode(column.framework, asked.library, asked.mode),
        precision=stage.default_precision(column.framework, asked.precision),
    )  # fmt: skip
    method = method_of(cell)
    cell = replace(cell, score=asked.score or method.card.score)
    user_files.check_writable(asked.out, [asked.images, asked.targets, asked.weights, asked.file])
    images, told = user_files.read_images(Path(asked.images))
    height, width, channels = images.shape[1:]
    stored = weights.load(Path(asked.weights), most_bytes=user_files.MOST_WEIGHTS)
    classes = user_files.classes_of(registered.get(known), stored)
    architecture = registered.get(known, (height, width, channels), classes)
    user_files.check_images(images, architecture, asked.images)
    user_files.check_channels(architecture, stored, asked.images)
    try:
        pretrained.neutral(Path(asked.weights), architecture, stored)
    except BadInput as error:
        # A registered architecture takes the images' shape, so they may be what is wrong.
        these = f"{height} x {width} x {channels}"
        also = f"{error}, or of this one for images of another size than these of {these}"
        raise BadInput(also) from error
    if asked.targets:
        read = user_files.read_array(Path(asked.targets), "targets")
        user_files.check_targets(read, len(images), architecture.classes, asked.targets)
    method.resolve(dict(cell.options), cell.score)
    method.layer(architecture, cell.layer or None)
    method.builder(cell.framework)
    _require(column, cell.device)
    if told:
        print(f"python -m bench explain: {told}", file=sys.stderr)  # noqa: T201
    # Beside the answer's place, on its disk; whatever ends this, nothing stays of it.
    with (
        weights.writing(asked.out),
        tempfile.TemporaryDirectory(
            dir=asked.out.parent, prefix=f".{asked.out.name}.", suffix=".tmp"
        ) as folder,
        ticker("explain", 1) as progress,
    ):
        made = Path(folder) / "maps"
        files = {
            name: str(Path(path).resolve()) if path else None
            for name, path in (
                ("images", asked.images), ("targets", asked.targets), ("weights", asked.weights),
            )
        }  # fmt: skip
        context = {
            **files, "size": images.shape[1:], "classes": classes, "out": str(made.resolve()),
            "stages": asked.save == "stages", "architectures": registered.forms([known]),
        }  # fmt: skip
        row = alone(explained.__name__, cell, context, progress.say)[-1]
        if row["status"] == "ok":
            made.replace(asked.out)
            progress.tick(f"heatmaps of {len(images)} images are in {asked.out}")
            return 0
        reason = row["reason"].replace(str(made.resolve()), str(asked.out))
    if row["status"] == explained.REFUSED:
        raise BadInput(reason)
    if row["status"] == "skipped":
        raise Unavailable(reason)
    print(f"{row['said']}python -m bench explain: {reason}", file=sys.stderr)  # noqa: T201
    return FAILED


def _require(column: Column, device: str) -> None:
    from bench.record import machine

    machine.require(device)
    if column.missing:
        mend = f"pip install {' '.join(column.packages)}"
        raise Unavailable(f"{column.label}: {column.missing}; {mend}")


def train(asked: Single) -> int:
    """`train`: one network in one column, into a neutral weights file; 1 where it broke.

    Raises BadInput, and Unavailable for what is not here. Only success leaves a run.
    """
    from bench.cli.user_files import check_writable
    from bench.engine.execute import execute
    from bench.record.runs import Run
    from bench.stages import train as stage
    from bench.subject.inputs import training_data
    from bench.subject.request import Request
    from implementations.architecture.weights import write_bytes

    column = names.column(asked.framework, asked.backend)
    if not column.packages:
        raise BadInput("the reference is never trained; name another --framework")
    out = asked.out
    check_writable(out, [asked.file])
    known = asked.known
    request = Request(
        datasets=(asked.dataset,),
        architectures=(known,), columns=(column,), methods=(),
        device=asked.device, epochs=asked.epochs, data_dir=asked.data_dir,
        allow_unverified=asked.allow_unverified,
    )  # fmt: skip
    training_data(asked.dataset, known, asked.data_dir, asked.allow_unverified)
    _require(column, asked.device)
    context = request.context()
    run = Run("train", {**request.identity(), "seed": asked.seed, "by": asked.optimizer})
    cells = [
        replace(cell, seed=asked.seed)
        for cell in stage.cells(request, asked.dataset, known, [asked.optimizer])
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
