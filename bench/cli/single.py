"""`explain` and `train`: one network in one column, by hand."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.cli import expecting, given
from bench.cli.options import Single
from bench.cli.panels import Place, Wanted
from bench.record.cell import Cell
from bench.record.runs import Row
from bench.subject import classes, drawn, names, sheet
from implementations.errors import BadInput, Unavailable

FAILED = 1


def explain(asked: Single) -> int:
    """`explain`: heatmaps of a user's images, made in a child; 1 where it broke.

    3 where the logits are not those expected, and no cause is found. All that can be seen to be
    wrong is refused here, before a framework is imported. Raises BadInput and Unavailable.
    """
    from bench.cli import elsewhere, panels, sharding, user_files
    from bench.engine import engines, scratch
    from bench.record import cell as cells
    from bench.stages import explain as stage
    from bench.subject.explainer import method_of

    column = names.column(asked.framework, asked.backend)
    known = asked.known
    # To compile each of many methods takes longer than to call it.
    several = "eager" if asked.methods or asked.layers else None
    cell = cells.Cell(
        stage="explain", framework=column.framework, backend=column.backend,
        method=names.spelled(asked.method), library=asked.library,
        dataset="", architecture=known, layer=asked.layer, score=asked.score,
        options=asked.options, batch=asked.batch, device=asked.device,
        mode=stage.default_mode(column.framework, asked.library, asked.mode or several),
        precision=stage.default_precision(column.framework, asked.precision),
    )  # fmt: skip
    method = method_of(cell)
    cell = replace(cell, score=asked.score or method.card.score)
    if asked.baselines and not (asked.methods or method.card.resampled):
        raise BadInput(f"--baselines: {asked.method} draws none; leave it out, or name --method "
                       "expected_gradients")  # fmt: skip
    inputs = [
        *asked.images,
        *asked.baselines,
        asked.targets,
        asked.weights,
        asked.file,
        asked.expect,
    ]
    runs_on = engines.engine(asked.engine, asked.address, asked.exclusive)
    if runs_on is not engines.LOCAL:
        elsewhere.check(asked)
    if asked.shards:
        sharding.check(asked)
    else:
        user_files.check_writable(asked.out, inputs)
    look = drawn.Look(
        asked.colormap, asked.opacity, asked.resample, asked.size, asked.normalise, asked.limit,
        asked.image_share,
    )  # fmt: skip
    if asked.picture:
        drawn.check(look, asked.picture)
        user_files.check_writable(asked.picture, inputs, asked.out)
    elif look != drawn.Look(normaliser=asked.normalise):
        raise BadInput("--size, --colormap and the like are of the picture; name --picture too")
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as taken:
        subject = given.take(asked, Path(taken))
        if asked.targets:
            read = user_files.read_array(Path(asked.targets), "targets")
            most = subject.architecture.classes
            user_files.check_targets(read, len(subject.images), most, asked.targets)
        expecting.checked(asked.expect, subject)
        method.resolve(dict(cell.options), cell.score)
        layer = method.layer(subject.architecture, cell.layer or None)
        method.builder(cell.framework)
        called = classes.take(asked.class_names, subject.architecture.classes)
        want = panels.wanted(asked, cell, subject.architecture, called)
        given.require(column, cell.device)
        for told in subject.told:
            print(f"python -m bench explain: {told}", file=sys.stderr)  # noqa: T201
        if runs_on is not engines.LOCAL:
            return _ended(asked, elsewhere.explained(asked, cell, subject, runs_on))
        if asked.shards:
            targets = str(Path(asked.targets).resolve()) if asked.targets else None
            return _ended(asked, sharding.explained(asked, cell, subject, targets))
        drawing = _Drawing(look, want, panels.Place(cell.method, layer), called)
        return _ended(asked, _explained(asked, cell, subject, drawing))


def _ended(asked: Single, row: Row) -> int:
    """The command's status by the child's row. Raises BadInput and Unavailable."""
    from bench.cli import explained

    if row["status"] == "ok":
        return expecting.tell(asked, row)
    reason = row["reason"]
    if row["status"] == explained.REFUSED:
        raise BadInput(reason)
    if row["status"] == "skipped":
        raise Unavailable(reason)
    print(f"{row['said']}python -m bench explain: {reason}", file=sys.stderr)  # noqa: T201
    return FAILED


class _Drawing(NamedTuple):
    """How the picture is drawn, and of what: `place` alone where nothing else is wanted."""

    look: drawn.Look
    want: Wanted | None
    place: Place
    called: tuple[str, ...]


def _explained(asked: Single, cell: Cell, subject: given.Given, drawing: _Drawing) -> Row:
    """The child's row; where it ended well, the answer and its picture are in their places."""
    from bench.cli import explained
    from bench.engine import scratch
    from bench.engine.alone import alone
    from bench.engine.progress import ticker
    from implementations.architecture import weights

    # Beside the answer's place, on its disk; whatever ends this, nothing stays of it.
    with (
        weights.writing(asked.out),
        scratch.beside(asked.out) as folder,
        ticker("explain", 1) as progress,
    ):
        made = folder / "maps"
        targets = str(Path(asked.targets).resolve()) if asked.targets else None
        context = {
            **subject.context, "targets": targets, "out": str(made.resolve()),
            "expect": expecting.checked(asked.expect, subject),
            "stages": asked.save == "stages", "normalise": asked.normalise,
            "sheet": str(folder.resolve()), "shards": 0,
        }  # fmt: skip
        want, shown = drawing.want, 1
        if want:
            shown = len(want.places) * len(want.aims)
            context |= {"places": want.places, "aims": want.aims}
        shape = subject.architecture.input_shape
        count = context["drawn"] = len(subject.images)
        if asked.picture:
            count = context["drawn"] = sheet.images_drawn(count, shown, shape, drawing.look)
        row = alone(explained.__name__, cell, context, progress.say)[-1]
        if row["status"] != "ok":
            place = str(made.resolve())
            return {**row, "reason": row["reason"].replace(place, str(asked.out))}
        if asked.picture:
            _draw(asked.picture, made, subject, drawing, count)
        made.replace(asked.out)
        also = f", pictures of {count} in {asked.picture}" if asked.picture else ""
        progress.tick(f"heatmaps of {len(subject.images)} images are in {asked.out}{also}")
        return row


def _draw(path: Path, made: Path, subject: given.Given, drawing: _Drawing, count: int) -> None:
    """The picture of so many images, from the answer and the panels beside it."""
    from bench.cli import panels
    from implementations.architecture import weights

    answer = weights.load(made, only=["logits", "targets"])
    logits, targets = answer["logits"][:count], answer["targets"][:count]
    if drawing.want:
        lines = panels.read(made.parent, drawing.want, logits, targets, drawing.called)
    else:
        maps = weights.load(made, only=["upsampled"])["upsampled"][:count]
        if maps.ndim == 4:
            raise BadInput("--picture: this method's maps are of every class; name another")
        lines = [[sheet.Panel(maps, panels.says(drawing.place, logits, targets, drawing.called))]]
    named = [
        [Path(name).stem, panels.told(row, int(row.argmax()), drawing.called)]
        for name, row in zip(subject.names[:count], logits, strict=True)
    ]
    sheet.save(path, subject.images[:count], named, lines, drawing.look)


def train(asked: Single) -> int:
    """`train`: one network in one column, into a neutral weights file; 1 where it broke.

    Raises BadInput, and Unavailable for what is not here. Only success leaves a run.
    """
    from bench.cli.user_files import check_writable
    from bench.engine.engines import engine
    from bench.engine.execute import execute
    from bench.engine.run import Run
    from bench.stages import train as stage
    from bench.subject.inputs import training_data
    from bench.subject.request import Request
    from implementations.architecture.weights import write_bytes

    column = names.column(asked.framework, asked.backend)
    if not column.packages:
        raise BadInput("the reference is never trained; name another --framework")
    out, runs_on = asked.out, engine(asked.engine, asked.address)
    check_writable(out, [asked.file])
    known = asked.known
    request = Request(
        datasets=(asked.dataset,),
        architectures=(known,), columns=(column,), methods=(),
        device=asked.device, epochs=asked.epochs, data_dir=asked.data_dir,
        allow_unverified=asked.allow_unverified,
    )  # fmt: skip
    training_data(asked.dataset, known, asked.data_dir, asked.allow_unverified)
    given.require(column, asked.device)
    context = request.context()
    run = Run("train", {**request.identity(), "seed": asked.seed, "by": asked.optimizer})
    cells = [
        replace(cell, seed=asked.seed)
        for cell in stage.cells(request, asked.dataset, known, [asked.optimizer])
    ]
    rows = execute(run, "train", "bench.stages.train", cells, context, engine=runs_on)
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
