"""Equations of pixels and their neighbours, exactly: a multifrontal Cholesky (Liu 1992).

The equations of a part of the image (`parts.py`) are a small dense matrix, its front, and what is
left of them once its own pixels are eliminated is added to the part that follows (The multifrontal
method, SIAM Review 34). A front has only the unknown pixels that hang together with its own, so
that small holes cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bench.subject.parts import Parts

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
F = TypeVar("F", bound=Callable[..., Any])


class Work(NamedTuple):
    """What is known of the parts of one image: of part i what lies from [i] to [i + 1].

    `members` are the unknown pixels of each front, from `listed`, the part's own of which there are
    `own` at first; `rows` are their rows after elimination, from `kept`; `stack` is what is left
    for the part that follows, from `update`. `local` (P,) is where a pixel is in the front at hand.
    """

    members: Integers
    listed: Integers
    own: Integers
    rows: Floats
    kept: Integers
    stack: Floats
    update: Integers
    local: Integers
    front: Floats
    values: Floats


def compiled(function: F) -> F:
    """By Numba: without the interpreter's lock, kept on disk, sums in any order."""
    kernel = njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})(function)
    return cast(F, kernel)


@compiled
def solve(values: Floats, gone: Flags, which: Integers, weights: Floats, parts: Parts) -> None:
    """Solve for the pixels of values (N, P, C) that are gone (N, P), of some images, in place.

    Of each: the sum over its neighbours, weights (8,), of what it differs from them by is 0.
    """
    work = _room(parts, values.shape[2])
    met = np.full(len(parts.near), -1)
    for image in which:
        met[:] = -1
        for part in range(len(parts.halves)):
            _list(part, parts, gone[image], met, work)
            size = work.listed[part + 1] - work.listed[part]
            width = size + values.shape[2]
            front = work.front[: (size + 1) * width].reshape(size + 1, width)
            _assemble(front, part, parts, gone[image], values[image], weights, work)
            _eliminate(front, work.own[part], size)
            _keep(front, part, parts, work)
        for part in range(len(parts.halves) - 1, -1, -1):
            _substitute(part, values[image], work)


@compiled
def _room(parts: Parts, colours: int) -> Work:
    """As much as is needed where all is unknown; memory that is not written to is not taken."""
    count, pixels = len(parts.halves), len(parts.near)
    size = listed = rows = top = most = 0
    update = np.empty(count, np.int64)
    for part in range(count):
        own = parts.first[part + 1] - parts.first[part]
        rest = parts.begin[part + 1] - parts.begin[part]
        size, listed = max(size, own + rest), listed + own + rest
        rows += own * (own + rest + colours)
        if parts.halves[part, 0] >= 0:
            top = update[parts.halves[part, 0]]
        update[part] = top
        top += rest * (rest + colours)
        most = max(most, top)
    return Work(
        np.empty(listed, np.int64), np.zeros(count + 1, np.int64), np.empty(count, np.int64),
        np.empty(rows), np.zeros(count + 1, np.int64), np.empty(most), update,
        np.empty(pixels, np.int64), np.empty((size + 1) * (size + colours)),
        np.empty((colours, size)),
    )  # fmt: skip


@compiled
def _list(part: int, parts: Parts, gone: Flags, met: Integers, work: Work) -> None:
    """A part's unknown pixels: its own, then what these and its halves lead to, in their turn."""
    near, members, local = parts.near, work.members, work.local
    start = work.listed[part]
    end, n = parts.first[part + 1], start
    for p in range(parts.first[part], end):
        if gone[p]:
            local[p], members[n] = n - start, p
            n += 1
            for q in near[p]:
                if q >= end and gone[q]:
                    met[q] = part
    work.own[part] = n - start
    for half in parts.halves[part]:
        if half >= 0:
            for q in members[work.listed[half] + work.own[half] : work.listed[half + 1]]:
                met[q] = part
    for q in parts.rim[parts.begin[part] : parts.begin[part + 1]]:
        if met[q] == part:
            local[q], members[n] = n - start, q
            n += 1
    work.listed[part + 1] = n


@compiled
def _assemble(
    front: Floats, part: int, parts: Parts, gone: Flags, values: Floats, weights: Floats, work: Work
) -> None:
    """A part's equations (size, size), the upper half, and their right hand sides beside them."""
    near, members, local, stack = parts.near, work.members, work.local, work.stack
    size = len(front) - 1
    colours = front.shape[1] - size
    for i in range(size):
        front[i, i:] = 0
    for i in range(work.own[part]):
        p = members[work.listed[part] + i]
        for step in range(len(weights)):
            q, weight = near[p, step], weights[step]
            if q >= 0:
                front[i, i] += weight
                if not gone[q]:
                    for c in range(colours):
                        front[i, size + c] += weight * values[q, c]
                elif q > p:
                    front[i, local[q]] -= weight
    for half in parts.halves[part]:
        if half >= 0:
            into = local[members[work.listed[half] + work.own[half] : work.listed[half + 1]]]
            at = work.update[half]
            for i in range(len(into)):
                row = front[into[i]]
                for j in range(i, len(into)):
                    row[into[j]] += stack[at + j]
                at += len(into)
                for c in range(colours):
                    row[size + c] += stack[at + c]
                at += colours


@compiled
def _eliminate(front: Floats, own: int, size: int) -> None:
    """Cholesky's rows of the first `own`; two rows at once meet four of those before them.

    There is one row more than counts. The lower half means nothing.
    """
    for i in range(0, size, 2):
        row, second = front[i, i:], front[i + 1, i:]
        before = min(i, own)
        for j in range(0, before - 3, 4):
            a, b, c, d = front[j, i:], front[j + 1, i:], front[j + 2, i:], front[j + 3, i:]
            a0, b0, c0, d0, a1, b1, c1, d1 = a[0], b[0], c[0], d[0], a[1], b[1], c[1], d[1]
            for m in range(len(row)):
                row[m] -= a0 * a[m] + b0 * b[m] + c0 * c[m] + d0 * d[m]
                second[m] -= a1 * a[m] + b1 * b[m] + c1 * c[m] + d1 * d[m]
        for j in range(before - before % 4, before):
            a = front[j, i:]
            a0, a1 = a[0], a[1]
            for m in range(len(row)):
                row[m] -= a0 * a[m]
                second[m] -= a1 * a[m]
        if i < own:
            scale = 1 / np.sqrt(row[0])
            a1 = row[1] * scale
            for m in range(len(row)):
                row[m] *= scale
                second[m] -= a1 * row[m]
        if i + 1 < own:
            scale = 1 / np.sqrt(second[1])
            for m in range(1, len(second)):
                second[m] *= scale


@compiled
def _keep(front: Floats, part: int, parts: Parts, work: Work) -> None:
    """A part's own rows for the way back, and the rest for the part that follows."""
    own, size, width = work.own[part], len(front) - 1, front.shape[1]
    start = work.kept[part]
    work.kept[part + 1] = start + own * width
    for i in range(own):
        work.rows[start + i * width : start + (i + 1) * width] = front[i]
    at = 0
    if parts.halves[part, 0] >= 0:
        at = work.update[parts.halves[part, 0]]
    elif part:
        before = part - 1
        rest = work.listed[part] - work.listed[before] - work.own[before]
        at = work.update[before] + rest * (rest + width - size)
    work.update[part] = at
    for i in range(own, size):
        work.stack[at + i - own : at + width - own] = front[i, i:]
        at += width - own


@compiled
def _substitute(part: int, values: Floats, work: Work) -> None:
    """A part's own pixels, from those of its front that are known by now."""
    own, start = work.own[part], work.listed[part]
    size, (colours, _) = work.listed[part + 1] - start, work.values.shape
    rows = work.rows[work.kept[part] : work.kept[part + 1]].reshape(own, size + colours)
    members = work.members[start : start + size]
    for i in range(own, size):
        for c in range(colours):
            work.values[c, i] = values[members[i], c]
    for i in range(own - 1, -1, -1):
        row = rows[i]
        for c in range(colours):
            known, total = work.values[c], row[size + c]
            for j in range(i + 1, size):
                total -= row[j] * known[j]
            known[i] = total / row[i]
            values[members[i], c] = known[i]
