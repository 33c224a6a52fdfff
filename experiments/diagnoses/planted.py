"""Conventions drawn from all that a search tries, planted, and looked for again.

Networks are small, so that hundreds of searches take minutes; maps are rounded to float32, as a
library gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from bench.truth.candidates import candidates, shaped
from bench.truth.diagnosis import Diagnosis, diagnose, reproduced, tells
from bench.truth.question import TOLERANCE, Question
from implementations import conventions
from implementations.architecture import graph, weights
from implementations.arrays import Floats
from implementations.conventions import FACTORS, Convention
from implementations.oracle import runtime

MOST = 3
"""What a planted convention costs at the most."""
SECONDS = 120.0
NODES: dict[str, list[dict[str, Any]]] = {
    "plain": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 6, "kernel": 3},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "pool1", "kind": "max_pool", "inputs": "relu1", "size": 2, "stride": 2},
        {"name": "conv2", "kind": "conv", "inputs": "pool1", "filters": 8, "kernel": 3},
        {"name": "relu2", "kind": "relu", "inputs": "conv2"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 5},
    ],
    "normed": [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 6, "kernel": 3,
         "stride": 2},
        {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
        {"name": "relu1", "kind": "relu", "inputs": "norm1"},
        {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 7, "kernel": 2},
        {"name": "norm2", "kind": "batch_norm", "inputs": "conv2"},
        {"name": "relu2", "kind": "relu", "inputs": "norm2"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu2"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 5},
    ],
}  # fmt: skip
SIZES = {"plain": (14, 14, 3), "normed": (13, 16, 3)}
TARGETS = np.array([0, 3, 1, 4, 2, 2, 0, 1])


class Kind(NamedTuple):
    """What is asked: of which network, at which layer, maps like which method's, of what size."""

    network: str
    layer: str
    formula: str
    at_layer_size: bool = False


KINDS = (
    Kind("plain", "relu2", "grad_cam"),
    Kind("plain", "relu2", "grad_cam", True),
    Kind("normed", "relu2", "grad_cam"),
    Kind("normed", "norm2", "hires_cam"),
    Kind("plain", "conv2", "grad_cam_plus_plus"),
    Kind("plain", "relu1", "layer_cam", True),
    Kind("plain", "input", "saliency"),
    Kind("normed", "input", "gradient_x_input"),
    Kind("plain", "relu2", "eigen_cam"),
    Kind("normed", "relu2", "eigen_grad_cam"),
    Kind("plain", "relu2", "fem"),
    Kind("plain", "input", "lrp"),
    Kind("normed", "input", "full_grad"),
)


@dataclass(frozen=True)
class Plant:
    """A convention that was planted, with its epsilon in it, and its maps (N, H, W)."""

    kind: Kind
    convention: Convention
    cost: int
    maps: Floats


@cache
def asked(kind: Kind, seed: int = 1) -> Question:
    """The question of a kind, of maps of zeros."""
    architecture = graph.parse(
        {"input_shape": SIZES[kind.network], "classes": 5, "nodes": NODES[kind.network]},
        kind.network,
    )
    network = runtime.build(architecture, weights.randomise(architecture, seed))
    size = SIZES[kind.network]
    images = np.random.default_rng(3).random((len(TARGETS), *size))
    of = architecture.shapes[kind.layer] if kind.at_layer_size else size
    maps = np.zeros((len(TARGETS), *of[:2]))
    return Question(network, images, TARGETS, maps, kind.layer, kind.formula)


@cache
def space(kind: Kind) -> list[Convention]:
    """Every convention of at most the cost, the scale included."""
    question = asked(kind)
    every = [
        each
        for level in range(MOST + 1)
        for given in candidates(question, level)
        for each in shaped(question, given, level)
    ]
    at_input = question.at_input
    return [
        found
        for each in every
        for name in FACTORS["normalise"]
        if (found := replace(each, normalise=name)).cost(kind.formula, at_input) <= MOST
    ]


def made(question: Question, convention: Convention) -> Floats | None:
    """The maps (N, H, W) of a convention; None where there are none, or they are not finite."""
    evidence = question.evidence(convention)
    if evidence is None:
        return None
    with np.errstate(all="ignore"):
        signed = conventions.combine(convention, *evidence)
        finished = conventions.finish(convention, signed, question.maps.shape[1:])
        before = conventions.rectified(convention, signed)
        maps = conventions.normalised(convention, finished, before, convention.epsilon)
    return maps.astype(np.float32).astype(np.float64) if np.isfinite(maps).all() else None


def plants(count: int, seed: int = 0) -> Iterator[Plant]:
    """As many as asked, the kinds in turn; maps that tell nothing of their images are not drawn."""
    random = np.random.default_rng(seed)
    done = 0
    while done < count:
        kind = KINDS[done % len(KINDS)]
        choices = space(kind)
        convention = choices[int(random.integers(len(choices)))]
        question = asked(kind)
        if convention.normalise.endswith("epsilon"):
            bare = made(question, replace(convention, normalise="none"))
            extent = 0.0 if bare is None else float(np.median(np.ptp(bare, axis=(1, 2))))
            part = 10 ** random.uniform(-3, 0)
            # Twice scaled, the map that it is added to has a range of one.
            given = part if "twice" in convention.normalise else part * extent
            convention = replace(convention, epsilon=given)
        maps = made(question, convention)
        if maps is None or not tells(question.of(maps), maps, np.zeros(len(maps))):
            continue
        done += 1
        yield Plant(kind, convention, convention.cost(kind.formula, question.at_input), maps)


def recovered(plant: Plant) -> tuple[bool, Diagnosis]:
    """Whether a search finds what was planted, or what costs no more and gives the same maps."""
    question = asked(plant.kind).of(plant.maps)
    told = diagnose(question, SECONDS, lambda text: None, excusing=True)
    if not told.found or told.found[0].cost > plant.cost:
        return False, told
    gaps = [np.abs(reproduced(question, each) - plant.maps).max(axis=(1, 2)) for each in told.found]
    near = all((gap <= 2 * TOLERANCE * np.ptp(plant.maps)).all() for gap in gaps)
    return near, told


NONE = ("noise", "other images", "another network")
"""Maps that no convention explains."""


def unexplained(plant: Plant, why: str, seed: int = 0) -> Diagnosis:
    """What a search makes of maps that are no convention's: none should explain them."""
    question = asked(plant.kind)
    maps = plant.maps
    if why == "noise":
        maps = np.random.default_rng(seed).random(maps.shape).astype(np.float32).astype(float)
    elif why == "other images":
        maps = maps[np.random.default_rng(seed).permutation(len(maps))]
    else:
        other = made(asked(plant.kind, 2), plant.convention)
        maps = np.zeros_like(maps) if other is None else other
    return diagnose(question.of(maps), SECONDS, lambda text: None, excusing=True)
