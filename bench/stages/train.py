"""Training: the same initial weights, the same batches, each framework's own compiled step.

After every epoch the state is kept, so a killed training goes on from its last epoch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engine.progress import console
from bench.engine.worker import Reporter, Row
from bench.record.cell import NUDGED, Cell
from bench.stages import Job, likeness
from bench.subject.explainer import load_framework
from bench.subject.fingerprint import code_of
from bench.subject.inputs import own_weights, shared_weights, training_data
from bench.subject.request import Request
from implementations import frameworks
from implementations.architecture import registered, weights
from implementations.architecture.recipes import Recipe, recipe
from implementations.arrays import Weights
from implementations.contract import Framework, Network
from implementations.errors import BadInput

MAIN = 0
EVALUATION_BATCH = 500
COMPARED_STEPS = 20
"""Steps in which the losses of all columns are compared."""
FEWEST_STEPS = 20
"""Steps in an epoch: a small data set is cut into batches of a smaller power of two."""


def cells(
    request: Request, dataset: str, architecture: str, optimizers: Iterable[str], *, steps: int = 0
) -> Iterator[Cell]:
    """One training for each column, optimizer and seed: whole epochs, or only so many steps.

    Steps after the first seed's are those compared, no more; whole trainings with other seeds are
    one column's, for they show how much the seed alone changes. That column takes the steps once
    more from nudged weights: no two columns can be asked to part later than one from itself.
    """
    here = [column for column in request.columns if column.missing is None] or list(request.columns)
    seeded = next((column for column in here if column.traits.every_seed), here[0])
    chosen = recipe(architecture, dataset, request.epochs)
    epochs = 0 if steps else chosen.epochs
    for column, optimizer, seed in product(request.columns, optimizers, range(request.seeds)):
        if seed and not steps and column != seeded:
            continue
        cell = Cell(
            stage="train", task="train", framework=column.framework, backend=column.backend,
            dataset=dataset, architecture=architecture, weights="", optimizer=optimizer,
            epochs=epochs, steps=min(steps, COMPARED_STEPS) if seed else steps, seed=seed,
            device=request.device, mode="compiled", threads=request.threads,
        )  # fmt: skip
        yield cell
        if steps and column == seeded:
            yield replace(cell, weights=NUDGED)


def fitted(chosen: Recipe, n: int) -> Recipe:
    """The recipe for n training images: smaller batches where an epoch had hardly a step."""
    most = 1 << max((n // FEWEST_STEPS).bit_length() - 1, 0)
    return replace(chosen, batch=min(chosen.batch, most))


def batch_order(chosen: Recipe, n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of the training images in an epoch: the same in every framework."""
    if chosen.order == "file":
        return np.arange(n)
    return np.random.default_rng((seed, epoch)).permutation(n)


def nudged(tensors: Weights, seed: int) -> dict[str, NDArray[np.float32]]:
    """Weights each moved up or down, as a coin falls, by one unit in the last place; 0 stays."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, array in tensors.items():
        towards = np.where(rng.random(array.shape) < 0.5, -np.inf, np.inf).astype(array.dtype)
        found[name] = np.where(array == 0, array, np.nextafter(array, towards))
    return found


def predict(framework: Framework, network: Network, images: NDArray[Any]) -> NDArray[Any]:
    """Logits (N, K), streamed in batches of one shape."""
    parts = []
    for start in range(0, len(images), EVALUATION_BATCH):
        part = images[start : start + EVALUATION_BATCH]
        fill = [(0, min(EVALUATION_BATCH, len(images)) - len(part))] + [(0, 0)] * 3
        placed = framework.put(network, np.pad(part, fill))
        parts.append(framework.to_numpy(network(placed))[: len(part)])
    return np.concatenate(parts)


def train(cell: Cell, context: Mapping[str, Any], report: Reporter) -> Iterator[Row]:
    """One row an epoch; the last one has the test accuracy and the confusion matrix."""
    framework, import_s = load_framework(cell)
    data, architecture = training_data(
        cell.dataset, cell.architecture, context["data_dir"], context["allow_unverified"]
    )
    chosen = recipe(cell.architecture, cell.dataset, cell.epochs)
    n = round(len(data.train_images) * (1 - chosen.validation))
    chosen = fitted(chosen, n)
    start = weights.initialise(architecture, cell.seed, chosen.kernels)
    if cell.weights == NUDGED:
        start = nudged(start, cell.seed)
    network = framework.build(architecture, start, cell.device, cell.precision)
    images, labels = data.train_images[:n], data.train_labels[:n]
    trainer = frameworks.trainers(cell.framework)(
        network, chosen, cell.optimizer, images, labels, cell.seed, cell.mode
    )
    code = code_of(cell)
    identity = f"{label(cell)}--{cell.cell_id}-{code}"
    checkpoint = Path(context["out"]) / f"{identity}.checkpoint.safetensors"
    rows: list[Row] = []
    if checkpoint.exists():
        state = weights.load(checkpoint)
        rows = json.loads(state.pop("rows").tobytes())
        trainer.restore(state)
    for epoch in range(len(rows) + 1, (cell.epochs or cell.steps) + 1):
        began = time.perf_counter()
        order = batch_order(chosen, n, cell.seed, epoch)
        if cell.steps:
            left = cell.steps - sum(len(row["losses"]) for row in rows)
            if not left:
                break
            order = order[: left * chosen.batch]
        losses = trainer.epoch(order, chosen.batch)
        took = time.perf_counter() - began
        rows.append(
            {
                "epoch": epoch,
                "losses": [float(f"{loss:.9g}") for loss in losses],
                "train_loss": float(np.mean(losses)),
                "step_ms": 1e3 * took / len(losses),
                "import_s": import_s,
                "verified": data.verified,
            }
        )
        told = np.frombuffer(json.dumps(rows).encode(), np.uint8)
        weights.save(checkpoint, {**trainer.state(), "rows": told})
        loss = rows[-1]["train_loss"]
        text = f"epoch {epoch}/{cell.epochs or '-'}  loss {loss:.4f}  {took:.1f} s"
        report.send("progress", text=text)
    final = trainer.weights()
    artefact = Path(context["out"]) / f"{label(cell)}.safetensors"
    made = {"cell": str(cell), "cell_id": cell.cell_id, "code_hash": code}
    weights.save(artefact, final, made)
    network = framework.build(architecture, final, cell.device, cell.precision)
    predicted = predict(framework, network, data.test_images).argmax(axis=1)
    classes = len(data.class_names)
    pairs = data.test_labels.astype(np.int64) * classes + predicted
    rows[-1] |= {
        "test_accuracy": float((predicted == data.test_labels).mean()),
        "confusion": np.bincount(pairs, minlength=classes**2).reshape(classes, -1).tolist(),
        "weights_sha": weights.digest(final),
        "artefact": artefact.name,
    }
    yield from rows
    checkpoint.unlink()


def label(cell: Cell) -> str:
    """The file name of a trained network, without its ending."""
    network = registered.file_name(cell.architecture)
    parts = (cell.dataset, network, cell.framework, cell.backend, cell.optimizer,
             f"seed{cell.seed}", cell.weights)  # fmt: skip
    return "--".join(part for part in parts if part)


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry."""
    for cell in cells:
        report.run(cell, lambda cell=cell: train(cell, context, report))  # type: ignore[misc]


def run(job: Job) -> list[Row]:
    """Train every network; the first column's weights become those that all are given.

    A network that one column trains for all is not trained again where its weights are there,
    made by the very cell and code that would make them. Then how alike the networks explain.
    """
    here = [column for column in job.request.columns if column.missing is None]
    if not here:
        raise BadInput("none of the frameworks asked for is installed")
    asked: list[Cell] = []
    for dataset, architecture, trainer in job.networks:
        one = next((c for c in here if c.label == trainer), here[0])
        columns = job.request.columns if trainer == "all" else (one,)
        if trainer != "given":
            part = replace(job.request, columns=columns)
            wanted = list(cells(part, dataset, architecture, ("native",)))
            path = shared_weights(dataset, architecture, job.request.results)
            made = {"cell_id": wanted[0].cell_id, "code_hash": code_of(wanted[0])}
            if trainer == "all" or not weights.about(path).items() >= made.items():
                asked += wanted
            else:
                told = f"{architecture} on {dataset}: weights taken from {path.parent}"
                console.print(f"{told}, trained by {wanted[0].column.label}")
    rows = job.execute("train", asked, isolate=job.request.seeds > 1)
    for dataset, architecture in dict.fromkeys((c.dataset, c.architecture) for c in asked):
        _share(job, dataset, architecture, rows)
    return rows if job.request.command == "sweep" else [*rows, *likeness.across(job)]


def _share(job: Job, dataset: str, architecture: str, rows: Sequence[Row]) -> None:
    order = [column.label for column in job.request.columns]
    trained = [
        row
        for row in rows
        if row.get("artefact")
        and row["optimizer"] == "native"
        and (row["dataset"], row["architecture"]) == (dataset, architecture)
    ]
    if not trained:
        raise BadInput(f"no column could train {architecture} on {dataset}; see {job.run.folder}")
    first = min(trained, key=lambda row: (row["seed"], order.index(row["column"])))
    target = own_weights(dataset, architecture, job.request.results)
    target.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(target, (job.out / first["artefact"]).read_bytes())
    job.context["weights"][f"{dataset}/{architecture}/trained"] = str(target)
    for row in trained:
        label = f"{row['column']} seed {row['seed']}"
        job.context["weights"][f"{dataset}/{architecture}/{label}"] = str(job.out / row["artefact"])
