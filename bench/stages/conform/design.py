"""The runs an explainer is put through: a base, one factor changed at a time, then four pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bench.truth import probes
from bench.truth.probes import Probe
from implementations.frameworks import hosts

BASE = "base"
TRAIN = "train"
CHANGED = {"softmax", TRAIN}
"""Hosts that compute something else than the plain one."""
ORDER = (3, 5, 0, 4, 1, 2)
"""The batch permuted: which image stands where."""
BLACK = 2
"""Which image is black, where one is."""
INPUTS = ("permuted", "one by one", "with a black image", "one image six times", "one class")
REPRODUCED = ("rational", "small")
"""The probes that are small enough for a reproducer, the smallest first."""
PLACES = ("after", "before")
"""The layer that is explained: the last ReLU, or the node that it reads."""


@dataclass(frozen=True)
class Run:
    """One run: a host of a probe, its images as they are given, and where it is explained."""

    host: str = hosts.PLAIN
    probe: str = BASE
    inputs: str = "given"
    place: str = PLACES[0]
    network: str = ""
    """A user's network, which then stands for the base probe."""

    @property
    def name(self) -> str:
        """What its network is known by among the probes."""
        return self.network or self.probe

    @property
    def condition(self) -> str:
        """What differs from the base, in words."""
        words = [
            f"{self.host} host" if self.host not in (hosts.PLAIN, hosts.OWN) else "",
            f"probe {self.probe}" if self.probe != BASE else "",
            self.inputs if self.inputs != "given" else "",
            "layer before the ReLU" if self.place == "before" else "",
        ]
        return ", ".join(filter(None, words)) or BASE

    @property
    def known(self) -> str:
        """Why another map than the oracle's is to be expected; empty where none is."""
        if self.host == TRAIN and self.probe == "norm":
            return "batch norm by the batch, dropout at work"
        if self.host == "softmax" and self.probe == "saturated":
            return "1 - p is lost in float32"
        return ""

    @property
    def one_image(self) -> bool:
        """Whether every image is explained alone."""
        return self.inputs == "one by one"

    @property
    def like_base(self) -> list[int] | None:
        """Which of the base's maps these are, where they must be the base's; else None."""
        same = (self.probe, self.place) == (BASE, PLACES[0]) and self.host not in CHANGED
        order = {"given": range(6), "one by one": range(6), "permuted": ORDER}.get(self.inputs)
        return list(order) if same and order is not None else None

    def node(self, probe: Probe) -> str:
        """The node that is explained."""
        return probe.layer if self.place == PLACES[0] else probe.before

    def given(self) -> Probe:
        """The probe with its images and targets as this run has them."""
        probe = probes.load(self.name)
        images, targets = probe.images, probe.targets
        if self.inputs == "permuted":
            images, targets = images[list(ORDER)], targets[list(ORDER)]
        elif self.inputs == "with a black image":
            images = images * (np.arange(len(images)) != BLACK)[:, None, None, None]
        elif self.inputs == "one image six times":
            images = np.repeat(images[:1], len(images), axis=0)
        elif self.inputs == "one class":
            targets = np.ones_like(targets)
        return replace(probe, images=images, targets=targets)


def runs(framework: str, network: str = "") -> Iterator[Run]:
    """The runs of a library's explainer, the base first; of a user's network without the probes."""
    base, layerless = Run(network=network), hosts.layerless(framework)
    kinds = [name for name in hosts.about(framework) if name != hosts.PLAIN]
    yield base
    for host in kinds:
        yield replace(base, host=host, place=PLACES[host in layerless])
    yield from _changed(base)
    pairs = [Run("frozen", inputs="one by one", network=network)]
    if not network:
        pairs = [Run("softmax", probe="saturated"), Run(TRAIN, probe="norm"), *pairs]
    if _rectified(base):
        pairs = [Run("inplace", place="before", network=network), *pairs]
    yield from (pair for pair in pairs if pair.host in kinds)


def own_runs(network: str = "") -> Iterator[Run]:
    """The runs of our own builders, on their own network."""
    base = Run(hosts.OWN, network=network)
    yield base
    yield from _changed(base)


def _changed(base: Run) -> Iterator[Run]:
    """The base with another probe, with other inputs, and before the ReLU."""
    for probe in () if base.network else probes.names():
        if probe != BASE:
            yield replace(base, probe=probe)
    for inputs in INPUTS:
        yield replace(base, inputs=inputs)
    if _rectified(base):
        yield replace(base, place="before")


def _rectified(base: Run) -> bool:
    """Whether a ReLU is explained, so that there is a layer before it."""
    probe = probes.load(base.name)
    return probe.before != probe.layer
