"""What the classes of a user's network are called."""

from __future__ import annotations

from pathlib import Path

import datasets
from bench.subject.pages import class_names
from datasets import imagenet_names
from implementations.errors import BadInput
from implementations.files import read_json, read_plain

MOST_BYTES = 1 << 22
"""Of a file of names."""
LONGEST = 60
"""Letters of a name that are kept."""


def take(asked: str, classes: int) -> tuple[str, ...]:
    """A name for each class: of a data set, or of a text file with one a line or a list in JSON.

    Where none are asked for, ImageNet's of a thousand, and `class 3` otherwise. Raises BadInput
    where there are more or fewer than the network tells apart.
    """
    if not asked:
        of_imagenet = imagenet_names.names() if classes == imagenet_names.CLASSES else ()
        return of_imagenet or tuple(f"class {k}" for k in range(classes))
    of_data = class_names(asked) if asked in datasets.names() else ()
    found = of_data or _read(Path(asked))
    if len(found) != classes:
        raise BadInput(
            f"--class-names {asked}: {len(found)} names, the network tells {classes} classes apart"
        )
    return tuple(_short(name) or f"class {k}" for k, name in enumerate(found))


def _read(path: Path) -> list[str]:
    if path.suffix.lower() != ".json":
        text = read_plain(path, MOST_BYTES, "file of class names").decode(errors="replace")
        return text.strip("\n").splitlines()
    listed = read_json(path, "list of class names")
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise BadInput(f"{path}: it must be a list of names, in the order of the classes")
    return listed


def _short(name: str) -> str:
    """One line, without what moves a cursor or turns the direction of writing."""
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
