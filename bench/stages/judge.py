"""Scores of all kept heatmaps of a network, whoever made them, in one compiled column.

A map's faithfulness does not depend on the column that makes it, so one does it for all: explainers
of ours, of libraries and controls alike. Every two explainers are compared once, by how alike their
maps are. The values of single images are kept in a file a cell.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.engine.progress import console
from bench.engine.worker import Reporter, Row
from bench.record.cell import Cell
from bench.record.runs import published
from bench.stages import Job, compared
from bench.stages.contrast import explained, map_path, told
from bench.stages.contrast import networks as contrasted
from bench.stages.summary import CORRECT, correctness, curves, summarise
from bench.subject.draws import Draws
from bench.subject.inputs import INITIAL, subject
from bench.subject.model import Model, load
from implementations.architecture import weights
from implementations.errors import BadInput
from implementations.frameworks import REFERENCE, Column

MAIN = 5
EXAMPLES = ("judge --dataset shapes", "judge --dataset shapes --judge pytorch")
LIKENESS = ("spearman", "cosine", "topk_iou", "ssim")
MODE, PRECISION = "compiled", "float32"
TRAINED = "trained"
BARE = True
"""Its processes need a framework and nothing else (`bench/engine/worker.py`)."""
Kept = dict[str, dict[str, str]]
"""Explainer -> weights, `trained` or `initial` -> the digest of its maps."""


def cells(rows: Iterable[Row], judge: Column, device: str, threads: int) -> list[Cell]:
    """A cell for each explainer whose maps these rows of `contrast` keep."""
    return [
        Cell(
            stage="judge", task="judge", framework=judge.framework, backend=judge.backend,
            dataset=row["dataset"], architecture=row["architecture"], weights=row["weights"],
            explainer=row["explainer"], device=device, mode=MODE, precision=PRECISION,
            threads=threads,
        )
        for row in rows
    ]  # fmt: skip


def usable(rows: Iterable[Row], context: Mapping[str, Any]) -> list[Row]:
    """Those rows of `contrast` whose maps are here, of these very networks and images."""
    of: dict[tuple[str, str, str], tuple[str, str]] = {}
    found = []
    for row in rows:
        key = row["dataset"], row["architecture"], row.get("weights", "")
        # Of other trainings than the first only those of this run.
        asked = (
            f"{key[0]}/{key[1]}/{TRAINED if key[2] == INITIAL else key[2]}" in context["weights"]
        )
        if row["stage"] != "contrast" or not row.get("maps_sha") or not asked:
            continue
        if key not in of:
            cell = Cell(stage="judge", framework=REFERENCE, dataset=key[0], architecture=key[1],
                        weights=key[2])  # fmt: skip
            about = subject(cell, context, context["n_contrast"])
            of[key] = about.weights_sha, about.inputs_sha
        there = map_path(Path(context["maps"]), row["maps_sha"]).exists()
        if there and of[key] == (row["weights_sha"], row["inputs_sha"]):
            found.append(row)
    return found


def kept(rows: Iterable[Row]) -> dict[str, Kept]:
    """`<data set>/<architecture>` -> whose maps of it are kept, the newest of each."""
    found: dict[str, Kept] = {}
    for row in rows:
        network = found.setdefault(f"{row['dataset']}/{row['architecture']}", {})
        network.setdefault(row["explainer"], {})[row["weights"]] = row["maps_sha"]
    return found


def run(job: Job) -> list[Row]:
    """Score the maps that this run keeps; where it does not contrast those that earlier ones keep.

    Raises BadInput where these keep none.
    """
    context, request = told(job), job.request
    rows: Iterable[Row] = job.run.rows
    alone = request.command == "judge" or "contrast" not in request.stages
    if alone:
        runs = published(job.request.results, console.print)
        rows = [row for _, mine in runs for row in mine]
    rows = usable(rows, context)
    context["kept"] = kept(rows)
    context["values"] = str(job.request.results / "work" / "values" / job.run.run_id)
    lacking = [f"{a} on {d}" for d, a in contrasted(job) if f"{d}/{a}" not in context["kept"]]
    if alone and lacking:
        job.run.discard()
        what = f"{context['n_contrast']} images of {', '.join(lacking)}"
        raise BadInput(f"no heatmaps of {what} are kept; `python -m bench contrast` keeps them")
    asked = list(dict.fromkeys(cells(rows, _judge(job), request.device, request.threads)))
    for cell in asked:
        digests = context["kept"][f"{cell.dataset}/{cell.architecture}"][cell.explainer]
        job.run.forget(cell, maps_sha=digests[cell.weights])
    scored = job.execute("judge", asked, context=context, at_once=1)
    return scored + _tell_apart(job, asked, rows, context)


def _tell_apart(
    job: Job, judged: Sequence[Cell], rows: Sequence[Row], context: dict[str, Any]
) -> list[Row]:
    """What the values of each network tell apart, once all of its explainers have theirs."""
    controls = {row["explainer"] for row in rows if row["framework"] == REFERENCE}
    about: dict[str, Any] = {}
    for cell in judged:
        key = f"{cell.dataset}/{cell.architecture}"
        if (Path(context["values"]) / f"{cell.cell_id}.safetensors").exists():
            here = about.setdefault(key, {"values": {}, "controls": sorted(controls)})
            here["values"].setdefault(cell.weights, {})[cell.explainer] = cell.cell_id
    asked = []
    for key, here in about.items():
        digests = json.dumps(context["kept"][key], sort_keys=True).encode()
        here["maps_sha"] = hashlib.sha256(digests).hexdigest()[:12]
        dataset, _, architecture = key.partition("/")
        cell = Cell(stage="judge", task=compared.TASK, framework=REFERENCE, dataset=dataset,
                    architecture=architecture, device=judged[0].device,
                    precision="float64")  # fmt: skip
        job.run.forget(cell, maps_sha=here["maps_sha"])
        asked.append(cell)
    told = {**context, "judged": about}
    return job.execute("told apart", asked, compared.__name__, context=told, at_once=1)


def _judge(job: Job) -> Column:
    """The column that scores: the one named, or the fastest compiled one of this run's times.

    The first of those asked for where none was timed.
    """
    if job.request.judge:
        return job.request.judge
    quickest: dict[str, float] = {}
    for row in job.run.rows:
        forward = (row["stage"], row["task"], row["mode"]) == ("time", "forward", MODE)
        if forward and row["status"] == "ok" and row.get("images_per_s"):
            most = max(row["images_per_s"], quickest.get(row["column"], 0.0))
            quickest[row["column"]] = most
    here = [column for column in job.request.columns if column.missing is None]
    return max(here, key=lambda column: quickest.get(column.label, 0.0))


class Network:
    """A network with its images, compiled once, and the maps that are kept of it."""

    def __init__(self, cell: Cell, context: Mapping[str, Any]) -> None:
        trained = replace(cell, weights=network_of(cell))
        self.about = subject(trained, context, context["n_contrast"])
        self.targets = explained(trained, context)
        self.subsets = correctness(self.targets, self.about.labels)
        self.model: Model = load(cell, self.about.architecture, self.about.weights, self.about.fill)
        self.of = trained.weights
        self.kept: Kept = context["kept"][f"{cell.dataset}/{cell.architecture}"]
        self.folder = Path(context["maps"])
        # Compiled before anything is measured.
        self.model.scores(self.about.images[:1], self.targets[:1])

    def maps(self, explainer: str, of: str = TRAINED) -> NDArray[np.float64]:
        """The kept maps (N, H, W) of an explainer."""
        path = map_path(self.folder, self.kept[explainer][of])
        maps: NDArray[np.float64] = weights.load(path)["maps"]
        return maps


def network_of(cell: Cell) -> str:
    """The weights whose network scores a cell's maps: those explained, or once they are trained."""
    return TRAINED if cell.weights == INITIAL else cell.weights


def measure(cell: Cell, network: Network, context: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each metric and part of the images, then one for each explainer before it."""
    about, maps = network.about, network.maps(cell.explainer, cell.weights)
    case = metrics.Case(
        maps, images=about.images, targets=network.targets, labels=about.labels,
        masks=metrics.ABSENT if about.masks is None else about.masks, model=network.model,
        draws=Draws(np.arange(len(maps))),
    )  # fmt: skip
    values, efficiency = {}, {}
    for name in metrics.names():
        needs = set(metrics.load(name).card.needs)
        if needs & {"other", *metrics.AGAIN} or ("mask" in needs and about.masks is None):
            continue
        began, before = time.perf_counter(), network.model.seconds
        values[name] = case.value(name)
        if metrics.load(name).card.budget(maps.shape[1:]):
            spent = network.model.seconds - before
            efficiency[name] = spent / (time.perf_counter() - began)
    same = {
        "weights_sha": about.weights_sha,
        "inputs_sha": about.inputs_sha,
        "maps_sha": network.kept[cell.explainer][cell.weights],
        "verified": about.verified,
    }
    for row in summarise(values, network.subsets, maps):
        cost = metrics.load(row["metric"]).card.budget(maps.shape[1:])
        yield {**same, **row, "evaluations": cost, "efficiency": efficiency.get(row["metric"])}
    if cell.weights == TRAINED:
        yield from curves(case.curves, network.subsets, maps)
        yield from _pairs(cell.explainer, maps, network)
    folder = Path(context["values"])
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {f"{name}_curve": curve.values for name, curve in case.curves.items()}
    drawn[CORRECT] = network.subsets[CORRECT].astype(np.float64)
    weights.save(folder / f"{cell.cell_id}.safetensors", values | drawn)


def _pairs(explainer: str, maps: NDArray[np.float64], network: Network) -> Iterator[Row]:
    """How alike these maps are to those of each explainer whose name comes before."""
    every = {"": np.ones(len(maps), bool)}
    for other, digests in sorted(network.kept.items()):
        if other < explainer and TRAINED in digests:
            case = metrics.Case(maps, other=network.maps(other))
            values = {name: case.value(name) for name in LIKENESS}
            for row in summarise(values, every, maps):
                yield {**row, "against": other}


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry: each network is built and compiled once."""
    networks: dict[tuple[str, str, str], Network] = {}

    def rows(cell: Cell) -> Iterator[Row]:
        key = cell.dataset, cell.architecture, network_of(cell)
        if key not in networks:
            networks[key] = Network(cell, context)
        yield from measure(cell, networks[key], context)

    for cell in cells:
        report.run(cell, lambda cell=cell: rows(cell))  # type: ignore[misc]
