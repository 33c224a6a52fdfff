"""The main job, end to end: train, agree, time, contrast, and the tables made of it all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import agree, contrast, gallery, oracle, report, schema, timing, train
from bench.cells import Cell
from bench.inputs import architecture_for, shared_weights
from bench.progress import console
from bench.stages import Ask, disagreements, execute
from bench.store import Row, Run, published
from implementations import weights
from implementations.contract import BadInput

EMBEDDED = ("digits", "shapes")
PLANS: dict[str, dict[str, str]] = {
    "digits": {"cnn-32-16-8": "all", "cnn-gap": "one"},
    "shapes": {"cnn-32-16-8": "all", "cnn-gap": "one"},
    "fashion_mnist": {"cnn-48-32-16": "all", "cnn-32-16-8": "all"},
    "mnist": {"cnn-pool-dropout": "all"},
    "cifar10": {"cnn-pool-dropout": "one"},
    "photographs": {"squeezenet-1.0": "given"},
}
"""Data set -> its networks, and whether `all` columns train them or `one`, for all to explain."""
COMPARED_STEPS = 20
CONTRASTED_IMAGES = 32


def networks(ask: Ask) -> list[tuple[str, str, str]]:
    """Data set, architecture and who trains it, for what was asked."""
    found = []
    for dataset in ask.datasets:
        planned = PLANS.get(dataset, {})
        for architecture in ask.architectures or tuple(planned):
            if not ask.architectures or architecture in planned or len(ask.datasets) == 1:
                found.append((dataset, architecture, planned.get(architecture, "one")))
    return found


def covering(ask: Ask, asked: Iterable[tuple[str, str, str]]) -> Ask:
    """The ask with every architecture named."""
    names = tuple(dict.fromkeys(name for _, name, _ in asked))
    if not names:
        raise BadInput(f"nothing is planned for {', '.join(ask.datasets)}; name --architectures")
    return replace(ask, architectures=names)


def compare(ask: Ask) -> int:
    """Run everything that was asked; 0, or 3 where a check failed. Goes on with a killed run."""
    asked = networks(ask)
    ask = covering(ask, asked)
    run = Run("compare", ask.identity(), ask.results)
    if run.resumed:
        console.print(f"Going on with {run.run_id}: {len(run.rows)} rows are there already.")
    context = ask.context(run)
    rows: list[Row] = []
    for dataset, architecture, who in asked:
        rows += training(run, ask, context, dataset, architecture, who)
    for dataset, architecture, _ in asked:
        rows += agreement(run, ask, context, dataset, architecture, thorough=False)
    for architecture in ask.architectures:
        dataset = next(d for d, a, _ in asked if a == architecture)
        rows += times(run, ask, context, dataset, architecture)
    for dataset, architecture, _ in asked:
        rows += contrasts(run, ask, context, dataset, architecture)
    return conclude(run, ask, rows)


def training(
    run: Run, ask: Ask, context: dict[str, Any], dataset: str, architecture: str, who: str
) -> list[Row]:
    """Train a network in all columns or one; the first one's weights are shared by all.

    Networks without dropout are also trained for a few steps with one Adam, and with plain SGD, in
    every column: there the losses must stay together.
    """
    if who == "given":
        return []
    if not (here := [c for c in ask.columns if c.missing is None]):
        raise BadInput("none of the frameworks asked for is installed")
    trainers = replace(ask, columns=ask.columns if who == "all" else (here[0],))
    main = list(train.cells(trainers, dataset, architecture, ("native",)))
    rows = execute(run, f"train {dataset}", "train", main, context, timeout_s=ask.timeout_s)
    for row in rows:
        if row.get("artefact"):
            cell_label = f"{row['column']} seed {row['seed']}"
            path = str(Path(context["out"]) / row["artefact"])
            context["weights"][f"{dataset}/{architecture}/{cell_label}"] = path
    trained = [row for row in rows if row.get("artefact")]
    if not trained:
        raise BadInput(f"no column could train {architecture} on {dataset}; see {run.folder}")
    first = min(trained, key=lambda row: row["seed"])
    share(Path(context["out"]) / first["artefact"], dataset, architecture, ask.results)
    kinds = {n.kind for n in architecture_for(architecture, Path(context["images"][dataset])).nodes}
    if who == "all" and "dropout" not in kinds:
        short = list(
            train.cells(ask, dataset, architecture, ("matched", "sgd"), steps=COMPARED_STEPS)
        )
        rows += execute(run, f"steps {dataset}", "train", short, context, timeout_s=ask.timeout_s)
    if len(trained) > 1:
        alike = Cell(
            stage="train", task="likeness", framework=here[0].framework, backend=here[0].backend,
            method="grad_cam", dataset=dataset, architecture=architecture, device=ask.device,
        )  # fmt: skip
        rows += execute(run, "likeness", "likeness", [alike], context, timeout_s=ask.timeout_s)
    return rows


def share(source: Path, dataset: str, architecture: str, results: Path) -> None:
    """Make trained weights those that every column is given."""
    target = shared_weights(dataset, architecture, results)
    target.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(target, source.read_bytes())


def agreement(
    run: Run, ask: Ask, context: dict[str, Any], dataset: str, architecture: str, thorough: bool
) -> list[Row]:
    """Every column against the oracle on one network; the oracle's answers come first."""
    part = replace(ask, datasets=(dataset,), architectures=(architecture,))
    cells = list(agree.cells(part, context, thorough))
    answers = oracle.cells_for(cells)
    execute(run, f"oracle {dataset}", "oracle", answers, context, timeout_s=ask.timeout_s)
    shown = {**context, "gallery": gallery.paths(cells, context)}
    rows = execute(run, f"agree {dataset}", "agree", cells, shown, timeout_s=ask.timeout_s)
    gallery.gather(cells, shown, gallery.file(run.run_id, ask.results))
    return rows


def times(
    run: Run, ask: Ask, context: dict[str, Any], dataset: str, architecture: str
) -> list[Row]:
    """Time one network in fresh, interleaved processes."""
    part = replace(ask, methods=("grad_cam",))
    cells = list(timing.cells(part, dataset, architecture))
    return execute(
        run, f"time {architecture}", "timing", cells, {**context, "like": {}}, rounds=ask.rounds,
        isolate=ask.isolate, timeout_s=ask.timeout_s,
    )  # fmt: skip


def contrasts(
    run: Run, ask: Ask, context: dict[str, Any], dataset: str, architecture: str
) -> list[Row]:
    """Our methods beside the libraries' on one network."""
    context = {**context, "n_contrast": min(CONTRASTED_IMAGES, ask.n_images)}
    cells = list(contrast.cells(ask, dataset, architecture))
    rows = execute(run, f"contrast {dataset}", "contrast", cells, context, timeout_s=ask.timeout_s)
    kept = [cell for cell in cells if contrast.map_path(cell, context).exists()]
    for cell, measured in contrast.likeness(kept, context):
        if not run.has(cell):
            run.add(cell, 0, measured)
    return rows


def conclude(run: Run, ask: Ask, rows: Iterable[Row]) -> int:
    """End the run: its file, the tables and pictures, the choosing table on the screen."""
    bad = disagreements(rows)
    path = run.finish()
    written = publish(ask.results)
    console.print(report.choose(published(ask.results)), markup=False, soft_wrap=True)
    console.print(f"\nRows:    {path}")
    for folder in sorted({str(file.parent) for file in written}):
        console.print(f"Written: {folder}/ ({sum(str(f.parent) == folder for f in written)} files)")
    for row in bad[:20]:
        what = row.get("reason") or f"{row['compared']} differs by {row['max_rel']:.3g}"
        where = (row["column"], row["method"] or row["task"], row["architecture"], row["dataset"])
        console.print(f"CHECK FAILED  {' '.join(where)}: {what}", markup=False, soft_wrap=True)
    return 3 if bad else 0


def publish(results: Path) -> list[Path]:
    """Write every table and picture that the finished runs permit, and the column dictionary."""
    runs = published(results)
    if not runs:
        raise BadInput(f"no runs in {results / 'runs'}; make one with `python -m bench compare`")
    weights.write_bytes(results / "README.md", schema.readme().encode())
    pictures = gallery.newest(results)
    return report.write(runs, results, pictures)
