"""In a process of its own: a library's offers beside ours, on one network.

python -m experiments.matched.computed LIBRARY FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.subject.heatmaps import relative_error, zero_maps
from bench.truth.question import Question
from experiments.matched import cells, drawn, formulas, paths, traced
from experiments.matched.passes import Passes
from implementations import frameworks, libraries, methods
from implementations.architecture import graph, registered, weights
from implementations.architecture.graph import Architecture
from implementations.arrays import Weights, resize
from implementations.conventions import Convention, apply
from implementations.errors import Unavailable
from implementations.libraries import LibraryMethod, Offer

Maps = NDArray[np.float64]
SEED = "seed"
SAME = 1e-5
"""Of the peak of the signed map."""
OTHER = "1"
"""Another seed than the default, of a library's generator."""
STATED = {
    **formulas.STATED, **drawn.STATED, **cells.STATED, **traced.STATED, **paths.STATED,
}  # fmt: skip
"""Offer -> the formula that it states where no convention of ours is it."""


class Subject:
    """A network in the library's framework and in the oracle, images and targets."""

    def __init__(self, folder: Path, framework: str) -> None:
        self.architecture: Architecture = graph.read(folder / registered.IN_FOLDER)
        tensors: Weights = weights.load(folder / registered.WEIGHTS_IN_FOLDER)
        given = np.load(folder / "given.npz")
        self.images, self.targets = given["images"], given["targets"]
        self.name, self.framework = framework, frameworks.load(framework)
        self.oracle = frameworks.load(frameworks.REFERENCE)
        self.network = self.framework.build(self.architecture, tensors, "cpu", "float32")
        self.tensors = tensors
        self.twin = self.oracle.build(self.architecture, tensors, "cpu", "float64")

    def theirs(
        self, method: LibraryMethod, layer: str, given: dict[str, str], precision: str = "float32"
    ) -> Maps:
        """The library's map, at the size that it has."""
        build, network = method.builder(self.name), self.network
        if precision != "float32":
            network = self.framework.build(self.architecture, self.tensors, "cpu", precision)
        explain = build(network, layer, method.resolve(given), lambda whole: whole)
        placed = self.framework.put(network, self.images, self.targets)
        found = explain(network, *placed)["heatmap"]
        array = found if isinstance(found, np.ndarray) else self.framework.to_numpy(found)
        return array.astype(np.float64)

    def ours(self, name: str, layer: str, size: tuple[int, ...], score: str) -> tuple[Maps, Maps]:
        """The oracle's map and its signed map, at this size, of this score if it is defined."""
        method = methods.load(name)
        score = score if score in method.card.scores else method.card.score
        explain = method.bind(
            frameworks.REFERENCE, self.oracle, self.twin, layer, method.resolve({}, score),
            method.outputs,
        )  # fmt: skip
        found = explain(*self.oracle.put(self.twin, self.images, self.targets))
        heatmap = np.asarray(found["heatmap"], np.float64)
        signed = np.asarray(found.get("signed", heatmap), np.float64)
        if heatmap.shape[1:] != size:
            heatmap = resize(heatmap, (size[0], size[1]))
        return heatmap, signed

    def stated(self, made: Convention, layer: str, maps: Maps) -> Maps | None:
        """What a convention makes of the oracle's arrays, of either sign the nearer."""
        images = self.images.astype(np.float64)
        asked = Question(self.twin, images, self.targets, maps, layer, made.formula)
        evidence = asked.evidence(made)
        if evidence is None:
            return None
        activations, gradients = evidence
        size = images.shape[1:3]
        plus = apply(made, activations, gradients, size)
        if made.sign == "as defined":
            return plus
        minus = apply(made, -activations, gradients, size)
        nearer = (abs(plus - maps) <= abs(minus - maps)).all(axis=(1, 2), keepdims=True)
        return np.where(nearer, plus, minus)


def worst(found: Maps, expected: Maps | None, signed: Maps | None = None) -> float | None:
    """The largest difference of any image, of the peak of the signed map; None of other shapes."""
    if expected is None or found.shape != expected.shape:
        return None
    return float(relative_error(found, expected, expected if signed is None else signed).max())


def row(subject: Subject, method: LibraryMethod, offer: Offer) -> dict[str, Any]:
    """How far an offer is from ours; where that is far, from what it states, and from itself."""
    layer = method.layer(subject.architecture, None)
    found = subject.theirs(method, layer, dict(offer.canonical or {}))
    told: dict[str, Any] = {"maps": int((~zero_maps(found)).sum())}
    if offer.like:
        expected, signed = subject.ours(offer.like, layer, found.shape[1:], method.card.score)
        told["to_ours"] = worst(found, expected, signed)
        told["maps"] = int((~zero_maps(expected)).sum())
        if SEED in offer.options:
            again = subject.theirs(method, layer, {SEED: OTHER})
            told["to_itself"] = worst(again, found, signed)
    if method.name in STATED or isinstance(offer.convention, Convention):
        told["to_stated"] = to_stated(subject, method, offer, layer)
        if (told["to_stated"] or 0.0) > SAME:
            told["in_float64"] = to_stated(subject, method, offer, layer, "float64")
    return told


def to_stated(
    subject: Subject, method: LibraryMethod, offer: Offer, layer: str, precision: str = "float32"
) -> float | None:
    """How far its maps are from what it states, at all settings; None where there is no map."""
    known, errors = STATED.get(method.name), []
    for given in known.settings if known else ({},):
        try:
            maps = subject.theirs(method, layer, dict(given), precision)
        except Unavailable:
            return None
        if known:
            images, options = subject.images.astype(np.float64), method.resolve(given)
            passes = Passes(subject.twin, images, subject.targets, layer, options)
            expected: Maps | None = known.maps(passes)
        else:
            expected = subject.stated(offer.convention, layer, maps)
        errors.append(worst(maps, expected))
    return None if None in errors else max(error for error in errors if error is not None)


def main(library: str, folder: Path) -> None:
    """Write the rows of offers that are like one of ours or state a formula: `LIBRARY.json`."""
    about = libraries.load(library)
    subject = Subject(folder, about.framework)
    rows: dict[str, Any] = {}
    for name, offer in about.offers.items():
        method = about.method(name)
        if offer.like or method.name in STATED:
            try:
                rows[name] = row(subject, method, offer)
            except Exception as error:  # a row, like any other
                rows[name] = {"reason": f"{type(error).__name__}: {error}".partition("\n")[0]}
    (folder / f"{library}.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
