"""What makes a heatmap of a probe: the oracle's answer, and a claim that is held against it.

A claim is a convention, applied to the oracle's activations and gradients, or to the signed map of
a named method. It predicts maps, is found by a search, and is told in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench.truth.diagnosis import Found, diagnose, explained
from bench.truth.question import Question
from implementations import methods
from implementations.arrays import Floats
from implementations.contract import Framework
from implementations.conventions import (
    FACTORS,
    FORMULAS,
    Convention,
    combine,
    finish,
    normalised,
    rectified,
)
from implementations.errors import BadInput, Unavailable
from implementations.methods.card import Choice, Flag
from implementations.oracle import runtime
from implementations.oracle.network import Reference

ORACLE = cast(Framework, runtime)
TOLERANCES = {"float32": 1e-5, "float64": 1e-9}
"""Of the signed map's peak."""
FLAT = (("bilinear", 0),)
"""The ways to resize what is not resized."""
ALONE = "activations alone"
"""The formula that leaves a map as it is."""
SECONDS = 5.0
"""For which conventions are searched."""
BY_RULE = {"guided_backprop": "saliency", "deconvolution": "saliency"}
"""Methods that are another's formula behind other ReLUs."""
STAGES = {
    "input": "activations", "target": "gradients", "score": "gradients", "rule": "gradients",
    "layer": "activations", "pairing": "gradients", "gradient": "gradients", "formula": "weights",
    "pool": "weights", "rectify": "heatmap", "resize": "upsampled", "normalise": "normalised",
}  # fmt: skip
"""Factor of a convention -> the stage at which a map of it first differs from the canonical one."""


@dataclass(frozen=True)
class Asked:
    """What was explained: a network, images (N, H, W, C), targets (N,), a node, by which method.

    `score` is what the model's output is, `precision` that in which it was explained.
    """

    network: Reference
    images: Floats
    targets: NDArray[np.int32]
    node: str
    method: str
    score: str = "logit"
    precision: str = "float32"

    @property
    def tolerance(self) -> float:
        """How far a map may be from the oracle's, of the signed map's peak."""
        return TOLERANCES[self.precision]

    @property
    def at_layer(self) -> bool:
        """Whether the method explains at a layer, not at the image."""
        return methods.load(self.method).at == "layer"

    @property
    def plain(self) -> Claim:
        """The claim that the maps are the method's own."""
        rule = self.method.removesuffix("_backprop") if self.method in BY_RULE else "plain"
        rectify = "before resizing" if self.at_layer else "none"
        own = Convention(formula=formula(self.method), rule=rule, rectify=rectify, score=self.score)
        return Claim(own, self.method)

    @cached_property
    def canonical(self) -> Made:
        """The oracle's map of the method."""
        return made(self, self.method)


@dataclass(frozen=True)
class Made:
    """The oracle's map of a method: signed (N, h, w), and the heatmap."""

    signed: Floats
    heatmap: Floats

    @property
    def peak(self) -> Floats:
        """The signed map's largest magnitude (N,)."""
        return np.asarray(np.abs(self.signed).max(axis=(1, 2)))


@dataclass(frozen=True)
class Claim:
    """What explains maps: a convention, of a method's own map where one is named."""

    convention: Convention
    method: str = ""
    epsilon: float = 0.0


def made(asked: Asked, name: str) -> Made:
    """The oracle's map of a method by name, options in it or not. Raises Unavailable, BadInput."""
    method = methods.load(name)
    options = method.resolve({}, asked.score)
    reads = method.at == "layer" or method.card.reads == "layer"
    graph = asked.network.architecture
    exact = ":pre" if reads and graph[asked.node].kind == "conv" else ""
    layer = method.layer(graph, f"{asked.node}{exact}" if reads else None)
    explain = method.bind("reference", ORACLE, asked.network, layer, options, method.outputs)
    found = explain(asked.images, asked.targets)
    heatmap = np.asarray(found["heatmap"], np.float64)
    return Made(np.asarray(found.get("signed", heatmap), np.float64), heatmap)


class Prediction(NamedTuple):
    """The maps (N, H, W) that a claim makes, and what an error of 1 before is in these (N,)."""

    maps: Floats
    scale: Floats


def predicted(asked: Asked, claim: Claim, size: tuple[int, ...]) -> Prediction | None:
    """What a claim makes at a size; None where it cannot be had here."""
    question = _question(asked, np.zeros((len(asked.images), *size)))
    convention = claim.convention
    if claim.method:
        answer = _whole(made(asked, claim.method).signed)
        convention = replace(convention, formula=ALONE)
    else:
        given = question.evidence(convention)
        if given is None:
            return None
        answer = given
    with np.errstate(all="ignore"):
        signed = combine(convention, *answer)
        finished = finish(convention, signed, (size[0], size[1]))
        before = rectified(convention, signed)
        scaled = normalised(convention, finished, before, claim.epsilon)
        scale = np.ptp(scaled, axis=(1, 2)) / np.ptp(finished, axis=(1, 2))
    return Prediction(scaled, scale)


def searched(maps: Floats, asked: Asked) -> Claim | None:
    """The simplest claim that explains maps of which nothing is known, or None."""
    question = _question(asked, maps)
    best = _finished(question, _whole(asked.canonical.signed), asked)
    if best is not None and best.cost <= 1:
        return Claim(best.convention, asked.method, best.epsilon)
    if formula(asked.method) in FORMULAS:
        found = diagnose(question, SECONDS, lambda text: None).found
        if found:
            return Claim(found[0].convention, epsilon=found[0].epsilon)
    for name in (asked.method, *relatives(asked.method)):
        try:
            answer = _whole(made(asked, name).signed)
        except (BadInput, Unavailable):
            continue
        best = _finished(question, answer, asked)
        if best is not None:
            return Claim(best.convention, name, best.epsilon)
    return None


def _finished(question: Question, answer: tuple[Floats, Floats], asked: Asked) -> Found | None:
    """The simplest way in which a signed map was finished, that gives the question's maps."""
    flat = question.maps.shape[1:] == answer[0].shape[1:3]
    ways = product(FACTORS["rectify"].items(), FACTORS["resize"].items() if not flat else FLAT)
    for (rectify, _), (resize, _) in sorted(ways, key=lambda way: way[0][1] + way[1][1]):
        convention = Convention(formula=ALONE, score=asked.score, rectify=rectify, resize=resize)
        hits, _ = explained(question, convention, answer)
        if hits:
            return min(hits, key=lambda hit: hit.cost)
    return None


def formula(method: str) -> str:
    """The formula of a convention that is a method's own; its name where it has none."""
    return BY_RULE.get(method, method)


@lru_cache(maxsize=64)
def relatives(name: str) -> tuple[str, ...]:
    """A method's variants by one option, then the others of its kind that need no draws."""
    method = methods.load(name)
    variants = [
        f"{method.name}[{option}={str(value).lower()}]"
        for option, kind in method.options.items()
        for value in _values(kind)
        if value != kind.default
    ]
    others = [methods.load(each) for each in methods.names() if each != method.name]
    alike = [
        each.name for each in others
        if each.at == method.at and each.card.draws is None and not each.every_class
    ]  # fmt: skip
    return (*variants, *alike)


def _values(option: Any) -> Iterator[Any]:
    if isinstance(option, Flag):
        yield from (True, False)
    elif isinstance(option, Choice):
        yield from option.values


def told(asked: Asked, claim: Claim) -> str:
    """A claim in words: the method where it is another, then what differs from the canonical."""
    words = [f"{factor} {getattr(claim.convention, factor)}" for factor in _differs(asked, claim)]
    if claim.epsilon:
        words.append(f"epsilon {claim.epsilon:.2g}")
    return ", ".join([*([claim.method] if _another(asked, claim) else []), *words])


def first(asked: Asked, claim: Claim) -> str:
    """The first stage at which a claim differs from the canonical map."""
    if _another(asked, claim):
        return "weights"
    return next((STAGES[factor] for factor in _differs(asked, claim)), "")


def _another(asked: Asked, claim: Claim) -> bool:
    return claim.method not in ("", asked.method)


def _differs(asked: Asked, claim: Claim) -> list[str]:
    canonical = asked.plain.convention
    factors = claim.convention.differs(replace(canonical, score="logit"))
    return [factor for factor in factors if not (claim.method and factor in ("formula", "rule"))]


def _whole(signed: Floats) -> tuple[Floats, Floats]:
    return signed[..., None], np.zeros_like(signed[..., None])


def _question(asked: Asked, maps: Floats) -> Question:
    method = methods.load(asked.method)
    at_input = method.at == "input"
    own = formula(asked.method)
    named = own if own in FORMULAS else ("saliency" if at_input else "grad_cam")
    node = "input" if at_input else asked.node
    return Question(asked.network, asked.images, asked.targets, maps, node, named)
