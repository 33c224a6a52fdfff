"""Texts that keep to their room: broken once where they are too long, and cut with an ellipsis."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

FINE = 16
"""So many times larger are a figure's letters measured: no hinting rounds them to pixels there."""
SHARE = 0.95
"""Of its room that a figure's text fills at the most: at some sizes hinting makes it wider."""


def fitted(text: str, points: float, size: int, bold: bool = False) -> list[str]:
    """One or two lines of a text in a figure, each within so many points, of letters of a size."""
    letters, room = font(FINE * size, bold), FINE * SHARE * points
    return [cut(line.strip(), room, letters) for line in wrapped(text, room, letters)]


def wrapped(text: str, width: float, letters: Any) -> list[str]:
    """A text on one line, or two where it is too long and has a place to break."""
    places = [match.end() for match in re.finditer("[ _]", text)]
    first = max((n for n in places if letters.getlength(text[:n]) <= width), default=0)
    if letters.getlength(text) <= width or not first:
        return [text]
    return [text[:first], text[first:]]


def cut(text: str, width: float, letters: Any) -> str:
    """As much of a text as the width has room for."""
    if letters.getlength(text) <= width:
        return text
    while text and letters.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@cache
def font(size: int, bold: bool = False) -> Any:
    """The letters that matplotlib ships."""
    import matplotlib as mpl
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size)
