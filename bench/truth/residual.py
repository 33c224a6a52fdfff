"""What remains of somebody's maps where no convention explains them, by a few fixed questions."""

from __future__ import annotations

import numpy as np

from bench.truth.fitting import fit
from bench.truth.question import Question
from implementations.arrays import Floats
from implementations.conventions import Convention, combine, finish

MARKED = 5.0
"""By how much the border's error exceeds the inside's, to be called the border's."""
ALIKE = 0.9
"""A correlation from which two things are called alike."""


def pattern(question: Question, convention: Convention) -> str:
    """Where and how the maps differ from the nearest convention's, in words; empty for no pattern.

    Asked are: the sign, the border against the inside, the image itself, the axes, and a grid of
    8 bits.
    """
    answer = question.evidence(convention)
    if answer is None:
        return ""
    user = question.maps
    made = finish(convention, combine(convention, *answer), user.shape[1:])
    fitted, _ = fit(user, made)
    found = []
    if likeness(user, made) < -ALIKE:
        found.append("the sign is turned over")
    away = np.abs(user - fitted)
    if min(user.shape[1:]) > 2:
        inside = away[:, 1:-1, 1:-1].mean()
        border = (away.sum() - away[:, 1:-1, 1:-1].sum()) / max(
            away.size - away[:, 1:-1, 1:-1].size, 1
        )
        if border > MARKED * inside:
            found.append("it lies at the border: padding, or how a resize treats edges")
    if user.shape[1:] == question.images.shape[1:3]:
        grey = question.images.mean(axis=-1)
        if likeness(user, grey) > ALIKE:
            found.append("the maps follow the image itself")
    if user.shape[1] == user.shape[2] and likeness(user.swapaxes(1, 2), made) > ALIKE:
        found.append("rows and columns are swapped")
    plain = _plain(question)
    others = [likeness(user, np.roll(plain, step, axis=0)) for step in range(1, len(user))]
    if max(others, default=0.0) > ALIKE > likeness(user, made):
        found.append("the maps are those of other images of the batch")
    return "; ".join(found)


def _plain(question: Question) -> Floats:
    """The canonical maps, of the method that was named."""
    rectify = "none" if question.at_input else "before resizing"
    canonical = Convention(formula=question.formula, rectify=rectify)
    answer = question.evidence(canonical)
    assert answer is not None
    return finish(canonical, combine(canonical, *answer), question.maps.shape[1:])


def likeness(one: Floats, other: Floats) -> float:
    """The median correlation over images."""
    a, b = (maps.reshape(len(maps), -1) for maps in (one, other))
    a, b = (maps - maps.mean(axis=1, keepdims=True) for maps in (a, b))
    power = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    known = power > 0
    return float(np.median((a * b).sum(axis=1)[known] / power[known])) if known.any() else 0.0
