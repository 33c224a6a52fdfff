"""How alike the heatmaps of separately trained networks are, with the seeds' noise floor beside.

All networks are explained by one column, so the difference is the training's, not the explainer's.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from bench import metrics
from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages import Job, agree
from bench.subject.explainer import build
from bench.subject.inputs import convolves, subject

METRICS = ("spearman", "topk_iou")


def across(job: Job) -> list[Row]:
    """Of the networks that all columns train, in the first column that is here.

    By Grad-CAM, so not those without a convolution.
    """
    column = next(c for c in job.request.columns if c.missing is None)
    cells = [
        Cell(
            stage="train", task="likeness", framework=column.framework, backend=column.backend,
            method="grad_cam", dataset=dataset, architecture=name, device=job.request.device,
        )
        for dataset, name, trainer in job.networks
        if trainer == "all" and convolves(job.architecture(dataset, name))
    ]  # fmt: skip
    return job.execute("likeness", cells)


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """One row a pair of networks and metric: the median over images of the Grad-CAM signed maps.

    The networks are those of `context["weights"]` under this cell's data set and architecture whose
    key says how they were trained. Each image is explained for its true class.
    """
    head = f"{cell.dataset}/{cell.architecture}/"
    trained = [k.removeprefix(head) for k in context["weights"] if k.startswith(head)]
    maps = {}
    for name in sorted(set(trained) - {"trained"}):
        about = subject(replace(cell, weights=name), context, context["n_images"])
        explainer = build(cell, about.architecture, about.weights, ("signed", "heatmap"))
        maps[name] = agree.explain(explainer, about.images, about.labels)["signed"]
    for (one, a), (other, b) in combinations(maps.items(), 2):
        for name in METRICS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                values = np.asarray(metrics.Case(a, other=b).value(name), float)
            defined = values[np.isfinite(values)]
            if len(defined):
                yield {
                    "weights": one,
                    "against": other,
                    "metric": name,
                    "value": float(np.median(defined)),
                    "n": len(defined),
                }
