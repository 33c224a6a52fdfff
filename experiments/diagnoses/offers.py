"""Each library's offer on one bundled network, diagnosed, beside what the offer states.

    python -m experiments.diagnoses.offers FOLDER

The folder keeps the maps: those that are there are not made again. Offers that state no convention
are searched for a moment only, to see whether a simple one gives their maps after all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

import datasets
from bench.engine.environment import environment
from bench.record.cell import Cell
from bench.truth.diagnosis import Diagnosis, diagnose
from bench.truth.fitting import fit
from bench.truth.question import Question
from experiments.diagnoses.explained import DATASET, NETWORK, OTHER, ROOT
from implementations import libraries, methods
from implementations.architecture import registered, weights
from implementations.conventions import (
    Convention,
    combine,
    finish,
    normalised,
    rectified,
)
from implementations.libraries._causes import cause
from implementations.oracle import runtime

IMAGES = 8
OTHERS = (2, 5)
"""Images of which another class than the predicted one is explained: whose it is, is seen then."""
SECONDS, FEW = 60.0, 10.0
"""To search, for offers that state a convention and for those that state none."""
OWN = "none: {}"
"""What stands where an offer states no convention: why."""


class Line(NamedTuple):
    """An offer: what it states of its map, and what is diagnosed."""

    library: str
    offer: str
    stated: str
    diagnosed: str
    agrees: str
    tried: int = 0
    seconds: float = 0.0


def explained(folder: Path) -> None:
    """Every offer's maps, (N, H, W) at the images' size, in files of a folder."""
    data = datasets.load(DATASET)
    images = data.test_images[:IMAGES]
    architecture = registered.get(NETWORK, images.shape[1:], 10)
    tensors = weights.load(ROOT / f"results/weights/{DATASET}--{NETWORK}.safetensors")
    predicted = runtime.build(architecture, tensors)(images.astype(float)).argmax(axis=1)
    targets = ((predicted + np.isin(np.arange(IMAGES), OTHERS)) % 10).astype(np.int32)
    np.save(folder / "images.npy", images)
    np.save(folder / "targets.npy", targets)
    described = [libraries.describe(name) for name in libraries.names()]
    for framework, backend, python in dict.fromkeys(
        (each.framework, each.backend, each.python) for each in described
    ):
        if framework == "reference":
            continue
        cell = Cell(stage="contrast", framework=framework, backend=backend, dataset=DATASET,
                    architecture=NETWORK)  # fmt: skip
        command = [str(python or sys.executable), "-m", "experiments.diagnoses.explained"]
        variables = {**os.environ, **environment(cell), "PYTHONPATH": str(ROOT)}
        words = [framework, backend or "-", str(folder.absolute())]
        subprocess.run([*command, *words], cwd=ROOT, env=variables, check=True)


def lines(folder: Path) -> Iterator[Line]:
    """A line an offer, of the maps in a folder."""
    images, targets = np.load(folder / "images.npy"), np.load(folder / "targets.npy")
    questions: dict[tuple[str, str, str], Question] = {}
    for name in libraries.names():
        about = libraries.describe(name)
        if about.framework == "reference":
            continue
        for offer, said in about.offers.items():
            path = folder / f"{name}.{offer}.npy"
            stated = _stated(said)
            if not path.exists():
                told = path.with_suffix(".txt")
                why = told.read_text() if told.exists() else str(about.missing)
                yield Line(name, offer, stated, f"no maps: {why}", "")
                continue
            maps = np.load(path)
            if not said.like:
                yield Line(name, offer, stated, "like no method of ours", "")
                continue
            plain = libraries.canonical(said.like, at_input=said.at != "layer")
            network = OTHER.get(offer, NETWORK)
            key = (network, said.like, plain.formula)
            if key not in questions:
                questions[key] = _question(*key, images, targets, maps)
            question = questions[key].of(maps)
            seconds = FEW if isinstance(said.convention, str) else SECONDS
            found = diagnose(question, seconds, lambda text: None, excusing=True)
            agrees = _agrees(said.convention, question, found)
            if agrees == "no" and not isinstance(said.convention, str):
                agrees += _known(name, offer, said.convention, question)
            yield Line(name, offer, stated, _found(found, question, plain), agrees, found.tried,
                       round(found.seconds, 1))  # fmt: skip


def _question(
    network: str, like: str, formula: str, images: np.ndarray, targets: np.ndarray, maps: np.ndarray
) -> Question:
    architecture = registered.get(network, images.shape[1:], 10)
    tensors = weights.load(ROOT / f"results/weights/{DATASET}--{network}.safetensors")
    layer = methods.load(like).layer(architecture, None)
    oracle = runtime.build(architecture, tensors)
    return Question(oracle, images.astype(float), targets, maps, layer, formula)


def _stated(said: libraries.Offer) -> str:
    if isinstance(said.convention, str):
        return OWN.format(said.convention)
    plain = libraries.canonical(said.like, at_input=said.at != "layer")
    return words(said.convention, plain)


def words(convention: Convention, plain: Convention) -> str:
    """What differs from a method's own map, in words."""
    away = [each for each in convention.differs(plain) if each != "resize" or
            convention.resize not in ("none", "bilinear")]  # fmt: skip
    told = {each: getattr(convention, each) for each in away}
    if "epsilon" in told:
        told["epsilon"] = f"{told['epsilon']:.2g}"
    return ", ".join(f"{name}: {value}" for name, value in told.items()) or "canonical"


def _found(found: Diagnosis, question: Question, plain: Convention) -> str:
    if found.found:
        told = [words(replace(each.convention, epsilon=each.epsilon), plain)
                for each in found.found]  # fmt: skip
        but = found.found[0].excused
        kept = f", but for image {', '.join(map(str, but))}, which rounding decides" if but else ""
        return " | ".join(dict.fromkeys(told)) + kept
    if found.nearest is None:
        return "nothing like it"
    if not question.enough and (found.nearest.errors <= question.share).all():
        few = f"of the {question.telling.sum()} maps that are not empty"
        return f"{words(found.nearest.convention, plain)}, {few}"
    worst = found.nearest.errors.max()
    return f"none; nearest {words(found.nearest.convention, plain)}, {worst:.1g} of the range away"


def _agrees(stated: Convention | str, question: Question, found: Diagnosis) -> str:
    """Yes where what is stated is found, or what costs no more and gives these very maps."""
    if isinstance(stated, str):
        return "nothing stated" if found.found else "yes, none"
    if not question.enough and found.nearest and (found.nearest.errors <= question.share).all():
        return "yes, of few"
    if not found.found:
        return "no"
    formula = question.formula
    return "yes" if found.found[0].cost <= stated.cost(formula, question.at_input) else "dearer"


def _known(library: str, offer: str, stated: Convention, question: Question) -> str:
    """Why no convention gives the maps, where that is known: float32, or rows of the scoreboard.

    Float32 it is where the formula stated, computed in it from the oracle's tensors, is as far from
    itself in float64 as the maps are. A row has a reproducer, and a cause that is known.
    """
    answer = question.evidence(stated)
    if answer is None:
        return ""
    activations, gradients = (each.astype(np.float32) for each in answer)
    single = combine(stated, activations, gradients).astype(float)  # type: ignore[arg-type]
    exact = combine(stated, *answer)
    of, some = question.maps.shape[1:], question.telling
    made, rounded = (finish(stated, each, of) for each in (exact, single))
    scaled = normalised(stated, made, rectified(stated, exact), stated.epsilon)
    tiny = np.finfo(float).tiny  # of an empty map
    span, extent = (np.maximum(np.ptp(each, axis=(1, 2)), tiny) for each in (scaled, made))
    apart = np.abs(question.maps - scaled).max(axis=(1, 2)) / span
    bare = np.abs(rounded - fit(rounded, made)[0]).max(axis=(1, 2)) / extent
    if (apart <= bare)[some].all():
        return f": float32 carries its formula up to {bare[some].max():.1g} of the range away"
    files = sorted((ROOT / "results/reproducers").glob(f"{library}-*-{offer}-probe_*.py"))
    probes = [each.stem.rpartition("probe_")[2] for each in files]
    because = [why for probe in probes if (why := cause(library, offer, f"probe {probe}"))]
    named = ", ".join(each.stem for each in files)
    return f": rows of the scoreboard, {named}: {because[0]}" if because else ""


def main() -> int:
    """Print a line an offer; status 1 where one is not what it states, and nothing known is why."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob("*.*.npy")):
        explained(folder)
    wrong = 0
    print(*Line._fields, sep=" | ")
    for line in lines(folder):
        wrong += line.agrees in ("no", "dearer")
        print(*line, sep=" | ", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
