"""Several trainings of one network: what holds of explainers whatever seed it was trained with.

A claim about explainers has the training as its unit. Each is a network of its own, explained for
its own classes and judged by itself; of each the mean over the images that it classifies correctly
is taken, for an explainer less a control the mean paired difference. Over trainings stands their
mean, and Student's interval where there are five at least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import metrics
from bench.engine.progress import console
from bench.record.cell import Cell
from bench.stages import Job, train
from bench.subject.fingerprint import code_of
from bench.subject.networks import Network
from implementations.architecture import weights
from implementations.errors import BadInput

SEED = "seed "
"""Weights that another seed than the first trained: `seed 1`, ..."""
FEWEST = 5
"""Trainings of which an interval is given."""
OVER, DIFFERENCE = "mean over trainings", "paired difference over trainings"
Floats = NDArray[np.float64]
Training = Mapping[str, Mapping[str, Floats]]
"""Explainer -> metric, and `correct`, -> value of each image (N,)."""


def labels(seeds: int) -> list[str]:
    """What weights of the trainings beside the first are called."""
    return [f"{SEED}{number}" for number in range(1, seeds)]


def further(job: Job, asked: Sequence[Cell]) -> list[Cell]:
    """The cells asked for of the first network, of each further training of it."""
    first = asked[0].dataset, asked[0].architecture
    (network,) = (network for network in job.networks if network[:2] == first)
    trained = [c for c in asked if (c.dataset, c.architecture, c.weights) == (*first, "trained")]
    return [replace(cell, weights=label) for label in prepare(job, network) for cell in trained]


def prepare(job: Job, network: Network) -> list[str]:
    """Train a network with the other seeds, unless that was done; what their weights are called.

    By the column that trains it for all, the first where all do. Raises BadInput for a network that
    comes trained.
    """
    dataset, architecture, trainer = network
    if trainer == "given":
        raise BadInput(f"{architecture} comes trained: --seeds trains a network anew")
    here = [column for column in job.request.columns if column.missing is None]
    one = next((column for column in here if column.label == trainer), here[0])
    asked = replace(job.request, columns=(one,))
    cells = [c for c in train.cells(asked, dataset, architecture, ("native",)) if c.seed]
    wanted = []
    for cell, label in zip(cells, labels(job.request.seeds), strict=True):
        path = job.out / f"{train.label(cell)}.safetensors"
        job.context["weights"][f"{dataset}/{architecture}/{label}"] = str(path)
        made = {"cell_id": cell.cell_id, "code_hash": code_of(cell)}
        if path.exists() and weights.about(path).items() >= made.items():
            console.print(f"{architecture} on {dataset}: {label} is trained already")
        else:
            wanted.append(cell)
    job.execute("train", wanted, isolate=True)
    lacking = [
        cell for cell in cells if not (job.out / f"{train.label(cell)}.safetensors").exists()
    ]
    if lacking:
        raise BadInput(f"{lacking[0]} could not be trained; see {job.run.folder}")
    return labels(job.request.seeds)


def rows(trainings: Sequence[Training], controls: set[str]) -> Iterator[dict[str, Any]]:
    """A row for each metric that a finding may rest on and explainer, and for it less each control.

    Only of explainers that every training has.
    """
    names = sorted(set.intersection(*(set(training) for training in trainings)))
    for metric in metrics.names():
        if not metrics.load(metric).card.finding:
            continue
        here = [n for n in names if all(metric in training[n] for training in trainings)]
        same = {"metric": metric, "subset": "correct"}
        for name in here:
            means = [_mean(_correct(training, name, metric)) for training in trainings]
            yield {**same, "explainer": name, "statistic": OVER, **interval(means)}
        for name in here:
            for other in here:
                if name not in controls and other in controls:
                    apart = [
                        _mean(_correct(t, name, metric) - _correct(t, other, metric))
                        for t in trainings
                    ]
                    yield {**same, "explainer": name, "against": other, "statistic": DIFFERENCE,
                           **interval(apart)}  # fmt: skip


def interval(means: Sequence[float]) -> dict[str, Any]:
    """Mean of trainings' means, its 95 % t interval, how many, and whether that excludes 0."""
    from scipy import stats

    known = np.array([mean for mean in means if np.isfinite(mean)])
    n = len(known)
    if not n:
        return {"value": None, "ci_lo": None, "ci_hi": None, "n": 0, "apart": False}
    value = float(known.mean())
    if n < FEWEST:
        return {"value": value, "ci_lo": None, "ci_hi": None, "n": n, "apart": False}
    half = float(stats.t.ppf(0.975, n - 1) * known.std(ddof=1) / np.sqrt(n))
    apart = bool(abs(value) > half)
    return {"value": value, "ci_lo": value - half, "ci_hi": value + half, "n": n, "apart": apart}


def _correct(training: Training, name: str, metric: str) -> Floats:
    """Values of the images that this training classifies correctly."""
    found: Floats = training[name][metric][training[name]["correct"] > 0]
    return found


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
