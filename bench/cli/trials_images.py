"""What may have been done to the images before a network read them: their scale, their colours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from bench.cli.trial import Subject, Trial, changing, with_settings
from implementations.architecture.graph import Node
from implementations.architecture.scaling import CAFFE, IMAGENET

FIRST = "give `import` {}, or put a node of kind normalise first"
NAMED = "give `import` {}, or name --scaling {} here"


def of_images(of: Subject) -> Iterator[Trial]:
    """Scaling, the order of colours, both, and each without the network's own scaling."""
    channels = of.architecture.input_shape[-1]
    half = " ".join(["0.5"] * channels)
    mean, deviation = (np.array(each if channels == 3 else each[:1]) for each in IMAGENET)
    caffe = np.array(CAFFE)
    own = [node for node in of.architecture.nodes if node.kind == "normalise"]
    told = FIRST if own else NAMED  # --scaling is of networks that have none
    scalings = [
        ("", "", lambda x: x),
        ("images of 0 to 255", told.format("--scale 255", "255"), lambda x: x * 255),
        ("images of -1 to 1", told.format(f"--mean {half} --deviation {half}", "symmetric"),
         lambda x: 2 * x - 1),
        ("images divided by 255 once more", "divide by 255 once where yours were made",
         lambda x: x / 255),
    ]  # fmt: skip
    if channels == 3:
        numbers = f"--mean {' '.join(map(str, mean))} --deviation {' '.join(map(str, deviation))}"
        means = " ".join(f"{value / 255:.9g}" for value in CAFFE)
        scalings += [
            ("ImageNet's mean and deviation", told.format(numbers, "imagenet"),
             lambda x: (x - mean) / deviation),
            ("ImageNet's mean taken from images of 0 to 255",
             FIRST.format(f"--scale 255 --mean {means}"), lambda x: x * 255 - caffe),
        ]  # fmt: skip
    orders = [("", "", False)]
    if channels == 3:
        told = "give the images as BGR, or put a node of kind normalise with order [2, 1, 0] first"
        orders += [("colours in the order BGR", told, True)]
    bare = [("", "", False)]
    if own:
        told = f"leave node {own[0].name} out, or scale yours as it does"
        bare += [(f"no scaling by node {own[0].name}", told, True)]
    yield from (_turned(node) for node in own if channels == 3 and node["order"] is None)
    for without, flipped, scaled in product(bare, orders, scalings):
        parts = [part for part in (without, flipped, scaled) if part[0]]
        mends = "; ".join(part[1] for part in parts)
        what = " and ".join(part[0] for part in parts)
        yield Trial(what, mends, _imaged(scaled[2], flipped[2], own if without[2] else []))


def _turned(node: Node) -> Trial:
    """Colours put in the other order once they are scaled."""
    scaling = {part: node[part][::-1] for part in ("mean", "deviation")}
    told = {part: [float(f"{value:.9g}") for value in of] for part, of in scaling.items()}
    order = {"order": [2, 1, 0]}
    written = json.dumps({**order, **told}).strip("{}")
    return Trial(
        f"colours in the order BGR behind node {node.name}",
        f"write {written} into node {node.name}",
        changing({node.name: {**order, **scaling}}),
    )


def _imaged(
    scale: Callable[[Any], Any], flip: bool, own: list[Node]
) -> Callable[[Subject], Subject | None]:
    def change(subject: Subject) -> Subject | None:
        plain = {"mean": (0.0,), "deviation": (1.0,)}
        bare = {
            node.name: {name: value * len(node["mean"]) for name, value in plain.items()}
            for node in own
        }
        made = with_settings(subject, bare) if own else subject
        if made is None:
            return None
        images = scale(made.images.astype(np.float64)).astype(np.float32)
        return made._replace(images=np.ascontiguousarray(images[..., ::-1] if flip else images))

    return change
