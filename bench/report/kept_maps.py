"""The heatmaps that runs have kept of a network, as figures and pages show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.record.array_file import load
from bench.subject.pages import class_names

REFERENCE = "reference"
LAYER, CLASS = "@", "#"
"""Between a method's name and the layer, or the class, that its maps are of."""
Maps = NDArray[np.float64]


@dataclass(frozen=True)
class Kept:
    """What runs have kept of a network: `maps` by method and column, `runs` the newest first.

    `images` (n, H, W, C) in [0, 1], `targets` (n,), and `ranks` (n, r), the strongest classes.
    """

    dataset: str
    architecture: str
    runs: tuple[str, ...]
    images: Maps
    targets: NDArray[Any]
    ranks: NDArray[Any]
    maps: dict[str, dict[str, Maps]]

    def of(self, mark: str) -> dict[str, dict[str, Maps]]:
        """Method -> layer or class, from the first to the last -> the oracle's maps there."""
        found: dict[str, dict[str, Maps]] = {}
        for name in sorted(self.maps, key=lambda name: (len(name.partition(CLASS)[2]), name)):
            method, sign, place = name.partition(mark)
            if sign and REFERENCE in self.maps[name]:
                place = place.partition(".")[2] if mark == LAYER else place  # 03.relu4
                found.setdefault(method, {})[place] = self.maps[name][REFERENCE]
        return found

    @property
    def methods(self) -> dict[str, dict[str, Maps]]:
        """Method -> column -> its maps at the default layer, of the class predicted."""
        return {name: columns for name, columns in sorted(self.maps.items()) if plain(name)}

    def called(self, k: int) -> str:
        """A class by its name."""
        return called(self.dataset, k)

    def classes(self, place: str) -> list[str]:
        """What each image's class is called that maps are of: `3` of all, `top2` of each."""
        rank = int(place.removeprefix("top")) - 1 if place.startswith("top") else None
        return [
            self.called(int(place) if rank is None else int(self.ranks[n, rank]))
            for n in range(len(self.images))
        ]


def plain(name: str) -> bool:
    """Whether a name is a method's alone: of its default layer, and of the class predicted."""
    return LAYER not in name and CLASS not in name


def called(dataset: str, k: int) -> str:
    """What class k of a data set is called; a digit is told from a number."""
    named = class_names(dataset)
    found = named[k] if k < len(named) else str(k)
    return f"class {found}" if found.isdigit() else found


def gathered(paths: Sequence[Path]) -> Iterator[Kept]:
    """Every network of these files (oldest first), each method as the newest that has it shows it.

    An older file is read only as far as it shows the same images.
    """
    found: dict[tuple[str, str], Kept] = {}
    for path in reversed(paths):
        arrays = load(path)
        for name in [name for name in arrays if name.endswith("/images")]:
            dataset, _, rest = name.removesuffix("/images").partition("/")
            head, key = f"{dataset}/{rest}/", (dataset, rest)
            images = np.asarray(arrays[name], np.float64)
            known = found.get(key)
            if known is None:
                none = np.zeros((len(images), 0), np.int32)
                known = found[key] = Kept(
                    dataset, rest, (), images, arrays.get(f"{head}targets", np.zeros(0, np.int32)),
                    arrays.get(f"{head}ranks", none), {},
                )  # fmt: skip
            if not np.array_equal(known.images, images):
                continue
            mine: dict[str, dict[str, Maps]] = {}
            for full, array in arrays.items():
                method, _, column = full.removeprefix(head).rpartition("/")
                if full.startswith(head) and method and method not in known.maps:
                    mine.setdefault(method, {})[column] = np.asarray(array, np.float64)
            if mine:
                runs = (*known.runs, path.stem)
                ranks = known.ranks if known.ranks.size else arrays.get(f"{head}ranks", known.ranks)
                found[key] = replace(known, runs=runs, ranks=ranks, maps={**known.maps, **mine})
    yield from (found[key] for key in sorted(found))
