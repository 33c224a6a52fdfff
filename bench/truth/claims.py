"""What makes a heatmap of a probe: the oracle's answer, and conventions held against it.

A convention predicts maps, by the oracle's activations and gradients or by the map of a method of
ours; one is found by a search, and is told in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.subject import own_maps
from bench.truth.diagnosis import Found, diagnose, explained
from bench.truth.question import Question
from bench.truth.tolerance import KINK
from implementations.arrays import Floats
from implementations.conventions import (
    FACTORS,
    Convention,
    combine,
    finish,
    normalised,
    rectified,
)
from implementations.errors import BadInput, Unavailable
from implementations.formulas import FORMULAS
from implementations.oracle.network import Reference

TOLERANCES = {"float32": 1e-5, "float64": 1e-9}
"""Of the signed map's peak."""
FLAT = (("bilinear", 0),)
"""The ways to resize what is not resized."""
SECONDS = 5.0
"""For which conventions are searched."""
BY_RULE = {"guided_backprop": "guided", "deconvolution": "deconvolution"}
"""Methods that are saliency behind other ReLUs."""
STAGES = {
    "input": "activations", "weights": "activations", "target": "gradients",
    "score": "gradients", "rule": "gradients",
    "layer": "activations", "pairing": "gradients", "gradient": "gradients", "formula": "weights",
    "pool": "weights", "sign": "signed", "rectify": "heatmap", "resize": "upsampled",
    "normalise": "normalised", "epsilon": "normalised",
}  # fmt: skip
"""Factor of a convention -> the stage at which a map of it first differs from the canonical one."""


class Made(NamedTuple):
    """The oracle's map of a method: signed (N, h, w), and the heatmap."""

    signed: Floats
    heatmap: Floats

    @property
    def peak(self) -> Floats:
        """The signed map's largest magnitude (N,)."""
        return np.asarray(np.abs(self.signed).max(axis=(1, 2)))


@dataclass(frozen=True)
class Asked:
    """What was explained: a network, images (N, H, W, C), targets (N,), a node, by which method.

    `score` is what was explained, `precision` that in which it was.
    """

    network: Reference
    images: Floats
    targets: NDArray[np.int32]
    node: str
    method: str
    score: str = "logit"
    precision: str = "float32"

    @cached_property
    def tolerance(self) -> float:
        """How far a map may be from the oracle's, of the signed map's peak.

        A softmax's derivative is as exact, of its size, as the logits are in absolute terms: of a
        score through it, what rounding the largest logit costs is allowed where that is more.
        """
        least = TOLERANCES[self.precision]
        if self.score == "logit":
            return least
        logits = self.network(self.images)
        return max(least, float(np.finfo(self.precision).eps * np.abs(logits).max()))

    @property
    def usual(self) -> str:
        """The score that the method explains where none is named."""
        return own_maps.score(self.method)

    @cached_property
    def undecided(self) -> NDArray[np.bool_]:
        """Which images (N,) are so near a kink that rounding decides where a gradient goes."""
        layer = own_maps.read(self.method, self.network.architecture, self.node)
        given = (self.network, layer, self.score, self.images, self.targets)
        return np.asarray(own_maps.margins(self.method, *given) < KINK[self.precision])

    @property
    def at_layer(self) -> bool:
        """Whether the method explains at a layer, not at the image."""
        return own_maps.at_layer(self.method)

    @property
    def plain(self) -> Convention:
        """The convention of the method's own map."""
        return Convention(
            formula="saliency" if self.method in BY_RULE else self.method,
            rule=BY_RULE.get(self.method, "plain"),
            rectify="before resizing" if self.at_layer else "none",
            score=self.score,
        )

    @cached_property
    def canonical(self) -> Made:
        """The oracle's map of the method."""
        layer = own_maps.read(self.method, self.network.architecture, self.node)
        given = (self.network, layer, self.score, self.images, self.targets)
        return Made(*own_maps.made(self.method, *given))


def unrectified(asked: Asked, name: str, score: str) -> Floats | None:
    """A method's map before any ReLU (N, h, w); None where it has not this score."""
    layer = own_maps.read(name, asked.network.architecture, asked.node)
    return own_maps.unrectified(name, asked.network, layer, score, asked.images, asked.targets)


class Prediction(NamedTuple):
    """The maps (N, H, W) of a convention, and what its signed map's peak is in these (N,)."""

    maps: Floats
    peak: Floats


def predicted(asked: Asked, convention: Convention, maps: Floats) -> Prediction | None:
    """What a convention makes at the size of these maps; None where it cannot be had here.

    Where it does not say which sign its map has, the one nearer to these maps is taken.
    """
    evidence = _evidence(asked, convention, maps)
    if evidence is None:
        return None
    signed, size = combine(convention, *evidence), (maps.shape[1], maps.shape[2])
    ways = (1.0, -1.0) if convention.sign == "as it falls" else (1.0,)
    found = [_finished(convention, way * signed, size) for way in ways]
    nearest = np.argmin([_far(each.maps, maps) for each in found], axis=0)
    picked = np.stack([each.maps for each in found])[nearest, np.arange(len(maps))]
    return Prediction(picked, found[0].peak)


def _evidence(asked: Asked, convention: Convention, maps: Floats) -> tuple[Floats, Floats] | None:
    own = convention.formula not in FORMULAS
    if own and (convention.input, convention.target, convention.layer) == PLACED:
        found = unrectified(asked, convention.formula, convention.score)
        return None if found is None else (found[..., None], np.ones((*found.shape, 1)))
    return question(asked, maps).evidence(convention)


PLACED = ("as given", "given", "named")


def _finished(convention: Convention, signed: Floats, size: tuple[int, int]) -> Prediction:
    with np.errstate(all="ignore"):
        finished, before = finish(convention, signed, size), rectified(convention, signed)
        scaled = normalised(convention, finished, before, convention.epsilon)
        scale = np.ptp(scaled, axis=(1, 2)) / np.ptp(finished, axis=(1, 2))
    return Prediction(scaled, scale * np.abs(signed).max(axis=(1, 2)))


def _far(maps: Floats, other: Floats) -> Floats:
    if maps.shape != other.shape:
        return np.zeros(len(maps))
    return np.asarray(np.abs(maps - other).max(axis=(1, 2)))


def searched(maps: Floats, asked: Asked) -> Convention | None:
    """The simplest convention that explains maps of which nothing is known, or None."""
    about = question(asked, maps)
    found = diagnose(about, SECONDS, lambda text: None).found
    if found:
        return replace(found[0].convention, epsilon=found[0].epsilon)
    for name in own_maps.relatives(asked.method):
        try:
            signed = unrectified(asked, name, asked.score)
        except (BadInput, Unavailable):
            continue
        best = None if signed is None else _as_finished(about, signed, name, asked.score)
        if best is not None:
            return replace(best.convention, epsilon=best.epsilon)
    return None


def _as_finished(about: Question, signed: Floats, name: str, score: str) -> Found | None:
    """The simplest way in which a signed map was finished, that gives the question's maps."""
    flat = about.maps.shape[1:] == signed.shape[1:]
    evidence = signed[..., None], np.ones((*signed.shape, 1))
    every = tuple(pair for pair in FACTORS["resize"].items() if pair[0] != "none")
    ways = product(FACTORS["rectify"].items(), FLAT if flat else every)
    for (rectify, _), (resize, _) in sorted(ways, key=lambda way: way[0][1] + way[1][1]):
        convention = Convention(formula=name, score=score, rectify=rectify, resize=resize)
        if name in FORMULAS:
            convention = replace(convention, formula="activations alone")
        hits, _ = explained(about, convention, evidence)
        if hits:
            best = min(hits, key=lambda hit: hit.cost)
            return replace(best, convention=replace(best.convention, formula=name))
    return None


def told(asked: Asked, convention: Convention) -> str:
    """What differs from the method's own map, in words."""
    return ", ".join(f"{each} {getattr(convention, each)}" for each in differing(asked, convention))


def first(asked: Asked, convention: Convention) -> str:
    """The first stage at which a convention differs from the method's own map."""
    return next((STAGES[factor] for factor in differing(asked, convention)), "")


def differing(asked: Asked, convention: Convention) -> list[str]:
    """The factors in which a convention is another than the method's own, of its usual score."""
    found = convention.differs(replace(asked.plain, score=asked.usual))
    return [each for each in found if (each, getattr(convention, each)) != ("resize", "none")]


def question(asked: Asked, maps: Any) -> Question:
    """What a diagnosis is asked of these maps."""
    node = asked.node if asked.at_layer else "input"
    return Question(asked.network, asked.images, asked.targets, maps, node, asked.plain.formula)


def nearby(asked: Asked, convention: Convention, factors: tuple[str, ...]) -> Iterator[Convention]:
    """The conventions that differ from one in one of these factors, the cheapest first."""
    given = sorted((cost, name, value) for name in factors for value, cost in FACTORS[name].items())
    for _, name, value in given:
        if getattr(convention, name) != value and not value.endswith("epsilon"):
            yield replace(convention, **{name: value})  # type: ignore[arg-type]
