"""What a formula is made of: the oracle's passes over images, and a map's last steps."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Floats
from implementations.contract import Options
from implementations.conventions import Convention, finish, normalised, rectified, resized
from implementations.oracle.network import Reference

AT_ONCE = 512
"""Images in a pass of the oracle."""


class Passes:
    """A float64 network, images (N, H, W, C) and targets (N,), a layer, and an offer's options."""

    def __init__(
        self,
        network: Reference,
        images: Floats,
        targets: NDArray[np.integer],
        layer: str,
        options: Options,
    ) -> None:
        self.network, self.images, self.targets = network, images, targets
        self.layer, self.options = layer, options
        self.size = (images.shape[1], images.shape[2])

    @cached_property
    def activations(self) -> Floats:
        """At the layer, (N, h, w, c)."""
        return self.network.features(self.layer, self.images)[0]

    @cached_property
    def gradients(self) -> Floats:
        """Of the targets' logits at the layer, (N, h, w, c)."""
        return self.pulled(self.images, self.targets)[1]

    def pulled(self, images: Floats, classes: NDArray[np.integer]) -> tuple[Floats, Floats]:
        """Activations and gradients of these classes' logits at the layer, of any images."""
        activations, rest = self.network.features(self.layer, images)
        given = (self.layer, activations, rest, classes, "logit")
        return activations, self.network.pull_back(*given)

    def logits(self, pictures: Floats) -> Floats:
        """(N, M, K) of M pictures of each image, (N, M, H, W, C)."""
        flat = pictures.reshape(-1, *pictures.shape[2:])
        parts = [self.network(flat[i : i + AT_ONCE]) for i in range(0, len(flat), AT_ONCE)]
        return np.concatenate(parts).reshape(*pictures.shape[:2], -1)

    def scores(self, pictures: Floats) -> Floats:
        """The logits (N, M) of each image's target."""
        return self.of_targets(self.logits(pictures))

    def of_targets(self, values: Floats) -> Floats:
        """Of values (N, M, K) those of each image's target, (N, M)."""
        return np.take_along_axis(values, self.targets[:, None, None], axis=2)[..., 0]

    def at_input(self, pictures: Floats) -> Floats:
        """Gradients of the targets' logits by M pictures of each image, (N, M, H, W, C)."""
        flat = pictures.reshape(-1, *pictures.shape[2:])
        targets = np.repeat(self.targets, pictures.shape[1])
        parts = []
        for i in range(0, len(flat), AT_ONCE):
            some, of = flat[i : i + AT_ONCE], targets[i : i + AT_ONCE]
            parts.append(self.network.pull_back("input", some, {}, of, "logit"))
        return np.concatenate(parts).reshape(pictures.shape)

    def shown(self, masks: Floats) -> Floats:
        """Each image times each of its masks (N, H, W, M): pictures (N, M, H, W, C)."""
        return self.images[:, None] * np.moveaxis(masks, -1, 1)[..., None]

    def within(self, members: NDArray[np.bool_], hidden: Floats) -> Floats:
        """Pictures (N, M, H, W, C) of members (M, H, W), all others as in `hidden` (N, H, W, C)."""
        return np.where(members[None, ..., None], self.images[:, None], hidden[:, None])


def grown(values: Floats, size: tuple[int, int], kind: str) -> Floats:
    """Channels (N, h, w, c) resized, each by itself: (N, H, W, c)."""
    flat = np.moveaxis(values, -1, 1).reshape(-1, *values.shape[1:3])
    made = resized(flat, size, kind).reshape(len(values), -1, *size)
    return np.moveaxis(made, 1, -1)


def scaled(values: Floats, lift: float) -> Floats:
    """Channels (N, h, w, c), or maps (N, h, w), from 0 to 1, with `lift` added to their range."""
    low, high = (f(values, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    return np.asarray((values - low) / (high - low + lift))


def weighted(weights: Floats, activations: Floats) -> Floats:
    """The sum of channels (N, h, w, c) by weights (N, c)."""
    return np.asarray(np.einsum("nhwc,nc->nhw", activations, weights))


def finished(made: Convention, signed: Floats, size: tuple[int, int]) -> Floats:
    """A signed map as a convention leaves it: rectified, resized, normalised."""
    return normalised(made, finish(made, signed, size), rectified(made, signed), made.epsilon)


def softmax(values: Floats) -> Floats:
    """Along the last axis."""
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def strongest(values: Floats) -> Floats:
    """The largest magnitude of the colours, (N, H, W)."""
    return np.asarray(np.abs(values).max(axis=-1))
