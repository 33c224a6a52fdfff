"""A user's own logits held against ours, and the likely cause where they differ.

A cause is named because it was tried: the network changed in that way gives the user's numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cli import user_files
from bench.cli.trial import Subject, Trial, both
from bench.cli.trials_images import of_images
from bench.cli.trials_network import of_network
from bench.record.cell import Cell
from bench.subject.explainer import load_framework
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights
from implementations.errors import BadInput

GATES = {"float32": 1e-4, "float64": 1e-4, "tf32": 5e-3, "bfloat16": 5e-2}
"""Largest difference of a logit, of the largest, that is rounding; theirs is float32 mostly."""
HALF = 2e-3
"""The same of logits in half precision."""
CLEARLY = 5
"""A cause brings the two so many times nearer at least."""
LIKE = 3
"""Of causes that come this near to the nearest, the likeliest is named."""
TRIED = 8
"""Images that causes are tried on."""

Floats = NDArray[np.float64]
Logits = Callable[[Subject], Floats]


class Held(NamedTuple):
    """What is said of the two, and whether they agree: a cause that was named mends nothing yet."""

    said: str
    agree: bool


def read(path: str, images: int, classes: int) -> tuple[Floats, float]:
    """Logits (N, K), or (N, 1) of a network of one logit; and how near their type lets us come."""
    array = user_files.read_array(Path(path), "logits")
    if array.dtype.kind != "f":
        raise BadInput(f"{path}: logits are {array.dtype}; they must be float32 or float64")
    shapes: list[tuple[int, ...]] = [(images, classes)]
    shapes += [(classes,)] if images == 1 else []
    shapes += [(images, 1), (images,)] if classes == 2 else []
    if array.shape not in shapes:
        raise BadInput(
            f"{path}: logits have shape {array.shape}; {images} images and {classes} classes need "
            f"{shapes[0]}"
        )
    logits = np.asarray(array, np.float64).reshape(images, -1)
    if not np.isfinite(logits).all():
        row, column = np.argwhere(~np.isfinite(logits))[0]
        raise BadInput(f"{path}: value {logits[row, column]} at {(int(row), int(column))}; mend it")
    return logits, HALF if array.dtype.itemsize == 2 else 0.0


def hold(
    cell: Cell,
    architecture: Architecture,
    tensors: Weights,
    images: Any,
    ours: NDArray[Any],
    path: str,
) -> Held:
    """Hold a file's logits against ours (N, K) of the same images. Raises BadInput."""
    theirs, floor = read(path, len(ours), architecture.classes)
    gate = max(GATES[cell.precision], floor)
    framework, _ = load_framework(cell)

    def logits(subject: Subject) -> Floats:
        network = framework.build(
            subject.architecture, subject.tensors, cell.device, cell.precision
        )
        made = network(framework.put(network, subject.images))
        return framework.to_numpy(made).astype(np.float64)

    part = np.ascontiguousarray(images[:TRIED])
    return held(ours.astype(np.float64), theirs, gate, Subject(architecture, tensors, part), logits)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # of trials that are far off
def held(ours: Floats, theirs: Floats, gate: float, subject: Subject, logits: Logits) -> Held:
    """What is said of theirs (N, K) beside ours, causes being tried where they differ."""
    how, off = _nearest(ours, theirs)
    n = f"{len(ours)} images" if len(ours) > 1 else "the image"
    if off <= gate:
        also = f" after {how}: they are no logits, which were cut off before it" if how else ""
        return Held(f"agree to {off:.1e} of the largest, over {n}{also}", True)
    plain = _difference(ours, theirs)
    told = f"differ by {plain:.1e} of the largest, over {n}"
    found = _cause(theirs[: len(subject.images)], gate, subject, logits, off)
    if found is None:
        return Held(f"{told}; none of the usual causes makes them agree", False)
    trial, how, near = found
    also = f" and {how}" if how else ""
    return Held(f"{told}; with {trial.what}{also} they agree to {near:.1e}: {trial.mend}", False)


def trials(of: Subject) -> Iterator[Trial]:
    """Every trial, the likeliest first."""
    yield from of_images(of)
    yield from of_network(of)


def _cause(
    theirs: Floats, gate: float, subject: Subject, logits: Logits, off: float
) -> tuple[Trial, str, float] | None:
    """The likeliest trial that makes the two agree, or two of them; None where none does."""
    tried: list[tuple[float, str, Trial]] = []

    def run(these: Iterator[Trial]) -> tuple[Trial, str, float] | None:
        start = len(tried)
        for trial in these:
            changed = trial.change(subject)
            if changed is not None:
                how, near = _nearest(logits(changed), theirs)
                tried.append((near, how, trial))
        agree = [
            (t, how, near) for near, how, t in tried[start:] if near <= min(gate, off / CLEARLY)
        ]
        nearest = min((near for _, _, near in agree), default=0.0)
        return next((each for each in agree if each[2] <= LIKE * nearest), None)

    found = run(trials(subject))
    if found is None and tried:
        near, _, best = min(tried, key=lambda each: each[0])
        if near < off / 2:
            found = run(both(best, other) for other in trials(subject) if other != best)
    return found


def _nearest(ours: Floats, theirs: Floats) -> tuple[str, float]:
    """What brings ours nearest to theirs, nothing where that does, and how near."""
    found = [(how, _difference(read(ours), theirs)) for how, read in READINGS.items()]
    finite = [each for each in found if np.isfinite(each[1])]
    return min(finite, key=lambda each: each[1], default=("", np.inf))


def _difference(ours: Floats, theirs: Floats) -> float:
    """The largest difference of the largest magnitude; of one column, of our second class'."""
    if theirs.shape[1] == 1 and ours.shape[1] == 2:
        ours = ours[:, 1:]
    return float(np.max(np.abs(ours - theirs)) / max(np.max(np.abs(theirs)), np.finfo(float).tiny))


def _log_softmax(logits: Floats) -> Floats:
    shifted: Floats = logits - logits.max(axis=1, keepdims=True)
    made: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return made


READINGS: Mapping[str, Callable[[Floats], Floats]] = {
    "": lambda logits: logits,
    "a softmax": lambda logits: np.exp(_log_softmax(logits)),
    "a log softmax": _log_softmax,
    "a sigmoid": lambda logits: 1 / (1 + np.exp(-logits)),
}
"""What a file may hold instead of logits."""
