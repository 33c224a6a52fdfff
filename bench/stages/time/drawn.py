"""New images for every call under the clock, and what was answered to some of them.

An answer kept by its images or by the address of their array, one that stands still after the first
calls, and one that a thread makes meanwhile, would cost nothing when timed. So each call is given
images that were never there before, mixed from the data set's and noise by the machine's entropy.
Of some calls the answer to one image, picked by chance, is read when the stopwatch has stopped, and
held against an independent answer when the clock has come for the last time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.engine.worker import Row
from implementations.contract import Framework

NOISE = (0.05, 0.35)
"""The share of noise in an image, between these."""
SHIFTS = 16
"""By how many images the noise may be moved along a batch."""
KEPT = 3
"""Answers that are looked at, of however many, beside the last."""
Check = Callable[[NDArray[np.float32], NDArray[np.int32], NDArray[Any]], Row]
"""(images, targets, answers), one answer an image -> the columns of agreement."""


class Draw(NamedTuple):
    """What one call is given: `input`, ready on the device, and what it was made of."""

    input: Any
    images: NDArray[Any]
    targets: NDArray[np.int32]


class Fresh(Protocol):
    """What never was under the clock before."""

    def draw(self) -> Draw:
        """What the next call is given."""

    def keep(self, draw: Draw, answer: NDArray[Any]) -> None:
        """Remember what was answered while timed."""

    def again(self) -> Row:
        """The columns of agreement of what was answered while timed."""


class Drawn:
    """Batches like one of images (N, ...) in [0, 1] and targets (N,), each another.

    `put` makes a call's input of images and targets on the device. Of all answers `KEPT` are kept
    and the last, or the last alone where only a `few` can be checked.
    """

    def __init__(
        self,
        images: NDArray[np.float32],
        targets: NDArray[np.int32],
        framework: Framework,
        put: Callable[[NDArray[np.float32], NDArray[np.int32]], Any],
        check: Check,
        few: bool = False,
    ) -> None:
        self.images, self.targets, self.check = images, targets.astype(np.int32), check
        self.framework, self.put = framework, put
        self.most = 0 if few else KEPT
        self.random = np.random.default_rng(secrets.randbits(128))
        self.noise = self.random.random((len(images) + SHIFTS, *images.shape[1:]), np.float32)
        self.kept: list[tuple[Any, Any, Any]] = []
        self.last: list[tuple[Any, Any, Any]] = []
        self.seen = 0

    def draw(self) -> Draw:
        """The images in another order, each under other noise; the targets go with them."""
        n, random = len(self.images), self.random
        order, start = random.permutation(n), int(random.integers(SHIFTS + 1))
        share = random.uniform(*NOISE, (n, *[1] * (self.images.ndim - 1))).astype(np.float32)
        images = self.images[order]
        images += share * (self.noise[start : start + n] - images)
        targets = self.targets[order]
        given = self.put(images, targets)
        self.framework.wait(given)
        return Draw(given, images, targets)

    def keep(self, draw: Draw, answer: NDArray[Any]) -> None:
        """Remember the answer to one image; of all calls so far each is as likely to be kept."""
        place = int(self.random.integers(len(draw.images)))
        self.last = [(draw.images[place].copy(), draw.targets[place], answer[place].copy())]
        self.seen += 1
        if len(self.kept) < self.most:
            self.kept += self.last
        elif self.most and (slot := int(self.random.integers(self.seen))) < self.most:
            self.kept[slot] = self.last[0]

    def again(self) -> Row:
        """What was answered while timed, held against an independent answer."""
        found = [*self.kept, *self.last]
        images, targets, answers = (np.stack(part) for part in zip(*found, strict=True))
        return self.check(images, targets, answers)
