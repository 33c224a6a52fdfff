"""What is asked in a diagnosis: a network, images, somebody's maps, and the oracle's gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.subject import own_maps
from bench.truth.variants import VARIANTS, summed
from implementations.architecture.graph import layers
from implementations.architecture.kinds import KINDS
from implementations.arrays import Floats
from implementations.contract import SCORES
from implementations.conventions import Convention
from implementations.errors import BadInput, Unavailable
from implementations.formulas import EXPONENTIAL, FORMULAS
from implementations.oracle.network import Reference
from implementations.oracle.scores import score

TOLERANCE = 1e-5
"""How far a map may be from a candidate, of its range; of 8-bit maps `COARSE`."""
COARSE = 1 / 510
HALFWAY = 1.01
"""What is half way between two of 8 bits is not exactly so in floating point."""
FEWEST = 4
"""Maps that must tell something, where there are as many."""
LEVELS = 9
"""Values that a map has at least, to tell anything."""
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
Inputs = dict[str, Callable[[Floats], Floats]]
INPUTS: Inputs = {
    "as given": lambda x: x,
    "colours reversed": lambda x: x[..., ::-1],
    "times 255": lambda x: 255 * x,
    "rows of the batch turned round": lambda x: x[::-1],
    "mirrored": lambda x: x[:, :, ::-1],
    "axes swapped": lambda x: x.swapaxes(1, 2),
    "ImageNet's mean and deviation": lambda x: (x - IMAGENET[0]) / np.array(IMAGENET[1]),
}
GREY = ("as given", "times 255", "rows of the batch turned round", "mirrored", "axes swapped")
"""What can be done to images that have no three colours."""


class Question:
    """A network, images and targets, and the maps (N, H, W) that are to be explained.

    `coarse` is how far their values may be off, of a map's range: what is read off colours is.
    """

    def __init__(
        self,
        network: Reference,
        images: Floats,
        targets: NDArray[np.integer],
        maps: Floats,
        layer: str,
        formula: str,
        coarse: float = 0.0,
    ) -> None:
        self.network, self.images, self.targets = network, images, targets
        self.layer, self.formula = layer, formula
        self.taken = lru_cache(maxsize=None)(lambda name: VARIANTS[name](network))
        self.answer = lru_cache(maxsize=64)(self._answer)
        self.features = lru_cache(maxsize=64)(self._features)
        self.values = lru_cache(maxsize=2)(self._values)
        self.everywhere = lru_cache(maxsize=2)(self._everywhere)
        self.own = lru_cache(maxsize=64)(self._own)
        self.logits = lru_cache(maxsize=None)(self._logits)
        self.at_input = layer == "input"
        self._read(maps, coarse)

    def of(self, maps: Floats, coarse: float = 0.0) -> Question:
        """The same of other maps (N, H, W); what the oracle has answered is not asked again."""
        other = copy(self)
        other._read(maps, coarse)
        return other

    def _read(self, maps: Floats, coarse: float) -> None:
        self.maps, self.coarse = maps, coarse
        whole = maps * 255
        self.eight_bit = coarse > 0 or bool(
            np.allclose(whole, np.round(whole), atol=1e-6) and maps.max() <= 1
        )
        span = np.ptp(maps, axis=(1, 2))
        exact = COARSE if self.eight_bit else TOLERANCE
        self.share = max(coarse, exact)
        self.tolerance = self.share * np.where(span > 0, span, 1.0)
        if self.eight_bit:  # a rounding is of the whole scale, however little of it a map takes
            self.tolerance = np.maximum(self.tolerance, COARSE * HALFWAY)
        self.telling = np.array([len(np.unique(each)) >= LEVELS for each in maps])
        self.enough = bool(self.telling.sum() >= max(min(FEWEST, len(maps)), 1))

    @cached_property
    def margins(self) -> Floats:
        """How near each image (N,) is to a kink, where rounding decides the method's own map."""
        score = own_maps.score(self.formula)
        given = (self.network, self.layer, score, self.images, self.targets)
        return own_maps.margins(self.formula, *given)

    def layers(self) -> Iterator[tuple[str, int]]:
        """`named`, `partner` across an activation or norm, and the other layers, with costs."""
        yield "named", 0
        if self.layer == "input":
            return
        partner = self.partner(self.layer)
        if partner:
            yield "partner", 1
        shape = self.network.architecture.shapes
        for name in layers(self.network.architecture):
            if name not in (self.layer, partner, "input") and len(shape[name]) == 3:
                yield name, 2

    def partner(self, layer: str) -> str:
        """The node on the other side of an activation or a normalisation; empty for none."""
        graph = self.network.architecture
        if layer == "input":
            return ""
        node = graph[layer]
        if KINDS[node.kind].role in ("activation", "normalisation"):
            return node.inputs[0] if node.inputs[0] != "input" else ""
        users = [each for each in graph.nodes if layer in each.inputs]
        one = len(users) == 1 and KINDS[users[0].kind].role in ("activation", "normalisation")
        return users[0].name if one else ""

    def place(self, name: str) -> str:
        """The node that a convention's layer is."""
        if name == "partner":
            return self.partner(self.layer)
        return self.layer if name == "named" else name

    def given(self, name: str) -> Floats | None:
        """The images as an input factor has them; None where these images have no such thing."""
        if self.images.shape[-1] != 3 and name not in GREY:
            return None
        images = INPUTS[name](self.images)
        return images if images.shape == self.images.shape else None

    def _logits(self, given: str, kept: str) -> Floats:
        return self._network(kept)(self._images(given))

    def _features(self, given: str, kept: str, node: str) -> tuple[Floats, dict[str, Floats]]:
        return self._network(kept).features(node, self._images(given))

    def _values(self, given: str, kept: str) -> dict[str, Floats]:
        return self._network(kept).values(self._images(given))

    def _images(self, given: str) -> Floats:
        images = self.given(given)
        assert images is not None
        return images

    def _network(self, kept: str) -> Reference:
        network = self.taken(kept)
        assert network is not None
        return network

    def _answer(
        self, given: str, kept: str, target: str, score: str, node: str, rule: str
    ) -> tuple[Floats, Floats]:
        """Activations and gradients at a node."""
        asked = (given, kept, target, score, rule)
        whole = len(self.images) <= self.network.capacity
        if whole and node not in (self.layer, self.partner(self.layer)):
            values, gradients = self.everywhere(*asked)
            return values[node], gradients.get(node, np.zeros_like(values[node]))
        activations, rest = self.features(given, kept, node)
        network, aims, name = self._aimed(*asked)
        return activations, network.pull_back(node, activations, rest, aims, name)

    def _everywhere(
        self, given: str, kept: str, target: str, score: str, rule: str
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Activations and gradients at every node: one pass each way for all layers."""
        network, aims, name = self._aimed(given, kept, target, score, rule)
        return self.values(given, kept), network.gradients(self._images(given), aims, name)

    def _aimed(
        self, given: str, kept: str, target: str, score: str, rule: str
    ) -> tuple[Reference, NDArray[np.integer], str]:
        """The network whose gradient is taken, the classes (N,) and the score that it is of."""
        logits, network = self.logits(given, kept), self._network(kept)
        network = network if rule == "plain" else network.with_relu(rule)
        if score == "sum of all logits":
            return summed(network), np.zeros(len(logits), np.int64), "logit"
        if score == "largest of the batch":
            best = np.unravel_index(logits.argmax(), logits.shape)[1]
            return network, np.full(len(logits), best), "logit"
        return network, self.targets if target == "given" else logits.argmax(axis=1), score

    def _own(
        self, given: str, kept: str, target: str, score: str, node: str, formula: str
    ) -> tuple[Floats, Floats] | None:
        """The map of a method of ours before any ReLU, (N, h, w, 1), of its draws of seed 0.

        None where the method has not this score.
        """
        images, network = self._images(given), self._network(kept)
        aims = self.targets if target == "given" else self.logits(given, kept).argmax(axis=1)
        try:
            node = own_maps.read(formula, network.architecture, node)
            found = own_maps.unrectified(formula, network, node, score, images, aims)
        except (BadInput, Unavailable):  # options that do not go together, or no such layer
            return None
        return None if found is None else (found[..., None], np.ones((*found.shape, 1)))

    def evidence(self, convention: Convention) -> tuple[Floats, Floats] | None:
        """What a convention's formula is given, or None where it cannot be had."""
        node = self.place(convention.layer)
        if self.given(convention.input) is None or self.taken(convention.weights) is None:
            return None
        asked = (convention.input, convention.weights, convention.target, convention.score)
        if convention.formula not in FORMULAS:
            return self.own(*asked, node, convention.formula)
        answer = self.answer(*asked, node, convention.rule)
        if convention.formula == EXPONENTIAL:
            return self._with_exponential(asked, *answer)
        if convention.pairing == "one tensor":
            return answer
        partner = self.partner(node)
        other = self.answer(*asked, partner, convention.rule) if partner else None
        if other is None or other[0].shape != answer[0].shape:
            return None
        if convention.pairing == "gradient of the partner":
            return answer[0], other[1]
        return other[0], answer[1]

    def _with_exponential(
        self, asked: tuple[str, str, str, str], activations: Floats, gradients: Floats
    ) -> tuple[Floats, Floats] | None:
        """Activations with exp(score) as one more channel; None where it is of no one class."""
        given, kept, target, name = asked
        if name not in SCORES:
            return None
        logits = self.logits(given, kept)
        aims = self.targets if target == "given" else logits.argmax(axis=1)
        with np.errstate(over="ignore"):
            more = np.exp(score(name, logits, aims))[:, None, None, None]
        one = np.ones_like(activations[..., :1])
        return (
            np.concatenate([activations, more * one], axis=-1),
            np.concatenate([gradients, 0 * one], axis=-1),
        )
