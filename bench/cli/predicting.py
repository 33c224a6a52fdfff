"""`predict`: the classes of a user's images, ranked, by one network in one column."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cli import expecting, given
from bench.cli.options import Single
from bench.engine.progress import answer
from bench.subject import classes, names
from implementations.errors import Unavailable, one_line

FAILED = 1


def run(asked: Single) -> int:
    """`predict`: logits made in a child, and the best classes of each image; 1 where it broke.

    3 where they are not those expected, and no cause is found. Raises BadInput and Unavailable.
    """
    from bench.cli import predicted
    from bench.engine import scratch
    from bench.engine.alone import alone
    from bench.engine.progress import ticker
    from bench.record import cell as cells
    from bench.stages import explain as stage

    column = names.column(asked.framework, asked.backend)
    cell = cells.Cell(
        stage="explain", framework=column.framework, backend=column.backend, dataset="",
        architecture=asked.known, device=asked.device, mode="eager",
        precision=stage.default_precision(column.framework, None),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder:
        subject = given.take(asked, Path(folder))
        called = classes.take(asked.class_names, subject.architecture.classes)
        context = {**subject.context, "expect": expecting.checked(asked.expect, subject)}
        given.require(column, asked.device)
        for said in subject.told:
            print(f"python -m bench predict: {said}", file=sys.stderr)  # noqa: T201
        out = Path(folder) / "logits.npy"
        context["out"] = str(out)
        with ticker("predict", 1) as progress:
            row = alone(predicted.__name__, cell, context, progress.say)[-1]
            progress.tick("")
        if row["status"] == "skipped":
            raise Unavailable(row["reason"])
        if row["status"] != "ok":
            print(f"{row['said']}python -m bench predict: {row['reason']}", file=sys.stderr)  # noqa: T201
            return FAILED
        logits = np.load(out).astype(np.float64)
    status = expecting.tell(asked, row)
    ranked = [best(row, asked.top) for row in logits]
    if asked.json:
        told = [
            {"image": name, "classes": [
                {"class": k, "probability": probability, "logit": logit, "name": called[k]}
                for k, probability, logit in found]}
            for name, found in zip(subject.names, ranked, strict=True)
        ]  # fmt: skip
        answer.print(json.dumps(told, indent=1))
        return status
    width = max(len(called[k]) for found in ranked for k, _, _ in found)
    for name, found in zip(subject.names, ranked, strict=True):
        answer.print(one_line(name))
        for k, probability, logit in found:
            answer.print(f"  {called[k]:<{width}} {100 * probability:7.3f} %   logit {logit:.4g}")
    return status


def best(logits: NDArray[Any], top: int) -> list[tuple[int, float, float]]:
    """The classes of the largest logits, the first of equals first: class, probability, logit."""
    shifted = np.exp(logits - logits.max())
    probabilities = shifted / shifted.sum()
    order = np.argsort(-logits, kind="stable")[:top]
    return [(int(k), float(probabilities[k]), float(logits[k])) for k in order]
