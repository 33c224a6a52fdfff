"""Which conventions make the oracle give somebody's heatmaps: a search, the simplest first.

A candidate is a convention up to the resize; it explains a map u where u = a c + b for one a and b
an image, which then name the normaliser. Gradients are asked of the oracle once for each score,
class, layer, rule and input. A convention must hold on every image, where asked for but for one so
near a kink that rounding decides it, and on no other image's map.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.truth.candidates import candidates, shaped
from bench.truth.fitting import fit
from bench.truth.question import COARSE, FEWEST, TOLERANCE, Question
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
from implementations.formulas import FORMULAS

FAR = 4
"""The cost up to which conventions are tried."""
APART = 100.0
"""By what another image's candidate must be worse: else the maps tell nothing of the images."""
ROUNDED = 10 * COARSE
"""How far another image's candidate must be from 8-bit maps, of their range."""
KINKED = 0.05
"""Of its range: farther off, an image near a kink is not excused for it."""
EPSILON = 1e-5
"""Of the faintest map's range: a smaller epsilon cannot be seen."""


@dataclass(frozen=True)
class Found:
    """A convention that explains the maps, with what it costs and how far it is from each."""

    convention: Convention
    cost: int
    errors: Floats
    epsilon: float = 0.0
    excused: tuple[int, ...] = ()
    """The image that rounding decides, and its copies, if any is left out."""


@dataclass(frozen=True)
class Diagnosis:
    """All the simplest conventions; where there are none, the nearest one and how far it is."""

    found: tuple[Found, ...]
    nearest: Found | None
    tried: int
    seconds: float
    levels: int
    """The cost up to which all were tried."""


def diagnose(
    question: Question,
    seconds: float = 60.0,
    tell: Callable[[str], None] = print,
    excusing: bool = False,
) -> Diagnosis:
    """The simplest conventions that explain the maps, all of one cost; or none, and the nearest.

    `excusing` leaves out an image that rounding decides, where all others are explained.
    """
    began, tried, reached = time.perf_counter(), 0, -1
    nearest: Found | None = None
    found: list[Found] = []
    for level in range(FAR + 1):
        for convention in candidates(question, level):
            for number, each in enumerate(shaped(question, convention, level)):
                # Arithmetic is quick; what the oracle is asked anew may take many passes.
                asks = number == 0 or each.formula not in FORMULAS
                if asks and time.perf_counter() - began > seconds:
                    spent = time.perf_counter() - began
                    return Diagnosis(_simplest(found), nearest, tried, spent, reached)
                answer = question.evidence(each)
                if answer is None:
                    continue
                tried += 1
                hit, error = explained(question, each, answer, excusing)
                found += hit
                if nearest is None or error.max() < nearest.errors.max():
                    nearest = Found(each, level, error)
        reached = level
        tell(f"all conventions of cost {level} tried: {tried}")
        if found and min(each.cost for each in found) <= level:
            break
        if not question.enough and nearest and (nearest.errors <= question.share).all():
            break  # it fits all that there is, and no other can be told from it
    spent = time.perf_counter() - began
    return Diagnosis(_simplest(found), nearest, tried, spent, reached)


def _simplest(found: list[Found]) -> tuple[Found, ...]:
    """Those of the lowest cost."""
    least = min((each.cost for each in found), default=0)
    return _ordered([each for each in found if each.cost == least])


def _ordered(found: list[Found]) -> tuple[Found, ...]:
    """What deviates nearest to the picture comes first: a normaliser before a resize."""
    order = list(reversed(vars(Convention())))

    def key(each: Found) -> tuple[int, ...]:
        away = each.convention.differs(Convention(formula=each.convention.formula))
        return tuple(sorted(order.index(name) for name in away))

    return tuple(sorted(found, key=key))


def explained(
    question: Question,
    convention: Convention,
    answer: tuple[Floats, Floats],
    excusing: bool = False,
) -> tuple[list[Found], Floats]:
    """The normalisers with which a convention gives the maps, and its error, of the range (N,)."""
    user = question.maps
    with np.errstate(all="ignore"):
        signed = combine(convention, *answer)
        made = finish(convention, signed, user.shape[1:])
        if convention.sign == "as it falls":
            signed = _turned(convention, signed, user)
            made = finish(convention, signed, user.shape[1:])
    if not np.isfinite(made).all():
        return [], np.full(len(user), np.inf)
    fitted, slopes = fit(user, made)
    span = np.maximum(np.ptp(user, axis=(1, 2)), np.finfo(float).tiny)
    away = np.abs(user - fitted).max(axis=(1, 2))
    error = away / span
    slack = 1.5 if question.eight_bit else 1.0  # a fit to rounded values leans a little
    held = away <= slack * question.tolerance
    whole = held.all() or (excusing and _excused(question, error, ~held))
    if not whole or not tells(question, made, error):
        return [], error
    excused = tuple(np.flatnonzero(~held).tolist())
    before = rectified(convention, signed)
    hits: list[Found] = []
    for kind in FACTORS["normalise"]:
        as_made = replace(convention, normalise=kind)
        epsilon = _epsilon(kind, made, before, slopes)
        if epsilon is None:
            continue
        with np.errstate(all="ignore"):
            scaled = normalised(as_made, made, before, epsilon)
        gap = np.abs(scaled - user).max(axis=(1, 2))
        if question.eight_bit:  # or cut off: below by up to a whole step, by half on the average
            gap = np.minimum(gap, np.abs(scaled - user - COARSE).max(axis=(1, 2)))
        near = gap <= np.maximum(question.tolerance, TOLERANCE * np.abs(user).max())
        if near[held].all() and (gap / span)[~held].max(initial=0.0) <= KINKED:
            paid = as_made.cost(question.formula, question.at_input)
            hits.append(Found(as_made, paid, gap / span, epsilon, excused))
    return hits, error


def _excused(question: Question, error: Floats, over: NDArray[np.bool_]) -> bool:
    """Whether the images that do not fit are one image, which rounding decides."""
    if (error[over] > KINKED).any() or (question.telling & ~over).sum() < FEWEST:
        return False
    alike = (question.images[over] == question.images[over][:1]).all()
    return bool(alike and (question.margins[over] < KINK["float32"]).all())


def reproduced(question: Question, found: Found) -> Floats:
    """The maps (N, H, W) that a convention makes; of one that explains nothing the best fit."""
    answer = question.evidence(found.convention)
    assert answer is not None
    user, convention = question.maps, found.convention
    signed = combine(convention, *answer)
    if convention.sign == "as it falls":
        signed = _turned(convention, signed, user)
    made = finish(convention, signed, user.shape[1:])
    if (np.delete(found.errors, found.excused) > 2 * question.share).any():
        return fit(user, made)[0]
    return normalised(convention, made, rectified(convention, signed), found.epsilon)


def _turned(convention: Convention, signed: Floats, user: Floats) -> Floats:
    """Signed maps (N, h, w), each as it is or turned over, whichever is nearer to the user's."""
    away = []
    for sign in (1.0, -1.0):
        fitted, _ = fit(user, finish(convention, sign * signed, user.shape[1:]))
        away.append(np.abs(user - fitted).max(axis=(1, 2)))
    return np.where(away[0] <= away[1], 1.0, -1.0)[:, None, None] * signed


def _epsilon(kind: str, made: Floats, before: Floats, slopes: Floats) -> float | None:
    """The epsilon that all slopes ask for; None where there is none, or no map would show it.

    Images count by how small their maps are: there an epsilon is seen best.
    """
    if not kind.endswith("epsilon"):
        return 0.0
    high, low = made.max(axis=(1, 2)), made.min(axis=(1, 2))
    extent = high - low if kind.startswith("min_max") else high
    some = (slopes > 0) & (extent > 0)
    if not some.any():
        return None
    asked, extent = 1 / slopes[some] - extent[some], extent[some]
    if kind == "min_max twice plus epsilon":  # asked is epsilon (once + epsilon)
        once = np.ptp(before, axis=(1, 2))[some]
        if (once == 0).any():
            return None
        root = np.sqrt(np.maximum(once**2 + 4 * asked, 0))
        asked, extent = 2 * asked / (once + root), extent / once
    value = float(np.average(asked, weights=extent**-2.0))
    return value if value > EPSILON * extent.min() else None


def tells(question: Question, made: Floats, error: Floats) -> bool:
    """Whether the match says something: enough telling maps, and other images' candidates far."""
    telling = np.flatnonzero(question.telling)
    if not question.enough:
        return False
    if len(telling) == 1:
        return True
    user, other = question.maps[telling], made[np.roll(telling, 1)]
    away, _ = fit(user, other)
    span = np.ptp(user, axis=(1, 2))
    wrong = np.abs(user - away).max(axis=(1, 2)) / span
    least = (
        max(ROUNDED, 3 * question.coarse)
        if question.eight_bit
        else APART * max(float(np.median(error[telling])), 1e-12)
    )
    return bool(np.median(wrong) > least)
