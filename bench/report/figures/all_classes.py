"""All classes in one call beside one class, and what the counted operations would have it cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.report.canvas import panels
from bench.report.files import stem
from bench.report.same_run import places
from bench.report.tables.all_classes import Pair, pairs_of

TITLE = "Grad-CAM of all classes in one call"
STAGES = ("time",)
WIDTH = 0.38


def draw(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """`all_classes_<data set>_<architecture>`: a panel for each layer, batch and run."""
    by_network: dict[tuple[str, str], list[tuple[str, list[Pair]]]] = {}
    for place in places(frame):
        by_spot: dict[str, list[Pair]] = {}
        for pair in pairs_of(place):
            what = pair[0].timing.what
            spot = f"{place.layer(pair[0].timing)}, batch {what['batch']}, {what['precision']}"
            if pair[1] is not None and pair[0].timing.estimate:
                by_spot.setdefault(spot, []).append(pair)
        network = (place.key["dataset"], place.key["architecture"])
        where = place.title.removeprefix(", ".join(network) + ", ")
        found = [(f"{spot}, {where}", pairs) for spot, pairs in by_spot.items()]
        by_network.setdefault(network, []).extend(found)
    for network, found in by_network.items():
        if found:
            yield stem("all_classes", *network), _figure(", ".join(network), found)


def _figure(network: str, found: list[tuple[str, list[Pair]]]) -> Any:
    figure, axes = panels(len(found), 5.6, 3.8, across=2)
    for axis, (title, pairs) in zip(axes, found, strict=True):
        places = np.arange(len(pairs))
        for shift, name, which in ((-WIDTH / 2, "one class", 1), (WIDTH / 2, "all classes", 0)):
            estimates = [pair[which].timing.estimate for pair in pairs]  # type: ignore[union-attr]
            medians = [each.median for each in estimates if each]
            axis.bar(places + shift, medians, WIDTH, label=name)
        counted = [_counted(pair) for pair in pairs]
        axis.plot(places + WIDTH / 2, counted, "k_", ms=16, label="all, by operations")
        names = [f"{pair[0].timing.column}\n{pair[0].timing.mode}" for pair in pairs]
        axis.set_xticks(places, names, fontsize=7)
        axis.set_title(title, fontsize=9)
        axis.set_ylabel("ms per call")
        axis.legend(fontsize=7)
    figure.suptitle(f"{TITLE}: {network}")
    return figure


def _counted(pair: Pair) -> float:
    """What all classes would take if their operations went as fast as those of one class."""
    every, one = pair
    assert one is not None
    assert one.timing.estimate is not None
    return one.timing.estimate.median * every.beside["flops"] / one.beside["flops"]
