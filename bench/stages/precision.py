"""How much a method's map changes in a coarser precision: bfloat16, and TF32 on a GPU.

Every map is held against the float64 oracle's, float32's beside it, so that what the precision does
is told from what the column does. The classes are the oracle's, so a map is of the same class even
where the precision would have predicted another: that is counted apart, as a flip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bench import metrics
from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages import Job, agree
from bench.subject.explainer import build
from bench.subject.heatmaps import relative_error, zero_maps
from bench.subject.inputs import subject
from bench.subject.request import Request
from bench.truth import answers
from implementations import methods

EXAMPLES = ("precision", "precision --dataset digits --architectures cnn-gap --frameworks jax")
COARSE = {"cpu": ("float32", "bfloat16"), "gpu": ("float32", "tf32", "bfloat16")}
"""Device -> what is measured there; float32 is what the others are beside."""
IMAGES = 64
"""Explained at the most."""
BARE = True
"""Its processes need a framework and nothing else (`bench/engine/worker.py`)."""


def cells(request: Request, dataset: str, architecture: str) -> Iterator[Cell]:
    """Every method in every column, eager, at its default layer, but for maps of all classes."""
    of_one = [name for name in request.methods if not methods.load(name).every_class]
    precisions = COARSE[request.device]
    for column, precision, name in product(request.columns, precisions, of_one):
        yield Cell(
            stage="precision", framework=column.framework, backend=column.backend, method=name,
            dataset=dataset, architecture=architecture, device=request.device, mode="eager",
            precision=precision, score=methods.load(name).card.score, threads=request.threads,
        )  # fmt: skip


def run(job: Job) -> list[Row]:
    """The oracle's answers first, once for all columns and precisions."""
    networks = [(dataset, architecture) for dataset, architecture, _ in job.networks]
    asked = [cell for network in networks for cell in cells(job.request, *network)]
    job.answer(asked)
    return job.execute("precision", asked)


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """A row a metric: the median over images, or the share of images that flips."""
    n = min(answers.images_compared(cell, context["n_images"]), IMAGES)
    whole = subject(cell, context, answers.images_compared(cell, context["n_images"]))
    expected = answers.answer(cell, whole, Path(context["oracle"]))
    images, targets = whole.images[:n], expected["targets"][:n]
    found = agree.explain(build(cell, whole.architecture, whole.weights), images, targets)
    truth, mine = expected["upsampled"][:n], found["upsampled"]
    case = metrics.Case(mine, other=truth)
    # An empty map of the oracle's has no peak to be wrong by: it is counted among the undefined.
    error = np.where(zero_maps(truth), np.nan, relative_error(mine, truth, truth))
    values = {
        "relative_error": error,
        **{name: np.asarray(case.value(name)) for name in ("spearman", "topk_iou")},
        "class_flips": (found["logits"].argmax(axis=1) != targets).astype(np.float64),
    }
    for name, each in values.items():
        defined = each[np.isfinite(each)]
        share = name == "class_flips"
        middle = np.mean if share else np.median
        yield {
            "metric": name, "value": float(middle(defined)) if len(defined) else None,
            "statistic": "mean" if share else "median", "n": len(defined),
            "undefined": len(each) - len(defined), "nan_count": int((~np.isfinite(mine)).sum()),
            "weights_sha": whole.weights_sha, "inputs_sha": whole.inputs_sha,
            "verified": whole.verified,
        }  # fmt: skip
