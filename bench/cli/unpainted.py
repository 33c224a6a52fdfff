"""Colours read back as heatmaps: whose colour map they are of, and what of the image is mixed in.

A picture of a heatmap has one of 256 colours a pixel, so its levels are known to one of 256 at the
best; of an overlay, p = s (o image + (1 - o) colours), the opacity o and the scale s are found too.
Where other maps have the same colours, as one turned over has, what they give are other readings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.cli.palettes import NEAR, Colours, Palette, grey, greys, palettes, spread

STEP = 2.1 / 255
"""How far a level may be off: whole numbers are cut off, and neighbours have like colours."""
LIKE = 0.25 / 255
"""By how much one map may fit worse than the best, on the average, to be another reading."""
BLOCK = 4096
"""Colours that are looked up at once."""
SHARES = tuple(round(0.05 * step, 2) for step in range(2, 19))
"""How much of the image an overlay may have."""
SOME, FEW = 60, 10
"""Pixels that are looked at before all of them are."""
MOST = 4
"""Overlays that are told as readings of one picture, at the most."""
LEAST = 0.2
"""What an overlay is divided by, at the least."""
MANY = ", where one colour stands for levels far apart"


Others = tuple[tuple[str, Colours, float], ...]


class Read(NamedTuple):
    """Levels (N, H, W) in [0, 1], how far they may be off, and what the colours are of.

    `others` are further readings of the same colours: of what, and as these. `reason` says why
    there are no levels, of colours that stand for many.
    """

    levels: Colours
    coarse: float
    told: str
    others: Others = ()
    reason: str = ""


def read_back(pictures: Colours) -> Read | None:
    """The levels of colours (N, H, W, 3) in [0, 1]; None where they are of no colour map."""
    unlike, each = np.unique(pictures.reshape(-1, 3), axis=0, return_inverse=True)
    fits: list[tuple[float, str, Colours, Palette]] = []
    for name in _possible(unlike[:: max(len(unlike) // SOME, 1)], NEAR):
        palette = palettes()[name]
        fit = _levels(unlike, palette.colours, NEAR)
        if fit is not None and grey(unlike) == grey(palette.colours):
            fits.append((fit[1], name, fit[0], palette))
    if not fits:
        return None
    best = min(fit[0] for fit in fits)
    like = NEAR if grey(unlike) else LIKE  # any grey is one of 256
    alike = [fit for fit in fits if fit[0] <= best + like]
    clear = [fit for fit in alike if not fit[3].wide]
    (_, name, levels, palette), *rest = clear or alike

    def whole(of: Colours) -> Colours:
        return of[each.reshape(-1)].reshape(pictures.shape[:3])

    told = f"the colours are those of {name}"
    coarse = _coarse(unlike, palette)
    others = _turned(palette, whole(levels), coarse)
    for _, also, of, another in rest:
        more = whole(of), _coarse(unlike, another)
        others += ((also, *more), *_turned(another, *more))
    return Read(whole(levels), coarse, told, others, "" if clear else told + MANY)


def _coarse(colours: Colours, palette: Palette) -> float:
    """How far the levels of these colours (M, 3) may be off."""
    return max(STEP, (spread(colours, palette.colours, 0.5 / 255) + 1.1) / 255)


def _turned(palette: Palette, levels: Colours, coarse: float) -> Others:
    """The reading of a reversed map."""
    return ((palette.turned, 1 - levels, coarse),) if palette.turned else ()


def _levels(colours: Colours, table: Colours, near: float) -> tuple[Colours, float] | None:
    """The level of each colour (M, 3) and their mean distance; None where one is not in it."""
    levels, far = [], 0.0
    for start in range(0, len(colours), BLOCK):
        away = colours[start : start + BLOCK, None] - table
        apart = np.abs(away).max(axis=-1).min(axis=1)
        if (apart > near).any():
            return None
        levels.append((away**2).sum(axis=-1).argmin(axis=1) / 255)
        far += float(apart.sum())
    return np.concatenate(levels), far / len(colours)


def unmixed(pictures: Colours, images: Colours) -> Read | None:
    """The same of overlays on these images, (N, H, W, 3) both: of all that fit, what fits best.

    The scale is 1; where none fits so, what makes the brightest value of each picture 1.
    """
    every = palettes()
    for full in (False, True):
        fits: list[tuple[float, float, str, Colours]] = []
        step = max(pictures[0].size // 3 // FEW, 1)
        flat, below = (each[0].reshape(-1, 3)[::step] for each in (pictures, images))
        for share in SHARES:
            if full:
                names = [name for name, each in every.items() if each.scaled]
            else:
                names = _possible((flat - share * below) / (1 - share), NEAR / (1 - share))
            for name in names:
                fit = _all_under(pictures, images, every[name].colours, share, full)
                if fit is not None:
                    fits.append((fit[1], share, name, fit[0]))
        if fits:
            return _overlay(fits)
    return None


def _possible(colours: Colours, near: float) -> list[str]:
    """The maps that have something near each of a few colours (M, 3)."""
    names, tables = list(palettes()), np.stack([each.colours for each in palettes().values()])
    left = np.arange(len(names))
    for colour in colours:
        left = left[np.abs(tables[left] - colour).max(axis=-1).min(axis=-1) <= near]
    return [names[each] for each in left]


def _overlay(fits: list[tuple[float, float, str, Colours]]) -> Read:
    """The nearest of overlays that fit, and as other readings those that are as near."""
    best = min(fit[0] for fit in fits)
    like = NEAR if any(fit[2] in greys() for fit in fits) else LIKE
    alike = sorted((fit for fit in fits if fit[0] <= best + like), key=lambda fit: fit[0])[:MOST]
    clear = [fit for fit in alike if not palettes()[fit[2]].wide]
    (_, share, name, levels), *rest = clear or alike
    palette = palettes()[name]
    told = f"an overlay of {name} on {share:.0%} of the image"
    coarse = _coarse_under(palette, share)
    others = _turned(palette, levels, coarse)
    for _, part, also, of in rest:
        more = of, _coarse_under(palettes()[also], part)
        others += ((also, *more), *_turned(palettes()[also], *more))
    return Read(levels, coarse, told, others, "" if clear else told + MANY)


def _coarse_under(palette: Palette, share: float) -> float:
    """How far the levels under an overlay may be off."""
    wide = spread(palette.colours, palette.colours, 1.01 / 255 / (1 - share))
    return max(STEP / (1 - share), (wide + 1.1) / 255)


def _all_under(
    pictures: Colours, images: Colours, table: Colours, share: float, full: bool
) -> tuple[Colours, float] | None:
    """The levels (N, H, W) under pictures, and how far these are from such an overlay."""
    found = []
    for picture, image in zip(pictures, images, strict=True):
        under = _under(picture, image, table, share, full)
        if under is None:
            return None
        found.append(under)
    levels, away = zip(*found, strict=True)
    return np.stack(levels), float(np.mean(away)) * (1 - share)


def _under(
    picture: Colours, image: Colours, table: Colours, share: float, full: bool
) -> tuple[Colours, float] | None:
    """The levels (H, W) under a picture (H, W, 3), and the colours' mean distance from them."""
    near = NEAR / (1 - share)
    scales = _scales(picture, image, table, share) if full else np.ones(1)
    flat, below = picture.reshape(-1, 3), image.reshape(-1, 3)
    step = max(len(flat) // FEW, 1)
    for place in range(0, len(flat), step):  # a pixel at a time: most scales fail at the first
        colours = (scales[:, None] * flat[place] - share * below[place]) / (1 - share)
        away = np.abs(colours[:, None] - table).max(axis=-1).min(axis=-1)
        scales = scales[away <= near]
        if not len(scales):
            return None
    found = (_levels((flat * s - share * below) / (1 - share), table, near) for s in scales)
    best = min(filter(None, found), key=lambda fit: fit[1], default=None)
    return None if best is None else (best[0].reshape(picture.shape[:2]), best[1])


def _scales(picture: Colours, image: Colours, table: Colours, share: float) -> Colours:
    """What an overlay may have been divided by, where its brightest value is 1."""
    row, column, colour = np.unravel_index(picture.argmax(), picture.shape)
    scales = (1 - share) * table[:, colour] + share * image[row, column, colour]
    fit: Colours = np.unique(np.round(scales[scales > LEAST], 4))
    return fit if picture.max() > 1 - NEAR else fit[:0]
