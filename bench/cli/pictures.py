"""Pictures as images: files or folders of them, brought to the size that a network reads."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, write_array_header_1_0
from numpy.typing import NDArray

from implementations.errors import BadInput, Unavailable
from implementations.files import open_plain, recognise

MOST_BYTES = 1 << 28
"""Bytes of the largest picture file."""
MOST_PIXELS = 1 << 26
"""Pixels of the largest picture that is decoded, at most thrice, four bytes each."""
MOST_PICTURES = 10_000
HEADS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
OTHERS = (".tif", ".tiff", ".heic", ".avif", ".jp2", ".svg")
"""How pictures of other kinds are named."""
EIGHT_BITS = ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr")


class Pictures(NamedTuple):
    """Images (N, H, W, C) float32 in [0, 1], the files they are of, and what is to be said."""

    images: NDArray[np.float32]
    files: tuple[Path, ...]
    told: str


def found(names: Sequence[str]) -> list[Path] | None:
    """The picture files among what was named, of folders all in order; None for an array's file.

    Raises BadInput for a folder without pictures, and for arrays and pictures in one.
    """
    files: list[Path] = []
    arrays = 0
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS)
            if not inside:
                raise BadInput(f"{path}: no pictures in this folder ({', '.join(ENDINGS)})")
            files += inside
        elif _is_picture(path):
            files.append(path)
        else:
            arrays += 1
    if not files and len(names) == 1:
        return None
    if arrays:
        told = "one array, or pictures and folders of them; not several arrays"
        raise BadInput(f"{', '.join(names)}: {told}")
    if len(files) > MOST_PICTURES:
        raise BadInput(f"{len(files)} pictures; {MOST_PICTURES} at most")
    return files


def _is_picture(path: Path) -> bool:
    """Whether a file begins as a picture does. Raises BadInput for one that is named so alone."""
    with open_plain(path, 1 << 40, "file of images") as stream:
        head = stream.read(64)
    if head.startswith(HEADS):
        return True
    named = path.suffix.lower() in (*ENDINGS, *OTHERS)
    if named and not head.startswith((b"PK", MAGIC_PREFIX)):
        known = recognise(head)
        told = f"it is {known}" if known else f"save it as {', '.join(FORMATS)}"
        raise BadInput(f"{path} is not a readable picture: {told}")
    return False


def read(files: Sequence[Path], size: tuple[int, int], channels: int, place: Path) -> Pictures:
    """Pictures at a network's size: the shorter side made to fit, then the centre is cut out.

    Grey for one channel, else red, green, blue. They are written to `place` one by one, and mapped
    from there. Raises BadInput that names the file.
    """
    with place.open("wb") as stream:
        shape = len(files), *size, channels
        about = {"descr": "<f4", "fortran_order": False, "shape": shape}
        write_array_header_1_0(stream, about)
        for path in files:
            stream.write(_read(path, size, channels).astype("<f4").tobytes())
    images: NDArray[np.float32] = np.load(place, mmap_mode="r")
    colour = "grey" if channels == 1 else "RGB"
    what = "1 picture" if len(files) == 1 else f"{len(files)} pictures"
    told = f"{what}, {colour}, shorter side resized and centre cut out to {size[0]} x {size[1]}"
    return Pictures(images, tuple(files), told)


def whole(path: Path) -> NDArray[np.uint8]:
    """A picture (H, W, 3), or (H, W) where it is grey, as its file has it. Raises BadInput."""
    picture = _open(path)
    return np.asarray(picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB"))


def _read(path: Path, size: tuple[int, int], channels: int) -> NDArray[np.float32]:
    if channels not in (1, 3):
        raise BadInput(f"{path}: the network reads {channels} channels, a picture has 1 or 3")
    picture = _open(path).convert("L" if channels == 1 else "RGB")
    from PIL import Image

    width, height = picture.size
    scale = max(size[0] / height, size[1] / width)
    resized = (max(round(width * scale), size[1]), max(round(height * scale), size[0]))
    if max(resized) > 1 << 15:
        raise BadInput(f"{path}: {width} x {height} pixels are too long and narrow")
    held = np.asarray(picture.resize(resized, Image.Resampling.BILINEAR), np.float32)
    top, left = (resized[1] - size[0]) // 2, (resized[0] - size[1]) // 2
    cut = held.reshape(*held.shape[:2], channels)[top : top + size[0], left : left + size[1]]
    return cut / np.float32(255)


def _open(path: Path) -> Any:
    """A picture of Pillow's, upright, of at most 8 bits a channel. Raises BadInput."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise Unavailable("pictures need the package pillow; pip install pillow") from error
    try:
        with open_plain(path, MOST_BYTES, "picture") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own limit, which is higher
            picture: Any = Image.open(stream, formats=FORMATS)
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise BadInput(f"{path}: {width} x {height} pixels; {MOST_PIXELS} at most")
            if picture.mode not in EIGHT_BITS:
                mend = "save it with 8 bits a channel"
                raise BadInput(f"{path}: a picture of the kind {picture.mode!r}; {mend}")
            upright = ImageOps.exif_transpose(picture)
            upright.load()
            return upright
    except BadInput:
        raise
    except UnidentifiedImageError as error:  # its message is of Python's own open file
        told = "it begins as one, and goes on otherwise"
        raise BadInput(f"{path} is not a readable picture ({told}); save it again") from error
    except Exception as error:  # a decoder raises whatever comes
        told = str(error).partition("\n")[0][:100]
        raise BadInput(f"{path} is not a readable picture ({told}); save it again") from error
